/* The command `assay compare`: what is planted is found, what is not there is not, and how often.
 */
#include "reports/tests/files.h"

typedef struct counts {
    int faster, slower, same, unsure;
} counts;

static cJSON *compare(const char *folder, const char *arguments, int status)
{
    run_expect(status, "compare %s/a.json %s/b.json --json %s/c.json %s", folder, folder, folder,
               arguments);
    return run_json(folder, "c.json");
}

/* Verdicts of cases of one op, or of all others. */
static counts count(const cJSON *root, const char *op, bool others)
{
    counts c = {0, 0, 0, 0};
    const cJSON *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(root, "cases"))
    {
        const char *const verdict = run_text(item, "verdict");
        if ((strcmp(run_text(item, "op"), op) == 0) != others) {
            c.faster += strcmp(verdict, "FASTER") == 0;
            c.slower += strcmp(verdict, "SLOWER") == 0;
            c.same += strcmp(verdict, "SAME") == 0;
            c.unsure += strcmp(verdict, "UNSURE") == 0;
        }
    }
    return c;
}

Test(compare, a_planted_slowdown_is_found_and_nothing_else)
{
    char folder[64];
    generate_options o = GENERATE_DEFAULTS;
    o.samples = 64;
    o.processes = 8;
    files_begin(folder, "a.json", &o);
    o.seed = 2;
    o.slow_op = "sae_encode";
    o.slower = 1.10;
    files_add(folder, "b.json", &o);
    cJSON *const root = compare(folder, "--gate", 1);
    const counts planted = count(root, "sae_encode", false);
    const counts others = count(root, "sae_encode", true);
    cr_expect_eq(planted.slower, 3 * 42, "%d of 126", planted.slower);
    cr_expect_eq(others.slower + others.faster, 0);
    cr_expect_eq(others.same + others.unsure, 7 * 42);
    const cJSON *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(root, "cases"))
    {
        const cJSON *const ratio = cJSON_GetObjectItem(item, "ratio");
        const double low = cJSON_GetObjectItem(ratio, "low")->valuedouble;
        const double high = cJSON_GetObjectItem(ratio, "high")->valuedouble;
        const double value = cJSON_GetObjectItem(ratio, "value")->valuedouble;
        cr_assert(low < value && value < high);
        cr_assert(cJSON_GetObjectItem(item, "p")->valuedouble <=
                  cJSON_GetObjectItem(item, "corrected_p")->valuedouble);
    }
    cJSON_Delete(root);
    run_remove(folder);
}

/* The same program against itself, over many cases and pairs of runs. */
Test(compare, nothing_is_found_where_nothing_is)
{
    char folder[64];
    generate_options o = GENERATE_DEFAULTS;
    run_folder(folder);
    o.noise = 0.05;
    o.drift = 0.01;
    for (uint64_t i = 0; i < 4; i++) {
        o.seed = 100 + 2 * i;
        files_add(folder, "a.json", &o);
        o.seed++;
        files_add(folder, "b.json", &o);
        cJSON *const root = compare(folder, "--gate", 0);
        const counts c = count(root, "", true);
        cr_expect_eq(c.faster + c.slower, 0);
        cr_expect_eq(c.same + c.unsure, 420);
        cJSON_Delete(root);
    }
    run_remove(folder);
}

/* One process a side says nothing of the next process: a spread is assumed, and what a machine of
 * two speeds does by itself is UNSURE. */
Test(compare, one_process_a_side_is_not_trusted_far)
{
    char folder[64];
    generate_options o = GENERATE_DEFAULTS;
    o.processes = 1;
    o.noise = 0.001;
    files_begin(folder, "a.json", &o);
    o.seed = 2;
    o.slow_op = "adapter";
    o.slower = 2.4;
    files_add(folder, "b.json", &o);
    cJSON *const root = compare(folder, "", 0);
    const counts c = count(root, "adapter", false);
    cr_expect_eq(c.slower, 0);
    cr_expect_eq(c.unsure, 42);
    cJSON_Delete(root);
    o.slower = 40.0; /* that is no machine's mood */
    files_add(folder, "b.json", &o);
    cJSON *const far = compare(folder, "", 0);
    cr_expect_eq(count(far, "adapter", false).slower, 42);
    cJSON_Delete(far);
    run_remove(folder);
}

