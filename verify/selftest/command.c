#include "verify/selftest/command.h"

#include <stdio.h>
#include <string.h>

#include "verify/commands.h"
#include "verify/options.h"

typedef struct selftest {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} selftest;

static const selftest selftests[] = {
    {"mutants", assay_selftest_mutants,
     "deliberately wrong kernels: which check catches each"},
    {"false-alarms", assay_selftest_false_alarms,
     "right kernels on fresh seeds: how often a verdict is wrong"},
    {"calibration", assay_selftest_calibration,
     "what part of their budgets right kernels use, simulated under every contract"},
    {"sensitivity", assay_selftest_sensitivity,
     "the smallest single-element fault that is caught, by op and contract"},
};

enum { SELFTESTS = sizeof selftests / sizeof *selftests, EXIT_USAGE = 2 };

static int print_help(void)
{
    printf("usage: assay selftest SUBCOMMAND [options]\n\n"
           "Judges the checker itself.\n\n");
    for (size_t i = 0; i < SELFTESTS; i++) {
        printf("  %-12s %s\n", selftests[i].name, selftests[i].summary);
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
    for (size_t i = 0; i < SELFTESTS; i++) {
        if (strcmp(name, selftests[i].name) == 0) {
            return selftests[i].run(argc - 1, argv + 1);
        }
    }
    for (size_t i = 0; i < SELFTESTS; i++) {
        if (assay_looks_like(name, selftests[i].name)) {
            fprintf(stderr, "assay selftest: unknown subcommand '%s'; did you mean '%s'?\n", name,
                    selftests[i].name);
            return EXIT_USAGE;
        }
    }
    fprintf(stderr, "assay selftest: %s '%s'; assay selftest --help lists them\n",
            argc > 1 ? "unknown subcommand" : "no subcommand given:", name);
    return EXIT_USAGE;
}
