/* The command `assay report`. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "reports/cli.h"
#include "reports/commands.h"
#include "reports/forms.h"
#include "reports/page.h"
#include "reports/targets.h"
#include "reports/text.h"

static const char help[] =
    "usage: assay report RESULT... [-o DIR] [--targets FILE]\n"
    "\n"
    "Makes a report of result files (assay verify --json, assay bench --json): verdicts, "
    "accuracy,\n"
    "throughput against batch size, floors, peers, stages, environment. Several files complete "
    "one\n"
    "another; of a case that is in several, the newest counts. '-' is standard input.\n"
    "\n"
    "  -o, --out DIR   where to (default: report); made if it is missing. Four files are written:\n"
    "                  report.html   one self-contained page: no network, no scripts needed\n"
    "                  report.md     its tables as Markdown\n"
    "                  results.csv   a line a verdict, timing, ratio and case left out\n"
    "                  junit.xml     a test case each, for CI\n"
    "  --targets FILE  what was to be reached (reports/targets.h), held against the results:\n"
    "                  targets.tsv and targets.md, PASS or missed, beside the four\n"
    "\n"
    "Nothing but the files is read: a report can be made where nothing was measured.\n"
    "Exit status: 0 written; 2 usage; 3 a file is wrong or cannot be written.\n"
    "\n"
    "examples:\n"
    "  assay report verify.json bench.json -o report\n"
    "  assay bench --op 'sae_*' --json - | assay report - -o sae\n";

typedef void (*form)(const assay_results *results, FILE *out);

static assay_status write_text(const char *folder, const char *name, const char *text, size_t size,
                               assay_error *error)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s", folder, name) < 0) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    }
    const assay_status status = text_write_file(path, text, size, error);
    free(path);
    return status;
}

static assay_status write_form(const assay_results *results, const char *folder, const char *name,
                               form make, assay_error *error)
{
    char *text = NULL;
    size_t size = 0;
    FILE *const out = open_memstream(&text, &size);
    if (out != NULL) {
        make(results, out);
    }
    assay_status status = ASSAY_OK;
    if (out == NULL || fclose(out) != 0) {
        status = assay_fail(error, ASSAY_NO_MEMORY, "out of memory for %s", name);
    } else {
        status = write_text(folder, name, text, size, error);
    }
    free(text);
    return status;
}

static assay_status write_targets(const assay_results *results, const char *folder,
                                  const char *wanted, bool markdown, assay_error *error)
{
    char *text = NULL;
    size_t size = 0;
    FILE *const out = open_memstream(&text, &size);
    if (out == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for the targets");
    }
    assay_status status = report_targets(results, wanted, markdown, out, error);
    if (fclose(out) != 0 && status == ASSAY_OK) {
        status = assay_fail(error, ASSAY_NO_MEMORY, "out of memory for the targets");
    }
    if (status == ASSAY_OK) {
        status = write_text(folder, markdown ? "targets.md" : "targets.tsv", text, size, error);
    }
    free(text);
    return status;
}

static assay_status write_all(const assay_results *results, const char *folder, assay_error *error)
{
    char *html = NULL;
    size_t size = 0;
    bool drawn = true;
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        return assay_fail(error, ASSAY_IO, "%s: cannot be made: %s: name another folder with --out",
                          folder, strerror(errno));
    }
    assay_status status = report_html(results, &html, &size, &drawn, error);
    if (status == ASSAY_OK) {
        status = write_text(folder, "report.html", html, size, error);
    }
    free(html);
    if (status == ASSAY_OK) {
        status = write_form(results, folder, "report.md", report_markdown, error);
    }
    if (status == ASSAY_OK) {
        status = write_form(results, folder, "results.csv", report_csv, error);
    }
    if (status == ASSAY_OK) {
        status = write_form(results, folder, "junit.xml", report_junit, error);
    }
    if (status == ASSAY_OK && !drawn) {
        (void)fprintf(stderr, "assay report: gnuplot is missing, the page has no plots: install it "
                              "(Debian: gnuplot-nox)\n");
    }
    return status;
}

static int run(char **paths, size_t count, const char *folder, const char *wanted,
               assay_error *error)
{
    assay_results results = {0};
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < count && status == ASSAY_OK; i++) {
        status = assay_results_add(&results, paths[i], error);
    }
    if (status == ASSAY_OK) {
        assay_results_unify(&results);
        status = write_all(&results, folder, error);
    }
    for (int form_at = 0; form_at < 2 && status == ASSAY_OK && wanted != NULL; form_at++) {
        status = write_targets(&results, folder, wanted, form_at == 1, error);
    }
    assay_results_free(&results);
    if (status != ASSAY_OK) {
        return cli_complain("report", error, 3);
    }
    (void)printf("%s/report.html\n", folder);
    return 0;
}

int assay_report_command(int argc, char **argv)
{
    static const struct option table[] = {{"out", required_argument, NULL, 'o'},
                                          {"targets", required_argument, NULL, 't'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    const char *folder = "report";
    const char *wanted = NULL;
    assay_error error = {.message = ""};
    int found;
    cli_start();
    while ((found = getopt_long(argc, argv, ":o:h", table, NULL)) != -1) {
        if (found == 'h') {
            (void)fputs(help, stdout);
            return 0;
        }
        if (found == 't') {
            wanted = optarg;
        } else if (found == 'o') {
            folder = optarg;
        } else {
            return cli_bad_option("report", argv, found);
        }
    }
    if (folder[0] == '\0') {
        (void)assay_fail(&error, ASSAY_BAD_ARGUMENT, "--out '': expected a folder's name");
        return cli_complain("report", &error, 2);
    }
    if (optind == argc) {
        (void)assay_fail(&error, ASSAY_BAD_ARGUMENT,
                         "no result file given: assay report RESULT... -o DIR");
        return cli_complain("report", &error, 2);
    }
    return run(argv + optind, (size_t)(argc - optind), folder, wanted, &error);
}
