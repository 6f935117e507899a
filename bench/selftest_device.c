/* The clock of a device's kernels, judged on work whose cycles are known. */
#include <math.h>
#include <stdio.h>

#include "bench/gpu/gpu.h"
#include "bench/selftest.h"
#include "bench/statistics/summary.h"
#include "kernels/plugin.h"

enum { ROUNDS = 31, SHORT_CYCLES = 200000, LONG_CYCLES = 2200000 };

/* Stamps tick at up to a microsecond, of windows of a millisecond. */
static const double error_most = 0.01;

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

/* Seconds between events times the clock by stamps, of a long spin less a short one, over their
 * cycles: what is the same in both (events, the launch) falls out. */
static assay_status measure(assay_gpu *gpu, bool cold, double ratio[ROUNDS], assay_error *error)
{
    assay_status status = ASSAY_OK;
    for (int i = 0; i < ROUNDS && status == ASSAY_OK; i++) {
        spinning s = {gpu, SHORT_CYCLES, error};
        assay_gpu_sample brief;
        assay_gpu_sample lasting;
        status = assay_gpu_time(gpu, cold, spin, &s, &brief, error);
        s.cycles = LONG_CYCLES;
        status = status == ASSAY_OK ? assay_gpu_time(gpu, cold, spin, &s, &lasting, error) : status;
        if (status == ASSAY_OK) {
            ratio[i] = (lasting.seconds - brief.seconds) * lasting.sm_mhz * 1e6 /
                       (double)(LONG_CYCLES - SHORT_CYCLES);
        }
    }
    return status;
}

static assay_status judge(assay_gpu *gpu, bool *good, assay_error *error)
{
    double ratio[ROUNDS];
    assay_status status = assay_gpu_settle_clock(gpu, error);
    printf("device           %s; clock %.0f MHz, %.2f us between two events\n", gpu->facts.name,
           gpu->clock_mhz, 1e6 * gpu->event_pair);
    if (gpu->nvml == NULL) {
        printf("device           NVML is missing: %s\n", gpu->nvml_said.message);
    }
    for (int cold = 0; cold < 2 && status == ASSAY_OK; cold++) {
        assay_summary s;
        status = measure(gpu, cold == 1, ratio, error);
        status = status == ASSAY_OK
                     ? assay_summarise(ratio, ROUNDS, ASSAY_CONFIDENCE, &s, error)
                     : status;
        if (status == ASSAY_OK) {
            const bool right = fabs(s.median - 1.0) <= error_most;
            printf("device, %s     %d cycles take %+.2f%% more than by its clock (at most "
                   "%.0f%%)\n", cold == 1 ? "cold" : "warm", LONG_CYCLES - SHORT_CYCLES,
                   100.0 * (s.median - 1.0), 100.0 * error_most);
            *good = *good && right;
        }
    }
    return status;
}

assay_status assay_selftest_device(const char *plugin, int32_t number, bool *good,
                                   assay_error *error)
{
    assay_plugin opened;
    assay_gpu *gpu = NULL;
    assay_status status = assay_plugin_open(plugin, &opened, error);
    if (status != ASSAY_OK) {
        return status;
    }
    status = assay_gpu_open(opened.accelerator, number, &gpu, error);
    if (status == ASSAY_OK) {
        status = judge(gpu, good, error);
    }
    assay_gpu_close(&gpu);
    assay_plugin_close(&opened);
    return status;
}
