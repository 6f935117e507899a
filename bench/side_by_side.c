#include "bench/side_by_side.h"

#include <math.h>
#include <string.h>

#include "bench/measure.h"
#include "bench/turns_pair.h"
#include "bench/worker.h"

enum { CALLS_MOST = 1000000, TRIED_ROUNDS = 2, SETS_APART = 64 };

typedef struct side {
    const assay_side_by_side *compared;
    const char *program;
    assay_child child;
    assay_turns_side turns;
    double *seconds; /* of the rounds */
    double call;     /* seconds */
} side;

static cJSON *open_request(const side *s)
{
    cJSON *const open = assay_request_batch(s->compared->json);
    cJSON_ReplaceItemInObjectCaseSensitive(open, "do", cJSON_CreateString("open"));
    (void)cJSON_AddStringToObject(open, "op", assay_op_name(s->compared->op));
    (void)cJSON_AddStringToObject(open, "impl", s->turns.impl);
    (void)cJSON_AddNumberToObject(open, "threads", 1.0);
    if (s->compared->plugin != NULL) {
        (void)cJSON_AddStringToObject(open, "plugin", s->compared->plugin);
    }
    return open;
}

/* The case ready, and what a call takes there. */
static void *begin(void *context)
{
    side *const s = context;
    cJSON *answer = NULL;
    assay_turns_ask(&s->turns, open_request(s), &answer);
    cJSON_Delete(answer);
    if (s->turns.status == ASSAY_OK) {
        assay_turns_ask(&s->turns, assay_request_batch(s->compared->json), &answer);
        cJSON_Delete(answer);
    }
    if (s->turns.status == ASSAY_OK) {
        double tried[2 * TRIED_ROUNDS] = {0};
        s->turns.request.rounds = TRIED_ROUNDS;
        s->turns.request.calls = 1;
        assay_turns_play(&s->turns, tried);
        s->call = tried[0];
        for (size_t i = 1; i < 2 * TRIED_ROUNDS; i++) {
            s->call = fmin(s->call, tried[i]);
        }
    }
    return NULL;
}

static void *play_all(void *context)
{
    side *const s = context;
    const size_t wanted = 2 * (size_t)s->turns.request.rounds;
    for (size_t block = 0; block < s->compared->blocks && s->turns.status == ASSAY_OK; block++) {
        s->turns.request.seed += SETS_APART;
        assay_turns_play(&s->turns, s->seconds + block * wanted);
    }
    return NULL;
}

/* Both sides at once. */
static assay_status together(void *(*part)(void *), side *sides, assay_error *error)
{
    void *const context[2] = {&sides[0], &sides[1]};
    const assay_status status = assay_turns_together(part, context, error);
    const int failed = assay_turns_failed(&sides[0].turns, &sides[1].turns);
    return status != ASSAY_OK || failed < 0
               ? status
               : assay_fail(error, sides[failed].turns.status, "%s",
                            sides[failed].turns.error.message);
}

/* Of a block, when a sample takes so long. */
static uint32_t rounds_of(const assay_side_by_side *compared, double sample)
{
    const double most =
        compared->seconds / (sample * ASSAY_TURNS_ROUND * (double)compared->blocks);
    return compared->seconds == 0.0 || most >= (double)compared->rounds
               ? (uint32_t)compared->rounds
           : most >= 1.0 ? (uint32_t)most
                         : 1;
}

static assay_status take(side *sides, assay_error *error)
{
    assay_status status = ASSAY_OK;
    /* By this thread: a child dies with the thread that started it. */
    for (size_t k = 0; k < 2 && status == ASSAY_OK; k++) {
        const char *const command[] = {sides[k].program, ASSAY_BENCH_WORKER_WORD, NULL};
        status = assay_child_start(sides[k].program != NULL ? command : NULL, &sides[k].child,
                                   error);
    }
    if (status == ASSAY_OK) {
        status = together(begin, sides, error);
    }
    if (status == ASSAY_OK) {
        const double call = fmin(sides[0].call, sides[1].call);
        const double calls = ceil(sides[0].compared->sample_seconds / call);
        sides[0].turns.request.calls = sides[1].turns.request.calls =
            calls > CALLS_MOST ? CALLS_MOST : calls > 1.0 ? (size_t)calls : 1;
        sides[0].turns.request.rounds = sides[1].turns.request.rounds =
            rounds_of(sides[0].compared, call * fmax(calls, 1.0));
        status = together(play_all, sides, error);
    }
    return status;
}

assay_status assay_side_by_side_take(const assay_side_by_side *compared, bool turned, uint64_t seed,
                                     double *a, double *b, size_t *rounds, assay_error *error)
{
    double *const seconds[2] = {a, b};
    assay_turns_room room;
    assay_status status = assay_turns_room_make(&room, error);
    if (status != ASSAY_OK) {
        return status;
    }
    side sides[2] = {{.compared = compared}, {.compared = compared}};
    for (uint32_t k = 0; k < 2; k++) {
        const uint32_t which = turned ? 1 - k : k;
        sides[k].program = compared->program[which];
        sides[k].seconds = seconds[which];
        sides[k].turns =
            (assay_turns_side){.child = &sides[k].child,
                               .impl = compared->impl[which],
                               .deadline = compared->deadline,
                               .turns = room.turns,
                               .request = {.path = room.path, .side = k, .seed = seed,
                                           .deadline = compared->deadline}};
    }
    status = take(sides, error);
    *rounds = 2 * compared->blocks * sides[0].turns.request.rounds;
    assay_child_end(&sides[0].child);
    assay_child_end(&sides[1].child);
    assay_turns_room_drop(&room);
    return status;
}
