/* `assay selftest calibration`: simulated right kernels against their own budgets. lambda follows
 * from the campaign's failure probability; this checks that nothing right comes near it. */
#include "verify/selftest/calibration.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "verify/generated.h"
#include "verify/options.h"
#include "verify/selftest/command.h"
#include "verify/selftest/draw_case.h"
#include "verify/selftest/measure.h"
#include "verify/simulate/simulate.h"

static const char help[] =
    "usage: assay selftest calibration [options]\n"
    "\n"
    "Runs simulated right kernels (every rounding of their contract done, sums in orders drawn at\n"
    "random) on random cases and prints what part of each element's budget its error used, as\n"
    "quantiles, and beside it the greatest part of the classical worst-case bound. The budgets\n"
    "have no parameter that could be fitted: this only checks them.\n"
    "\n"
    "  --elements N     output elements of every op and contract (default 50000)\n"
    "  --contract GLOB  of simulated contracts: f32, bf16_tensor16, int4 ...\n"
    "  --op GLOB        of ops\n"
    "  --seed N         of cases and orders (default 1)\n"
    "  --json FILE      write the distributions, after every op and contract\n"
    "  --resume         take over from that file what is done\n"
    "\n"
    "Exit status: 0 no error above its budget; 1 some; 2 usage; 3 input.\n"
    "\n"
    "examples:\n"
    "  assay selftest calibration\n"
    "  assay selftest calibration --contract 'bf16*' --op linear --elements 10000000\n";

typedef struct calibration_options {
    bool help, resume;
    const char *contract, *op, *json;
    assay_option_int elements;
    uint64_t seed;
} calibration_options;

static const assay_option table[] = {
    {"help", ASSAY_OPTION_FLAG, offsetof(calibration_options, help), 0, 0},
    {"resume", ASSAY_OPTION_FLAG, offsetof(calibration_options, resume), 0, 0},
    {"contract", ASSAY_OPTION_TEXT, offsetof(calibration_options, contract), 0, 0},
    {"op", ASSAY_OPTION_TEXT, offsetof(calibration_options, op), 0, 0},
    {"json", ASSAY_OPTION_TEXT, offsetof(calibration_options, json), 0, 0},
    {"elements", ASSAY_OPTION_INT, offsetof(calibration_options, elements), 1, 1000000000000},
    {"seed", ASSAY_OPTION_SEED, offsetof(calibration_options, seed), 0, 0},
    {NULL, ASSAY_OPTION_FLAG, 0, 0, 0}};

/* Where nothing is promised (beyond a type's range, say) there is nothing to count. */
static void count_element(void *context, const assay_measure *m, int64_t i, double got)
{
    assay_calibrated *const entry = context;
    const double truth = m->truth[i];
    if (!isfinite(truth) || isinf(m->budget[i])) {
        return;
    }
    const double error = fabs(got - truth);
    assay_histogram_add(&entry->used, error == 0.0 ? 0.0 : error / m->budget[i]);
    if (m->worst != NULL) {
        assay_histogram_add(&entry->worst, error == 0.0 ? 0.0 : error / m->worst[i]);
    }
}

static assay_status calibrate(assay_calibrated *entry, const assay_kernel *kernel,
                              uint64_t elements, uint64_t seed, assay_error *error)
{
    enum { WORST_EVERY = 8 };
    const bool progress = isatty(STDERR_FILENO) != 0;
    const double start = assay_now();
    assay_status status = ASSAY_OK;
    while (entry->used.count < elements && status == ASSAY_OK) {
        assay_measure measure;
        const uint64_t number = entry->cases++;
        cJSON *const json = assay_draw_case(kernel->op, seed, number);
        assay_simulated_seed(seed + number);
        status = assay_measure_open(json, seed + number, kernel, number % WORST_EVERY == 0,
                                    &measure, error);
        if (status == ASSAY_OK) {
            assay_measure_each(&measure, count_element, entry);
            assay_measure_close(&measure);
        }
        cJSON_Delete(json);
        if (progress && number % 8 == 0) {
            (void)fprintf(stderr, "\r\033[K%s %s: %.1f%%", entry->contract,
                          assay_op_name(entry->op),
                          100.0 * (double)entry->used.count / (double)elements);
        }
    }
    assay_simulated_seed(0);
    if (progress) {
        (void)fprintf(stderr, "\r\033[K");
    }
    entry->seconds = assay_now() - start;
    return status;
}

