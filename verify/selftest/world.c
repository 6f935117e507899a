/* `assay selftest world`: what deliberate faults do to explanations, and what sees them. */
#include "verify/selftest/world.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "verify/golden_path.h"
#include "verify/options.h"
#include "verify/selftest/command.h"
#include "verify/step.h"

static const char help[] =
    "usage: assay selftest world [options]\n"
    "\n"
    "Runs the small trained world through backends that are right but for one fault (a hook one\n"
    "layer off, a missing bias, a wrong rope ...), measures each as `assay evaluate` does, and\n"
    "shows it to the verifier on the world's golden cases. A measure sees a fault when its 95%\n"
    "interval lies apart from the right backend's; the verifier, by a verdict against it.\n"
    "\n"
    "  --fault GLOB     these alone (several, with commas between)\n"
    "  --world DIR      a world as fixtures/world/build.py makes it (default: the committed one)\n"
    "  --sae GLOB       the world's SAEs: goodfire, l2r-8x (default: all)\n"
    "  --seed N         of the bootstraps (default 1)\n"
    "  --json FILE, --markdown FILE\n"
    "                   write the table\n"
    "\n"
    "Exit status: 0 every fault is seen, by a measure or by the verifier, and the right backend\n"
    "passes; 1 otherwise; 2 usage; 3 input.\n"
    "\n"
    "examples:\n"
    "  assay selftest world\n"
    "  assay selftest world --fault 'rope_*,kv_heads' --sae goodfire\n"
    "  assay selftest world --json world.json --markdown world.md\n";

typedef struct world_options {
    bool help;
    const char *fault, *world, *sae, *json, *markdown;
    uint64_t seed;
} world_options;

static const assay_option table[] = {
    {"help", ASSAY_OPTION_FLAG, offsetof(world_options, help), 0, 0},
    {"fault", ASSAY_OPTION_TEXT, offsetof(world_options, fault), 0, 0},
    {"world", ASSAY_OPTION_TEXT, offsetof(world_options, world), 0, 0},
    {"sae", ASSAY_OPTION_TEXT, offsetof(world_options, sae), 0, 0},
    {"json", ASSAY_OPTION_TEXT, offsetof(world_options, json), 0, 0},
    {"markdown", ASSAY_OPTION_TEXT, offsetof(world_options, markdown), 0, 0},
    {"seed", ASSAY_OPTION_SEED, offsetof(world_options, seed), 0, 0},
    {NULL, ASSAY_OPTION_FLAG, 0, 0, 0}};

static assay_status fill(const world_options *o, assay_fault_table *t, assay_error *error)
{
    const char *const folder = o->world != NULL ? o->world : assay_world_path();
    const double start = assay_now();
    if (folder == NULL) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "fixtures/world/trained was not found: run from the source folder, or "
                          "give --world DIR");
    }
    assay_status status =
        assay_world_open(folder, o->sae, "*-scalar-affine", &t->world, error);
    if (status == ASSAY_OK) {
        status = assay_fault_table_fill(t, isatty(STDERR_FILENO) != 0, error);
    }
    t->seconds = assay_now() - start;
    return status;
}

static int run(const world_options *o, assay_fault_table *t, assay_error *error)
{
    assay_status status = fill(o, t, error);
    if (status == ASSAY_OK && o->json != NULL) {
        status = assay_fault_table_write_json(t, o->json, error);
    }
    if (status == ASSAY_OK && o->markdown != NULL) {
        status = assay_fault_table_write_markdown(t, o->markdown, error);
    }
    if (status != ASSAY_OK) {
        (void)fprintf(stderr, "assay selftest world: %s\n", error->message);
        return status == ASSAY_BAD_ARGUMENT ? 2 : 3;
    }
    if (o->json == NULL || strcmp(o->json, "-") != 0) {
        assay_fault_table_print(t);
    }
    return assay_fault_table_good(t) ? 0 : 1;
}

int assay_selftest_world(int argc, char **argv)
{
    assay_error error = {.message = ""};
    world_options options = {.seed = 1};
    size_t operands = 0;
    if (assay_options_parse(table, argc, argv, &options, NULL, &operands, &error) != ASSAY_OK) {
        (void)fprintf(stderr, "assay selftest world: %s\n", error.message);
        return 2;
    }
    if (options.help) {
        (void)fputs(help, stdout);
        return 0;
    }
    assay_fault_table faults = {.seed = options.seed, .glob = options.fault};
    const int status = run(&options, &faults, &error);
    assay_fault_table_free(&faults);
    return status;
}
