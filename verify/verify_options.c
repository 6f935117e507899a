#include "verify/verify_options.h"

#include "verify/crew.h"

const char assay_verify_help[] =
    "usage: assay verify [options]\n"
    "\n"
    "Judges kernels against golden bundles and on generated cases. With no options: all kernels "
    "on\n"
    "all bundles found and on all generated cases.\n"
    "\n"
    "  --golden DIR     a bundle, or a folder of bundles; may be given several times; the word\n"
    "                   'generated' stands for the generated cases\n"
    "  --op GLOB        ops, as cases name them: 'sae_*', capture, tokenize (of each GLOB several\n"
    "                   may be given, with commas between)\n"
    "  --impl GLOB      implementations: scalar, 'scalar*', oracle, host (tokenizers)\n"
    "  --case GLOB      case ids\n"
    "  --seed N         of generated cases and of chain budgets (default 1)\n"
    "  --quick          leave out what takes long: generated cases marked heavy, sweeps of sizes;\n"
    "                   of bundles, prompts of more than 128 tokens, generations of more than 8,\n"
    "                   explanations of several features at once or of a text, and all but one of\n"
    "                   a bundle's explanations and of its steered generations, and stage calls\n"
    "                   that no bundle has\n"
    "  --plugin FILE    a shared object of kernels; several may be given. Then only theirs are\n"
    "                   judged, unless --impl says otherwise\n"
    "  --device N       the GPU that their kernels run on, as 'assay list devices' counts them\n"
    "                   (default 0)\n"
    "  --cases FILE     a list of your own shapes (docs/plugins.md), instead of the usual cases\n"
    "  --json FILE      write the results; '-' is standard output, then no table is printed\n"
    "  --resume         with --json FILE: go on where an interrupted run of the same options "
    "stopped\n"
    "  --keep DIR       keep what failing steps can be computed again from there: weights, inputs,\n"
    "                   outputs, expectations, budgets (docs/plugins.md)\n"
    "  --timeout S      seconds a kernel may take for one call (default, and for 0: 120); after two\n"
    "                   cases in a row that took longer a sixtieth, until one ends\n"
    "  --memory GIB     what a kernel may take (default, and for 0: three quarters of what is "
    "free)\n"
    "  --threads N      threads of a kernel   --jobs N   cases judged at the same time\n"
    "  --no-cache       compute the scales of compositions anew (else kept in $ASSAY_CACHE or "
    "~/.cache/assay)\n"
    "  --in-process     run the kernel in this process: one case, for gdb, ncu, valgrind\n"
    "  --model DIR, --explainer DIR, --sae PATH, --adapter FILE, --mean FILE\n"
    "                   checkpoints of cases that name what is not in their bundle\n"
    "\n"
    "Exit status: 0 all good; 1 a verdict of FAIL, VOID, CRASH or TIMEOUT; 2 usage; 3 input.\n"
    "\n"
    "examples:\n"
    "  assay verify\n"
    "  assay verify --op 'sae_*' --impl scalar --json results.json\n"
    "  assay verify --plugin ./mine.so --keep failing\n"
    "  gdb --args assay verify --plugin ./mine.so --golden generated --case "
    "linear-5x7x33-normal --in-process\n"
    "  assay verify --golden ./my-bundle --model /models/Llama-3.1-8B-Instruct\n";

static const assay_option table[] = {
    {"help", ASSAY_OPTION_FLAG, offsetof(assay_verify_options, help), 0, 0},
    {"quick", ASSAY_OPTION_FLAG, offsetof(assay_verify_options, quick), 0, 0},
    {"resume", ASSAY_OPTION_FLAG, offsetof(assay_verify_options, resume), 0, 0},
    {"no-cache", ASSAY_OPTION_FLAG, offsetof(assay_verify_options, no_cache), 0, 0},
    {"in-process", ASSAY_OPTION_FLAG, offsetof(assay_verify_options, in_process), 0, 0},
    {"cases", ASSAY_OPTION_TEXT, offsetof(assay_verify_options, cases), 0, 0},
    {"keep", ASSAY_OPTION_TEXT, offsetof(assay_verify_options, keep), 0, 0},
    {"timeout", ASSAY_OPTION_REAL, offsetof(assay_verify_options, timeout), 0, 1000000},
    {"memory", ASSAY_OPTION_REAL, offsetof(assay_verify_options, memory), 0, 1000000},
    {"threads", ASSAY_OPTION_INT, offsetof(assay_verify_options, threads), 1, 4096},
    {"device", ASSAY_OPTION_INT, offsetof(assay_verify_options, device), 0, INT32_MAX},
    {"jobs", ASSAY_OPTION_INT, offsetof(assay_verify_options, jobs), 1, ASSAY_CREW_MAX},
    {"op", ASSAY_OPTION_TEXT, offsetof(assay_verify_options, op), 0, 0},
    {"impl", ASSAY_OPTION_TEXT, offsetof(assay_verify_options, impl), 0, 0},
    {"case", ASSAY_OPTION_TEXT, offsetof(assay_verify_options, case_id), 0, 0},
    {"json", ASSAY_OPTION_TEXT, offsetof(assay_verify_options, json), 0, 0},
    {"seed", ASSAY_OPTION_SEED, offsetof(assay_verify_options, seed), 0, 0},
    {"model", ASSAY_OPTION_TEXT, offsetof(assay_verify_options, model), 0, 0},
    {"explainer", ASSAY_OPTION_TEXT, offsetof(assay_verify_options, explainer), 0, 0},
    {"sae", ASSAY_OPTION_TEXT, offsetof(assay_verify_options, sae), 0, 0},
    {"adapter", ASSAY_OPTION_TEXT, offsetof(assay_verify_options, adapter), 0, 0},
    {"mean", ASSAY_OPTION_TEXT, offsetof(assay_verify_options, mean), 0, 0},
    {NULL, ASSAY_OPTION_FLAG, 0, 0, 0}};

assay_status assay_verify_options_parse(int argc, char **argv, assay_verify_options *options,
                                        assay_error *error)
{
    size_t operands = 0;
    options->seed = 1;
    assay_status status = assay_options_take("golden", &argc, argv, options->golden,
                                             ASSAY_GOLDEN_MAX, &options->golden_count, error);
    if (status == ASSAY_OK) {
        status = assay_options_take("plugin", &argc, argv, options->plugin, ASSAY_PLUGINS_MAX,
                                    &options->plugin_count, error);
    }
    return status == ASSAY_OK
               ? assay_options_parse(table, argc, argv, options, NULL, &operands, error)
               : status;
}