static const assay_calibrated *known(const assay_calibration *calibration, const char *contract,
                                     assay_op op)
{
    for (size_t i = 0; i < calibration->count; i++) {
        const assay_calibrated *const entry = &calibration->entry[i];
        if (entry->op == op && strcmp(entry->contract, contract) == 0) {
            return entry;
        }
    }
    return NULL;
}

static bool wanted(const calibration_options *options, const char *contract, assay_op op)
{
    return (options->contract == NULL || assay_filter_matches(options->contract, contract)) &&
           (options->op == NULL || assay_filter_matches(options->op, assay_op_name(op)));
}

static assay_status calibrate_one(assay_calibration *calibration, const char *contract,
                                  const assay_kernel *kernel, assay_error *error)
{
    const assay_calibrated *const done = known(calibration, contract, kernel->op);
    if (done != NULL) {
        assay_calibration_print(done);
        return ASSAY_OK;
    }
    if (calibration->count == ASSAY_CALIBRATED_MAX) {
        return assay_fail(error, ASSAY_INTERNAL, "more than %d ops and contracts",
                          (int)ASSAY_CALIBRATED_MAX);
    }
    assay_calibrated *const entry = &calibration->entry[calibration->count++];
    entry->contract = contract;
    entry->op = kernel->op;
    const assay_status status = calibrate(entry, kernel, calibration->elements, calibration->seed,
                                          error);
    if (status == ASSAY_OK) {
        assay_calibration_print(entry);
        (void)fflush(stdout);
    }
    return status;
}

static assay_status calibrate_all(assay_calibration *calibration,
                                  const calibration_options *options, assay_error *error)
{
    const size_t prefix = strlen("simulated_");
    char command[256];
    assay_status status = ASSAY_OK;
    (void)snprintf(command, sizeof command,
                   "assay selftest calibration --elements %" PRIu64 " --seed %" PRIu64 "%s%s%s%s",
                   calibration->elements, calibration->seed,
                   options->contract != NULL ? " --contract " : "",
                   options->contract != NULL ? options->contract : "",
                   options->op != NULL ? " --op " : "", options->op != NULL ? options->op : "");
    const assay_table *simulated = NULL;
    for (size_t i = 0; (simulated = assay_simulated_at(i)) != NULL; i++) {
        const char *const contract = simulated->name + prefix;
        for (int op = 0; op < ASSAY_OP_COUNT && status == ASSAY_OK; op++) {
            if (simulated->kernel[op] == NULL || !wanted(options, contract, (assay_op)op)) {
                continue;
            }
            status = calibrate_one(calibration, contract, simulated->kernel[op], error);
            if (status == ASSAY_OK && options->json != NULL) {
                status = assay_calibration_write(calibration, command, options->json, error);
            }
        }
    }
    if (status == ASSAY_OK && calibration->count == 0) {
        status = assay_fail(error, ASSAY_BAD_ARGUMENT,
                            "no contract and op match; assay selftest calibration --help");
    }
    return status;
}

static int run(const calibration_options *options, assay_error *error)
{
    assay_calibration calibration = {.seed = options->seed,
                                     .elements = (uint64_t)options->elements.value};
    assay_status status = ASSAY_OK;
    calibration.entry = calloc(ASSAY_CALIBRATED_MAX, sizeof *calibration.entry);
    if (calibration.entry == NULL) {
        status = assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    } else if (options->resume) {
        status = assay_calibration_read(&calibration, options->json, error);
    }
    if (status == ASSAY_OK) {
        assay_calibration_print_head();
        status = calibrate_all(&calibration, options, error);
    }
    int exit_status = 0;
    if (status != ASSAY_OK) {
        (void)fprintf(stderr, "assay selftest calibration: %s\n", error->message);
        exit_status = status == ASSAY_BAD_ARGUMENT ? 2 : 3;
    } else {
        assay_calibration_print_total(&calibration);
        exit_status = assay_calibration_above(&calibration) == 0 ? 0 : 1;
    }
    free(calibration.entry);
    return exit_status;
}

int assay_selftest_calibration(int argc, char **argv)
{
    assay_error error = {.message = ""};
    size_t operands = 0;
    calibration_options options = {.seed = 1};
    options.elements.value = 50000;
    if (assay_options_parse(table, argc, argv, &options, NULL, &operands, &error) != ASSAY_OK) {
        (void)fprintf(stderr, "assay selftest calibration: %s\n", error.message);
        return 2;
    }
    if (options.help) {
        (void)fputs(help, stdout);
        return 0;
    }
    if (options.resume && options.json == NULL) {
        (void)fprintf(stderr, "assay selftest calibration: --resume needs the --json FILE that it "
                              "takes over from\n");
        return 2;
    }
    return run(&options, &error);
}
