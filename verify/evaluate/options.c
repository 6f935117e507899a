#include "verify/evaluate/options.h"

#include <stddef.h>

#include "verify/crew.h"

const char assay_evaluate_help[] =
    "usage: assay evaluate [options]\n"
    "\n"
    "What an implementation's precision costs in explanations, measured in a small trained world\n"
    "whose concepts and labels are known. Every implementation that has all ops runs the whole\n"
    "pipeline on it; `oracle`, in float64, is what the others are compared with, and must say of\n"
    "every latent what PyTorch said (the world's figures.json).\n"
    "\n"
    "  --world DIR      a world as fixtures/world/build.py makes it (default: the committed one)\n"
    "  --impl GLOB      implementations: scalar, 'scalar*', oracle (several, with commas between)\n"
    "  --sae GLOB       the world's SAEs: goodfire, l2r-8x (default: all)\n"
    "  --adapter GLOB   its adapters of SAEs (default: '*-scalar-affine')\n"
    "  --plugin FILE    a shared object of kernels; several may be given. Then only theirs are\n"
    "                   evaluated, unless --impl says otherwise\n"
    "  --json FILE      write the measures as results, for `assay report`; '-' is standard\n"
    "                   output, then no table is printed\n"
    "  --labels N       print N concepts too, evenly spread: the label that was planted, and the\n"
    "                   one that float64 says of the latent that stands best for it\n"
    "  --seed N         of the bootstraps (default 1)\n"
    "  --jobs N         implementations evaluated at once (default: one a core)\n"
    "  --threads N      threads of a kernel (default: the cores, shared out over the jobs)\n"
    "  --timeout S      seconds a kernel may take for one call (default 600)\n"
    "\n"
    "measures, each with its 95% interval; the unit is the concept, texts about one are a cluster\n"
    "  label_accuracy       concepts given their label, of all: those that no latent stands for\n"
    "                       count as wrong\n"
    "  same_label           latents given the label they have in float64\n"
    "  end_to_end_accuracy  texts explained rightly: captured, encoded, the strongest latent that\n"
    "                       stands for a concept put into words\n"
    "  same_latent          texts whose strongest latent is float64's\n"
    "  variance_explained   of float64's activations, by the latents found\n"
    "  l0                   active latents a token\n"
    "  nll_shift, kl        of predictions against float64's, nats a content token\n"
    "\n"
    "Exit status: 0 all was measured; 1 a kernel failed, or an implementation misses the world's\n"
    "gates by more than its interval; 2 usage; 3 input or environment.\n"
    "\n"
    "examples:\n"
    "  assay evaluate\n"
    "  assay evaluate --impl 'scalar*' --json evaluate.json\n"
    "  assay evaluate --plugin ./mine.so --sae goodfire --adapter '*'\n"
    "  assay report evaluate.json bench.json -o report\n";

static const assay_option table[] = {
    {"help", ASSAY_OPTION_FLAG, offsetof(assay_evaluate_options, help), 0, 0},
    {"world", ASSAY_OPTION_TEXT, offsetof(assay_evaluate_options, world), 0, 0},
    {"impl", ASSAY_OPTION_TEXT, offsetof(assay_evaluate_options, impl), 0, 0},
    {"sae", ASSAY_OPTION_TEXT, offsetof(assay_evaluate_options, sae), 0, 0},
    {"adapter", ASSAY_OPTION_TEXT, offsetof(assay_evaluate_options, adapter), 0, 0},
    {"json", ASSAY_OPTION_TEXT, offsetof(assay_evaluate_options, json), 0, 0},
    {"labels", ASSAY_OPTION_INT, offsetof(assay_evaluate_options, labels), 1, 65536},
    {"jobs", ASSAY_OPTION_INT, offsetof(assay_evaluate_options, jobs), 1, ASSAY_CREW_MAX},
    {"threads", ASSAY_OPTION_INT, offsetof(assay_evaluate_options, threads), 1, 4096},
    {"timeout", ASSAY_OPTION_REAL, offsetof(assay_evaluate_options, timeout), 0, 1000000},
    {"seed", ASSAY_OPTION_SEED, offsetof(assay_evaluate_options, seed), 0, 0},
    {NULL, ASSAY_OPTION_FLAG, 0, 0, 0}};

assay_status assay_evaluate_options_parse(int argc, char **argv, assay_evaluate_options *options,
                                          assay_error *error)
{
    size_t operands = 0;
    *options = (assay_evaluate_options){.adapter = "*-scalar-affine", .seed = 1};
    const assay_status status =
        assay_options_take("plugin", &argc, argv, options->plugin, ASSAY_PLUGINS_MAX,
                           &options->plugin_count, error);
    return status == ASSAY_OK
               ? assay_options_parse(table, argc, argv, options, NULL, &operands, error)
               : status;
}
