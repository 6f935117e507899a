/* The command `assay compare`. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "reports/commands.h"
#include "reports/compare.h"
#include "reports/cli.h"
#include "reports/project.h"

static const char help[] =
    "usage: assay compare A B [C...] [options]\n"
    "\n"
    "Compares result files with the first of them: commits, machines, GPU generations, kernels.\n"
    "Cases are matched by op, implementation, case, batch, cache and threads. The ratio is A's "
    "time\n"
    "over the other's: above 1, the other is faster. The unit is the process; intervals are 95%.\n"
    "The files' runs were not interleaved, so the comparison is unpaired: what differs between "
    "the\n"
    "sessions is in the ratio (the median ratio over all cases shows it) and not in the interval.\n"
    "Files of one process a case (bench --quick) say nothing of the next process: 25% is assumed.\n"
    "assay bench --against interleaves two implementations and is the sharper tool.\n"
    "\n"
    "  --op GLOB, --impl GLOB, --case GLOB   only these; several with commas\n"
    "  --impl FROM=TO   implementation FROM of A against TO of the others (A may be given twice)\n"
    "  --margin R       changes within this share are none (default 0.03)\n"
    "  --fdr Q          rate of false discoveries over a file's cases (default 0.01)\n"
    "  --all            print every case, also when they are many\n"
    "  --html FILE      a page with plots: absolute, and against each machine's own ceilings\n"
    "  --json FILE      everything as data; '-' is standard output, then no table is printed\n"
    "  --gate           exit 1 when a case is SLOWER or accuracy got worse\n"
    "  --project DEVICE of one file of GPU timings: what its cases would take on another GPU, by\n"
    "                   its data sheet and the fraction of the floor reached here. Estimates\n"
    "\n"
    "Exit status: 0 compared; 1 with --gate: something got worse; 2 usage; 3 a file is wrong, or "
    "no\n"
    "case is in both.\n"
    "\n"
    "examples:\n"
    "  assay compare before.json after.json\n"
    "  assay compare a100.json h100.json h200.json --html generations.html\n"
    "  assay compare bench.json bench.json --impl scalar=scalar_bf16 --op 'sae_*'\n"
    "  assay compare main.json branch.json --gate --json -\n"
    "  assay compare h200.json --project B200\n";

typedef struct arguments {
    compare_options options;
    const char *html, *json, *project;
    bool all, gate;
    char impl[256]; /* FROM, cut off at the '=' */
} arguments;

static int run(const arguments *a, char **paths, size_t count, assay_error *error)
{
    comparison c;
    assay_status status = compare_open(&c, &a->options, paths, count, error);
    const bool quiet = a->json != NULL && strcmp(a->json, "-") == 0;
    if (status == ASSAY_OK && !quiet) {
        compare_print(&c, a->all, stdout);
    }
    if (status == ASSAY_OK && a->json != NULL) {
        status = compare_json(&c, a->json, error);
    }
    if (status == ASSAY_OK && a->html != NULL) {
        status = compare_html(&c, a->html, error);
    }
    size_t worse = 0;
    for (size_t f = 1; status == ASSAY_OK && f < c.file_count; f++) {
        worse += c.file[f].count[ASSAY_SLOWER];
    }
    for (size_t i = 0; status == ASSAY_OK && i < c.accuracy_count; i++) {
        worse += c.accuracy[i].kind == COMPARE_WORSE;
    }
    compare_close(&c);
    return status != ASSAY_OK ? cli_complain("compare", error, 3) : a->gate && worse > 0 ? 1 : 0;
}

