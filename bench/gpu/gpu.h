/* A device that kernels are timed on, through the accelerator that their plug-in brings.
 *
 * A sample is what two events around the work say, on a stream of its own:
 *
 *   stamp | cold: flush | gate | event | work | event | stamp
 *
 * Everything from the gate on is enqueued before the gate is opened, so that nothing the host does
 * lies between the events. What is left beside the work is what a device needs from one event to
 * the next; it is measured (event_pair) and reported, and not subtracted: subtracted, a kernel
 * would seem faster than it can run. The stamps are counters of every multiprocessor; cycles over
 * nanoseconds, the median over multiprocessors, is the clock that they had. Source of the method:
 * NVIDIA's nvbench (blocking kernel, timestamps of a multiprocessor). */
#ifndef BENCH_GPU_GPU_H
#define BENCH_GPU_GPU_H

#include "assay/accelerator.h"
#include "bench/gpu/nvml.h"

typedef struct assay_gpu {
    const assay_accelerator *accelerator;
    const assay_accelerator_timing *timing;
    assay_accelerator_device facts;
    assay_device device; /* what kernels are given */
    void *stream;
    void *gate;
    void *event[2];
    assay_stamp *stamps; /* on the device: 2 x stamp_count */
    assay_stamp *read;   /* on the host */
    int32_t stamp_count;
    void *flush;
    size_t flush_bytes;
    assay_nvml *nvml;      /* NULL: nvml_said has the reason */
    assay_error nvml_said;
    bool lost; /* by an error that stays: all that this process asks of it from now on fails */
    double event_pair; /* seconds between two events with nothing between them, the least seen */
    double clock_mhz;  /* once it had settled; NaN: not known */
} assay_gpu;

/* Opens the accelerator's device of that number. ASSAY_UNSUPPORTED with the reason where there is
 * none; ASSAY_BAD_INPUT where the accelerator cannot time: nothing else is put in its place. */
assay_status assay_gpu_open(const assay_accelerator *accelerator, int32_t number, assay_gpu **gpu,
                            assay_error *error);
void assay_gpu_close(assay_gpu **gpu);

/* Waits for the stream; an error that a kernel left is ASSAY_DEVICE with its text, and where it
 * stays the device is `lost`. */
assay_status assay_gpu_settle(assay_gpu *gpu, assay_error *error);

/* Below this part of the settled clock a sample is marked. */
#define ASSAY_GPU_CLOCK_LEAST 0.9
/* A gate opens by itself after this time. */
#define ASSAY_GPU_GATE_SECONDS 2.0
/* Shorter windows say nothing of the clock: the nanoseconds tick at up to a microsecond. */
#define ASSAY_GPU_STAMP_SECONDS 20e-6

typedef struct assay_gpu_sample {
    double seconds;  /* from event to event */
    double sm_mhz;   /* by the stamps; NaN: not known */
    double joules;   /* by NVML's counter, of the sample and what is around it; NaN: not known */
    assay_gpu_state state; /* right after it; all NaN without NVML */
    uint64_t throttle;     /* reasons before it or after it, assay_throttle bits */
    bool disturbed; /* one that disturbs, or a clock below ASSAY_GPU_CLOCK_LEAST of the settled */
} assay_gpu_sample;

/* Work: enqueues in gpu->stream and waits for nothing. */
typedef assay_status assay_gpu_work(void *context);

/* One sample. ASSAY_BAD_INPUT: the gate opened by itself, since the work waits for the device while
 * it is enqueued, or is more than the device's queue holds; such work has no time of its own. */
assay_status assay_gpu_time(assay_gpu *gpu, bool cold, assay_gpu_work *work, void *context,
                            assay_gpu_sample *sample, assay_error *error);

/* One sample of work that waits for the device itself and ends on the host, as stages do: the same
 * without a gate. From an event in the idle stream to one after the work's return, so that what the
 * host does in between is part of it. */
assay_status assay_gpu_time_span(assay_gpu *gpu, bool cold, assay_gpu_work *work, void *context,
                                 assay_gpu_sample *sample, assay_error *error);

/* Puts what the device's caches held out of them; enqueued. */
assay_status assay_gpu_flush(assay_gpu *gpu, assay_error *error);

/* Keeps the device busy until its clock no longer rises, 0.2 s at most: an idle one is slow. */
assay_status assay_gpu_settle_clock(assay_gpu *gpu, assay_error *error);

/* State without NVML: nothing is known. */
void assay_gpu_look(const assay_gpu *gpu, assay_gpu_state *state);

/* Of two sets of stamps: the median clock in MHz; NaN where less than ASSAY_GPU_STAMP_SECONDS lie
 * between them. scratch: count numbers. */
double assay_stamps_megahertz(const assay_stamp *before, const assay_stamp *after, int32_t count,
                              double *scratch);

#endif
