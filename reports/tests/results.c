/* Result files into memory: what is there, identities, versions, files that are wrong. */
#include <criterion/criterion.h>
#include <time.h>
#include <unistd.h>

#include "reports/results.h"
#include "reports/tests/generate.h"

static void scratch(char *path)
{
    strcpy(path, "./assay-reports-XXXXXX");
    close(mkstemp(path));
}

/* Parses a text; the message must hold every part (NULL ends) when it is refused. */
static assay_status parse(const char *text, assay_results *results, assay_error *error)
{
    assay_doc *doc = NULL;
    const assay_status status = assay_doc_parse("f.json", text, strlen(text), &doc, error);
    return status == ASSAY_OK ? assay_results_add_doc(results, doc, error) : status;
}

static void expect_refused(const char *text, const char *part, const char *other)
{
    assay_results results = {0};
    assay_error error = {.message = ""};
    cr_assert_eq(parse(text, &results, &error), ASSAY_BAD_INPUT, "taken: %s", text);
    cr_expect_not_null(strstr(error.message, "f.json"), "%s", error.message);
    cr_expect_not_null(strstr(error.message, part), "'%s' does not say '%s'", error.message, part);
    cr_expect_not_null(strstr(error.message, other), "'%s' does not say '%s'", error.message,
                       other);
    cr_expect_null(strchr(error.message, '\n'));
    cr_expect_eq(results.file_count, 0);
    cr_expect_eq(results.timing_count, 0);
    assay_results_free(&results);
}

Test(results, a_generated_file_loads_whole)
{
    char path[64];
    generate_options o = GENERATE_DEFAULTS;
    assay_results results = {0};
    assay_error error;
    scratch(path);
    o.samples = 17;
    generate_results(path, &o);
    cr_assert_eq(assay_results_add(&results, path, &error), ASSAY_OK, "%s", error.message);
    unlink(path);
    cr_assert_eq(results.timing_count, 10 * 6 * 7);
    cr_expect_eq(results.verdict_count, 10 * 4 * 6);
    cr_expect_eq(results.comparison_count, 15);
    cr_expect_eq(results.skipped_count, 1);
    cr_expect_str_eq(results.file[0].machine, "00112233445566aa");
    cr_expect_eq(assay_results_ceiling(&results.file[0], "bandwidth/read/dram/all"), 20e9);
    for (size_t i = 0; i < results.timing_count; i++) {
        const results_timing *const t = &results.timing[i];
        cr_assert_eq(t->samples.count, 17);
        cr_assert_not_null(t->samples.process);
        cr_assert_null(t->samples.joules);
        double least = t->samples.seconds[0];
        double most = least;
        for (size_t k = 1; k < 17; k++) {
            least = fmin(least, t->samples.seconds[k]);
            most = fmax(most, t->samples.seconds[k]);
        }
        cr_assert(t->seconds.value >= least && t->seconds.value <= most);
        cr_assert(t->seconds.low <= t->seconds.value && t->seconds.value <= t->seconds.high);
        cr_expect_float_eq(t->prepare_seconds, 0.205, 1e-12);
    }
    assay_results_free(&results);
}

Test(results, of_one_identity_the_newest_file_counts)
{
    char path[2][64];
    generate_options o = GENERATE_DEFAULTS;
    assay_results results = {0};
    assay_error error;
    o.ops = 1;
    for (int i = 0; i < 2; i++) {
        scratch(path[i]);
        o.seed = (uint64_t)i + 1;
        o.date = i == 0 ? "2026-02-01T00:00:00Z" : "2026-01-01T00:00:00Z";
        generate_results(path[i], &o);
        cr_assert_eq(assay_results_add(&results, path[i], &error), ASSAY_OK, "%s", error.message);
        unlink(path[i]);
    }
    const size_t timings = results.timing_count;
    assay_results_unify(&results);
    cr_expect_eq(results.timing_count, timings / 2);
    cr_expect_gt(results.replaced, 0);
    for (size_t i = 0; i < results.timing_count; i++) {
        cr_assert_eq(results.timing[i].file, 0); /* the first file is the newer one */
        cr_assert(i == 0 || assay_timing_compare(&results.timing[i - 1], &results.timing[i]) < 0);
    }
    assay_results_free(&results);
}