/* Half of one side's samples had a neighbour on their cores: the others are compared. Where all had
 * one, the kernel may be as fast as ever; a slowdown no neighbour makes is found all the same. */
Test(compare, a_neighbour_on_the_cores_is_no_slowdown)
{
    static const struct {
        double shared, slower;
        bool found;
    } runs[] = {{0.5, 1.0, false}, {0.5, 1.1, true}, {1.0, 1.0, false}, {1.0, 3.0, true}};
    char folder[64];
    generate_options o = GENERATE_DEFAULTS;
    o.samples = 80;
    o.processes = 8;
    files_begin(folder, "a.json", &o);
    o.slow_op = "sae_encode";
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        o.seed = 2 + i;
        o.shared = runs[i].shared;
        o.slower = runs[i].slower;
        files_add(folder, "b.json", &o);
        cJSON *const root = compare(folder, "", 0);
        const counts planted = count(root, "sae_encode", false);
        const counts others = count(root, "sae_encode", true);
        cr_expect_eq(planted.slower, runs[i].found ? 3 * 42 : 0, "run %zu: %d", i, planted.slower);
        cr_expect_eq(others.slower + others.faster, 0, "run %zu", i);
        cJSON_Delete(root);
    }
    /* The other way round it is no speed-up. */
    run_expect(0, "compare %s/b.json %s/a.json --json %s/c.json --impl scalar --op linear", folder,
               folder, folder);
    cJSON *const back = run_json(folder, "c.json");
    cr_expect_eq(count(back, "linear", false).faster, 0);
    cr_expect_eq(count(back, "linear", false).unsure, 7);
    cJSON_Delete(back);
    run_remove(folder);
}

Test(compare, a_lost_bit_and_a_failed_verdict_are_accuracy)
{
    char folder[64];
    generate_options o = GENERATE_DEFAULTS;
    o.ops = 2;
    files_begin(folder, "a.json", &o);
    o.error = 1.9;
    files_add(folder, "b.json", &o);
    cJSON *root = compare(folder, "", 0);
    const cJSON *item;
    int small = 0;
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(root, "accuracy"))
    {
        small += strcmp(run_text(item, "verdict"), "PASS") == 0; /* by less than a bit */
    }
    cr_expect_eq(small, 0);
    cJSON_Delete(root);
    o.error = 3.0;
    files_add(folder, "b.json", &o);
    root = compare(folder, "--gate", 1);
    cr_expect_eq(cJSON_GetArraySize(cJSON_GetObjectItem(root, "accuracy")), 2 * 4 * 6);
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(root, "accuracy"))
    {
        cr_assert_str_eq(run_text(item, "change"), "WORSE");
    }
    cJSON_Delete(root);
    run_remove(folder);
}

