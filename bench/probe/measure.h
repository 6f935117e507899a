/* Rounds of a piece of work that every thread of a team does at once. */
#ifndef BENCH_PROBE_MEASURE_H
#define BENCH_PROBE_MEASURE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* What thread number `thread` does; so many times over. */
typedef void assay_probe_work(void *context, int32_t thread, size_t passes);

enum { ASSAY_PROBE_ROUNDS = 1024 };

typedef struct assay_probe_rounds {
    size_t count;
    double seconds[ASSAY_PROBE_ROUNDS]; /* of one pass: from the first thread's start to the last
                                           one's end */
} assay_probe_rounds;

/* Rounds short enough for some of them to go undisturbed on a shared machine, until `budget`
 * seconds are over; at least eight, since a single one may have been interrupted. */
void assay_probe_measure(assay_probe_work *work, void *context, int32_t threads, double budget,
                         assay_probe_rounds *rounds);

/* A barrier of threads that spin: what the processors allow, without the system. */
typedef struct assay_spin_barrier {
    int32_t threads;
    atomic_int arrived, phase;
} assay_spin_barrier;

void assay_spin_barrier_wait(assay_spin_barrier *barrier);

#endif
