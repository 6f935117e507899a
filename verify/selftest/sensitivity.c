/* `assay selftest sensitivity`: the smallest single-element fault that is caught with probability
 * 0.95, by op and contract. Budgets that never raise a false alarm are worth nothing if they are
 * lax: at true shapes METHOD's limit on looseness must hold. */
#include "verify/selftest/sensitivity.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "verify/generated.h"
#include "verify/options.h"
#include "verify/selftest/command.h"
#include "verify/simulate/simulate.h"

static const char help[] =
    "usage: assay selftest sensitivity [options]\n"
    "\n"
    "Plants a fault in one element of a right (simulated) output, judges it with the verifier's\n"
    "own comparators, and bisects its size: what is printed is the smallest fault caught in at\n"
    "least 95 of 100 trials, in parts of the row's RMS and in last places of the narrowest type\n"
    "that the result passes.\n"
    "Every op is probed at a small shape, and at true ones: an 8B model's and a dictionary of\n"
    "65,536 latents, at a sample of columns. There linear and sae_encode (65,536 x 4,096) must\n"
    "meet a limit under every contract: 1e-4 of the row's RMS in f32 (in f64 the same by its\n"
    "unit), 2 ulp and the accumulation term where results are kept in 16 bits. Of an accumulator\n"
    "that truncates or is narrow that term is 2 u sum|s| over its partial sums, and stands beside\n"
    "either, as does twice what words of rows with scales of any f32 may differ by at their\n"
    "edges.\n"
    "\n"
    "  --contract GLOB  of simulated contracts: f32, bf16_tensor16, int4 ...\n"
    "  --op GLOB        of ops\n"
    "  --small          small shapes only\n"
    "  --seed N         of inputs and faults (default 1)\n"
    "  --json FILE      write the table as JSON; --markdown FILE as Markdown\n"
    "\n"
    "Exit status: 0 every limit is met; 1 one is missed; 2 usage; 3 input.\n"
    "\n"
    "examples:\n"
    "  assay selftest sensitivity --op linear\n"
    "  assay selftest sensitivity --json sensitivity.json --markdown sensitivity.md\n";

typedef struct sensitivity_options {
    bool help, small;
    const char *contract, *op, *json, *markdown;
    uint64_t seed;
} sensitivity_options;

static const assay_option table[] = {
    {"help", ASSAY_OPTION_FLAG, offsetof(sensitivity_options, help), 0, 0},
    {"small", ASSAY_OPTION_FLAG, offsetof(sensitivity_options, small), 0, 0},
    {"contract", ASSAY_OPTION_TEXT, offsetof(sensitivity_options, contract), 0, 0},
    {"op", ASSAY_OPTION_TEXT, offsetof(sensitivity_options, op), 0, 0},
    {"json", ASSAY_OPTION_TEXT, offsetof(sensitivity_options, json), 0, 0},
    {"markdown", ASSAY_OPTION_TEXT, offsetof(sensitivity_options, markdown), 0, 0},
    {"seed", ASSAY_OPTION_SEED, offsetof(sensitivity_options, seed), 0, 0},
    {NULL, ASSAY_OPTION_FLAG, 0, 0, 0}};

/* Small shapes, their name and their case. */
static const struct {
    assay_op op;
    const char *shape, *json;
} small_cases[] = {
    {ASSAY_OP_embed, "16x64", "\"shape\": {\"n\": 16, \"vocab\": 50, \"d\": 64}"},
    {ASSAY_OP_add, "16x64", "\"shape\": {\"n\": 16, \"d\": 64}"},
    {ASSAY_OP_rmsnorm, "16x256", "\"shape\": {\"n\": 16, \"d\": 256}"},
    {ASSAY_OP_linear, "16x256x64", "\"shape\": {\"n\": 16, \"k\": 256, \"o\": 64}"},
    {ASSAY_OP_rope, "16x2x64",
     "\"shape\": {\"n\": 16, \"heads\": 2, \"head_dim\": 64}, \"max_position\": 100"},
    {ASSAY_OP_attention, "2 heads of 64, 12 keys",
     "\"shape\": {\"heads\": 2, \"kv_heads\": 1, \"head_dim\": 64}, \"sequences\": [[0, 12]]"},
    {ASSAY_OP_swiglu, "16x64", "\"shape\": {\"n\": 16, \"d\": 64}"},
    {ASSAY_OP_sae_encode, "16x256, 64 latents",
     "\"shape\": {\"n\": 16, \"d\": 256, \"m\": 64}, \"bias\": 0, \"activation\": \"relu\""},
    {ASSAY_OP_sae_decode, "16x64, 32 active",
     "\"shape\": {\"n\": 16, \"d\": 64, \"m\": 256}, \"active\": 32"},
    {ASSAY_OP_sae_steer, "16x64",
     "\"shape\": {\"n\": 16, \"d\": 64, \"m\": 64}, \"mode\": \"add\""},
    {ASSAY_OP_adapter, "16x128, full rank",
     "\"shape\": {\"n\": 16, \"d\": 128, \"r\": 8}, \"type\": \"full_rank\""},
    {ASSAY_OP_adapter, "16x128, affine and rank 8",
     "\"shape\": {\"n\": 16, \"d\": 128, \"r\": 8}, \"type\": \"scalar_affine_plus_low_rank\""},
    {ASSAY_OP_sample, "4x64", "\"shape\": {\"n\": 4, \"v\": 64}, \"temperature\": 1"},
};

