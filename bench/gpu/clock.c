/* One sample of a device's work, and what its clock did meanwhile. */
#include <math.h>
#include <stdlib.h>

#include "bench/gpu/gpu.h"

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

double assay_stamps_megahertz(const assay_stamp *before, const assay_stamp *after, int32_t count,
                              double *scratch)
{
    size_t known = 0;
    for (int32_t i = 0; i < count; i++) {
        const double nanoseconds = (double)after[i].nanoseconds - (double)before[i].nanoseconds;
        const bool both = before[i].cycles != 0 && after[i].cycles > before[i].cycles;
        if (both && nanoseconds >= ASSAY_GPU_STAMP_SECONDS * 1e9) {
            scratch[known++] = (double)(after[i].cycles - before[i].cycles) / nanoseconds * 1e3;
        }
    }
    if (known == 0) {
        return NAN;
    }
    qsort(scratch, known, sizeof *scratch, ascending);
    return known % 2 == 1 ? scratch[known / 2]
                          : 0.5 * (scratch[known / 2 - 1] + scratch[known / 2]);
}

/* From the gate on, where there is one; whatever fails, it is opened and the stream waited for. */
static assay_status enqueue(assay_gpu *gpu, bool gated, assay_gpu_work *work, void *context,
                            assay_error *error)
{
    const assay_accelerator *const a = gpu->accelerator;
    const assay_accelerator_timing *const t = gpu->timing;
    const int32_t device = gpu->device.index;
    assay_status status =
        gated ? t->gate_shut(device, gpu->gate, gpu->stream, ASSAY_GPU_GATE_SECONDS, error)
              : assay_gpu_settle(gpu, error);
    if (status != ASSAY_OK) {
        return status;
    }
    status = a->event_record(device, gpu->event[0], gpu->stream, error);
    status = status == ASSAY_OK ? work(context) : status;
    if (status == ASSAY_OK) {
        status = a->event_record(device, gpu->event[1], gpu->stream, error);
    }
    if (status == ASSAY_OK) {
        status = t->stamp(device, gpu->stream, gpu->stamps + gpu->stamp_count, error);
    }
    if (gated) {
        (void)t->gate_release(device, gpu->gate, NULL);
    }
    const assay_status settled = assay_gpu_settle(gpu, status == ASSAY_OK ? error : NULL);
    return status != ASSAY_OK ? status : settled;
}

static assay_status read_stamps(assay_gpu *gpu, double *megahertz, assay_error *error)
{
    const size_t count = (size_t)gpu->stamp_count;
    const int32_t device = gpu->device.index;
    double *const scratch = malloc(count * sizeof *scratch + 1);
    if (scratch == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory for clock stamps");
    }
    assay_status status =
        gpu->accelerator->copy(device, gpu->stream, gpu->read, gpu->stamps,
                               2 * count * sizeof *gpu->stamps, ASSAY_FROM_DEVICE, error);
    status = status == ASSAY_OK ? assay_gpu_settle(gpu, error) : status;
    if (status == ASSAY_OK) {
        *megahertz =
            assay_stamps_megahertz(gpu->read, gpu->read + count, gpu->stamp_count, scratch);
    }
    free(scratch);
    return status;
}

static assay_status expect_gate(const assay_gpu *gpu, assay_error *error)
{
    bool expired = false;
    const assay_status status =
        gpu->timing->gate_expired(gpu->device.index, gpu->gate, &expired, error);
    return status != ASSAY_OK || !expired
               ? status
               : assay_fail(error, ASSAY_BAD_INPUT,
                            "its run was not enqueued within %g s: it waits for the device (a "
                            "run must not allocate, copy to pageable memory or synchronise), or "
                            "enqueues more than the device's queue holds; it cannot be timed",
                            ASSAY_GPU_GATE_SECONDS);
}

static assay_status take(assay_gpu *gpu, bool cold, bool gated, assay_gpu_work *work,
                         void *context, assay_gpu_sample *sample, assay_error *error)
{
    const int32_t device = gpu->device.index;
    assay_gpu_state before;
    *sample = (assay_gpu_sample){.seconds = NAN, .sm_mhz = NAN, .joules = NAN};
    assay_gpu_look(gpu, &before);
    assay_status status = gpu->timing->stamp(device, gpu->stream, gpu->stamps, error);
    if (status == ASSAY_OK && cold) {
        status = assay_gpu_flush(gpu, error);
    }
    status = status == ASSAY_OK ? enqueue(gpu, gated, work, context, error) : status;
    status = status == ASSAY_OK && gated ? expect_gate(gpu, error) : status;
    if (status == ASSAY_OK) {
        status = gpu->accelerator->seconds_between(device, gpu->event[0], gpu->event[1],
                                                   &sample->seconds, error);
    }
    status = status == ASSAY_OK ? read_stamps(gpu, &sample->sm_mhz, error) : status;
    assay_gpu_look(gpu, &sample->state);
    sample->throttle = (before.throttle_known ? before.throttle : 0) |
                       (sample->state.throttle_known ? sample->state.throttle : 0);
    sample->joules = sample->state.joules - before.joules;
    sample->disturbed = (sample->throttle & ASSAY_THROTTLE_DISTURBS) != 0 ||
                        sample->sm_mhz < ASSAY_GPU_CLOCK_LEAST * gpu->clock_mhz;
    return status;
}

assay_status assay_gpu_time(assay_gpu *gpu, bool cold, assay_gpu_work *work, void *context,
                            assay_gpu_sample *sample, assay_error *error)
{
    return take(gpu, cold, true, work, context, sample, error);
}

assay_status assay_gpu_time_span(assay_gpu *gpu, bool cold, assay_gpu_work *work, void *context,
                                 assay_gpu_sample *sample, assay_error *error)
{
    return take(gpu, cold, false, work, context, sample, error);
}

typedef struct spinning {
    assay_gpu *gpu;
    uint64_t cycles;
    assay_error *error;
} spinning;

static assay_status spin(void *context)
{
    const spinning *const s = context;
    return s->gpu->timing->spin(s->gpu->device.index, s->gpu->stream, s->cycles, s->error);
}

assay_status assay_gpu_settle_clock(assay_gpu *gpu, assay_error *error)
{
    enum { ROUNDS = 20, CYCLES = 10000000 };
    static const double steady = 0.01, longest = 0.2;
    spinning s = {gpu, CYCLES, error};
    double spent = 0.0;
    assay_status status = ASSAY_OK;
    gpu->clock_mhz = NAN;
    for (int i = 0; i < ROUNDS && spent < longest && status == ASSAY_OK; i++) {
        assay_gpu_sample sample;
        status = assay_gpu_time(gpu, false, spin, &s, &sample, error);
        const bool settled = fabs(sample.sm_mhz / gpu->clock_mhz - 1.0) <= steady;
        gpu->clock_mhz = sample.sm_mhz;
        spent += sample.seconds;
        if (settled) {
            break;
        }
    }
    return status;
}
