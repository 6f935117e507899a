/* Samples of a subject whose kernel runs on a device. */
#ifndef BENCH_GPU_SAMPLE_H
#define BENCH_GPU_SAMPLE_H

#include "bench/subject.h"

/* More calls a sample than this are one graph that is replayed: its kernels are shorter than what
 * the host needs to enqueue them (a sample lasts 100 us at least, so these take less than 20). */
enum { ASSAY_GPU_CALLS_ENQUEUED = 5 };

/* Whether a subject's calls are timed by the device's own events: a stage that gives its results to
 * the host has no end on the device, and is timed by the host's clock until it has waited. */
bool assay_gpu_clocks(const assay_gpu *gpu, const assay_bench_class *class_);

/* How: "events", "graph" or "host". */
const char *assay_gpu_timer(const assay_gpu *gpu, const assay_bench_class *class_, size_t calls);

/* One sample of `calls` calls over the sets in turn, from the first; sample->seconds is one call's.
 * Where they are replayed they are captured anew, since fresh inputs may lie elsewhere, and run
 * once before. ASSAY_BAD_INPUT: they cannot be captured, or not be timed (assay_gpu_time). */
assay_status assay_gpu_take(assay_gpu *gpu, const assay_bench_class *class_,
                            assay_bench_subject *subject, size_t calls, bool cold,
                            assay_gpu_sample *sample, assay_error *error);

/* Lists of samples that a device adds: see the results' schema. One sample into answer's. */
enum { ASSAY_GPU_LISTS = 7 };
extern const char *const assay_gpu_list[ASSAY_GPU_LISTS];
void assay_gpu_add_lists(const assay_gpu_sample *sample, cJSON *answer);

/* What timings say of their clock: "gpu" in answer. */
void assay_gpu_add_clock(const assay_gpu *gpu, const char *timer, cJSON *answer);

#endif
