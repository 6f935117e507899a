#include "bench/gate_trial.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/philox.h"
#include "bench/cases.h"
#include "bench/gate_run.h"
#include "verify/golden_path.h"

/* Pairs of 256 rounds, some 50 ms of samples on an idle machine. */
enum { BLOCKS = 4, BLOCK_ROUNDS = 32 };
static const double sample_seconds = 0.1e-3;
static const double pair_seconds = 0.15;
static const double deadline = 60.0;

/* Cases of a run differ in shape, as a program's own do. Widths are multiples of 100, of which
 * every percentage is whole (planted.c). */
static const int depth[] = {32, 48, 64, 80, 96};
static const int rows[] = {24, 40, 64, 100};
static const int width[] = {100, 200};
enum {
    DEPTHS = sizeof depth / sizeof *depth,
    ROWS = sizeof rows / sizeof *rows,
    WIDTHS = sizeof width / sizeof *width
};
_Static_assert(ASSAY_TRIAL_CASES == DEPTHS * ROWS * WIDTHS, "a case for every shape");

typedef struct trying {
    char impl[16];
    cJSON *json[ASSAY_TRIAL_CASES];
    assay_side_by_side compared[ASSAY_TRIAL_CASES];
} trying;

static bool slowed(const assay_trial *trial, size_t index)
{
    return trial->percent > 0 && (trial->cases == 1 || index < ASSAY_TRIAL_SLOW);
}

static assay_status make_case(assay_trial *trial, trying *t, size_t index,
                              const char *plugin, assay_error *error)
{
    /* A single case is any of a run's; the slowed ones of a run, which come first, have all numbers
     * of rows. */
    const size_t place = trial->cases > 1 ? index
                                          : assay_philox(trial->seed, 0, 0).word[0] %
                                                ASSAY_TRIAL_CASES;
    const size_t r = place % ROWS;
    const size_t d = place / ROWS % DEPTHS;
    const size_t w = place / (ROWS * DEPTHS);
    cJSON *const json = t->json[index] = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(json, "id", "gate");
    (void)cJSON_AddStringToObject(json, "op", "linear");
    cJSON *const shape = cJSON_AddObjectToObject(json, "shape");
    (void)cJSON_AddNumberToObject(shape, "k", depth[d]);
    (void)cJSON_AddNumberToObject(shape, "o", width[w]);
    (void)cJSON_AddNumberToObject(shape, "n", rows[r]);
    t->compared[index] =
        (assay_side_by_side){.plugin = plugin,
                             .impl = {"plain", slowed(trial, index) ? t->impl : "plain"},
                             .json = json,
                             .op = ASSAY_OP_linear,
                             .blocks = BLOCKS,
                             .rounds = BLOCK_ROUNDS,
                             .seconds = pair_seconds,
                             .sample_seconds = sample_seconds,
                             .deadline = deadline};
    if (index == 0) {
        (void)snprintf(trial->first, sizeof trial->first, "linear %dx%dx%d", rows[r], depth[d],
                       width[w]);
    }
    return shape != NULL ? ASSAY_OK : assay_fail(error, ASSAY_NO_MEMORY, "no memory for a case");
}

static bool drawable(const assay_bench_entry *entry)
{
    return strcmp(entry->system, "tiny") == 0 && !entry->stage;
}

