#include "bench/gpu/sample.h"

#include <math.h>

#include "bench/sampler.h"

enum { GRAPH_CALLS_MOST = 64 };

const char *const assay_gpu_list[ASSAY_GPU_LISTS] = {
    "sm_megahertz", "gpu_megahertz", "gpu_memory_megahertz", "gpu_celsius", "gpu_watts",
    "gpu_joules",   "gpu_throttle"};

typedef struct taking {
    assay_gpu *gpu;
    const assay_bench_class *class_;
    assay_bench_subject *subject;
    size_t calls; /* of all sets in turn, or of replays */
    void *graph;
    assay_error *error;
} taking;

bool assay_gpu_clocks(const assay_gpu *gpu, const assay_bench_class *class_)
{
    return gpu != NULL && !class_->waits;
}

const char *assay_gpu_timer(const assay_gpu *gpu, const assay_bench_class *class_, size_t calls)
{
    return !assay_gpu_clocks(gpu, class_)     ? "host"
           : calls > ASSAY_GPU_CALLS_ENQUEUED ? "graph"
                                              : "events";
}

static assay_status enqueue_calls(void *context)
{
    const taking *const t = context;
    return assay_sample_calls(t->class_, t->subject, t->calls);
}

static assay_status replay(void *context)
{
    const taking *const t = context;
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < t->calls && status == ASSAY_OK; i++) {
        status = t->gpu->timing->graph_launch(0, t->graph, t->gpu->stream, t->error);
    }
    return status;
}

/* What was captured is closed whatever became of it: a stream that is captured runs nothing. */
static assay_status capture(taking *t)
{
    const assay_accelerator_timing *const timing = t->gpu->timing;
    assay_error why = {.message = ""};
    assay_status status = timing->graph_begin(0, t->gpu->stream, t->error);
    if (status != ASSAY_OK) {
        return status;
    }
    status = enqueue_calls(t);
    const assay_status ended = timing->graph_end(0, t->gpu->stream, &t->graph, &why);
    if (status != ASSAY_OK || ended == ASSAY_OK) {
        return status;
    }
    return assay_fail(t->error, ASSAY_BAD_INPUT,
                      "runs as short as its are timed by replaying a graph, and nothing else is "
                      "put in its place: %.800s", why.message);
}

static assay_status take_replays(taking *t, size_t calls, assay_gpu_sample *sample)
{
    const size_t each = calls < GRAPH_CALLS_MOST ? calls : GRAPH_CALLS_MOST;
    t->calls = each;
    assay_status status = capture(t);
    if (status == ASSAY_OK) {
        t->calls = 1; /* brought to the device, and warm */
        status = replay(t);
        status = status == ASSAY_OK ? assay_gpu_settle(t->gpu, t->error) : status;
    }
    if (status == ASSAY_OK) {
        t->calls = (calls + each - 1) / each;
        status = assay_gpu_time(t->gpu, false, replay, t, sample, t->error);
        sample->seconds /= (double)(t->calls * each);
    }
    if (t->graph != NULL) {
        (void)t->gpu->timing->graph_close(0, t->graph, NULL);
    }
    return status;
}

assay_status assay_gpu_take(assay_gpu *gpu, const assay_bench_class *class_,
                            assay_bench_subject *subject, size_t calls, bool cold,
                            assay_gpu_sample *sample, assay_error *error)
{
    taking t = {.gpu = gpu, .class_ = class_, .subject = subject, .calls = cold ? 1 : calls,
                .error = error};
    if (t.calls > ASSAY_GPU_CALLS_ENQUEUED) {
        return take_replays(&t, t.calls, sample);
    }
    const assay_status status = assay_gpu_time(gpu, cold, enqueue_calls, &t, sample, error);
    sample->seconds /= (double)t.calls;
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
