/* The selftests' own parts: the list of mutants, the bound on a rate, the journal of a campaign. */
#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "fixtures/synth/cases.h"
#include "verify/golden_path.h"
#include "verify/selftest/false_alarms.h"
#include "verify/selftest/host_mutants.h"
#include "verify/selftest/mutants.h"

Test(mutants, are_many_and_each_stands_once_with_checks)
{
    size_t count = 0;
    const assay_mutant *const all = assay_mutants(&count);
    cr_assert_geq(count, 80);
    for (size_t i = 0; i < count; i++) {
        cr_assert_neq(all[i].checks, 0, "%s lists no check", all[i].name);
        cr_assert_eq(all[i].checks & 1u, 0, "%s lists 'none'", all[i].name);
        cr_assert_leq(strlen(all[i].name), 36, "%s does not fit the table", all[i].name);
        for (size_t j = i + 1; j < count; j++) {
            cr_assert_str_neq(all[i].name, all[j].name);
        }
    }
}

static bool names_a_case(const assay_mutant *mutant, const assay_case_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(assay_op_name(list->entries[i].op), mutant->op) == 0 &&
            assay_filter_matches(mutant->cases, list->entries[i].id)) {
            return true;
        }
    }
    return false;
}

static bool names_a_golden_case(const assay_mutant *mutant)
{
    assay_path_list paths = {0};
    bool found = false;
    cr_assert_eq(assay_golden_list(ASSAY_SOURCE_DIR "/fixtures/golden", &paths, NULL), ASSAY_OK);
    for (size_t i = 0; i < paths.count; i++) {
        assay_bundle bundle = {0};
        cr_assert_eq(assay_bundle_open(paths.path[i], &bundle, NULL), ASSAY_OK);
        for (size_t c = 0; c < bundle.case_count; c++) {
            found = found || assay_filter_matches(mutant->cases, bundle.cases[c].id);
        }
        assay_bundle_close(&bundle);
    }
    assay_path_list_free(&paths);
    return found;
}

Test(mutants, name_cases_that_exist)
{
    size_t count = 0;
    const assay_mutant *const all = assay_mutants(&count);
    assay_case_list list;
    cr_assert_eq(assay_case_list_open(ASSAY_SOURCE_DIR "/fixtures/cases/verify.json", &list, NULL),
                 ASSAY_OK);
    cr_assert_eq(assay_case_list_draw(&list, 1, NULL), ASSAY_OK);
    for (size_t i = 0; i < count; i++) {
        cr_assert(names_a_case(&all[i], &list) || names_a_golden_case(&all[i]),
                  "%s: no case matches '%s'", all[i].name, all[i].cases);
    }
    assay_case_list_close(&list);
}

Test(mutants, of_the_host_change_one_function)
{
    size_t count = 0;
    size_t hosts = 0;
    const assay_mutant *const all = assay_mutants(&count);
    assay_host_functions wrong;
    for (size_t i = 0; i < count; i++) {
        if (all[i].host) {
            cr_assert(assay_host_mutant(all[i].name, &wrong));
            const int changed = (wrong.encode != assay_host_own.encode) +
                                (wrong.decode != assay_host_own.decode) +
                                (wrong.render != assay_host_own.render) +
                                (wrong.prompt != assay_host_own.prompt) +
                                (wrong.label != assay_host_own.label) +
                                (wrong.eos_count != assay_host_own.eos_count);
            cr_assert_eq(changed, 1, "%s", all[i].name);
            hosts++;
        }
    }
    cr_assert_gt(hosts, 10);
    cr_assert_not(assay_host_mutant("m_no_such", &wrong));
}

Test(alarms, bound_is_clopper_and_pearsons)
{
    cr_assert_float_eq(assay_alarm_bound(0, 10000), 1.0 - pow(0.05, 1e-4), 1e-12);
    cr_assert_float_eq(assay_alarm_bound(0, 10000), 3e-4, 1e-6); /* the rule of three */
    /* P(X <= 1) = 0.05 at 10 runs: (1-p)^10 + 10 p (1-p)^9. */
    const double p = assay_alarm_bound(1, 10);
    cr_assert_float_eq(pow(1.0 - p, 10) + 10.0 * p * pow(1.0 - p, 9), 0.05, 1e-9);
    cr_assert_eq(assay_alarm_bound(5, 5), 1.0);
    cr_assert_gt(assay_alarm_bound(2, 100), assay_alarm_bound(1, 100));
}

