#include "bench/gpu/energy.h"

#include <math.h>

#include "bench/clock.h"
#include "bench/gpu/sample.h"

/* Calls are enqueued in portions of about this time, and NVML is asked while one runs: the device
 * is never idle for longer than the host needs to hand it the next. */
static const double portion_seconds = 0.02;
/* The counter is waited for no longer: one that stands still for so long does not count. */
static const double move_seconds = 0.25;

typedef struct moment {
    double when, joules, watts;
} moment;

typedef struct spending {
    assay_gpu *gpu;
    assay_gpu_calls calls;
    double done; /* calls, until the last moment */
} spending;

/* One portion, and what NVML says while it runs; the moment is when it has ended. The power since
 * the moment before is added up. */
static assay_status step(spending *s, moment *now, assay_gpu_energy *energy, assay_error *error)
{
    const moment before = *now;
    assay_gpu_state state;
    assay_status status = assay_gpu_calls_enqueue(&s->calls);
    assay_gpu_look(s->gpu, &state);
    status = status == ASSAY_OK ? assay_gpu_settle(s->gpu, error) : status;
    s->done += (double)s->calls.count;
    *now = (moment){assay_clock_now(), state.joules, state.watts};
    energy->power_joules += 0.5 * (before.watts + now->watts) * (now->when - before.when);
    energy->answers += 1.0;
    energy->disturbed +=
        state.throttle_known && (state.throttle & ASSAY_THROTTLE_DISTURBS) != 0 ? 1.0 : 0.0;
    return status;
}

/* Until the counter has moved, from where it stands now. */
static assay_status await_move(spending *s, moment *now, assay_gpu_energy *energy,
                               assay_error *error)
{
    const moment start = *now;
    assay_status status = ASSAY_OK;
    while (status == ASSAY_OK && now->joules == start.joules &&
           now->when - start.when < move_seconds) {
        status = step(s, now, energy, error);
    }
    return status;
}

static assay_status spend(spending *s, double seconds, assay_gpu_energy *energy,
                          assay_error *error)
{
    moment now = {0.0, 0.0, 0.0};
    *energy = (assay_gpu_energy){.seconds = 0.0};
    assay_status status = step(s, &now, energy, error); /* the device is busy, and warm */
    status = status == ASSAY_OK ? await_move(s, &now, energy, error) : status;
    const moment first = now;
    s->done = 0.0;
    *energy = (assay_gpu_energy){.seconds = 0.0};
    while (status == ASSAY_OK && now.when - first.when < seconds) {
        status = step(s, &now, energy, error);
    }
    status = status == ASSAY_OK ? await_move(s, &now, energy, error) : status;
    energy->seconds = now.when - first.when;
    energy->calls = s->done;
    energy->counter_joules = now.joules > first.joules ? now.joules - first.joules : (double)NAN;
    return status;
}

assay_status assay_gpu_spend(assay_gpu *gpu, const assay_bench_class *class_,
                             assay_bench_subject *subject, double call_seconds, double seconds,
                             assay_gpu_energy *energy, assay_error *error)
{
    assay_gpu_state state;
    assay_gpu_look(gpu, &state);
    if (isnan(state.joules) && isnan(state.watts)) {
        return assay_fail(error, ASSAY_UNSUPPORTED, "NVML tells neither energy nor power: %.900s",
                          gpu->nvml == NULL ? gpu->nvml_said.message : "this GPU has no sensor");
    }
    spending s = {.gpu = gpu};
    assay_status status =
        assay_gpu_calls_open(gpu, class_, subject, portion_seconds / call_seconds, &s.calls, error);
    status = status == ASSAY_OK ? spend(&s, seconds, energy, error) : status;
    assay_gpu_calls_close(&s.calls);
    return status;
}

void assay_gpu_add_energy(const assay_gpu_energy *energy, cJSON *answer)
{
    const struct {
        const char *key;
        double value;
    } numbers[] = {{"seconds", energy->seconds},
                   {"calls", energy->calls},
                   {"counter_joules", energy->counter_joules},
                   {"power_joules", energy->power_joules},
                   {"answers", energy->answers},
                   {"disturbed", energy->disturbed}};
    cJSON *const object = cJSON_AddObjectToObject(answer, "energy");
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (isfinite(numbers[i].value)) {
            (void)cJSON_AddNumberToObject(object, numbers[i].key, numbers[i].value);
        }
    }
}
