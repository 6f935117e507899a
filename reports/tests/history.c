/* The command `assay history`: what is stored stays and is found again, a planted slowdown or loss
 * is confirmed, and nothing else is. */
#include "reports/tests/history_run.h"

static generate_options small(void)
{
    generate_options o = GENERATE_DEFAULTS;
    o.ops = 2;
    o.samples = 12;
    o.drift = 0.006;
    return o;
}

/* Checks, expects an exit status, and gives the JSON. */
static cJSON *check(const char *folder, const char *arguments, int status)
{
    run_expect(status, "history check --db %s/h.sqlite --json %s/check.json %s", folder, folder,
               arguments);
    return run_json(folder, "check.json");
}

/* op, state NULL: any. */
static int count_state(const cJSON *root, const char *op, const char *state)
{
    int count = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(root, "cases"))
    {
        count += (state == NULL || strcmp(run_text(item, "state"), state) == 0) &&
                 (op == NULL || strcmp(run_text(item, "op"), op) == 0);
    }
    return count;
}

static void expect_nothing_confirmed(const char *folder, int run)
{
    char which[32];
    snprintf(which, sizeof which, "--run %d", run);
    cJSON *const root = check(folder, which, 0);
    cr_expect_eq(count_state(root, NULL, "SLOWER") + count_state(root, NULL, "FASTER"), 0,
                 "run %d", run);
    cJSON_Delete(root);
}

Test(history, the_same_files_are_one_run_in_any_order)
{
    char folder[64];
    run_folder(folder);
    history_file(folder, "a.json", 0, small());
    history_file(folder, "b.json", 1, small());
    for (int i = 0; i < 3; i++) {
        run_output run = run_program(i == 1 ? "history add %s/b.json %s/a.json --db %s/h.sqlite"
                                            : "history add %s/a.json %s/b.json --db %s/h.sqlite",
                                     folder, folder, folder);
        cr_expect_eq(run.status, 0, "%s", run.err);
        cr_expect_not_null(strstr(run.out, i == 0 ? "stored in" : "already"), "%s", run.out);
        run_free(&run);
    }
    run_expect(0, "history add %s/b.json --db %s/h.sqlite", folder, folder); /* all is stored */
    history_file(folder, "c.json", 2, small());
    run_output run =
        run_program("history add %s/c.json %s/b.json --db %s/h.sqlite", folder, folder, folder);
    cr_expect_eq(run.status, 3, "its timings would count twice");
    cr_expect_eq(run_lines(run.err), 1);
    cr_expect_not_null(strstr(run.err, "b.json: is stored already, in run 1"), "%s", run.err);
    run_free(&run);
    cr_expect_eq(history_count(folder, "SELECT count(*) FROM run"), 1);
    cr_expect_eq(history_count(folder, "SELECT count(*) FROM file"), 2);
    run = run_program("history show --db %s/h.sqlite --op sae_encode --impl scalar", folder);
    cr_expect_eq(run.status, 0);
    cr_expect_not_null(strstr(run.out, "Example 2-core processor"), "%s", run.out);
    cr_expect_not_null(strstr(run.out, "sae_encode"));
    run_free(&run);
    run_remove(folder);
}

Test(history, a_planted_slowdown_is_confirmed_and_nothing_else)
{
    char folder[64];
    generate_options o = small();
    run_folder(folder);
    history_add_nights(folder, 0, 12, o);
    cJSON *root = check(folder, "", 0);
    cr_expect_eq(cJSON_GetArraySize(cJSON_GetObjectItem(root, "cases")), 84);
    cr_expect_eq(count_state(root, NULL, "SLOWER") + count_state(root, NULL, "FASTER"), 0);
    cJSON_Delete(root);
    o.slow_op = "sae_encode";
    o.slower = 1.15;
    history_add_night(folder, 12, o);
    root = check(folder, "", 0); /* one night is a suspicion */
    cr_expect_gt(count_state(root, NULL, "SUSPECT"), 60);
    cJSON_Delete(root);
    history_add_nights(folder, 13, 20, o);
    root = check(folder, "", 1);
    cr_expect_geq(count_state(root, "sae_encode", "SLOWER"), 75); /* some pass for correlation */
    cr_expect_eq(count_state(root, NULL, "FASTER"), 0);
    cJSON_Delete(root);
    /* Once it is older than the runs that count as recent, it is the baseline. */
    root = check(folder, "--recent 5", 0);
    cJSON_Delete(root);
    /* The run before the slowdown, looked at again, is as it was. */
    root = check(folder, "--run 12", 0);
    cr_expect_eq(count_state(root, NULL, "SLOWER"), 0);
    cJSON_Delete(root);
    root = check(folder, "--op linear", 3); /* nothing of that name was measured */
    cJSON_Delete(root);
    run_remove(folder);
}

