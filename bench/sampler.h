/* Samples of a subject: the timing loop itself. */
#ifndef BENCH_SAMPLER_H
#define BENCH_SAMPLER_H

#include "bench/subject.h"

typedef struct assay_sample_request {
    assay_gpu *gpu; /* the device that the subject was opened on; NULL: the host */
    bool cold;
    double patience; /* seconds to wait for moments in which the process has its cores to itself;
                        below 0: whether it has does not matter */
    size_t calls;   /* a sample: mean of so many calls; 1 when cold */
    size_t samples;
    uint64_t seed;  /* of the inputs: sample i's sets are made from seed + i * sets + set */
    int64_t keep;   /* the sample whose last set's outputs are put out; -1: none */
    int output;     /* where to */
} assay_sample_request;

/* The lists of samples, one entry a sample: seconds of one call with the empty call's cost
 * subtracted, and what bench/counters.h has of it. Of samples that a device timed, only seconds
 * (nothing subtracted) and contaminated; with a device, its own lists too (bench/gpu/sample.h). */
enum { ASSAY_SAMPLE_LISTS = 7 };
extern const char *const assay_sample_list[ASSAY_SAMPLE_LISTS];

/* Appends to answer: those lists, empty_call_seconds, waited_seconds (for cores of its own, all
 * samples together; before the evicted or warm state was reached),
 * for subjects that can be watched watched (of the fastest, the median and the slowest sample, what
 * assay_profile_end says), and for a kept sample kept_seed (a string), outputs, and rewritten
 * (false: called again with the same inputs, the kernel left results unwritten).
 *
 * Cold: after the inputs were made, memory of twice the last-level cache is written and read, so
 * that operands, packed weights, code and page tables are out of every cache; then one call.
 * On a device: its caches too (where its calls end on the host), or they alone.
 * Warm: every set is called once, then `calls` calls over the sets in turn; operands are in cache
 * as far as they fit. */
assay_status assay_sample_take(const assay_bench_class *class_, assay_bench_subject *subject,
                               const assay_sample_request *request, cJSON *answer,
                               assay_error *error);

/* Its parts, for other loops. Inputs of all sets anew, from seed + set, and warm. */
assay_status assay_sample_ready(const assay_bench_class *class_, assay_bench_subject *subject,
                                uint64_t seed, assay_error *error);
/* Calls over the sets in turn, from the first; the status of the last that did not return well. */
assay_status assay_sample_calls(const assay_bench_class *class_, assay_bench_subject *subject,
                                size_t calls);
/* Seconds that everything in that loop but the kernel takes a call: the least of several rounds. */
double assay_sample_empty_call(const assay_bench_class *class_, assay_bench_subject *subject);

#endif
