#include "verify/selftest/command.h"

#include <stdio.h>
#include <string.h>

#include "verify/commands.h"
#include "verify/options.h"

static const assay_selftest own[] = {
    {"mutants", assay_selftest_mutants,
     "deliberately wrong kernels: which check catches each"},
    {"false-alarms", assay_selftest_false_alarms,
     "right kernels on fresh seeds: how often a verdict is wrong"},
    {"calibration", assay_selftest_calibration,
     "what part of their budgets right kernels use, simulated under every contract"},
    {"sensitivity", assay_selftest_sensitivity,
     "the smallest single-element fault that is caught, by op and contract"},
    {"world", assay_selftest_world,
     "what faults do to explanations of the trained world, and what sees them"},
};

enum { OWN = sizeof own / sizeof *own, EXIT_USAGE = 2 };

static const assay_selftest *added;
static size_t added_count;

void assay_selftest_extend(const assay_selftest *list, size_t count)
{
    added = list;
    added_count = count;
}

/* NULL past the last. */
static const assay_selftest *selftest(size_t i)
{
    return i < OWN ? &own[i] : i < OWN + added_count ? &added[i - OWN] : NULL;
}

static int print_help(void)
{
    printf("usage: assay selftest SUBCOMMAND [options]\n\n"
           "Judges the checker itself, and the timer.\n\n");
    for (size_t i = 0; selftest(i) != NULL; i++) {
        printf("  %-12s %s\n", selftest(i)->name, selftest(i)->summary);
    }
    printf("\n  assay selftest SUBCOMMAND --help   its options, with worked examples\n\n"
           "exit status: 0 good; 1 the checker was found wrong; 2 usage; 3 input\n\n"
           "examples:\n  assay selftest mutants\n  assay selftest false-alarms --runs 200\n");
    return 0;
}

int assay_selftest_command(int argc, char **argv)
{
    const char *const name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        return print_help();
    }
    for (size_t i = 0; selftest(i) != NULL; i++) {
        if (strcmp(name, selftest(i)->name) == 0) {
            return selftest(i)->run(argc - 1, argv + 1);
        }
    }
    for (size_t i = 0; selftest(i) != NULL; i++) {
        if (assay_looks_like(name, selftest(i)->name)) {
            fprintf(stderr, "assay selftest: unknown subcommand '%s'; did you mean '%s'?\n", name,
                    selftest(i)->name);
            return EXIT_USAGE;
        }
    }
    fprintf(stderr, "assay selftest: %s '%s'; assay selftest --help lists them\n",
            argc > 1 ? "unknown subcommand" : "no subcommand given:", name);
    return EXIT_USAGE;
}
