/* The front door: a table of subcommands. */
#include <stdio.h>
#include <string.h>

#include "bench/command.h"
#include "bench/probe/command.h"
#include "bench/selftest.h"
#include "bench/worker.h"
#include "fixtures/io/tokenize_command.h"
#include "fixtures/synth/command.h"
#include "reports/commands.h"
#include "verify/commands.h"
#include "verify/isolation/session.h"
#include "verify/options.h"

typedef struct subcommand {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} subcommand;

static const subcommand subcommands[] = {
    {"list", assay_list_command,
     "ops, kernels, cases, devices and golden bundles; what is missing and what that costs"},
    {"verify", assay_verify_command,
     "judge every kernel against the oracle and the golden bundles"},
    {"bench", assay_bench_command, "time the kernels that pass, across batch sizes"},
    {"probe", assay_probe_command, "this machine's ceilings, measured"},
    {"report", assay_report_command,
     "result files to one self-contained HTML page, Markdown, CSV and JUnit"},
    {"compare", assay_compare_command,
     "result files against the first: what got faster, slower, less accurate"},
    {"history", assay_history_command,
     "runs kept over time: add, list, show, check for slowdowns, plot, prune"},
    {"explain", assay_explain_command,
     "explain SAE latents or activations of a real checkpoint, or steer a generation"},
    {"evaluate", assay_evaluate_command,
     "what an implementation's precision costs in explanations, in a small trained world"},
    {"synth", assay_synth_command,
     "write checkpoints in the published forms, at true shapes, with seeded weights"},
    {"tokenize", assay_tokenize_command, "text to token ids and back, as a checkpoint does it"},
    {"selftest", assay_selftest_command, "the checker and the timer themselves judged"},
};

enum {
    SUBCOMMANDS = sizeof subcommands / sizeof *subcommands,
    EXIT_USAGE = 2
};

static int print_help(void)
{
    printf("assay: kernels of a language-model interpretability pipeline, judged against golden "
           "fixtures\n\nusage: assay COMMAND [OPTION]...\n\n");
    for (size_t i = 0; i < SUBCOMMANDS; i++) {
        printf("  %-9s %s\n", subcommands[i].name, subcommands[i].summary);
    }
    printf("\n  assay COMMAND --help   its options, with worked examples\n"
           "  assay --version        version, revision and compiler of this build\n\n"
           "exit status: 0 good; 1 a kernel was found wrong; 2 usage; 3 input or environment\n");
    return 0;
}

static int unknown(const char *name)
{
    for (size_t i = 0; i < SUBCOMMANDS; i++) {
        if (assay_looks_like(name, subcommands[i].name)) {
            fprintf(stderr, "assay: unknown command '%s'; did you mean '%s'?\n", name,
                    subcommands[i].name);
            return EXIT_USAGE;
        }
    }
    fprintf(stderr, "assay: unknown command '%s'; assay --help lists them\n", name);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    assay_worker_main(argc, argv);
    assay_bench_worker_main(argc, argv);
    assay_selftest_extend(assay_bench_selftests, assay_bench_selftest_count);
    if (argc < 2) {
        fprintf(stderr, "assay: no command given; assay --help lists them\n");
        return EXIT_USAGE;
    }
    const char *const name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        return print_help();
    }
    if (strcmp(name, "--version") == 0) {
        printf("assay %s (%s, %s, %s)\n", ASSAY_VERSION, ASSAY_REVISION, ASSAY_COMPILER,
               ASSAY_BUILD_TYPE);
        return 0;
    }
    for (size_t i = 0; i < SUBCOMMANDS; i++) {
        if (strcmp(name, subcommands[i].name) == 0) {
            return subcommands[i].run(argc - 1, argv + 1);
        }
    }
    return unknown(name);
}
