/* Trials of the gate kept in a file: many sittings, killed at any moment, nothing else lost. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/gate_log.h"

static const assay_trial quiet = {
    .cases = 1, .seconds = 5, .spent = 2.5, .suspects = 1, .pairs = 13, .noise = 0.004};
static const assay_trial found = {
    .cases = 1, .extra = true, .percent = 3, .slower = 1, .right = 1,
    .spent = 4, .slowdown = 1.03, .noise = 0.002};
static const assay_trial whole = {
    .cases = ASSAY_TRIAL_CASES, .percent = 10, .slower = 5, .right = ASSAY_TRIAL_SLOW};

static char path[] = "./assay-gate-XXXXXX";

static void place(void)
{
    const int file = mkstemp(path);
    cr_assert(file >= 0);
    close(file);
    unlink(path);
}

static void drop(void)
{
    unlink(path);
}

static void add(assay_gate_log *log, const assay_trial *trial)
{
    assay_error error = {.message = ""};
    cr_assert_eq(assay_gate_log_add(log, trial, &error), ASSAY_OK, "%s", error.message);
}

static void begin(void)
{
    assay_error error = {.message = ""};
    assay_gate_log log;
    cr_assert_eq(assay_gate_log_open(path, false, &log, &error), ASSAY_OK, "%s", error.message);
    add(&log, &quiet);
    add(&log, &found);
    add(&log, &whole);
    assay_gate_log_close(&log);
}

static void expect_all(const assay_gate_tally *tally, size_t sittings)
{
    cr_expect_eq(tally->sittings, sittings);
    cr_expect_eq(tally->trials, 3);
    cr_expect_eq(tally->alarms.trials, 1);
    cr_expect_eq(tally->alarms.hits, 0);
    cr_expect_eq(tally->suspected, 1);
    cr_expect_eq(tally->confirmable, 1);
    cr_expect_eq(tally->power[2][1].trials, 1);
    cr_expect_eq(tally->power[2][1].hits, 1);
    cr_expect_float_eq(tally->slowdown[2][1], 1.03, 1e-6);
    cr_expect_eq(tally->run_power[4].hits, ASSAY_TRIAL_SLOW);
    cr_expect_eq(tally->run_slower, 5);
    cr_expect_eq(tally->run_false, 1);
    cr_expect_float_eq(tally->noise, 0.006, 1e-9);
    cr_expect_float_eq(tally->seconds[0], 2.5, 1e-9);
}

static off_t size_of(void)
{
    struct stat about;
    cr_assert_eq(stat(path, &about), 0);
    return about.st_size;
}

Test(gate_log, a_second_sitting_counts_the_first, .init = place, .fini = drop)
{
    assay_error error = {.message = ""};
    assay_gate_log log;
    begin();
    cr_assert_eq(assay_gate_log_open(path, true, &log, &error), ASSAY_OK, "%s", error.message);
    expect_all(&log.tally, 1);
    add(&log, &quiet);
    cr_expect_eq(log.tally.sittings, 2);
    assay_gate_log_close(&log);
    cr_assert_eq(assay_gate_log_open(path, true, &log, &error), ASSAY_OK, "%s", error.message);
    cr_expect_eq(log.tally.sittings, 2);
    cr_expect_eq(log.tally.trials, 4);
    assay_gate_log_close(&log);
}

/* The writer is killed after any number of bytes of its last line. */
Test(gate_log, a_line_cut_off_is_dropped_and_no_other, .init = place, .fini = drop)
{
    assay_error error = {.message = ""};
    begin();
    const off_t good = size_of();
    for (off_t cut = 0; cut < 40; cut++) {
        assay_gate_log log;
        cr_assert_eq(assay_gate_log_open(path, true, &log, &error), ASSAY_OK, "%s", error.message);
        add(&log, &found); /* and the line before it, of the sitting */
        const off_t before = size_of();
        add(&log, &quiet);
        assay_gate_log_close(&log);
        const off_t end = size_of();
        cr_assert(end > before && before > good);
        cr_assert_eq(truncate(path, before + cut * (end - before - 1) / 39), 0);
        cr_assert_eq(assay_gate_log_open(path, true, &log, &error), ASSAY_OK, "%s", error.message);
        cr_expect_eq(log.tally.trials, 4, "cut %d", (int)cut);
        cr_expect_eq(log.tally.power[2][1].hits, 2);
        assay_gate_log_close(&log);
        cr_expect_eq(size_of(), before);
        cr_assert_eq(truncate(path, good), 0);
    }
}

Test(gate_log, the_first_line_cut_off_is_begun_anew, .init = place, .fini = drop)
{
    static const off_t cuts[] = {0, 1, 12, 60};
    assay_error error = {.message = ""};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        assay_gate_log log;
        unlink(path);
        begin();
        cr_assert_eq(truncate(path, cuts[i]), 0);
        cr_assert_eq(assay_gate_log_open(path, true, &log, &error), ASSAY_OK, "%s", error.message);
        cr_expect_eq(log.tally.trials, 0);
        add(&log, &quiet);
        assay_gate_log_close(&log);
        cr_assert_eq(assay_gate_log_open(path, true, &log, &error), ASSAY_OK, "%s", error.message);
        cr_expect_eq(log.tally.trials, 1);
        assay_gate_log_close(&log);
    }
}

/* Neither with --resume nor without is a file lost that is not what it is taken for. */
Test(gate_log, other_files_are_refused_and_left_alone, .init = place, .fini = drop)
{
    static const char *const texts[] = {"notes", "notes\nand more\n", "{\"planted\":\"nothing\"}\n",
                                        "{\"format\":\"assay-results\",\"version\":1}\n"};
    assay_gate_log log;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assay_error error = {.message = ""};
        FILE *const file = fopen(path, "w");
        cr_assert_not_null(file);
        fputs(texts[i], file);
        fclose(file);
        cr_expect_eq(assay_gate_log_open(path, true, &log, &error), ASSAY_BAD_INPUT, "%s",
                     texts[i]);
        cr_expect_not_null(strstr(error.message, "line 1"), "%s", error.message);
        cr_expect_eq(assay_gate_log_open(path, false, &log, &error), ASSAY_BAD_INPUT, "%s",
                     texts[i]);
        cr_expect_eq(size_of(), (off_t)strlen(texts[i]), "%s", texts[i]);
    }
}
