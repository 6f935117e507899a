/* The command `assay report`: its four files, its complaints, and that a page is self-contained. */
#include <criterion/criterion.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reports/tests/files.h"

Test(report, four_files_from_results_alone)
{
    char folder[64];
    generate_options o = GENERATE_DEFAULTS;
    o.error = 12.0; /* some verdicts fail */
    files_begin(folder, "r.json", &o);
    run_output run = run_program("report %s/r.json -o %s/out", folder, folder);
    cr_assert_eq(run.status, 0, "%s", run.err);
    cr_expect_not_null(strstr(run.out, "report.html"));
    run_free(&run);
    char *const html = run_slurp("%s/out/report.html", folder);
    cr_assert_not_null(html);
    static const char *const wanted[] = {"id=\"throughput\"",
                                         "id=\"front\"",
                                         "id=\"floor\"",
                                         "id=\"peers\"",
                                         "id=\"stages\"",
                                         "id=\"accuracy\"",
                                         "id=\"ceilings\"",
                                         "id=\"skipped\"",
                                         "id=\"environment\"",
                                         "id=\"rerun\"",
                                         "prefers-color-scheme:dark",
                                         "<svg class=\"plot\"",
                                         "var(--s0)",
                                         "assay verify --golden generated",
                                         "ci/peers",
                                         "a &lt;b&gt; &amp; &#39;c&#39;"};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        cr_expect_not_null(strstr(html, wanted[i]), "%s", wanted[i]);
    }
    /* Nothing is fetched, no drawing carries colours of its own, no place was left unfilled. */
    static const char *const unwanted[] = {"http:", "https:", "src=", "@import", "url(",     "rgb(",
                                           "<link", "\x01",   "\x02", "'black'", "not drawn"};
    for (size_t i = 0; i < sizeof unwanted / sizeof *unwanted; i++) {
        cr_expect_null(strstr(html, unwanted[i]), "%s", unwanted[i]);
    }
    free(html);
    char *const csv = run_slurp("%s/out/results.csv", folder);
    size_t lines = 0;
    size_t columns = 1;
    for (const char *at = csv; *at != '\0'; at++) {
        lines += *at == '\n';
        columns += lines == 0 && *at == ',';
    }
    cr_expect_eq(lines, 1 + 420 + 240 + 15 + 1); /* timings, verdicts, ratios, left out */
    cr_expect_eq(columns, 39);
    free(csv);
    char *const markdown = run_slurp("%s/out/report.md", folder);
    cr_expect_not_null(strstr(markdown, "| sae\\_encode | goodfire-sae\\_encode |"));
    free(markdown);
    char *const junit = run_slurp("%s/out/junit.xml", folder);
    cr_expect_not_null(strstr(junit, "tests=\"661\""));
    cr_expect_not_null(strstr(junit, "<failure message=\"row 1"));
    free(junit);
    run_remove(folder);
}

/* Plots pass through a folder of $TMPDIR, and leave nothing there; without it the error names it.
 */
Test(report, scratch_lies_where_tmpdir_says)
{
    char folder[64];
    char path[128];
    generate_options o = GENERATE_DEFAULTS;
    o.ops = 1;
    files_begin(folder, "r.json", &o);
    snprintf(path, sizeof path, "%s/scratch", folder);
    setenv("TMPDIR", path, 1);
    run_output run = run_program("report %s/r.json -o %s/out", folder, folder);
    cr_expect_eq(run.status, 3);
    cr_expect_not_null(strstr(run.err, path), "%s", run.err);
    run_free(&run);
    cr_assert_eq(mkdir(path, 0700), 0);
    run_expect(0, "report %s/r.json -o %s/out", folder, folder);
    cr_expect_eq(rmdir(path), 0, "something was left in it");
    run_remove(folder);
}

