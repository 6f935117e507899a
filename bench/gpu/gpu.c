#include "bench/gpu/gpu.h"

#include <math.h>
#include <stdlib.h>

#include "kernels/registry.h"

/* Where a device does not tell the size of its cache: more than twice what any has today. */
enum { FLUSH_UNKNOWN = 512 << 20, PAIR_ROUNDS = 8 };

static assay_status find_device(assay_gpu *gpu, int32_t number, assay_error *error)
{
    int32_t count = 0;
    assay_error why = {.message = ""};
    const assay_accelerator *const a = gpu->accelerator;
    assay_status status = a->count(&count, &why);
    if (status != ASSAY_OK || count < 1) {
        return assay_fail(error, ASSAY_UNSUPPORTED, "no device: %.900s",
                          why.message[0] != '\0' ? why.message : "there is none");
    }
    if (number < 0 || number >= count) {
        return assay_fail(error, ASSAY_UNSUPPORTED, "no device %d: there are %d", (int)number,
                          (int)count);
    }
    status = a->describe(number, &gpu->facts, error);
    gpu->device = gpu->facts.device;
    gpu->device.features = assay_host_device().features;
    return status;
}

static void open_nvml(assay_gpu *gpu)
{
    char bus[ASSAY_DEVICE_BUS_MAX];
    if (gpu->timing->bus(gpu->device.index, bus, &gpu->nvml_said) == ASSAY_OK) {
        /* the variable is for tests, which have a library of their own */
        (void)assay_nvml_open(getenv("ASSAY_NVML"), bus, &gpu->nvml, &gpu->nvml_said);
    }
}

static assay_status open_parts(assay_gpu *gpu, assay_error *error)
{
    const assay_accelerator *const a = gpu->accelerator;
    const assay_accelerator_timing *const t = gpu->timing;
    const int32_t device = gpu->device.index;
    assay_status status = a->stream_open(device, &gpu->stream, error);
    for (int i = 0; i < 2 && status == ASSAY_OK; i++) {
        status = a->event_open(device, &gpu->event[i], error);
    }
    status = status == ASSAY_OK ? t->gate_open(device, &gpu->gate, error) : status;
    status = status == ASSAY_OK ? t->stamp_count(device, &gpu->stamp_count, error) : status;
    if (status != ASSAY_OK) {
        return status;
    }
    const size_t stamps = 2 * (size_t)gpu->stamp_count * sizeof *gpu->stamps;
    void *memory = NULL;
    gpu->read = malloc(stamps);
    status = gpu->read != NULL ? a->allocate(device, stamps, &memory, error)
                               : assay_fail(error, ASSAY_NO_MEMORY, "no memory for clock stamps");
    gpu->stamps = memory;
    gpu->flush_bytes = 2 * (size_t)gpu->facts.cache_bytes;
    gpu->flush_bytes = gpu->flush_bytes == 0 ? FLUSH_UNKNOWN : gpu->flush_bytes;
    return status == ASSAY_OK ? a->allocate(device, gpu->flush_bytes, &gpu->flush, error)
                              : status;
}

static assay_status no_work(void *context)
{
    (void)context;
    return ASSAY_OK;
}

static assay_status measure_pair(assay_gpu *gpu, assay_error *error)
{
    assay_status status = ASSAY_OK;
    gpu->event_pair = INFINITY;
    for (int i = 0; i < PAIR_ROUNDS && status == ASSAY_OK; i++) {
        assay_gpu_sample sample;
        status = assay_gpu_time(gpu, false, no_work, NULL, &sample, error);
        gpu->event_pair = fmin(gpu->event_pair, sample.seconds);
    }
    return status;
}

assay_status assay_gpu_open(const assay_accelerator *accelerator, int32_t number, assay_gpu **gpu,
                            assay_error *error)
{
    *gpu = NULL;
    assay_gpu *made = calloc(1, sizeof *made);
    if (made == NULL || accelerator == NULL) {
        free(made);
        return assay_fail(error, accelerator == NULL ? ASSAY_UNSUPPORTED : ASSAY_NO_MEMORY,
                          accelerator == NULL ? "no device: nobody brings one"
                                              : "no memory for a device");
    }
    made->accelerator = accelerator;
    made->timing = assay_timing_of(accelerator);
    made->clock_mhz = NAN;
    assay_status status = find_device(made, number, error);
    if (status == ASSAY_OK && made->timing == NULL) {
        status = assay_fail(error, ASSAY_BAD_INPUT,
                            "the accelerator '%s' has no timing functions, and a device's kernels "
                            "are timed by no other clock: give it those of assay/accelerator.h",
                            accelerator->name);
    }
    status = status == ASSAY_OK ? open_parts(made, error) : status;
    if (status == ASSAY_OK) {
        open_nvml(made);
        status = measure_pair(made, error);
    }
    if (status != ASSAY_OK) {
        assay_gpu_close(&made);
    }
    *gpu = made;
    return status;
}

void assay_gpu_close(assay_gpu **gpu)
{
    assay_gpu *const own = *gpu;
    if (own == NULL) {
        return;
    }
    const assay_accelerator *const a = own->accelerator;
    const int32_t device = own->device.index;
    if (own->stream != NULL) {
        (void)a->stream_close(device, own->stream, NULL);
    }
    for (int i = 0; i < 2; i++) {
        if (own->event[i] != NULL) {
            (void)a->event_close(device, own->event[i], NULL);
        }
    }
    if (own->gate != NULL) {
        (void)own->timing->gate_close(device, own->gate, NULL);
    }
    if (own->stamps != NULL) {
        (void)a->release(device, own->stamps, NULL);
    }
    if (own->flush != NULL) {
        (void)a->release(device, own->flush, NULL);
    }
    assay_nvml_close(&own->nvml);
    free(own->read);
    free(own);
    *gpu = NULL;
}

assay_status assay_gpu_settle(assay_gpu *gpu, assay_error *error)
{
    const int32_t device = gpu->device.index;
    bool lost = false;
    const assay_status status = gpu->accelerator->synchronise(device, gpu->stream, error);
    const assay_status left =
        gpu->accelerator->last_error(device, &lost, status == ASSAY_OK ? error : NULL);
    gpu->lost = gpu->lost || lost;
    return status != ASSAY_OK ? status : left;
}

assay_status assay_gpu_flush(assay_gpu *gpu, assay_error *error)
{
    return gpu->timing->flush(gpu->device.index, gpu->stream, gpu->flush, gpu->flush_bytes,
                              error);
}

void assay_gpu_look(const assay_gpu *gpu, assay_gpu_state *state)
{
    *state = (assay_gpu_state){.sm_mhz = NAN, .memory_mhz = NAN, .celsius = NAN, .watts = NAN,
                               .joules = NAN};
    if (gpu->nvml != NULL) {
        assay_nvml_state(gpu->nvml, state);
    }
}