/* Two hundred comparisons a night of the same program against itself. */
Test(history, noise_confirms_nothing)
{
    char folder[64];
    generate_options o = small();
    run_folder(folder);
    o.noise = 0.05;
    o.drift = 0.012;
    o.ops = 5;
    history_add_nights(folder, 0, 16, o);
    for (int night = 8; night <= 16; night += 4) {
        expect_nothing_confirmed(folder, night);
    }
    run_remove(folder);
}

/* Work beside it comes and stays: from then on every second timing, each by itself, is slow. Of 200
 * cases some were fast in all runs before and are slow in all since. */
Test(history, a_machine_that_became_restless_confirms_nothing, .timeout = 120)
{
    char folder[64];
    generate_options o = small();
    run_folder(folder);
    o.ops = 5;
    history_add_nights(folder, 0, 10, o);
    o.restless = 0.5;
    history_add_nights(folder, 10, 21, o);
    for (int run = 13; run <= 21; run += 2) {
        expect_nothing_confirmed(folder, run);
    }
    run_remove(folder);
}

/* Neighbours on the cores, in every sample from some run on: bench says so, and nothing is claimed
 * of the program. */
Test(history, neighbours_on_the_cores_confirm_nothing)
{
    char folder[64];
    generate_options o = small();
    run_folder(folder);
    o.ops = 2;
    history_add_nights(folder, 0, 10, o);
    o.shared = 1.0;
    history_add_nights(folder, 10, 15, o);
    for (int run = 11; run <= 15; run++) {
        expect_nothing_confirmed(folder, run);
    }
    run_remove(folder);
}

/* One op of several is slower: the rest says that the machine is as it was. */
Test(history, a_slowdown_of_some_cases_is_theirs)
{
    char folder[64];
    generate_options o = small();
    run_folder(folder);
    o.ops = 5; /* three of them sae_encode, two sae_decode */
    history_add_nights(folder, 0, 10, o);
    o.slow_op = "sae_decode";
    o.slower = 1.15;
    history_add_nights(folder, 10, 14, o);
    cJSON *const root = check(folder, "", 1);
    const int decodes = count_state(root, "sae_decode", NULL);
    cr_expect_gt(decodes, 60);
    cr_expect_geq(10 * count_state(root, "sae_decode", "SLOWER"), 9 * decodes);
    cr_expect_eq(count_state(root, "sae_encode", "SLOWER"), 0);
    cJSON_Delete(root);
    run_remove(folder);
}

Test(history, nothing_to_compare_with_is_no_pass)
{
    char folder[64];
    generate_options o = small();
    run_folder(folder);
    history_add_night(folder, 0, o);
    cJSON_Delete(check(folder, "", 3));
    o.machine = "ffee000000000001"; /* another machine's runs are no baseline */
    history_add_night(folder, 1, o);
    cJSON_Delete(check(folder, "", 3));
    o.machine = GENERATE_DEFAULTS.machine;
    history_add_night(folder, 2, o);
    cJSON_Delete(check(folder, "", 0));
    run_remove(folder);
}