/* Every line has the header's number of fields, quoted ones counted as one. */
Test(report, csv_lines_have_one_length)
{
    char folder[64];
    generate_options o = GENERATE_DEFAULTS;
    o.error = 12.0;
    o.ops = 2;
    files_begin(folder, "r.json", &o);
    run_output run = run_program("report %s/r.json -o %s/out", folder, folder);
    cr_assert_eq(run.status, 0, "%s", run.err);
    run_free(&run);
    char *const csv = run_slurp("%s/out/results.csv", folder);
    size_t fields = 1;
    bool quoted = false;
    for (const char *at = csv; *at != '\0'; at++) {
        quoted = quoted != (*at == '"');
        fields += !quoted && *at == ',';
        if (!quoted && *at == '\n') {
            cr_assert_eq(fields, 39);
            fields = 1;
        }
    }
    free(csv);
    run_remove(folder);
}

/* Names out of a file are words, whatever they are: none of them becomes markup or a command. */
Test(report, hostile_names_stay_words)
{
    char folder[64];
    char path[128];
    run_folder(folder);
    snprintf(path, sizeof path, "%s/r.json", folder);
    FILE *const file = fopen(path, "w");
    static const char name[] =
        "x`touch HACKED`'$(touch HACKED)%s</script><script>alert(1)</script>@m";
    fprintf(file,
            "{\"format\":\"assay-results\",\"version\":\"2.2.0\",\"environment\":{\"<b>\":\"</td>"
            "<script>\"},\"timings\":[");
    for (int i = 0; i < 3; i++) {
        fprintf(file,
                "%s{\"op\":\"%s\",\"impl\":\"%s%d\",\"case\":\"%s\",\"batch\":4,\"cache\":\"cold\","
                "\"threads\":1,\"verdict\":\"PASS\",\"rel_l2\":1e-3,\"samples\":{\"seconds\":[1]},"
                "\"summary\":{\"seconds\":{\"value\":1,\"low\":1,\"high\":1}},\"floor\":{"
                "\"seconds\":0.5,"
                "\"fraction\":0.5},\"parts\":[{\"name\":\"%s\",\"seconds\":1}]}",
                i == 0 ? "" : ",", name, name, i, name, name);
    }
    fprintf(file, "]}");
    fclose(file);
    run_output run = run_program("report %s/r.json -o %s/out", folder, folder);
    cr_assert_eq(run.status, 0, "%s", run.err);
    run_free(&run);
    char *const html = run_slurp("%s/out/report.html", folder);
    size_t scripts = 0;
    for (const char *at = html; (at = strstr(at, "<script")) != NULL; at++) {
        scripts++;
    }
    cr_expect_eq(scripts, 1);
    cr_expect_null(strstr(html, "<b></td>"));
    free(html);
    cr_expect_neq(access("HACKED", F_OK), 0);
    run_remove(folder);
}

/* A spreadsheet runs what begins like a formula: no field of words does, whatever it is called. */
Test(report, no_field_of_the_csv_is_a_formula)
{
    static const char *const names[] = {"=1+1", "+1", "-2+3", "@SUM(A1)", "\\t=1", "\\r=1",
                                        "=1,\\\"2"};
    char folder[64];
    char path[128];
    run_folder(folder);
    snprintf(path, sizeof path, "%s/r.json", folder);
    FILE *const file = fopen(path, "w");
    fprintf(file, "{\"format\":\"assay-results\",\"version\":\"2.0.0\",\"environment\":{},"
                  "\"verdicts\":[");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        fprintf(file,
                "%s{\"op\":\"%s\",\"impl\":\"%s\",\"case\":\"%s\",\"verdict\":\"FAIL\","
                "\"check\":\"%s\",\"message\":\"%s\",\"golden\":\"%s\"}",
                i == 0 ? "" : ",", names[i], names[i], names[i], names[i], names[i], names[i]);
    }
    fprintf(file, "]}");
    cr_assert_eq(fclose(file), 0);
    run_expect(0, "report %s/r.json -o %s/out", folder, folder);
    char *const csv = run_slurp("%s/out/results.csv", folder);
    bool quoted = false;
    int guarded = 0;
    for (const char *at = csv; *at != '\0'; at++) {
        const bool begins = !quoted && (at == csv || at[-1] == ',' || at[-1] == '\n');
        quoted = quoted != (*at == '"');
        const char *const text = begins && *at == '"' ? at + 1 : at;
        cr_expect(!begins || strchr("=+-@\t\r", *text) == NULL || *text == '\0' ||
                      (*text == '\r' && text[1] == '\n'),
                  "%.20s", text);
        guarded += begins && *text == '\'';
    }
    cr_expect_eq(guarded, 7 * 6, "%d", guarded);
    free(csv);
    run_remove(folder);
}

