#include "bench/interleave_parts.h"

#include <stdlib.h>

#include "bench/clock.h"
#include "bench/measure_parts.h"
#include "bench/peer_link.h"

enum { ROUNDS_LEAST = 2 };

static assay_status leave_out(assay_interleaving *now, assay_contest *c, int side,
                              const char *reason, assay_error *error)
{
    const assay_measure *const m = now->side[side];
    const assay_timing_key key = assay_contest_key(now, c, side);
    if (c->left_out) {
        return ASSAY_OK;
    }
    c->left_out = true;
    return m->sink.skipped(m->sink.context, &key, reason, error);
}

static assay_status leave_all_out(assay_interleaving *now, int side, const char *reason,
                                  assay_error *error)
{
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < now->count && status == ASSAY_OK; i++) {
        status = leave_out(now, &now->contest[i], side, reason, error);
    }
    return status;
}

static assay_status leave_out_for(assay_interleaving *now, assay_contest *c, int side,
                                  const assay_child_fate *fate, assay_error *error)
{
    char reason[ASSAY_MESSAGE_MAX + 16];
    const bool skip = fate->verdict == ASSAY_SKIP;
    (void)snprintf(reason, sizeof reason, "%s%s%s", skip ? "" : assay_verdict_name(fate->verdict),
                   skip ? "" : ": ", fate->message);
    return c == NULL || fate->verdict == ASSAY_CRASH || fate->verdict == ASSAY_TIMEOUT
               ? leave_all_out(now, side, reason, error)
               : leave_out(now, c, side, reason, error);
}

/* Whether both are open. */
static assay_status open_pair(assay_interleaving *now, bool *open, assay_error *error)
{
    assay_status status = ASSAY_OK;
    *open = true;
    for (int s = 0; s < ASSAY_SIDES && status == ASSAY_OK && *open; s++) {
        cJSON *answer = NULL;
        status = assay_measure_start(now->side[s], &now->child[s], error);
        if (status != ASSAY_OK) {
            break;
        }
        const assay_child_fate fate = assay_child_ask(
            &now->child[s], assay_request_open(now->side[s], now->contest[0].json),
            now->side[s]->options->deadline, &answer);
        cJSON_Delete(answer);
        *open = fate.verdict == ASSAY_PASS;
        if (!*open) {
            status = leave_out_for(now, NULL, s, &fate, error);
        }
    }
    return status;
}

