#include "bench/side_by_side.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/child.h"
#include "bench/measure.h"
#include "bench/turns.h"
#include "bench/worker.h"

enum { CALLS_MOST = 1000000, TRIED_ROUNDS = 2, SETS_APART = 64 };

/* Each side is asked from a thread of its own: neither answers before the other has played. */
typedef struct side {
    const assay_side_by_side *compared;
    const char *program, *impl;
    assay_child child;
    assay_turns_request request;
    assay_turns *turns;
    double *seconds; /* of the rounds */
    double call;     /* seconds */
    bool first;      /* to fail; the other one says less */
    assay_status status;
    assay_error error;
} side;

static void ask(side *s, cJSON *request, cJSON **answer)
{
    const assay_child_fate fate =
        assay_child_ask(&s->child, request, s->compared->deadline, answer);
    if (fate.verdict != ASSAY_PASS) {
        s->status = assay_fail(&s->error, ASSAY_BAD_INPUT, "timing %s: %s", s->impl, fate.message);
        s->first = assay_turns_abandon(s->turns);
    }
}

/* One series of turns; s->seconds receives them from `at` on. */
static void play(side *s, size_t at)
{
    cJSON *answer = NULL;
    const int wanted = 2 * (int)s->request.rounds;
    ask(s, assay_turns_json(&s->request), &answer);
    s->request.first = assay_turns_after(s->request.first, s->request.rounds);
    const cJSON *const list = cJSON_GetObjectItemCaseSensitive(answer, "seconds");
    const cJSON *item = list != NULL ? list->child : NULL;
    for (int i = 0; i < wanted && s->status == ASSAY_OK; i++) {
        const double seconds = cJSON_IsNumber(item) ? item->valuedouble : 0.0;
        if (!(seconds > 0.0)) {
            s->status = assay_fail(&s->error, ASSAY_BAD_INPUT,
                                   "timing %s: takes no longer than an empty call", s->impl);
            s->first = assay_turns_abandon(s->turns);
        }
        s->seconds[at + (size_t)i] = seconds;
        item = item != NULL ? item->next : NULL;
    }
    cJSON_Delete(answer);
}

static cJSON *open_request(const side *s)
{
    cJSON *const open = assay_request_batch(s->compared->json);
    cJSON_ReplaceItemInObjectCaseSensitive(open, "do", cJSON_CreateString("open"));
    (void)cJSON_AddStringToObject(open, "op", assay_op_name(s->compared->op));
    (void)cJSON_AddStringToObject(open, "impl", s->impl);
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
    ask(s, open_request(s), &answer);
    cJSON_Delete(answer);
    if (s->status == ASSAY_OK) {
        ask(s, assay_request_batch(s->compared->json), &answer);
        cJSON_Delete(answer);
    }
    if (s->status == ASSAY_OK) {
        double tried[2 * TRIED_ROUNDS] = {0};
        double *const kept = s->seconds;
        s->seconds = tried;
        s->request.rounds = TRIED_ROUNDS;
        s->request.calls = 1;
        play(s, 0);
        s->seconds = kept;
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
    const size_t wanted = 2 * (size_t)s->request.rounds;
    for (size_t block = 0; block < s->compared->blocks && s->status == ASSAY_OK; block++) {
        s->request.seed += SETS_APART;
        play(s, block * wanted);
    }
    return NULL;
}

/* Both sides at once. */
static assay_status together(void *(*part)(void *), side *sides, assay_error *error)
{
    pthread_t thread;
    const int failed = pthread_create(&thread, NULL, part, &sides[1]);
    if (failed != 0) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no thread to time with: %s", strerror(failed));
    }
    (void)part(&sides[0]);
    (void)pthread_join(thread, NULL);
    const side *const s =
        &sides[sides[0].status == ASSAY_OK || (sides[1].status != ASSAY_OK && sides[1].first)];
    return s->status == ASSAY_OK ? ASSAY_OK
                                 : assay_fail(error, s->status, "%s", s->error.message);
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
        sides[0].request.calls = sides[1].request.calls =
            calls > CALLS_MOST ? CALLS_MOST : calls > 1.0 ? (size_t)calls : 1;
        sides[0].request.rounds = sides[1].request.rounds =
            rounds_of(sides[0].compared, call * fmax(calls, 1.0));
        status = together(play_all, sides, error);
    }
    return status;
}

assay_status assay_side_by_side_take(const assay_side_by_side *compared, bool turned, uint64_t seed,
                                     double *a, double *b, size_t *rounds, assay_error *error)
{
    char path[64];
    double *const seconds[2] = {a, b};
    const int file = memfd_create("assay-turns", MFD_CLOEXEC);
    void *const shared =
        file >= 0 && ftruncate(file, sizeof(assay_turns)) == 0
            ? mmap(NULL, sizeof(assay_turns), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
            : MAP_FAILED;
    assay_status status = ASSAY_OK;
    if (shared == MAP_FAILED) {
        status = assay_fail(error, ASSAY_IO, "no memory to share: %s", strerror(errno));
    } else {
        side sides[2] = {{.compared = compared}, {.compared = compared}};
        (void)snprintf(path, sizeof path, "/proc/%ld/fd/%d", (long)getpid(), file);
        for (uint32_t k = 0; k < 2; k++) {
            const uint32_t which = turned ? 1 - k : k;
            sides[k].program = compared->program[which];
            sides[k].impl = compared->impl[which];
            sides[k].turns = shared;
            sides[k].seconds = seconds[which];
            sides[k].request = (assay_turns_request){.path = path, .side = k, .seed = seed,
                                                     .deadline = compared->deadline};
        }
        status = take(sides, error);
        *rounds = 2 * compared->blocks * sides[0].request.rounds;
        assay_child_end(&sides[0].child);
        assay_child_end(&sides[1].child);
        (void)munmap(shared, sizeof(assay_turns));
    }
    if (file >= 0) {
        (void)close(file);
    }
    return status;
}
