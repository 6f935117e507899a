#include "bench/gate_run.h"

#include <math.h>
#include <stdlib.h>

#include "assay/philox.h"
#include "bench/clock.h"

/* One fresh pair of a case: its log slowdown. */
static assay_status take_pair(assay_gate_run *run, size_t index, double *log_slowdown,
                              assay_error *error)
{
    const assay_side_by_side *const compared = &run->compared[index];
    size_t rounds = assay_side_by_side_rounds(compared);
    double *const base = calloc(2 * rounds, sizeof *base);
    if (base == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory for %zu rounds", rounds);
    }
    double *const now = base + rounds;
    const assay_philox_block drawn = assay_philox(run->seed, 0, run->taken++);
    const uint64_t seed = (uint64_t)drawn.word[1] << 32 | drawn.word[2];
    assay_status status = assay_side_by_side_take(compared, drawn.word[0] % 2 == 1, seed, base,
                                                  now, &rounds, error);
    if (status == ASSAY_OK) {
        const assay_pair both = {base, now, rounds};
        status = assay_pair_log_ratio(&both, log_slowdown, error);
    }
    free(base);
    return status;
}

/* The screening sees a pair through its ratio alone, as if the baseline always took a second: level
 * shifts between pairs are no noise of their ratio. */
static assay_status screen(assay_gate_run *run, size_t *suspects, assay_error *error)
{
    assay_status status = ASSAY_OK;
    for (size_t pair = 0; pair < ASSAY_GATE_SCREENED; pair++) {
        for (size_t i = 0; i < run->count && status == ASSAY_OK; i++) {
            assay_gate_pairs *const p = &run->pairs[i];
            status = take_pair(run, i, &p->screened[pair], error);
            p->now[pair] = exp(p->screened[pair]);
            p->base[pair] = 1.0;
        }
    }
    return status == ASSAY_OK
               ? assay_gate_screen(run->cases, run->count, &run->options, suspects, error)
               : status;
}

/* Pairs of every suspect, one after another, until all are settled or the time is up; what is
 * unsettled then is judged by the looks it had. */
static assay_status confirm(assay_gate_run *run, const assay_gate_plan *plan, double until,
                            assay_error *error)
{
    assay_status status = ASSAY_OK;
    bool open = plan->looks > 0;
    while (open && status == ASSAY_OK && assay_clock_now() < until) {
        open = false;
        for (size_t i = 0; i < run->count && status == ASSAY_OK; i++) {
            assay_gate_case *const one = &run->cases[i];
            if (one->suspicion != ASSAY_SUSPECT || one->settled) {
                continue;
            }
            open = true;
            status = take_pair(run, i, &run->pairs[i].confirmed[one->pairs], error);
            one->pairs++;
            if (status == ASSAY_OK) {
                status = assay_gate_weigh(one, plan, &run->options, error);
            }
        }
    }
    return status;
}

/* Pairs of each suspect that the time left allows. */
static size_t pairs_allowed(const assay_gate_run *run, size_t suspects, double spent)
{
    const double pair = spent / (double)run->taken;
    const double left = run->seconds * (double)run->count - spent;
    const double pairs = left / (pair * (double)suspects);
    return run->seconds == 0.0 || pairs >= (double)run->pairs_most ? run->pairs_most
           : pairs > 0.0                                           ? (size_t)pairs
                                                                   : 0;
}

static assay_status run_stages(assay_gate_run *run, assay_error *error)
{
    const double start = assay_clock_now();
    const double all = run->seconds > 0.0 ? run->seconds * (double)run->count : INFINITY;
    size_t suspects = 0;
    assay_gate_plan plan = {0};
    assay_status status = screen(run, &suspects, error);
    if (status == ASSAY_OK && suspects > 0) {
        const size_t most = pairs_allowed(run, suspects, assay_clock_now() - start);
        /* Too little time to confirm anything is an answer: nothing is confirmed. */
        if (assay_gate_plan_looks(suspects, most, &run->options, &plan, error) != ASSAY_OK) {
            plan = (assay_gate_plan){.suspects = suspects};
        }
        status = confirm(run, &plan, start + all, error);
    }
    if (status == ASSAY_OK) {
        status = assay_gate_decide(run->cases, run->count, &plan, &run->options, &run->outcome,
                                   error);
    }
    run->spent = assay_clock_now() - start;
    return status;
}

assay_status assay_gate_run_both(assay_gate_run *run, assay_error *error)
{
    run->taken = 0;
    run->cases = calloc(run->count + 1, sizeof *run->cases);
    run->pairs = calloc(run->count + 1, sizeof *run->pairs);
    if (run->cases == NULL || run->pairs == NULL || run->pairs_most > ASSAY_GATE_PAIRS_MOST) {
        assay_gate_run_free(run);
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory for a gate of %zu cases, %zu pairs",
                          run->count, run->pairs_most);
    }
    for (size_t i = 0; i < run->count; i++) {
        run->cases[i] = (assay_gate_case){.now = run->pairs[i].now,
                                          .now_count = ASSAY_GATE_SCREENED,
                                          .base = run->pairs[i].base,
                                          .base_count = ASSAY_GATE_SCREENED,
                                          .paired = true,
                                          .log_slowdown = run->pairs[i].confirmed};
    }
    const assay_status status = run_stages(run, error);
    if (status != ASSAY_OK) {
        assay_gate_run_free(run);
    }
    return status;
}

void assay_gate_run_free(assay_gate_run *run)
{
    free(run->cases);
    free(run->pairs);
    run->cases = NULL;
    run->pairs = NULL;
}
