#include "bench/turns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "assay/philox.h"
#include "bench/clock.h"
#include "bench/gpu/sample.h"
#include "bench/sampler.h"
#include "fixtures/io/json_file.h"

enum { ROUNDS_MOST = 1 << 20 };
/* From here on nobody takes turns any more; those counted after it change nothing. */
static const uint32_t abandoned = (uint32_t)1 << 31;

cJSON *assay_turns_json(const assay_turns_request *request)
{
    char seed[32];
    cJSON *const json = cJSON_CreateObject();
    (void)snprintf(seed, sizeof seed, "%llu", (unsigned long long)request->seed);
    (void)cJSON_AddStringToObject(json, "do", "turns");
    (void)cJSON_AddStringToObject(json, "path", request->path);
    (void)cJSON_AddNumberToObject(json, "first", request->first);
    (void)cJSON_AddNumberToObject(json, "side", request->side);
    (void)cJSON_AddNumberToObject(json, "rounds", request->rounds);
    (void)cJSON_AddNumberToObject(json, "calls", (double)request->calls);
    (void)cJSON_AddNumberToObject(json, "deadline", request->deadline);
    (void)cJSON_AddStringToObject(json, "seed", seed);
    return json;
}

static assay_status read_request(const cJSON *json, assay_turns_request *request,
                                 assay_error *error)
{
    const char *const path =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "path"));
    const char *const seed =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "seed"));
    const double first = assay_json_number_or(json, "first", -1.0);
    const double side = assay_json_number_or(json, "side", -1.0);
    const double rounds = assay_json_number_or(json, "rounds", -1.0);
    const double calls = assay_json_number_or(json, "calls", -1.0);
    const double deadline = assay_json_number_or(json, "deadline", -1.0);
    if (path == NULL || seed == NULL || !(first >= 0.0 && first <= 0x1p30) ||
        !(side == 0.0 || side == 1.0) || !(rounds >= 1.0 && rounds <= ROUNDS_MOST) ||
        !(calls >= 1.0 && calls <= 1e9) || !(deadline > 0.0 && deadline <= 1e6)) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "request: 'turns' wants path, first, side, rounds, calls, seed and "
                          "deadline");
    }
    *request = (assay_turns_request){.path = path,
                                     .first = (uint32_t)first,
                                     .side = (uint32_t)side,
                                     .rounds = (uint32_t)rounds,
                                     .calls = (size_t)calls,
                                     .seed = strtoull(seed, NULL, 10),
                                     .deadline = deadline};
    return ASSAY_OK;
}