Test(history, a_lost_bit_and_a_bad_verdict_are_losses)
{
    char folder[64];
    generate_options o = small();
    run_folder(folder);
    history_add_night(folder, 0, o);
    o.error = 1.9;
    history_add_night(folder, 1, o);
    cJSON *root = check(folder, "", 0);
    cr_expect_eq(cJSON_GetArraySize(cJSON_GetObjectItem(root, "losses")), 0);
    cJSON_Delete(root);
    o.error = 4.0;
    history_add_night(folder, 2, o);
    root = check(folder, "", 1);
    cr_expect_eq(cJSON_GetArraySize(cJSON_GetObjectItem(root, "losses")), 2 * 4 * 6);
    cJSON_Delete(root);
    run_remove(folder);
}

Test(history, pruning_keeps_the_newest_of_each_machine)
{
    char folder[64];
    generate_options o = small();
    run_folder(folder);
    o.ops = 1;
    history_add_nights(folder, 0, 5, o);
    o.machine = "ffee000000000001";
    history_add_night(folder, 5, o);
    run_output run = run_program("history prune --db %s/h.sqlite --keep 2", folder);
    cr_expect_eq(run.status, 0, "%s", run.err);
    cr_expect_str_eq(run.out, "3 runs deleted\n");
    run_free(&run);
    run = run_program("history prune --db %s/h.sqlite --run 4", folder);
    cr_expect_str_eq(run.out, "1 run deleted\n", "%s", run.err);
    run_free(&run);
    run = run_program("history prune --db %s/h.sqlite --run 4", folder);
    cr_expect_eq(run.status, 3, "it is gone");
    run_free(&run);
    run = run_program("history list --db %s/h.sqlite --json %s/list.json", folder, folder);
    cr_expect_str_eq(run.out, "");
    run_free(&run);
    cJSON *const root = run_json(folder, "list.json");
    const cJSON *const runs = cJSON_GetObjectItem(root, "runs");
    cr_assert_eq(cJSON_GetArraySize(runs), 2);
    cr_expect_eq(cJSON_GetObjectItem(cJSON_GetArrayItem(runs, 0), "run")->valuedouble, 5.0);
    cr_expect_eq(cJSON_GetObjectItem(cJSON_GetArrayItem(runs, 1), "run")->valuedouble, 6.0);
    cJSON_Delete(root);
    cr_expect_eq(history_count(folder, "SELECT count(*) FROM timing WHERE run NOT IN (5, 6)"), 0);
    history_expect_whole(folder);
    run_remove(folder);
}

Test(history, plots_mark_the_steps)
{
    char folder[64];
    generate_options o = small();
    run_folder(folder);
    o.ops = 1;
    for (int night = 0; night < 16; night++) {
        o.slow_op = night >= 8 ? "sae_encode" : NULL;
        o.slower = 1.2;
        history_add_night(folder, night, o);
    }
    static const char *const forms[] = {"html", "svg", "png"};
    for (int i = 0; i < 3; i++) {
        run_expect(0, "history plot --db %s/h.sqlite --impl scalar --out %s/p.%s", folder, folder,
                   forms[i]);
    }
    char *const html = run_slurp("%s/p.html", folder);
    cr_expect_not_null(strstr(html, "×</span> the time before"));
    cr_expect_not_null(strstr(html, "<svg class=\"plot\""));
    cr_expect_null(strstr(html, "http"));
    cr_expect_null(strstr(html, "not drawn"));
    free(html);
    char *const svg = run_slurp("%s/p.svg", folder);
    cr_expect_not_null(strstr(svg, "sae_encode/scalar goodfire-sae_encode, batch 1, cold"));
    cr_expect(strstr(svg, ">+19.") != NULL || strstr(svg, ">+20.") != NULL);
    free(svg);
    char *const png = run_slurp("%s/p.png", folder);
    cr_expect_eq(strncmp(png, "\x89PNG", 4), 0);
    free(png);
    run_output run =
        run_program("history plot --db %s/h.sqlite --op nothing --out %s/q.png", folder, folder);
    cr_expect_eq(run.status, 3);
    cr_expect_not_null(strstr(run.err, "no stored timing matches"), "%s", run.err);
    run_free(&run);
    run_remove(folder);
}
