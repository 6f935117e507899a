/* What is compared, and what came of it. */
#include <stdlib.h>

#include "bench/interleave_parts.h"
#include "bench/measure_parts.h"
#include "bench/stage_case.h"
#include "bench/statistics/paired.h"
#include "verify/result_json.h"

assay_timing_key assay_contest_key(const assay_interleaving *now, const assay_contest *contest,
                                   int side)
{
    return assay_measure_key(now->side[side], contest->batch, contest->cold);
}

static cJSON *pairs_json(const assay_contest *c)
{
    cJSON *const list = cJSON_CreateArray();
    for (size_t p = 0; p < c->pairs; p++) {
        cJSON *const pair = cJSON_CreateObject();
        (void)cJSON_AddItemToObject(
            pair, "impl", cJSON_CreateDoubleArray(c->pair[p].side[0], (int)c->pair[p].rounds));
        (void)cJSON_AddItemToObject(
            pair, "against", cJSON_CreateDoubleArray(c->pair[p].side[1], (int)c->pair[p].rounds));
        (void)cJSON_AddItemToArray(list, pair);
    }
    return list;
}

static cJSON *comparison_of(const assay_interleaving *now, const assay_contest *c,
                            const assay_paired *result)
{
    const assay_measure *const m = now->side[0];
    cJSON *const comparison = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(comparison, "op", assay_op_name(m->entry->op));
    (void)cJSON_AddStringToObject(comparison, "case", m->entry->id);
    (void)cJSON_AddNumberToObject(comparison, "batch", (double)c->batch);
    (void)cJSON_AddStringToObject(comparison, "cache", c->cold ? "cold" : "warm");
    (void)cJSON_AddNumberToObject(comparison, "threads", m->options->threads);
    (void)cJSON_AddStringToObject(comparison, "impl", m->table->name);
    (void)cJSON_AddStringToObject(comparison, "against", now->side[1]->table->name);
    (void)cJSON_AddNumberToObject(comparison, "calls_per_sample", (double)c->calls);
    if (m->kernel != NULL && m->kernel->space != ASSAY_HOST) {
        (void)cJSON_AddNumberToObject(comparison, "disturbed", (double)c->disturbed);
    }
    cJSON *const ratio = cJSON_AddObjectToObject(comparison, "ratio");
    assay_json_add_number(ratio, "value", result->ratio);
    assay_json_add_number(ratio, "low", result->low);
    assay_json_add_number(ratio, "high", result->high);
    (void)cJSON_AddNumberToObject(comparison, "p", result->p);
    (void)cJSON_AddStringToObject(comparison, "verdict", assay_change_name(result->change));
    (void)cJSON_AddItemToObject(comparison, "pairs", pairs_json(c));
    return comparison;
}

assay_status assay_contest_conclude(assay_interleaving *now, const assay_contest *c,
                                    assay_error *error)
{
    assay_paired_options options = ASSAY_PAIRED_DEFAULTS;
    assay_paired result;
    assay_pair *const pairs = calloc(c->pairs + 1, sizeof *pairs);
    if (pairs == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory for a comparison");
    }
    for (size_t p = 0; p < c->pairs; p++) {
        pairs[p] = (assay_pair){c->pair[p].side[0], c->pair[p].side[1], c->pair[p].rounds};
    }
    options.seed = now->side[0]->options->seed;
    assay_status status = assay_compare_pairs(pairs, c->pairs, &options, &result, error);
    free(pairs);
    if (status == ASSAY_OK) {
        cJSON *const comparison = comparison_of(now, c, &result);
        status = assay_store_add(now->compared->store, "comparisons", comparison, error);
        if (status == ASSAY_OK) {
            assay_bench_print_comparison(now->compared->print, comparison);
        }
    }
    return status;
}

/* Compared already, or one of both left out, be it by the run that this one goes on with. */
static bool is_settled(const assay_interleaving *now, int64_t batch, bool cold)
{
    const assay_bench_store *const store = now->compared->store;
    const assay_timing_key key = assay_measure_key(now->side[0], batch, cold);
    const assay_timing_key other = assay_measure_key(now->side[1], batch, cold);
    return assay_store_has(store, "comparisons", &key, now->side[1]->table->name) ||
           assay_store_has(store, "skipped", &key, NULL) ||
           assay_store_has(store, "skipped", &other, NULL);
}

assay_status assay_contests_plan(assay_interleaving *now, assay_error *error)
{
    const assay_measure *const m = now->side[0];
    assay_status status = ASSAY_OK;
    now->contest = calloc(ASSAY_CACHES * m->entry->batch_count, sizeof *now->contest);
    if (now->contest == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory for a comparison");
    }
    for (size_t i = 0; i < ASSAY_CACHES * m->entry->batch_count && status == ASSAY_OK; i++) {
        const int64_t batch = m->entry->batch[i / ASSAY_CACHES];
        const bool cold = i % ASSAY_CACHES == 0;
        const bool wanted = assay_batch_wanted(m, i / ASSAY_CACHES) &&
                            (cold ? m->options->cold : m->options->warm);
        if (!wanted || is_settled(now, batch, cold)) {
            continue;
        }
        assay_contest *const c = &now->contest[now->count++];
        *c = (assay_contest){.batch = batch, .cold = cold};
        c->json = assay_bench_case_at(m->entry, batch);
        c->pair = calloc((size_t)now->compared->pairs, sizeof *c->pair);
        if (c->json == NULL || c->pair == NULL) {
            status = assay_fail(error, ASSAY_NO_MEMORY, "no memory for a comparison");
        } else if (m->entry->stage) {
            status = assay_stage_case_settle(c->json, error);
        }
    }
    return status;
}

void assay_contests_free(assay_interleaving *now)
{
    for (size_t i = 0; i < now->count; i++) {
        cJSON_Delete(now->contest[i].json);
        for (int side = 0; side < ASSAY_SIDES; side++) {
            cJSON_Delete(now->contest[i].work[side]);
        }
        free(now->contest[i].pair);
    }
    free(now->contest);
}