/* A journal's file in a folder of its own: json is what --json would name. */
static void in_folder(char *json, size_t size)
{
    char folder[] = "./assay-alarms-XXXXXX";
    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(json, size, "%s/alarms.json", folder);
}

static void drop_folder(char *json)
{
    char path[160];
    (void)snprintf(path, sizeof path, "%s.journal", json);
    unlink(path);
    *strrchr(json, '/') = '\0';
    cr_expect_eq(rmdir(json), 0, "something was left in %s", json);
}

static void add_run(assay_alarm_journal *journal, assay_alarm_tally *tally, uint64_t alarms)
{
    const assay_alarm_tally before = *tally;
    for (uint64_t i = 0; i < alarms; i++) {
        assay_alarm *const alarm = &tally->described[tally->alarms++];
        *alarm = (assay_alarm){.run = tally->runs, .seed = 3, .threads = 2, .verdict = "FAIL",
                               .check = "value", .op = "linear", .impl = "scalar",
                               .case_id = "linear-1x1x1-normal", .message = "off by one"};
    }
    tally->verdicts += 3;
    tally->elements += 100;
    tally->worst = 0.5;
    tally->runs++;
    cr_assert_eq(assay_alarm_journal_add(journal, &before, tally, NULL), ASSAY_OK);
}

Test(alarms, a_campaign_goes_on_from_its_journal)
{
    char json[128];
    in_folder(json, sizeof json);
    assay_alarm_tally written = {.seed = 3};
    assay_alarm_tally read = {.seed = 3};
    assay_alarm_tally other = {.seed = 4};
    assay_alarm_journal *journal = NULL;
    cr_assert_eq(assay_alarm_journal_open(json, false, &written, &journal, NULL), ASSAY_OK);
    add_run(journal, &written, 0);
    add_run(journal, &written, 1);
    add_run(journal, &written, 0);
    assay_alarm_journal_close(&journal);

    cr_assert_eq(assay_alarm_journal_open(json, true, &read, &journal, NULL), ASSAY_OK);
    assay_alarm_journal_close(&journal);
    cr_assert_eq(read.runs, 3);
    cr_assert_eq(read.alarms, 1);
    cr_assert_eq(read.verdicts, 9);
    cr_assert_eq(read.elements, 300);
    cr_assert_eq(read.worst, 0.5);
    cr_assert_str_eq(read.described[0].message, "off by one");
    cr_assert_eq(read.described[0].run, 1);

    cr_assert_eq(assay_alarm_journal_open(json, true, &other, &journal, NULL), ASSAY_BAD_INPUT);
    cr_assert_null(journal);
    other = (assay_alarm_tally){.seed = 3, .pairs = true};
    cr_assert_eq(assay_alarm_journal_open(json, true, &other, &journal, NULL), ASSAY_BAD_INPUT);
    cr_assert_null(journal);
    drop_folder(json);
}

Test(alarms, a_run_that_was_cut_off_is_not_counted)
{
    char json[128];
    char path[160];
    in_folder(json, sizeof json);
    (void)snprintf(path, sizeof path, "%s.journal", json);
    FILE *const file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs("assay-false-alarms 3 draws seed 3\nrun 0 0 3 0 100 0 1 0.25 0.01\nrun 1 0 3 0 1", file);
    (void)fclose(file);
    assay_alarm_tally tally = {.seed = 3};
    assay_alarm_journal *journal = NULL;
    cr_assert_eq(assay_alarm_journal_open(json, true, &tally, &journal, NULL), ASSAY_OK);
    cr_assert_eq(tally.runs, 1);
    assay_alarm_journal_close(&journal);
    drop_folder(json);
}