static void wake(assay_turns *turns)
{
    (void)syscall(SYS_futex, &turns->taken, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

static void pass_on(assay_turns *turns)
{
    (void)atomic_fetch_add(&turns->taken, 1);
    wake(turns);
}

bool assay_turns_abandon(assay_turns *turns)
{
    const uint32_t before = atomic_fetch_or(&turns->taken, abandoned);
    wake(turns);
    return before < abandoned;
}

/* Until so many turns are taken. Asleep while waiting: the other side may have this processor. */
static assay_status await(assay_turns *turns, uint32_t taken, double deadline, assay_error *error)
{
    const struct timespec nap = {.tv_sec = 1};
    double start = -1.0; /* the clock is read only by those who wait long */
    uint32_t now = atomic_load(&turns->taken);
    while (now < taken) {
        (void)syscall(SYS_futex, &turns->taken, FUTEX_WAIT, now, &nap, NULL, 0);
        now = atomic_load(&turns->taken);
        start = start < 0.0 ? assay_clock_now() : start;
        if (now < taken && assay_clock_now() - start > deadline) {
            return assay_fail(error, ASSAY_BAD_INPUT, "the other side took no turn in %g s",
                              deadline);
        }
    }
    return now < abandoned
               ? ASSAY_OK
               : assay_fail(error, ASSAY_BAD_INPUT, "the other side has given up");
}

typedef struct player {
    assay_gpu *gpu;
    const assay_bench_class *class_;
    assay_bench_subject *subject;
    const assay_turns_request *request;
    double empty_call;
    cJSON *disturbed; /* on a device: whether its clock was held down, of every turn */
    assay_error *error;
} player;

static assay_status __attribute__((noinline)) take_turn(const player *p, double *seconds)
{
    if (p->gpu != NULL) {
        assay_gpu_sample sample;
        const assay_status taken = assay_gpu_take(p->gpu, p->class_, p->subject, p->request->calls,
                                                  false, &sample, p->error);
        *seconds = sample.seconds;
        (void)cJSON_AddItemToArray(p->disturbed, cJSON_CreateNumber(sample.disturbed ? 1.0 : 0.0));
        return taken;
    }
    const double start = assay_clock_now();
    const assay_status status = assay_sample_calls(p->class_, p->subject, p->request->calls);
    const double spent =
        (assay_clock_now() - start) / (double)p->request->calls - p->empty_call;
    *seconds = spent > 0.0 ? spent : 0.0;
    return status;
}

/* Where in a page the stack begins makes some loops 7% faster or slower, and every process gets a
 * place of its own: it would be most of what pairs differ by. So each round draws one, the same for
 * both sides. */
static assay_status take_turn_at(const player *p, uint32_t round, double *seconds)
{
    enum { PAGE = 4096, STEP = 16 };
    const uint32_t drawn = assay_philox(p->request->seed, round, 0).word[0];
    const uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    const size_t room = (here - drawn % PAGE / STEP * STEP) % PAGE;
    void *const block = __builtin_alloca(room + STEP);
    __asm__ volatile("" : : "r"(block) : "memory");
    return take_turn(p, seconds);
}

static assay_status play(const player *p, assay_turns *turns, double *seconds, assay_error *error)
{
    const assay_turns_request *const r = p->request;
    assay_status status = ASSAY_OK;
    pass_on(turns); /* ready */
    for (uint32_t i = 0; i < 2 * r->rounds && status == ASSAY_OK; i++) {
        /* Of every four turns the outer two are side 0's, the inner two side 1's. */
        const uint32_t of_round = r->side == 0 ? 3 * (i % 2) : 1 + i % 2;
        const uint32_t before = ASSAY_TURNS_READY + ASSAY_TURNS_ROUND * (i / 2) + of_round;
        status = await(turns, r->first + before, r->deadline, error);
        if (status == ASSAY_OK) {
            status = take_turn_at(p, i / 2, &seconds[i]);
            pass_on(turns);
        }
    }
    return status;
}

static assay_status map(const char *path, assay_turns **turns, assay_error *error)
{
    const int file = open(path, O_RDWR | O_CLOEXEC);
    void *const mapped = file >= 0 ? mmap(NULL, sizeof **turns, PROT_READ | PROT_WRITE,
                                          MAP_SHARED, file, 0)
                                   : MAP_FAILED;
    const int reason = errno;
    if (file >= 0) {
        (void)close(file);
    }
    *turns = mapped != MAP_FAILED ? mapped : NULL;
    return mapped != MAP_FAILED
               ? ASSAY_OK
               : assay_fail(error, ASSAY_IO, "%s: turns cannot be taken: %s", path,
                            strerror(reason));
}

assay_status assay_turns_answer(assay_gpu *gpu, const assay_bench_class *class_,
                                assay_bench_subject *subject, const cJSON *json, cJSON *answer,
                                assay_error *error)
{
    assay_turns_request request = {0};
    assay_turns *turns = NULL;
    double *seconds = NULL;
    assay_status status = read_request(json, &request, error);
    if (status != ASSAY_OK || (status = map(request.path, &turns, error)) != ASSAY_OK) {
        goto fail;
    }
    seconds = calloc(2 * (size_t)request.rounds, sizeof *seconds);
    if (seconds == NULL) {
        status = assay_fail(error, ASSAY_NO_MEMORY, "no memory for %u rounds", request.rounds);
        goto fail;
    }
    status = assay_sample_ready(class_, subject, request.seed, error);
    if (status == ASSAY_OK) {
        const double empty = gpu != NULL ? 0.0 : assay_sample_empty_call(class_, subject);
        const player p = {
            .gpu = gpu, .class_ = class_, .subject = subject, .request = &request,
            .empty_call = empty,
            .disturbed = gpu != NULL ? cJSON_AddArrayToObject(answer, "contaminated") : NULL,
            .error = error};
        status = gpu != NULL ? assay_gpu_settle_clock(gpu, error) : ASSAY_OK;
        status = status != ASSAY_OK ? status : play(&p, turns, seconds, error);
    }
    if (status == ASSAY_OK) {
        (void)cJSON_AddItemToObject(
            answer, "seconds", cJSON_CreateDoubleArray(seconds, 2 * (int)request.rounds));
    }
fail:
    if (turns != NULL) {
        (void)munmap(turns, sizeof *turns);
    }
    free(seconds);
    return status;
}
