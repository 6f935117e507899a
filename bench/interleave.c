#include "bench/interleave_parts.h"

#include <stdlib.h>

#include "bench/clock.h"
#include "bench/measure_parts.h"
#include "bench/peer_link.h"

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
            status = assay_contest_fail(now, NULL, s, &fate, error);
        }
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
            status = assay_contest_fail(now, c, s, &fate, error);
        } else if (first > now->side[s]->options->longest) {
            status = assay_contest_leave_out(now, c, s, "one call takes longer than --longest",
                                             error);
        } else {
            c->calls = 1;
            status = assay_contest_sample(now, c, s, judge, &seconds, error);
            if (status == ASSAY_OK) {
                status = assay_contest_doubt(now, c, s, &seconds, error);
            }
            const size_t needed = assay_calls_for(seconds, c->cold);
            c->call = seconds > c->call ? seconds : c->call;
            calls = needed > calls ? needed : calls;
        }
    }
    c->calls = calls;
    return status;
}

static assay_status run_pair(assay_interleaving *now, bool first, assay_error *error)
{
    bool open = false;
    now->turns = 0;
    assay_status status = assay_turns_room_make(&now->room, error);
    if (status == ASSAY_OK) {
        status = open_pair(now, &open, error);
    }
    for (size_t i = 0; i < now->count && status == ASSAY_OK && open; i++) {
        assay_contest *const c = &now->contest[i];
        if (!c->left_out) {
            status = prepare(now, c, first, error);
        }
        if (status == ASSAY_OK && !c->left_out) {
            status = assay_contest_rounds(now, c, error);
        }
        open = open && now->child[0].pid != 0 && now->child[1].pid != 0;
    }
    for (int s = 0; s < ASSAY_SIDES; s++) {
        assay_child_end(&now->child[s]);
    }
    assay_turns_room_drop(&now->room);
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
            status = assay_contest_leave_out(now, c, s,
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
