/* The rounds of a comparison: samples of both sides in turn. */
#include <stdlib.h>

#include "bench/clock.h"
#include "bench/interleave_parts.h"
#include "bench/measure_parts.h"
#include "bench/peer_link.h"

enum { ROUNDS_LEAST = 2, TURNS_ROUNDS = 4 };

/* Rounds that take longer than this are asked for one by one, to stop in time. */
static const double round_long = 0.05;

assay_status assay_contest_leave_out(assay_interleaving *now, assay_contest *c, int side,
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
        status = assay_contest_leave_out(now, &now->contest[i], side, reason, error);
    }
    return status;
}

assay_status assay_contest_fail(assay_interleaving *now, assay_contest *c, int side,
                                const assay_child_fate *fate, assay_error *error)
{
    char reason[ASSAY_MESSAGE_MAX + 16];
    const bool skip = fate->verdict == ASSAY_SKIP;
    (void)snprintf(reason, sizeof reason, "%s%s%s", skip ? "" : assay_verdict_name(fate->verdict),
                   skip ? "" : ": ", fate->message);
    return c == NULL || fate->verdict == ASSAY_CRASH || fate->verdict == ASSAY_TIMEOUT
               ? leave_all_out(now, side, reason, error)
               : assay_contest_leave_out(now, c, side, reason, error);
}

assay_status assay_contest_sample(assay_interleaving *now, assay_contest *c, int s, bool check,
                                  double *seconds, assay_error *error)
{
    const assay_measure *const m = now->side[s];
    if (now->side[1 - s]->peer != NULL) {
        assay_peer_rest(); /* its threads may still spin */
    }
    cJSON *answer = NULL;
    const assay_sample_request wanted = {.cold = c->cold,
                                         .patience = -1.0, /* both sides have the same cores */
                                         .calls = c->calls,
                                         .samples = 1,
                                         .seed = now->seed,
                                         .keep = check ? 0 : -1};
    const assay_child_fate fate = assay_child_ask(
        &now->child[s], assay_request_sample(&wanted), m->options->deadline, &answer);
    now->seed += 64;
    if (fate.verdict != ASSAY_PASS) {
        return assay_contest_fail(now, c, s, &fate, error);
    }
    const cJSON *const list = cJSON_GetObjectItemCaseSensitive(answer, "seconds");
    assay_result result = {.verdict = ASSAY_PASS};
    assay_status status = ASSAY_OK;
    *seconds = list != NULL && cJSON_IsNumber(list->child) ? list->child->valuedouble : 0.0;
    if (cJSON_GetObjectItemCaseSensitive(answer, "gpu") != NULL) {
        c->disturbed += assay_turns_disturbed(answer);
    }
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
        status = assay_contest_leave_out(now, c, s, reason, error);
    }
    return status;
}

assay_status assay_contest_doubt(assay_interleaving *now, assay_contest *c, int s, double *seconds,
                                 assay_error *error)
{
    const assay_timing_key key = assay_contest_key(now, c, s);
    assay_status status = ASSAY_OK;
    for (int tries = 0; status == ASSAY_OK && !c->left_out; tries++) {
        if (!assay_time_impossible(&key, c->work[s], *seconds, now->side[s]->ceilings)) {
            return ASSAY_OK;
        }
        status = tries < 2 ? assay_contest_sample(now, c, s, false, seconds, error)
                           : assay_contest_leave_out(
                                 now, c, s,
                                 "FAIL: impossible: below the floor of the bytes that it declares "
                                 "to read, again and again",
                                 error);
    }
    return status;
}

/* One round over pipes; milliseconds lie between its samples, in which caches are displaced. */
static assay_status round_apart(assay_interleaving *now, assay_contest *c, double *side,
                                assay_error *error)
{
    static const int order[4] = {0, 1, 1, 0};
    assay_status status = ASSAY_OK;
    side[0] = side[1] = 0.0;
    for (int i = 0; i < 4 && status == ASSAY_OK && !c->left_out; i++) {
        double seconds = 0.0;
        status = assay_contest_sample(now, c, order[i], false, &seconds, error);
        side[order[i]] += 0.5 * seconds;
    }
    if (status == ASSAY_OK && !c->left_out && !(side[0] > 0.0 && side[1] > 0.0)) {
        status = assay_contest_leave_out(now, c, side[0] > 0.0 ? 1 : 0,
                                         "takes no longer than an empty call", error);
    }
    return status;
}

