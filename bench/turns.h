/* Two timing processes taking samples in turn, a few microseconds apart.
 *
 * The speed of a shared machine wanders: between two samples 15 ms apart it differs more than twice
 * as much as between two that follow one another at once. Asking each process for a sample over a
 * pipe, with fresh inputs every time, puts milliseconds between them. Here both make their inputs
 * ready first (from the same seed), and then hand a turn to and fro through shared memory: the
 * first side, the second, the second, the first, and so on. Warm caches only. */
#ifndef BENCH_TURNS_H
#define BENCH_TURNS_H

#include <stdatomic.h>

#include "bench/subject.h"

/* What both map: counts the turns taken since it was zeroed. It begins with one for each side that
 * is ready, in every series. */
typedef struct assay_turns {
    _Atomic uint32_t taken;
} assay_turns;

enum { ASSAY_TURNS_READY = 2, ASSAY_TURNS_ROUND = 4 /* turns, two of each side */ };

/* One series: `rounds` rounds by each side. */
typedef struct assay_turns_request {
    const char *path; /* of an assay_turns, by a name that both can open */
    uint32_t first;   /* turns taken before; both sides and all series agree on it */
    uint32_t side;    /* 0 or 1 */
    uint32_t rounds;
    size_t calls;     /* a sample */
    uint64_t seed;
    double deadline;  /* seconds to wait for the other side */
} assay_turns_request;

/* Turns taken after a series. */
static inline uint32_t assay_turns_after(uint32_t first, uint32_t rounds)
{
    return first + ASSAY_TURNS_READY + ASSAY_TURNS_ROUND * rounds;
}

/* The request of the timing processes' protocol, and its answer by a worker: "seconds", of a call,
 * two for each round. gpu: the device of the subject, or NULL. */
cJSON *assay_turns_json(const assay_turns_request *request);
assay_status assay_turns_answer(assay_gpu *gpu, const assay_bench_class *class_,
                                assay_bench_subject *subject, const cJSON *json, cJSON *answer,
                                assay_error *error);

/* Ends every wait for a turn: one side failed. True for the first to say so. */
bool assay_turns_abandon(assay_turns *turns);

#endif