static int run_projection(const arguments *a, const char *path, assay_error *error)
{
    projection p;
    const compare_options *const o = &a->options;
    if (o->from != NULL || a->gate || a->html != NULL) {
        (void)assay_fail(error, ASSAY_BAD_ARGUMENT,
                         "--project estimates one file's cases: without --gate, --html, FROM=TO");
        return cli_complain("compare", error, 2);
    }
    assay_status status = project_open(&p, path, a->project, o->op, o->impl, o->case_id, error);
    if (status != ASSAY_OK) {
        return cli_complain("compare", error, status == ASSAY_BAD_ARGUMENT ? 2 : 3);
    }
    if (a->json == NULL || strcmp(a->json, "-") != 0) {
        project_print(&p, stdout);
    }
    if (a->json != NULL) {
        status = project_json(&p, a->json, error);
    }
    project_close(&p);
    return status == ASSAY_OK ? 0 : cli_complain("compare", error, 3);
}

static void set_impl(arguments *a, const char *text)
{
    const char *const equals = strchr(text, '=');
    a->options.impl = equals == NULL ? text : NULL;
    if (equals != NULL) {
        (void)snprintf(a->impl, sizeof a->impl, "%.*s", (int)(equals - text), text);
        a->options.from = a->impl;
        a->options.to = equals + 1;
    }
}

enum { OP = 256, IMPL, CASE, MARGIN, FDR, ALL, HTML, JSON, GATE, PROJECT };

static assay_status take(arguments *a, int option, const char *value, assay_error *error)
{
    switch (option) {
    case OP: a->options.op = value; break;
    case IMPL: set_impl(a, value); break;
    case CASE: a->options.case_id = value; break;
    case MARGIN: return cli_real("margin", value, 0.0, 0.5, &a->options.margin, error);
    case FDR: return cli_real("fdr", value, 1e-9, 0.5, &a->options.q, error);
    case ALL: a->all = true; break;
    case HTML: a->html = value; break;
    case JSON: a->json = value; break;
    case PROJECT: a->project = value; break;
    default: a->gate = true; break;
    }
    return ASSAY_OK;
}

int assay_compare_command(int argc, char **argv)
{
    static const struct option table[] = {{"op", required_argument, NULL, OP},
                                          {"impl", required_argument, NULL, IMPL},
                                          {"case", required_argument, NULL, CASE},
                                          {"margin", required_argument, NULL, MARGIN},
                                          {"fdr", required_argument, NULL, FDR},
                                          {"all", no_argument, NULL, ALL},
                                          {"html", required_argument, NULL, HTML},
                                          {"json", required_argument, NULL, JSON},
                                          {"gate", no_argument, NULL, GATE},
                                          {"project", required_argument, NULL, PROJECT},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    arguments a = {.options = {.q = 0.01, .margin = 0.03}};
    assay_error error = {.message = ""};
    int found;
    cli_start();
    while ((found = getopt_long(argc, argv, ":h", table, NULL)) != -1) {
        if (found == 'h') {
            (void)fputs(help, stdout);
            return 0;
        }
        if (found == ':' || found == '?') {
            return cli_bad_option("compare", argv, found);
        }
        if (take(&a, found, optarg, &error) != ASSAY_OK) {
            return cli_complain("compare", &error, 2);
        }
    }
    if (a.project != NULL && argc - optind == 1) {
        return run_projection(&a, argv[optind], &error);
    }
    if (a.project != NULL) {
        (void)assay_fail(&error, ASSAY_BAD_ARGUMENT,
                         "--project takes one result file: assay compare A --project DEVICE");
        return cli_complain("compare", &error, 2);
    }
    if (argc - optind < 2) {
        (void)assay_fail(&error, ASSAY_BAD_ARGUMENT,
                         "two or more result files are needed: assay compare A B");
        return cli_complain("compare", &error, 2);
    }
    if (argc - optind > COMPARE_FILES_MAX) {
        (void)assay_fail(&error, ASSAY_BAD_ARGUMENT,
                         "%d result files are given: at most %d are compared at once, a letter "
                         "each",
                         argc - optind, COMPARE_FILES_MAX);
        return cli_complain("compare", &error, 2);
    }
    return run(&a, argv + optind, (size_t)(argc - optind), &error);
}
