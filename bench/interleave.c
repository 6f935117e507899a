#include "bench/interleave.h"

#include <stdlib.h>

#include "bench/clock.h"
#include "bench/measure_parts.h"
#include "bench/stage_case.h"
#include "bench/statistics/paired.h"

enum { SIDES = 2, ROUNDS_MOST = 64, ROUNDS_LEAST = 2, PAIRS_MOST = 1000 };

/* Seconds of one pair's rounds. */
typedef struct pair_times {
    double side[SIDES][ROUNDS_MOST];
    size_t rounds;
} pair_times;

/* One batch size and cache. */
typedef struct contest {
    int64_t batch;
    cJSON *json;
    bool cold, left_out;
    size_t calls;
    pair_times *pair; /* [pairs] */
    size_t pairs;
} contest;

typedef struct interleaving {
    const assay_interleave *compared;
    const assay_measure *side[SIDES];
    assay_child child[SIDES];
    contest *contest; /* [count] */
    size_t count;
    uint64_t seed;
} interleaving;

static assay_status leave_out(interleaving *now, contest *c, int side, const char *reason,
                              assay_error *error)
{
    const assay_measure *const m = now->side[side];
    const assay_timing_key key = {.entry = m->entry, .kernel = m->kernel, .impl = m->table->name,
                                  .batch = c->batch, .cold = c->cold};
    if (c->left_out) {
        return ASSAY_OK;
    }
    c->left_out = true;
    return m->sink.skipped(m->sink.context, &key, reason, error);
}

static assay_status leave_all_out(interleaving *now, int side, const char *reason,
                                  assay_error *error)
{
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < now->count && status == ASSAY_OK; i++) {
        status = leave_out(now, &now->contest[i], side, reason, error);
    }
    return status;
}

/* Whether both are open. */
static assay_status open_pair(interleaving *now, bool *open, assay_error *error)
{
    assay_status status = ASSAY_OK;
    *open = true;
    for (int s = 0; s < SIDES && status == ASSAY_OK && *open; s++) {
        cJSON *answer = NULL;
        status = assay_child_start(NULL, &now->child[s], error);
        if (status != ASSAY_OK) {
            break;
        }
        const assay_child_fate fate = assay_child_ask(
            &now->child[s], assay_request_open(now->side[s], now->contest[0].json),
            now->side[s]->options->deadline, &answer);
        cJSON_Delete(answer);
        *open = fate.verdict == ASSAY_PASS;
        if (!*open) {
            status = leave_all_out(now, s, fate.message, error);
        }
    }
    return status;
}

/* One sample of a side; its outputs are judged when check is true. NaN: left out. */
static assay_status sample(interleaving *now, contest *c, int s, bool check, double *seconds,
                           assay_error *error)
{
    const assay_measure *const m = now->side[s];
    cJSON *answer = NULL;
    const assay_child_fate fate = assay_child_ask(
        &now->child[s], assay_request_sample(c->cold, c->calls, 1, now->seed, check ? 0 : -1),
        m->options->deadline, &answer);
    now->seed += 64;
    if (fate.verdict != ASSAY_PASS) {
        return leave_out(now, c, s, fate.message, error);
    }
    const cJSON *const list = cJSON_GetObjectItemCaseSensitive(answer, "seconds");
    const cJSON *const kept = cJSON_GetObjectItemCaseSensitive(answer, "kept_seed");
    assay_result result = {.verdict = ASSAY_PASS};
    assay_status status = ASSAY_OK;
    *seconds = list != NULL && cJSON_IsNumber(list->child) ? list->child->valuedouble : 0.0;
    if (check && cJSON_IsString(kept) && !m->entry->stage) {
        status = assay_check_outputs(m->check, c->json, m->kernel,
                                     strtoull(kept->valuestring, NULL, 10),
                                     cJSON_GetObjectItemCaseSensitive(answer, "outputs"),
                                     now->child[s].output, &result, error);
    }
    cJSON_Delete(answer);
    if (status == ASSAY_OK && result.verdict != ASSAY_PASS) {
        char reason[ASSAY_MESSAGE_MAX];
        (void)snprintf(reason, sizeof reason, "%s: %.900s", assay_verdict_name(result.verdict),
                       result.message);
        status = leave_out(now, c, s, reason, error);
    }
    return status;
}

/* Both sides at this batch size, and how many calls a sample of both takes. */
static assay_status prepare(interleaving *now, contest *c, bool judge, assay_error *error)
{
    assay_status status = ASSAY_OK;
    size_t calls = 1;
    for (int s = 0; s < SIDES && status == ASSAY_OK && !c->left_out; s++) {
        cJSON *answer = NULL;
        double seconds = 0.0;
        const assay_child_fate fate =
            assay_child_ask(&now->child[s], assay_request_batch(c->json),
                            now->side[s]->options->deadline, &answer);
        const double first = assay_answer_number(answer, "first_call_seconds", 0.0);
        cJSON_Delete(answer);
        if (fate.verdict != ASSAY_PASS) {
            status = leave_out(now, c, s, fate.message, error);
        } else if (first > now->side[s]->options->longest) {
            status = leave_out(now, c, s, "one call takes longer than --longest", error);
        } else {
            c->calls = 1;
            status = sample(now, c, s, judge, &seconds, error);
            const size_t needed = assay_calls_for(seconds, c->cold);
            calls = needed > calls ? needed : calls;
        }
    }
    c->calls = calls;
    return status;
}

