/* Between the parts of the probe: what is to be measured, in how much time, and what was found. */
#ifndef BENCH_PROBE_PROBE_PARTS_H
#define BENCH_PROBE_PROBE_PARTS_H

#include "bench/probe/loops.h"
#include "bench/probe/measure.h"
#include "bench/probe/probe.h"

typedef struct assay_probe {
    const assay_probe_options *options;
    bool counting;      /* only how many ways there are: nothing is measured */
    size_t ways, done;  /* to measure things */
    double end;         /* of the whole, by assay_clock_now */
    int32_t all;        /* threads */
    uint32_t features;
    assay_ceilings *found;
} assay_probe;

/* One way of reaching `name`: a pass of one thread does `amount` (bytes or operations), or is
 * itself a latency (amount 0). Of several ways with one name the best stays. */
void assay_probe_way(assay_probe *probe, const char *name, double amount, assay_probe_work *work,
                     void *context, int32_t threads);

/* One way's rounds, in seconds, which it sorts: a rate's best round is the shortest, a latency's
 * too. */
void assay_probe_keep(assay_ceilings *found, const char *name, double amount,
                      assay_probe_rounds *rounds);
/* The date of now. */
void assay_probe_stamp(assay_ceilings *ceilings);

/* Each measures its own names, with one thread and with all. */
assay_status assay_probe_bandwidths(assay_probe *probe, assay_error *error);
assay_status assay_probe_peaks(assay_probe *probe, assay_error *error);
void assay_probe_latencies(assay_probe *probe);

/* Whether the processor has all that a loop needs. */
static inline bool assay_probe_has(const assay_probe *probe, uint32_t features)
{
    return (probe->features & features) == features;
}

/* Keeps what a loop returned from being optimised away, and the loop with it. */
static inline void assay_probe_use(double value)
{
    __asm__ volatile("" : : "m"(value));
}

/* A thread's random numbers (xorshift): words are never zero or constant. */
static inline uint64_t assay_probe_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

#endif