Test(results, version_one_files_load)
{
    assay_results results = {0};
    assay_error error;
    cr_assert_eq(
        parse("{\"format\":\"assay-results\",\"version\":1,\"environment\":{\"threads\":2},"
              "\"verdicts\":[{\"golden\":\"g\",\"source\":\"s\",\"op\":\"linear\",\"impl\":"
              "\"scalar\",\"case\":\"c\",\"verdict\":\"FAIL\",\"check\":\"value\","
              "\"budget_used\":\"inf\",\"max_abs\":\"nan\",\"seed\":\"18446744073709551615\","
              "\"message\":\"\\u00e9\\ud83d\\ude00\"}]}",
              &results, &error),
        ASSAY_OK, "%s", error.message);
    cr_assert_eq(results.verdict_count, 1);
    cr_expect_eq(results.verdict[0].verdict, ASSAY_FAIL);
    cr_expect(isinf(results.verdict[0].budget_used));
    cr_expect(isnan(results.verdict[0].max_abs));
    cr_expect(isnan(results.verdict[0].rel_l2));
    cr_expect_str_eq(results.verdict[0].seed, "18446744073709551615");
    cr_expect_str_eq(results.verdict[0].message, "é😀");
    assay_results_free(&results);
}

#define HEAD "{\"format\":\"assay-results\",\"version\":\"2.0.0\",\"environment\":{},"
#define TIMING(before, samples)                                                                    \
    HEAD "\"timings\":[{\"op\":\"o\",\"impl\":\"i\",\"case\":\"c\"," before                        \
         "\"threads\":1,\"verdict\":\"PASS\",\"samples\":" samples                                 \
         ",\"summary\":{\"seconds\":{\"value\":1,\"low\":1,\"high\":1}}}]}"

#define COMPARED(batch, cache, threads)                                                            \
    HEAD "\"comparisons\":[{\"op\":\"add\",\"case\":\"a\",\"impl\":\"x\",\"against\":\"y\","       \
         "\"verdict\":\"SAME\",\"batch\":" batch ",\"cache\":\"" cache "\","                      \
         "\"threads\":" threads "}]}"

Test(results, what_is_wrong_is_said_with_file_and_place)
{
    expect_refused("", "byte 0", "cut off");
    expect_refused("[1,2", "byte 4", "cut off");
    expect_refused("{\"format\":\"assay-results\"", "byte 25", "cut off");
    expect_refused("{\"format\":\"other\"}", "format", "assay-results");
    expect_refused("{\"format\":\"assay-results\",\"version\":3}", "version", "newer");
    expect_refused("{\"format\":\"assay-results\",\"version\":1}", "environment", "object");
    expect_refused(HEAD "\"verdicts\":7}", "verdicts", "list of objects");
    expect_refused(HEAD "\"verdicts\":[{}]}", "verdicts[0]", "'op' is missing");
    expect_refused(COMPARED("0", "cold", "1"), "comparisons[0]", "'batch'");
    expect_refused(COMPARED("1", "cold", "0"), "comparisons[0]", "'threads'");
    expect_refused(COMPARED("1", "<script>", "1"), "comparisons[0]", "'cold' or 'warm'");
    expect_refused(TIMING("\"batch\":1,\"cache\":\"hot\",", "{\"seconds\":[1]}"), "'cache'",
                   "cold");
    expect_refused(TIMING("\"batch\":1.5,\"cache\":\"cold\",", "{\"seconds\":[1]}"), "'batch'",
                   "whole number");
    expect_refused(TIMING("\"batch\":0,\"cache\":\"cold\",", "{\"seconds\":[1]}"), "'batch'",
                   "from 1");
    expect_refused(TIMING("\"batch\":1,\"cache\":\"cold\",", "{\"seconds\":[]}"), "'seconds'",
                   "not empty");
    expect_refused(TIMING("\"batch\":1,\"cache\":\"cold\",", "{\"seconds\":[1,null]}"), "'seconds'",
                   "list of numbers");
    expect_refused(TIMING("\"batch\":1,\"cache\":\"cold\",", "{\"seconds\":[1,2],\"process\":[0]}"),
                   "samples.process", "1 entries");
    expect_refused(HEAD "\"x\":[1,2,]}", "byte", "expected");
    expect_refused(HEAD "\"x\":{\"a\":1,\"b\":2,\"a\":3}}", "byte", "already");
    expect_refused(HEAD "\"x\":01}", "byte", "expected");
    expect_refused(HEAD "\"x\":1e999}", "byte", "too large");
    expect_refused(HEAD "\"x\":\"\xff\"}", "byte", "UTF-8");
    expect_refused(HEAD "\"x\":\"\xed\xa0\x80\"}", "byte", "UTF-8");
    expect_refused(HEAD "\"x\":\"\\u0000\"}", "byte", "escape");
    expect_refused(HEAD "\"x\":\"\\ud800\"}", "byte", "escape");
    expect_refused(HEAD "\"x\":tru}", "byte", "expected");
    expect_refused("{} {}", "byte 3", "behind");
}