/* Rounds of ABBA while time lasts. */
static assay_status run_rounds(interleaving *now, contest *c, assay_error *error)
{
    static const int order[4] = {0, 1, 1, 0};
    const assay_stop_rule *const rule = &now->side[0]->options->stop;
    const double share = (rule->kind == ASSAY_STOP_TIME ? rule->target : rule->seconds_max) /
                         (double)now->compared->pairs * 2.0;
    const double start = assay_clock_now();
    pair_times *const times = &c->pair[c->pairs];
    assay_status status = ASSAY_OK;
    times->rounds = 0;
    while (status == ASSAY_OK && !c->left_out && times->rounds < ROUNDS_MOST &&
           (times->rounds < ROUNDS_LEAST || assay_clock_now() - start < share)) {
        double sum[SIDES] = {0.0, 0.0};
        for (int i = 0; i < 4 && status == ASSAY_OK && !c->left_out; i++) {
            double seconds = 0.0;
            status = sample(now, c, order[i], false, &seconds, error);
            sum[order[i]] += 0.5 * seconds;
        }
        if (status == ASSAY_OK && !c->left_out && sum[0] > 0.0 && sum[1] > 0.0) {
            times->side[0][times->rounds] = sum[0];
            times->side[1][times->rounds++] = sum[1];
        } else if (sum[0] <= 0.0 || sum[1] <= 0.0) {
            status = leave_out(now, c, 0, "takes less time than an empty call", error);
        }
    }
    c->pairs += times->rounds > 0;
    return status;
}

static assay_status run_pair(interleaving *now, bool first, assay_error *error)
{
    bool open = false;
    assay_status status = open_pair(now, &open, error);
    for (size_t i = 0; i < now->count && status == ASSAY_OK && open; i++) {
        contest *const c = &now->contest[i];
        if (!c->left_out) {
            status = prepare(now, c, first, error);
        }
        if (status == ASSAY_OK && !c->left_out) {
            status = run_rounds(now, c, error);
        }
        open = open && now->child[0].pid != 0 && now->child[1].pid != 0;
    }
    for (int s = 0; s < SIDES; s++) {
        assay_child_end(&now->child[s]);
    }
    return status;
}

static cJSON *pairs_json(const contest *c)
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

static void add_bound(cJSON *object, const char *name, double value)
{
    if (value > 1e300) {
        (void)cJSON_AddStringToObject(object, name, "inf");
    } else {
        (void)cJSON_AddNumberToObject(object, name, value);
    }
}

static cJSON *comparison_of(const interleaving *now, const contest *c, const assay_paired *result)
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
    cJSON *const ratio = cJSON_AddObjectToObject(comparison, "ratio");
    add_bound(ratio, "value", result->ratio);
    add_bound(ratio, "low", result->low);
    add_bound(ratio, "high", result->high);
    (void)cJSON_AddNumberToObject(comparison, "p", result->p);
    (void)cJSON_AddStringToObject(comparison, "verdict", assay_change_name(result->change));
    (void)cJSON_AddItemToObject(comparison, "pairs", pairs_json(c));
    return comparison;
}

static assay_status conclude(interleaving *now, const contest *c, assay_error *error)
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
        assay_bench_print_comparison(now->compared->print, comparison);
        status = assay_store_add(now->compared->store, "comparisons", comparison, error);
    }
    return status;
}

static bool wanted(const assay_measure *m, size_t i)
{
    for (size_t k = 0; k < m->options->batch_count; k++) {
        if (m->options->batch[k] == m->entry->batch[i]) {
            return true;
        }
    }
    return m->options->batch_count == 0 && (m->options->full || !m->entry->full[i]);
}

/* Compared before, in the run that is resumed. */
static bool known(const interleaving *now, int64_t batch, bool cold)
{
    const cJSON *const list =
        cJSON_GetObjectItemCaseSensitive(assay_store_lists(now->compared->store), "comparisons");
    for (const cJSON *item = list != NULL ? list->child : NULL; item != NULL; item = item->next) {
        const char *const id =
            cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "case"));
        const char *const impl =
            cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "impl"));
        const char *const cache =
            cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "cache"));
        if (id != NULL && impl != NULL && cache != NULL &&
            strcmp(id, now->side[0]->entry->id) == 0 &&
            strcmp(impl, now->side[0]->table->name) == 0 &&
            strcmp(cache, cold ? "cold" : "warm") == 0 &&
            assay_answer_number(item, "batch", 0.0) == (double)batch) {
            return true;
        }
    }
    return false;
}

static assay_status plan(interleaving *now, assay_error *error)
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
        if (!wanted(m, i / ASSAY_CACHES) || !(cold ? m->options->cold : m->options->warm) ||
            known(now, batch, cold)) {
            continue;
        }
        contest *const c = &now->contest[now->count++];
        *c = (contest){.batch = batch, .cold = cold};
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

static void free_contests(interleaving *now)
{
    for (size_t i = 0; i < now->count; i++) {
        cJSON_Delete(now->contest[i].json);
        free(now->contest[i].pair);
    }
    free(now->contest);
}

assay_status assay_interleave_run(const assay_interleave *compared, assay_error *error)
{
    interleaving now = {.compared = compared,
                        .side = {&compared->measure, &compared->against},
                        .seed = compared->measure.options->seed * 1000003u + 2u};
    assay_status status = plan(&now, error);
    for (int64_t p = 0; p < compared->pairs && now.count > 0 && status == ASSAY_OK; p++) {
        status = run_pair(&now, p == 0, error);
    }
    for (size_t i = 0; i < now.count && status == ASSAY_OK; i++) {
        if (!now.contest[i].left_out && now.contest[i].pairs > 0) {
            status = conclude(&now, &now.contest[i], error);
        }
    }
    free_contests(&now);
    return status;
}