/* One sample of a side; its outputs are judged when check is true. NaN: left out. */
static assay_status sample(assay_interleaving *now, assay_contest *c, int s, bool check,
                           double *seconds, assay_error *error)
{
    const assay_measure *const m = now->side[s];
    if (now->side[1 - s]->peer != NULL) {
        assay_peer_rest(); /* its threads may still spin */
    }
    cJSON *answer = NULL;
    const assay_child_fate fate = assay_child_ask(
        &now->child[s], assay_request_sample(c->cold, c->calls, 1, now->seed, check ? 0 : -1),
        m->options->deadline, &answer);
    now->seed += 64;
    if (fate.verdict != ASSAY_PASS) {
        return leave_out_for(now, c, s, &fate, error);
    }
    const cJSON *const list = cJSON_GetObjectItemCaseSensitive(answer, "seconds");
    assay_result result = {.verdict = ASSAY_PASS};
    assay_status status = ASSAY_OK;
    *seconds = list != NULL && cJSON_IsNumber(list->child) ? list->child->valuedouble : 0.0;
    if (check) {
        bool judged = false;
        status = assay_measure_judge(m, c->json, answer, now->child[s].output, &judged, &result,
                                     error);
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

/* A time below its floor is taken again, and the side left out when it stays there: what it claims
 * must not decide how often both are called. */
static assay_status doubt(assay_interleaving *now, assay_contest *c, int s, double *seconds,
                          assay_error *error)
{
    const assay_timing_key key = assay_contest_key(now, c, s);
    assay_status status = ASSAY_OK;
    for (int tries = 0; status == ASSAY_OK && !c->left_out; tries++) {
        if (!assay_time_impossible(&key, c->work[s], *seconds, now->side[s]->ceilings)) {
            return ASSAY_OK;
        }
        status = tries < 2 ? sample(now, c, s, false, seconds, error)
                           : leave_out(now, c, s,
                                       "FAIL: impossible: below the floor of the bytes that it "
                                       "declares to read, again and again", error);
    }
    return status;
}

/* Both sides at this batch size, and how many calls a sample of both takes. */
static assay_status prepare(assay_interleaving *now, assay_contest *c, bool judge,
                            assay_error *error)
{
    assay_status status = ASSAY_OK;
    size_t calls = 1;
    for (int s = 0; s < ASSAY_SIDES && status == ASSAY_OK && !c->left_out; s++) {
        cJSON *answer = NULL;
        double seconds = 0.0;
        const assay_child_fate fate =
            assay_child_ask(&now->child[s], assay_request_batch(c->json),
                            now->side[s]->options->deadline, &answer);
        const double first = assay_answer_number(answer, "first_call_seconds", 0.0);
        cJSON_Delete(c->work[s]);
        c->work[s] = cJSON_DetachItemFromObject(answer, "work");
        cJSON_Delete(answer);
        if (fate.verdict != ASSAY_PASS) {
            status = leave_out_for(now, c, s, &fate, error);
        } else if (first > now->side[s]->options->longest) {
            status = leave_out(now, c, s, "one call takes longer than --longest", error);
        } else {
            c->calls = 1;
            status = sample(now, c, s, judge, &seconds, error);
            if (status == ASSAY_OK) {
                status = doubt(now, c, s, &seconds, error);
            }
            const size_t needed = assay_calls_for(seconds, c->cold);
            calls = needed > calls ? needed : calls;
        }
    }
    c->calls = calls;
    return status;
}

/* Rounds of ABBA while time lasts. */
static assay_status run_rounds(assay_interleaving *now, assay_contest *c, assay_error *error)
{
    static const int order[4] = {0, 1, 1, 0};
    const assay_stop_rule *const rule = &now->side[0]->options->stop;
    const double share = (rule->kind == ASSAY_STOP_TIME ? rule->target : rule->seconds_max) /
                         (double)now->compared->pairs * 2.0;
    const bool stage = now->side[0]->entry->stage;
    const double start = assay_clock_now();
    assay_pair_times *const times = &c->pair[c->pairs];
    assay_status status = ASSAY_OK;
    times->rounds = 0;
    while (status == ASSAY_OK && !c->left_out && times->rounds < ASSAY_ROUNDS_MOST &&
           (times->rounds < ROUNDS_LEAST || assay_clock_now() - start < share)) {
        double sum[ASSAY_SIDES] = {0.0, 0.0};
        for (int i = 0; i < 4 && status == ASSAY_OK && !c->left_out; i++) {
            double seconds = 0.0;
            /* Of the timed ones: each side's last of the second round. */
            const bool check = i >= 2 && times->rounds == 1 && (!stage || c->pairs == 0);
            status = sample(now, c, order[i], check, &seconds, error);
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

static assay_status run_pair(assay_interleaving *now, bool first, assay_error *error)
{
    bool open = false;
    assay_status status = open_pair(now, &open, error);
    for (size_t i = 0; i < now->count && status == ASSAY_OK && open; i++) {
        assay_contest *const c = &now->contest[i];
        if (!c->left_out) {
            status = prepare(now, c, first, error);
        }
        if (status == ASSAY_OK && !c->left_out) {
            status = run_rounds(now, c, error);
        }
        open = open && now->child[0].pid != 0 && now->child[1].pid != 0;
    }
    for (int s = 0; s < ASSAY_SIDES; s++) {
        assay_child_end(&now->child[s]);
    }
    return status;
}

/* Leaves out what no memory allows. */
static assay_status believe(assay_interleaving *now, assay_contest *c, assay_error *error)
{
    assay_status status = ASSAY_OK;
    for (int s = 0; s < ASSAY_SIDES && status == ASSAY_OK && !c->left_out; s++) {
        const assay_timing_key key = assay_contest_key(now, c, s);
        size_t impossible = 0;
        for (size_t p = 0; p < c->pairs; p++) {
            double sum = 0.0;
            for (size_t r = 0; r < c->pair[p].rounds; r++) {
                sum += c->pair[p].side[s][r];
            }
            impossible += assay_time_impossible(&key, c->work[s], sum / (double)c->pair[p].rounds,
                                                now->side[s]->ceilings);
        }
        if (impossible > c->pairs / 2) {
            status = leave_out(now, c, s,
                               "FAIL: impossible: below the floor of the bytes that it declares "
                               "to read, in most pairs of processes",
                               error);
        }
    }
    return status;
}

assay_status assay_interleave_run(const assay_interleave *compared, assay_error *error)
{
    assay_interleaving now = {.compared = compared,
                        .side = {&compared->measure, &compared->against},
                        .seed = compared->measure.options->seed * 1000003u + 2u};
    assay_status status = assay_contests_plan(&now, error);
    for (int64_t p = 0; p < compared->pairs && now.count > 0 && status == ASSAY_OK; p++) {
        status = run_pair(&now, p == 0, error);
    }
    for (size_t i = 0; i < now.count && status == ASSAY_OK; i++) {
        if (!now.contest[i].left_out && now.contest[i].pairs > 0) {
            status = believe(&now, &now.contest[i], error);
        }
        if (status == ASSAY_OK && !now.contest[i].left_out && now.contest[i].pairs > 0) {
            status = assay_contest_conclude(&now, &now.contest[i], error);
        }
    }
    assay_contests_free(&now);
    return status;
}
