/* What calls on a device cost in energy: they run one after another for a while, and NVML is asked
 * meanwhile. One sample is far too short for it: the counter of energy moves every 20 to 100 ms. */
#ifndef BENCH_GPU_ENERGY_H
#define BENCH_GPU_ENERGY_H

#include "bench/subject.h"

/* Of all calls together, from one move of the counter to another; what is not told is NaN. */
typedef struct assay_gpu_energy {
    double seconds, calls;
    double counter_joules; /* by NVML's counter of energy */
    double power_joules;   /* by its power, asked again and again and integrated over the time */
    double answers;        /* so often was it asked */
    double disturbed;      /* and so often the clocks were held down (ASSAY_THROTTLE_DISTURBS) */
} assay_gpu_energy;

/* Warm calls over the sets in turn, for `seconds` and up to half a second more, whose one call
 * takes call_seconds about. ASSAY_UNSUPPORTED with the reason where NVML tells no energy. */
assay_status assay_gpu_spend(assay_gpu *gpu, const assay_bench_class *class_,
                             assay_bench_subject *subject, double call_seconds, double seconds,
                             assay_gpu_energy *energy, assay_error *error);

/* "energy" of a timing in the results' form. */
void assay_gpu_add_energy(const assay_gpu_energy *energy, cJSON *answer);

#endif
