#include "bench/gpu/sample.h"

#include <math.h>

#include "bench/sampler.h"

enum { GRAPH_CALLS_MOST = 64 };

const char *const assay_gpu_list[ASSAY_GPU_LISTS] = {
    "sm_megahertz", "gpu_megahertz", "gpu_memory_megahertz", "gpu_celsius", "gpu_watts",
    "gpu_joules",   "gpu_throttle"};

const char *assay_gpu_timer(const assay_bench_class *class_, size_t calls)
{
    return class_->waits                      ? "span"
           : calls > ASSAY_GPU_CALLS_ENQUEUED ? "graph"
                                              : "events";
}

static assay_status replay(const assay_gpu_calls *c, size_t times)
{
    assay_gpu *const gpu = c->gpu;
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < times && status == ASSAY_OK; i++) {
        status = gpu->timing->graph_launch(gpu->device.index, c->graph, gpu->stream, c->error);
    }
    return status;
}

/* What was captured is closed whatever became of it: a stream that is captured runs nothing. */
static assay_status capture(assay_gpu_calls *c)
{
    const assay_accelerator_timing *const timing = c->gpu->timing;
    const int32_t device = c->gpu->device.index;
    assay_error why = {.message = ""};
    assay_status status = timing->graph_begin(device, c->gpu->stream, c->error);
    if (status != ASSAY_OK) {
        return status;
    }
    status = assay_sample_calls(c->class_, c->subject, c->each);
    const assay_status ended = timing->graph_end(device, c->gpu->stream, &c->graph, &why);
    if (status != ASSAY_OK || ended == ASSAY_OK) {
        return status;
    }
    return assay_fail(c->error, ASSAY_BAD_INPUT,
                      "runs as short as its are timed by replaying a graph, and nothing else is "
                      "put in its place: %.800s", why.message);
}

assay_status assay_gpu_calls_open(assay_gpu *gpu, const assay_bench_class *class_,
                                  assay_bench_subject *subject, double calls,
                                  assay_gpu_calls *opened, assay_error *error)
{
    const size_t wanted = calls > 1.0 ? (size_t)calls : 1;
    *opened = (assay_gpu_calls){.gpu = gpu, .class_ = class_, .subject = subject, .count = wanted,
                                .error = error};
    if (class_->waits || wanted <= ASSAY_GPU_CALLS_ENQUEUED) {
        return ASSAY_OK;
    }
    opened->each = wanted < GRAPH_CALLS_MOST ? wanted : GRAPH_CALLS_MOST;
    opened->count = (wanted + opened->each - 1) / opened->each * opened->each;
    assay_status status = capture(opened);
    if (status == ASSAY_OK) { /* brought to the device, and warm */
        status = replay(opened, 1);
        status = status == ASSAY_OK ? assay_gpu_settle(gpu, error) : status;
    }
    return status;
}

assay_status assay_gpu_calls_enqueue(const assay_gpu_calls *calls)
{
    return calls->graph != NULL
               ? replay(calls, calls->count / calls->each)
               : assay_sample_calls(calls->class_, calls->subject, calls->count);
}

void assay_gpu_calls_close(assay_gpu_calls *calls)
{
    if (calls->graph != NULL) {
        (void)calls->gpu->timing->graph_close(calls->gpu->device.index, calls->graph, NULL);
        calls->graph = NULL;
    }
}

static assay_status enqueue(void *context)
{
    return assay_gpu_calls_enqueue(context);
}

assay_status assay_gpu_take(assay_gpu *gpu, const assay_bench_class *class_,
                            assay_bench_subject *subject, size_t calls, bool cold,
                            assay_gpu_sample *sample, assay_error *error)
{
    assay_gpu_calls own;
    assay_status status =
        assay_gpu_calls_open(gpu, class_, subject, cold ? 1.0 : (double)calls, &own, error);
    if (status == ASSAY_OK) {
        status = class_->waits ? assay_gpu_time_span(gpu, cold, enqueue, &own, sample, error)
                               : assay_gpu_time(gpu, cold, enqueue, &own, sample, error);
        sample->seconds /= (double)own.count;
    }
    assay_gpu_calls_close(&own);
    return status;
}

void assay_gpu_add_lists(const assay_gpu_sample *sample, cJSON *answer)
{
    const assay_gpu_state *const state = &sample->state;
    const double values[ASSAY_GPU_LISTS] = {
        sample->sm_mhz, state->sm_mhz,  state->memory_mhz, state->celsius,
        state->watts,   sample->joules, state->throttle_known ? (double)sample->throttle : NAN};
    for (int i = 0; i < ASSAY_GPU_LISTS; i++) {
        cJSON *list = cJSON_GetObjectItemCaseSensitive(answer, assay_gpu_list[i]);
        list = list != NULL ? list : cJSON_AddArrayToObject(answer, assay_gpu_list[i]);
        (void)cJSON_AddItemToArray(list, isfinite(values[i]) ? cJSON_CreateNumber(values[i])
                                                             : cJSON_CreateNull());
    }
}

void assay_gpu_add_clock(const assay_gpu *gpu, const char *timer, cJSON *answer)
{
    assay_gpu_limits limits;
    cJSON *const clock = cJSON_AddObjectToObject(answer, "gpu");
    (void)cJSON_AddStringToObject(clock, "name", gpu->facts.name);
    (void)cJSON_AddNumberToObject(clock, "device", gpu->device.index);
    (void)cJSON_AddStringToObject(clock, "timer", timer);
    (void)cJSON_AddNumberToObject(clock, "event_pair_seconds", gpu->event_pair);
    if (isfinite(gpu->clock_mhz)) {
        (void)cJSON_AddNumberToObject(clock, "settled_megahertz", gpu->clock_mhz);
    }
    if (gpu->nvml == NULL) {
        (void)cJSON_AddStringToObject(clock, "without_nvml", gpu->nvml_said.message);
        return;
    }
    assay_nvml_limits(gpu->nvml, &limits);
    if (isfinite(limits.sm_mhz_most)) {
        (void)cJSON_AddNumberToObject(clock, "megahertz_most", limits.sm_mhz_most);
    }
    if (isfinite(limits.watts_most)) {
        (void)cJSON_AddNumberToObject(clock, "watts_most", limits.watts_most);
    }
}