assay_status assay_sense(const assay_probe *probe, uint64_t seed, assay_sensed *sensed,
                         assay_error *error)
{
    double part = 0.0;
    assay_status status = assay_probe_least(probe, ASSAY_FAULT_RMS, seed, &sensed->rms, error);
    if (status == ASSAY_OK) {
        status = assay_probe_least(probe, ASSAY_FAULT_ULP, seed, &sensed->ulp, error);
    }
    if (status == ASSAY_OK && probe->limit != NULL) {
        status = assay_probe_caught(probe, ASSAY_FAULT_LIMIT, 1.0, seed, &part, error);
        sensed->limit = part >= 0.95 ? ASSAY_LIMIT_MET : ASSAY_LIMIT_MISSED;
        (void)snprintf(sensed->limit_text, sizeof sensed->limit_text, "%s (caught: %.0f%%)",
                       probe->limit->text, 100.0 * part);
    }
    return status;
}

static assay_status sense_small(const assay_kernel *kernel, size_t which, uint64_t seed,
                                assay_sensed *sensed, assay_error *error)
{
    char text[512];
    assay_measure m = {.rows = 0};
    (void)snprintf(sensed->shape, sizeof sensed->shape, "%s", small_cases[which].shape);
    (void)snprintf(text, sizeof text,
                   "{\"id\": \"sensitivity\", \"op\": \"%s\", \"scale\": 0.7, %s}",
                   assay_op_name(kernel->op), small_cases[which].json);
    cJSON *const json = cJSON_Parse(text);
    assay_distribution nucleus[ASSAY_NUCLEI];
    const bool samples = kernel->op == ASSAY_OP_sample;
    assay_status status = assay_measure_open(json, seed, kernel, false, &m, error);
    if (status == ASSAY_OK && samples) {
        status = assay_sample_truth_make(&kernel->precision, &m.step, &m.got.sample, &m.arena,
                                         nucleus, error);
    }
    if (status == ASSAY_OK) {
        const bool encodes = kernel->op == ASSAY_OP_sae_encode;
        const assay_codes_truth truth = {
            .sae = &m.built.as.sae_encode.params.sae, .rows = m.rows, .pre = m.truth,
            .score = m.score, .pre_budget = m.budget, .score_budget = m.score_budget};
        const assay_probe probe = {
            .kernel = kernel, .rows = m.rows, .columns = m.columns, .truth = m.truth,
            .budget = m.budget, .codes = encodes ? &m.got.sae_encode.codes : NULL,
            .values = encodes ? m.got.sae_encode.codes.value : *assay_measure_output(&m),
            .codes_truth = encodes ? &truth : NULL,
            .measure = samples ? &m : NULL, .nucleus = nucleus};
        status = assay_sense(&probe, seed, sensed, error);
    }
    assay_measure_close(&m);
    cJSON_Delete(json);
    return status;
}

enum { SENSED_MAX = 1024 };

typedef struct sensing {
    const sensitivity_options *options;
    assay_sensed *sensed;
    size_t count;
} sensing;

/* How many true shapes an op has. */
static size_t count_true(assay_op op)
{
    const size_t wide = assay_sense_wide_count(op);
    return wide > 0 ? wide : 1;
}

static assay_status sense_true(const assay_kernel *kernel, size_t nth, uint64_t seed,
                               assay_sensed *sensed, assay_error *error)
{
    switch (kernel->op) {
    case ASSAY_OP_linear:
    case ASSAY_OP_sae_encode: return assay_sense_products(kernel, seed, sensed, error);
    case ASSAY_OP_sae_decode:
    case ASSAY_OP_sae_steer: return assay_sense_sae(kernel, seed, sensed, error);
    default: return assay_sense_wide(kernel, nth, seed, sensed, error);
    }
}

static assay_sensed *next_row(sensing *s, const char *contract, const assay_kernel *kernel)
{
    assay_sensed *const row = &s->sensed[s->count++];
    *row = (assay_sensed){.contract = contract, .op = kernel->op,
                          .output = assay_kept_in(&kernel->precision, kernel->op)};
    return row;
}

