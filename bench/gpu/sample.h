/* Samples of a subject whose kernel runs on a device. */
#ifndef BENCH_GPU_SAMPLE_H
#define BENCH_GPU_SAMPLE_H

#include "bench/subject.h"

/* More calls a sample than this are one graph that is replayed: its kernels are shorter than what
 * the host needs to enqueue them (a sample lasts 100 us at least, so these take less than 20). */
enum { ASSAY_GPU_CALLS_ENQUEUED = 5 };

/* How a subject's calls are timed, always by the device's clock: "events" behind a gate, "graph"
 * (replayed), or "span" where they wait for the device themselves (assay_gpu_time_span). */
const char *assay_gpu_timer(const assay_bench_class *class_, size_t calls);

/* One sample of `calls` calls over the sets in turn, from the first; sample->seconds is one call's.
 * Where they are replayed they are captured anew, since fresh inputs may lie elsewhere, and run
 * once before. ASSAY_BAD_INPUT: they cannot be captured, or not be timed (assay_gpu_time). */
assay_status assay_gpu_take(assay_gpu *gpu, const assay_bench_class *class_,
                            assay_bench_subject *subject, size_t calls, bool cold,
                            assay_gpu_sample *sample, assay_error *error);

/* Calls that are enqueued together, again and again: as they are, or, where they are short, as a
 * graph of some of them that is replayed. */
typedef struct assay_gpu_calls {
    assay_gpu *gpu;
    const assay_bench_class *class_;
    assay_bench_subject *subject;
    size_t count; /* of one enqueue */
    size_t each;  /* of these in the graph */
    void *graph;  /* NULL: none */
    assay_error *error;
} assay_gpu_calls;

/* About so many calls a time, at least one. ASSAY_BAD_INPUT: they cannot be captured. */
assay_status assay_gpu_calls_open(assay_gpu *gpu, const assay_bench_class *class_,
                                  assay_bench_subject *subject, double calls,
                                  assay_gpu_calls *opened, assay_error *error);
assay_status assay_gpu_calls_enqueue(const assay_gpu_calls *calls);
void assay_gpu_calls_close(assay_gpu_calls *calls);

/* Lists of samples that a device adds: see the results' schema. One sample into answer's. */
enum { ASSAY_GPU_LISTS = 7 };
extern const char *const assay_gpu_list[ASSAY_GPU_LISTS];
void assay_gpu_add_lists(const assay_gpu_sample *sample, cJSON *answer);

/* What timings say of their clock: "gpu" in answer. */
void assay_gpu_add_clock(const assay_gpu *gpu, const char *timer, cJSON *answer);

#endif