Test(report, mistakes_are_one_line_with_a_remedy)
{
    static const struct {
        const char *arguments;
        int status;
        const char *part;
    } mistakes[] = {
        {"report", 2, "no result file"},          {"report --no-such x", 2, "--no-such"},
        {"report x.json -o", 2, "needs a value"}, {"report /nowhere/r.json", 3, "/nowhere/r.json"},
        {"report /dev/null -o .", 3, "empty"},    {"report . -o .", 3, "folder"},
        {"report x.json -o ''", 2, "folder"}};
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        run_output run = run_program("%s", mistakes[i].arguments);
        cr_expect_eq(run.status, mistakes[i].status, "%s: %d", mistakes[i].arguments, run.status);
        cr_expect_eq(run_lines(run.err), 1, "%s", run.err);
        cr_expect_not_null(strstr(run.err, mistakes[i].part), "%s", run.err);
        run_free(&run);
    }
}

Test(report, a_folder_that_cannot_be_made_is_said)
{
    char folder[64];
    generate_options o = GENERATE_DEFAULTS;
    o.ops = 1;
    files_begin(folder, "r.json", &o);
    run_output run = run_program("report %s/r.json -o %s/no/such", folder, folder);
    cr_expect_eq(run.status, 3);
    cr_expect_not_null(strstr(run.err, "/no/such"), "%s", run.err);
    run_free(&run);
    run_remove(folder);
}

/* Two commits' files: what is shown of each is said, and which file a line is of. */
Test(report, lines_say_which_of_several_files_they_come_from)
{
    char folder[64];
    generate_options o = GENERATE_DEFAULTS;
    o.ops = 1;
    files_begin(folder, "a.json", &o);
    run_output run = run_program("report %s/a.json -o %s/one", folder, folder);
    cr_assert_eq(run.status, 0, "%s", run.err);
    run_free(&run);
    o.ops = 2; /* the first op again, newer: all of it replaces the other file's */
    o.date = "2026-02-02T03:04:05Z";
    o.revision = "ba9876543210";
    files_add(folder, "b.json", &o);
    run = run_program("report %s/a.json %s/b.json -o %s/two", folder, folder, folder);
    cr_assert_eq(run.status, 0, "%s", run.err);
    run_free(&run);
    char *const one = run_slurp("%s/one/report.html", folder);
    char *const two = run_slurp("%s/two/report.html", folder);
    cr_expect_null(strstr(one, "id=\"files\""));
    cr_expect_null(strstr(one, "file 1"));
    cr_expect_not_null(strstr(two, "id=\"files\""));
    cr_expect_not_null(strstr(two, "different revisions"));
    cr_expect_not_null(strstr(two, "2 threads · file 2<"));
    cr_expect_null(strstr(two, "2 threads · file 1<"));
    cr_expect_not_null(strstr(two, "0123456789ab <span class=\"dim\"> · file 1</span>"));
    free(one);
    free(two);
    char *const csv = run_slurp("%s/two/results.csv", folder);
    cr_expect_not_null(strstr(csv, "b.json\r\n"));
    cr_expect_null(strstr(csv, "a.json\r\n"));
    free(csv);
    run_remove(folder);
}

static double child_seconds(void)
{
    struct rusage used;
    getrusage(RUSAGE_CHILDREN, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           1e-6 * (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

/* The processor's time, gnuplot's included: what else runs meanwhile does not count. */
Test(report, a_million_samples_take_seconds)
{
    char folder[64];
    generate_options o = GENERATE_DEFAULTS;
    o.samples = 2400; /* of each of 420 timings */
    files_begin(folder, "r.json", &o);
    const double before = child_seconds();
    run_output run = run_program("report %s/r.json -o %s/out", folder, folder);
    const double spent = child_seconds() - before;
    cr_assert_eq(run.status, 0, "%s", run.err);
    run_free(&run);
    cr_log_info("1,008,000 samples: %.2f s\n", spent);
#if !defined(__SANITIZE_ADDRESS__)
    cr_expect_leq(spent, 5.0);
#endif
    run_remove(folder);
}