/* A machine three times as fast: everything is faster, and nothing is nearer to its own floor. */
Test(compare, machines_are_normalised_by_their_own_ceilings)
{
    char folder[64];
    generate_options o = GENERATE_DEFAULTS;
    files_begin(folder, "a.json", &o);
    o.seed = 2;
    o.speed = 3.0;
    o.machine = "ffee000000000001";
    o.cpu = "Other <processor>";
    files_add(folder, "b.json", &o);
    char page[160];
    snprintf(page, sizeof page, "--html %s/c.html", folder);
    cJSON *const root = compare(folder, page, 0);
    cr_expect_eq(count(root, "", true).faster, 420);
    const cJSON *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(root, "cases"))
    {
        if (strcmp(run_text(item, "op"), "sae_encode") == 0) { /* small ops have constant costs */
            cr_assert_float_eq(cJSON_GetObjectItem(item, "floor_fraction")->valuedouble /
                                   cJSON_GetObjectItem(item, "base_floor_fraction")->valuedouble,
                               1.0, 0.05);
        }
    }
    const cJSON *const environment = cJSON_GetObjectItem(root, "environment");
    cr_expect_eq(cJSON_GetArraySize(environment), 2); /* machine and cpu, not the date */
    cr_expect_not_null(cJSON_GetObjectItem(environment, "machine"));
    cJSON_Delete(root);
    char *const html = run_slurp("%s/c.html", folder);
    cr_expect_not_null(strstr(html, "Other &lt;processor&gt;"));
    cr_expect_not_null(strstr(html, "<svg class=\"plot\""));
    cr_expect_null(strstr(html, "not drawn"));
    cr_expect_null(strstr(html, "http"));
    free(html);
    run_remove(folder);
}

Test(compare, implementations_of_one_file_are_compared)
{
    char folder[64];
    generate_options o = GENERATE_DEFAULTS;
    o.ops = 1;
    files_begin(folder, "a.json", &o);
    files_add(folder, "b.json", &o);
    cJSON *const root = compare(folder, "--impl scalar=avx512_bf16 --case 'goodfire*'", 0);
    const counts c = count(root, "sae_encode", false);
    cr_expect_eq(c.faster, 7);
    cr_expect_eq(c.faster + c.slower + c.same + c.unsure, 7);
    cJSON_Delete(root);
    run_remove(folder);
}

Test(compare, mistakes_are_one_line_with_a_remedy)
{
    char folder[64];
    generate_options o = GENERATE_DEFAULTS;
    o.ops = 1;
    files_begin(folder, "a.json", &o);
    static const struct {
        const char *arguments;
        int status;
        const char *part;
    } mistakes[] = {{"a.json", 2, "two or more"},
                    {"a.json b.json --no-such", 2, "--no-such"},
                    {"a.json b.json --margin x", 2, "--margin"},
                    {"a.json b.json --fdr 0", 2, "--fdr"},
                    {"a a a a a a a a a a a a a a a a a a a a a a a a a a a", 2, "at most 26"},
                    {"/nowhere/a.json b.json", 3, "/nowhere/a.json"}};
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        run_output run = run_program("compare %s", mistakes[i].arguments);
        cr_expect_eq(run.status, mistakes[i].status, "%s: %d", mistakes[i].arguments, run.status);
        cr_expect_eq(run_lines(run.err), 1, "%s", run.err);
        cr_expect_not_null(strstr(run.err, mistakes[i].part), "%s", run.err);
        run_free(&run);
    }
    /* a file that is wrong half way through */
    char path[128];
    snprintf(path, sizeof path, "%s/wrong.json", folder);
    FILE *const file = fopen(path, "w");
    fputs("{\"format\":\"assay-results\",\"version\":\"2.0.0\",\"environment\":{},"
          "\"verdicts\":[{\"op\":\"x\",\"impl\":\"y\",\"case\":\"z\",\"verdict\":\"PASS\"}],"
          "\"timings\":[{\"op\":1}]}",
          file);
    cr_assert_eq(fclose(file), 0);
    run_output run = run_program("compare %s/a.json %s", folder, path);
    cr_expect_eq(run.status, 3, "%s", run.err); /* the sanitizer's 1 when anything is leaked */
    cr_expect_eq(run_lines(run.err), 1, "%s", run.err);
    cr_expect_not_null(strstr(run.err, "timings[0]"), "%s", run.err);
    run_free(&run);
    run = run_program("compare %s/a.json %s/a.json --op nothing", folder, folder);
    cr_expect_eq(run.status, 3);
    cr_expect_not_null(strstr(run.err, "no case of"), "%s", run.err);
    run_free(&run);
    run_remove(folder);
}