typedef struct turning {
    assay_turns_side side;
    double seconds[2 * TURNS_ROUNDS];
} turning;

static void *play(void *context)
{
    turning *const t = context;
    assay_turns_play(&t->side, t->seconds);
    return NULL;
}

/* Rounds in turns that the processes hand to one another; both have the same inputs. */
static assay_status rounds_together(assay_interleaving *now, assay_contest *c,
                                    assay_pair_times *times, assay_error *error)
{
    turning t[ASSAY_SIDES];
    const double round = ASSAY_TURNS_ROUND * c->call * (double)c->calls;
    const uint32_t rounds = round > round_long ? 1 : TURNS_ROUNDS;
    void *const context[ASSAY_SIDES] = {&t[0], &t[1]};
    for (uint32_t s = 0; s < ASSAY_SIDES; s++) {
        const double deadline = now->side[s]->options->deadline;
        t[s].side = (assay_turns_side){.child = &now->child[s],
                                       .impl = now->side[s]->table->name,
                                       .deadline = deadline,
                                       .turns = now->room.turns,
                                       .request = {.path = now->room.path, .first = now->turns,
                                                   .side = s, .rounds = rounds,
                                                   .calls = c->calls, .seed = now->seed,
                                                   .deadline = deadline}};
    }
    now->seed += 64;
    now->turns = assay_turns_after(now->turns, rounds);
    const assay_status status = assay_turns_together(play, context, error);
    const int failed = assay_turns_failed(&t[0].side, &t[1].side);
    if (status != ASSAY_OK || failed >= 0) {
        return status != ASSAY_OK ? status
                                  : assay_contest_fail(now, c, failed, &t[failed].side.fate, error);
    }
    c->disturbed += t[0].side.disturbed + t[1].side.disturbed;
    for (size_t r = 0; r < rounds && times->rounds < ASSAY_ROUNDS_MOST; r++) {
        for (int s = 0; s < ASSAY_SIDES; s++) {
            times->side[s][times->rounds] = 0.5 * (t[s].seconds[2 * r] + t[s].seconds[2 * r + 1]);
        }
        times->rounds++;
    }
    return ASSAY_OK;
}

assay_status assay_contest_rounds(assay_interleaving *now, assay_contest *c, assay_error *error)
{
    const assay_stop_rule *const rule = &now->side[0]->options->stop;
    const double share = (rule->kind == ASSAY_STOP_TIME ? rule->target : rule->seconds_max) /
                         (double)now->compared->pairs * 2.0;
    const bool check = !now->side[0]->entry->stage || c->pairs == 0;
    const bool apart = c->cold || now->side[0]->peer != NULL || now->side[1]->peer != NULL;
    const double start = assay_clock_now();
    assay_pair_times *const times = &c->pair[c->pairs];
    assay_status status = ASSAY_OK;
    times->rounds = 0;
    while (status == ASSAY_OK && !c->left_out && times->rounds < ASSAY_ROUNDS_MOST &&
           (times->rounds < ROUNDS_LEAST || assay_clock_now() - start < share)) {
        if (!apart) {
            status = rounds_together(now, c, times, error);
            continue;
        }
        double side[ASSAY_SIDES];
        status = round_apart(now, c, side, error);
        if (status == ASSAY_OK && !c->left_out) {
            times->side[0][times->rounds] = side[0];
            times->side[1][times->rounds++] = side[1];
        }
    }
    for (int s = 0; s < ASSAY_SIDES && check && status == ASSAY_OK && !c->left_out; s++) {
        double seconds = 0.0;
        status = assay_contest_sample(now, c, s, true, &seconds, error);
    }
    c->pairs += times->rounds > 0;
    return status;
}
