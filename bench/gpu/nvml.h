/* What a GPU's management library (NVML) says of it: clocks, temperature, power, energy, and why it
 * runs slower than it could. The library comes with the driver and is opened at run time; neither
 * it nor its header is needed to build.
 *
 * Source: the NVML API Reference Guide (docs.nvidia.com/deploy/nvml-api). */
#ifndef BENCH_GPU_NVML_H
#define BENCH_GPU_NVML_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/status.h"

/* Why a GPU's clocks are held down: bits of nvmlClocksEventReasons. */
typedef enum assay_throttle {
    ASSAY_THROTTLE_IDLE = 0x1,
    ASSAY_THROTTLE_APPLICATION_CLOCKS = 0x2,
    ASSAY_THROTTLE_POWER_CAP = 0x4,
    ASSAY_THROTTLE_HARDWARE = 0x8,
    ASSAY_THROTTLE_SYNC_BOOST = 0x10,
    ASSAY_THROTTLE_THERMAL = 0x20,
    ASSAY_THROTTLE_HARDWARE_THERMAL = 0x40,
    ASSAY_THROTTLE_POWER_BRAKE = 0x80,
    ASSAY_THROTTLE_DISPLAY_CLOCKS = 0x100
} assay_throttle;

/* Reasons with which a sample's clock is not the one that the next sample will have: it is marked.
 * Idle says that nothing ran, application clocks are somebody's wish and steady. */
enum {
    ASSAY_THROTTLE_DISTURBS = ASSAY_THROTTLE_POWER_CAP | ASSAY_THROTTLE_HARDWARE |
                              ASSAY_THROTTLE_SYNC_BOOST | ASSAY_THROTTLE_THERMAL |
                              ASSAY_THROTTLE_HARDWARE_THERMAL | ASSAY_THROTTLE_POWER_BRAKE
};

/* What a GPU does not tell is NaN, or 0 of `throttle` with throttle_known false. */
typedef struct assay_gpu_state {
    double sm_mhz, memory_mhz;
    double celsius, watts;
    double joules; /* since the driver was loaded */
    bool throttle_known;
    uint64_t throttle; /* assay_throttle bits */
} assay_gpu_state;

typedef struct assay_gpu_limits {
    double sm_mhz_most, memory_mhz_most, watts_most;
    char driver[80]; /* "580.82.07"; empty: unknown */
} assay_gpu_limits;

typedef struct assay_nvml assay_nvml;

/* library NULL: the system's. bus as in "0000:3b:00.0". ASSAY_UNSUPPORTED with the reason where
 * there is no library, or no such device. */
assay_status assay_nvml_open(const char *library, const char *bus, assay_nvml **nvml,
                             assay_error *error);
void assay_nvml_close(assay_nvml **nvml);

void assay_nvml_state(const assay_nvml *nvml, assay_gpu_state *state);
void assay_nvml_limits(const assay_nvml *nvml, assay_gpu_limits *limits);

/* "power cap, thermal"; "none"; the words are the reports' too. Bits without a name are left
 * out. */
void assay_throttle_words(uint64_t throttle, char *words, size_t size);

#endif