static assay_status sense_kernel(sensing *s, const char *contract, const assay_kernel *kernel,
                                 assay_error *error)
{
    const uint64_t seed = s->options->seed;
    assay_status status = ASSAY_OK;
    if (isatty(STDERR_FILENO) != 0) {
        (void)fprintf(stderr, "\r\033[K%s %s", contract, assay_op_name(kernel->op));
    }
    for (size_t i = 0; i < sizeof small_cases / sizeof *small_cases; i++) {
        if (small_cases[i].op == kernel->op && s->count < SENSED_MAX && status == ASSAY_OK) {
            status = sense_small(kernel, i, seed, next_row(s, contract, kernel), error);
        }
    }
    const size_t wide = s->options->small ? 0 : count_true(kernel->op);
    for (size_t i = 0; i < wide && s->count < SENSED_MAX && status == ASSAY_OK; i++) {
        status = sense_true(kernel, i, seed, next_row(s, contract, kernel), error);
    }
    return status;
}

static assay_status sense_all(sensing *s, assay_error *error)
{
    const sensitivity_options *const options = s->options;
    const size_t prefix = strlen("simulated_");
    assay_status status = ASSAY_OK;
    const assay_table *simulated = NULL;
    for (size_t i = 0; (simulated = assay_simulated_at(i)) != NULL; i++) {
        const char *const contract = simulated->name + prefix;
        for (int op = 0; op < ASSAY_OP_COUNT && status == ASSAY_OK; op++) {
            const char *const name = assay_op_name((assay_op)op);
            if (simulated->kernel[op] != NULL &&
                (options->contract == NULL ||
                 assay_filter_matches(options->contract, contract)) &&
                (options->op == NULL || assay_filter_matches(options->op, name))) {
                status = sense_kernel(s, contract, simulated->kernel[op], error);
            }
        }
    }
    if (isatty(STDERR_FILENO) != 0) {
        (void)fprintf(stderr, "\r\033[K");
    }
    return status == ASSAY_OK && s->count == 0
               ? assay_fail(error, ASSAY_BAD_ARGUMENT,
                            "no contract and op match; assay selftest sensitivity --help")
               : status;
}

static int report(const sensing *s, assay_error *error)
{
    const sensitivity_options *const options = s->options;
    char command[256];
    (void)snprintf(command, sizeof command,
                   "assay selftest sensitivity --seed %" PRIu64 "%s%s%s%s%s",
                   options->seed, options->small ? " --small" : "",
                   options->contract != NULL ? " --contract " : "",
                   options->contract != NULL ? options->contract : "",
                   options->op != NULL ? " --op " : "", options->op != NULL ? options->op : "");
    assay_status status = ASSAY_OK;
    if (options->json != NULL) {
        status = assay_sensitivity_write(s->sensed, s->count, options->seed, command,
                                         options->json, error);
    }
    if (status == ASSAY_OK && options->markdown != NULL) {
        status = assay_sensitivity_write_markdown(s->sensed, s->count, command, options->markdown,
                                                  error);
    }
    if (status != ASSAY_OK) {
        (void)fprintf(stderr, "assay selftest sensitivity: %s\n", error->message);
        return 3;
    }
    size_t missed = 0;
    for (size_t i = 0; i < s->count; i++) {
        missed += s->sensed[i].limit == ASSAY_LIMIT_MISSED;
    }
    assay_sensitivity_print(s->sensed, s->count, stdout);
    return missed == 0 ? 0 : 1;
}

int assay_selftest_sensitivity(int argc, char **argv)
{
    assay_error error = {.message = ""};
    size_t operands = 0;
    sensitivity_options options = {.seed = 1};
    if (assay_options_parse(table, argc, argv, &options, NULL, &operands, &error) != ASSAY_OK) {
        (void)fprintf(stderr, "assay selftest sensitivity: %s\n", error.message);
        return 2;
    }
    if (options.help) {
        (void)fputs(help, stdout);
        return 0;
    }
    sensing s = {&options, calloc(SENSED_MAX, sizeof(assay_sensed)), 0};
    const assay_status status = s.sensed != NULL ? sense_all(&s, &error)
                                                 : assay_fail(&error, ASSAY_NO_MEMORY,
                                                              "out of memory");
    int exit_status = 0;
    if (status != ASSAY_OK) {
        (void)fprintf(stderr, "assay selftest sensitivity: %s\n", error.message);
        exit_status = status == ASSAY_BAD_ARGUMENT ? 2 : 3;
    } else {
        exit_status = report(&s, &error);
    }
    free(s.sensed);
    return exit_status;
}