Test(results, nesting_is_bounded)
{
    char text[4096];
    memset(text, '[', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    expect_refused(text, "byte 64", "nested");
}

/* Cut anywhere, a file is refused, never taken in part. */
Test(results, truncated_files_are_refused)
{
    char path[64];
    generate_options o = GENERATE_DEFAULTS;
    scratch(path);
    o.ops = 1;
    o.batches = 1;
    o.samples = 3;
    generate_results(path, &o);
    FILE *const file = fopen(path, "rb");
    char *const text = calloc(1, 1 << 20);
    const size_t size = fread(text, 1, (1 << 20) - 1, file);
    fclose(file);
    unlink(path);
    for (size_t cut = 0; cut + 2 < size; cut += 1 + cut / 97) {
        assay_results results = {0};
        assay_error error = {.message = ""};
        char *const part = malloc(cut + 1); /* of its own: a read past the end is seen */
        memcpy(part, text, cut);
        part[cut] = '\0';
        cr_assert_eq(parse(part, &results, &error), ASSAY_BAD_INPUT, "cut at %zu", cut);
        free(part);
    }
    free(text);
}

/* Bytes changed at random: taken or refused with words, never a crash. */
Test(results, damaged_files_do_no_harm)
{
    char path[64];
    generate_options o = GENERATE_DEFAULTS;
    generator g = {&o, 77, NULL, 0};
    scratch(path);
    o.ops = 1;
    o.batches = 1;
    o.samples = 3;
    generate_results(path, &o);
    FILE *const file = fopen(path, "rb");
    char *const text = calloc(1, 1 << 20);
    const size_t size = fread(text, 1, (1 << 20) - 1, file);
    fclose(file);
    unlink(path);
    size_t refused = 0;
    for (int i = 0; i < 3000; i++) {
        assay_results results = {0};
        assay_error error = {.message = ""};
        assay_doc *doc = NULL;
        const size_t at = (size_t)(generate_uniform(&g) * (double)size);
        const char was = text[at];
        text[at] = (char)(generate_uniform(&g) * 256.0);
        assay_status status = assay_doc_parse("f.json", text, size, &doc, &error);
        if (status == ASSAY_OK) {
            status = assay_results_add_doc(&results, doc, &error);
        }
        cr_assert(status == ASSAY_OK || error.message[0] != '\0');
        refused += status != ASSAY_OK;
        assay_results_free(&results);
        text[at] = was;
    }
    cr_expect_gt(refused, 300);
    free(text);
}

Test(results, numbers_are_read_to_the_last_bit)
{
    static const char *const numbers[] = {"0",
                                          "-0.0",
                                          "1e-05",
                                          "0.1",
                                          "123456789012345678",
                                          "1.7976931348623157e308",
                                          "4.9e-324",
                                          "2.2250738585072011e-308",
                                          "9007199254740993",
                                          "0.000001234567890123456789",
                                          "1E+2",
                                          "8.41e21",
                                          "9.5367431640625e-07",
                                          "3.14159265358979311600"};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        char text[128];
        assay_doc *doc = NULL;
        assay_error error;
        snprintf(text, sizeof text, "[%s]", numbers[i]);
        cr_assert_eq(assay_doc_parse("n", text, strlen(text), &doc, &error), ASSAY_OK, "%s",
                     error.message);
        const double want = strtod(numbers[i], NULL);
        cr_expect_eq(memcmp(&doc->root->as.numbers[0], &want, sizeof want), 0, "%s", numbers[i]);
        assay_doc_free(&doc);
    }
}

Test(results, a_million_samples_load_in_little_time_and_memory)
{
    char path[64];
    generate_options o = GENERATE_DEFAULTS;
    assay_results results = {0};
    assay_error error;
    struct timespec from;
    struct timespec to;
    scratch(path);
    o.samples = 2400;
    generate_results(path, &o);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    cr_assert_eq(assay_results_add(&results, path, &error), ASSAY_OK, "%s", error.message);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    unlink(path);
    size_t samples = 0;
    for (size_t i = 0; i < results.timing_count; i++) {
        samples += results.timing[i].samples.count;
    }
    cr_expect_geq(samples, 1000000);
    const double seconds =
        (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec);
    cr_expect_lt(seconds, 4.0, "%.2f s", seconds); /* 0.4 s without sanitizers */
    assay_results_free(&results);
}