/* One of bench's tiny cases at one of its batch sizes, in place of a planted one. */
static assay_status draw_kernel(assay_trial *trial, trying *t, assay_error *error)
{
    const char *const path = assay_bench_file_path();
    const assay_philox_block drawn = assay_philox(trial->seed, 1, 0);
    assay_bench_list list;
    assay_status status =
        path != NULL ? assay_bench_list_open(path, &list, error)
                     : assay_fail(error, ASSAY_BAD_INPUT, "fixtures/cases/bench.json was not "
                                                          "found: run from the source folder");
    if (status != ASSAY_OK) {
        return status;
    }
    size_t count = 0;
    for (size_t i = 0; i < list.count; i++) {
        count += drawable(&list.entries[i]);
    }
    size_t left = count > 0 ? drawn.word[0] % count : 0;
    for (size_t i = 0; i < list.count && count > 0; i++) {
        const assay_bench_entry *const entry = &list.entries[i];
        if (!drawable(entry) || left-- > 0) {
            continue;
        }
        const int64_t batch = entry->batch[drawn.word[1] % entry->batch_count];
        cJSON_Delete(t->json[0]);
        t->json[0] = assay_bench_case_at(entry, batch);
        t->compared[0].plugin = NULL;
        t->compared[0].impl[0] = t->compared[0].impl[1] = "scalar";
        t->compared[0].json = t->json[0];
        t->compared[0].op = entry->op;
        (void)snprintf(trial->first, sizeof trial->first, "%s/%lld", entry->id, (long long)batch);
        break;
    }
    assay_bench_list_close(&list);
    return t->json[0] != NULL && count > 0
               ? ASSAY_OK
               : assay_fail(error, ASSAY_BAD_INPUT, "%s: has no tiny cases of steps", path);
}

static double deviation(const assay_gate_pairs *pairs, size_t confirmed)
{
    const size_t count = ASSAY_GATE_SCREENED + confirmed;
    double list[ASSAY_GATE_SCREENED + ASSAY_GATE_PAIRS_MOST];
    double mean = 0.0;
    double square = 0.0;
    for (size_t i = 0; i < count; i++) {
        list[i] = i < ASSAY_GATE_SCREENED ? pairs->screened[i]
                                          : pairs->confirmed[i - ASSAY_GATE_SCREENED];
        mean += list[i] / (double)count;
    }
    for (size_t i = 0; i < count; i++) {
        square += (list[i] - mean) * (list[i] - mean) / (double)(count - 1);
    }
    return sqrt(square);
}

static void conclude(assay_trial *trial, const assay_gate_run *run)
{
    const assay_gate_case *const first = &run->cases[0];
    trial->spent = run->spent;
    trial->suspects = run->outcome.suspects;
    trial->pairs = run->taken;
    trial->slower = run->outcome.slower;
    for (size_t i = 0; i < trial->cases; i++) {
        trial->right += run->cases[i].change == ASSAY_SLOWER && slowed(trial, i);
    }
    /* A suspect that there was no time to confirm has but the screening's. */
    const bool screened = first->suspicion == ASSAY_SUSPECT && first->pairs == 0;
    trial->slowdown = screened ? first->screened : first->slowdown;
    trial->low = screened ? first->screened_low : first->low;
    trial->high = screened ? first->screened_high : first->high;
    trial->p = first->corrected_p;
    trial->noise = deviation(&run->pairs[0], first->pairs);
    trial->load = getloadavg(&trial->load, 1) == 1 ? trial->load : 0.0;
}

assay_status assay_trial_run(assay_trial *trial, const char *plugin, assay_error *error)
{
    trying t = {.impl = ""};
    assay_status status = ASSAY_OK;
    (void)snprintf(t.impl, sizeof t.impl, "%s_%d", trial->extra ? "extra" : "delay",
                   trial->percent);
    trial->right = 0;
    for (size_t i = 0; i < trial->cases && status == ASSAY_OK; i++) {
        status = make_case(trial, &t, i, plugin, error);
    }
    if (status == ASSAY_OK && trial->kernel) {
        status = draw_kernel(trial, &t, error);
    }
    if (status == ASSAY_OK) {
        assay_gate_run run = {
            .compared = t.compared,
            .count = trial->cases,
            .options = assay_gate_run_options(),
            .pairs_most = trial->pairs_most > 0 ? trial->pairs_most : ASSAY_GATE_PAIRS_MOST,
            .seconds = trial->seconds,
            .seed = trial->seed};
        status = assay_gate_run_both(&run, error);
        if (status == ASSAY_OK) {
            conclude(trial, &run);
        }
        assay_gate_run_free(&run);
    }
    for (size_t i = 0; i < trial->cases; i++) {
        cJSON_Delete(t.json[i]);
    }
    return status;
}
