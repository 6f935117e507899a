#include "bench/gpu/nvml.h"

#include <dlfcn.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Numbers of the API that this file uses. */
enum { SUCCESS = 0, CLOCK_SM = 1, CLOCK_MEMORY = 2, SENSOR_GPU = 0 };

typedef struct device *handle;

typedef struct functions {
    int (*init)(void);
    int (*shutdown)(void);
    const char *(*words)(int result);
    int (*by_bus)(const char *bus, handle *device);
    int (*clock)(handle device, int type, unsigned int *mhz);
    int (*clock_most)(handle device, int type, unsigned int *mhz);
    int (*temperature)(handle device, int sensor, unsigned int *celsius);
    int (*power)(handle device, unsigned int *milliwatts);
    int (*power_most)(handle device, unsigned int *milliwatts);
    int (*energy)(handle device, unsigned long long *millijoules);
    int (*reasons)(handle device, unsigned long long *reasons);
    int (*driver)(char *version, unsigned int length);
} functions;

struct assay_nvml {
    void *library;
    handle device;
    bool started;
    functions call;
};

/* By its name, or by the older one where there is one; the first four are a must. */
static const struct {
    const char *name, *older;
    size_t at;
} names[] = {
    {"nvmlInit_v2", NULL, offsetof(functions, init)},
    {"nvmlShutdown", NULL, offsetof(functions, shutdown)},
    {"nvmlErrorString", NULL, offsetof(functions, words)},
    {"nvmlDeviceGetHandleByPciBusId_v2", NULL, offsetof(functions, by_bus)},
    {"nvmlDeviceGetClockInfo", NULL, offsetof(functions, clock)},
    {"nvmlDeviceGetMaxClockInfo", NULL, offsetof(functions, clock_most)},
    {"nvmlDeviceGetTemperature", NULL, offsetof(functions, temperature)},
    {"nvmlDeviceGetPowerUsage", NULL, offsetof(functions, power)},
    {"nvmlDeviceGetEnforcedPowerLimit", NULL, offsetof(functions, power_most)},
    {"nvmlDeviceGetTotalEnergyConsumption", NULL, offsetof(functions, energy)},
    {"nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons",
     offsetof(functions, reasons)},
    {"nvmlSystemGetDriverVersion", NULL, offsetof(functions, driver)},
};

enum { NEEDED = 4 };

static assay_status find(assay_nvml *nvml, const char *library, assay_error *error)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        void *symbol = dlsym(nvml->library, names[i].name);
        if (symbol == NULL && names[i].older != NULL) {
            symbol = dlsym(nvml->library, names[i].older);
        }
        if (symbol == NULL && i < NEEDED) {
            return assay_fail(error, ASSAY_UNSUPPORTED, "%s has no %s: it is no NVML", library,
                              names[i].name);
        }
        memcpy((char *)&nvml->call + names[i].at, &symbol, sizeof symbol);
    }
    return ASSAY_OK;
}

static assay_status start(assay_nvml *nvml, const char *bus, assay_error *error)
{
    int result = nvml->call.init();
    if (result != SUCCESS) {
        return assay_fail(error, ASSAY_UNSUPPORTED, "NVML does not start: %s",
                          nvml->call.words(result));
    }
    nvml->started = true;
    result = nvml->call.by_bus(bus, &nvml->device);
    return result == SUCCESS ? ASSAY_OK
                             : assay_fail(error, ASSAY_UNSUPPORTED, "NVML knows no GPU at %s: %s",
                                          bus, nvml->call.words(result));
}

assay_status assay_nvml_open(const char *library, const char *bus, assay_nvml **nvml,
                             assay_error *error)
{
    const char *const path = library != NULL ? library : "libnvidia-ml.so.1";
    assay_nvml *const made = calloc(1, sizeof *made);
    *nvml = NULL;
    if (made == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for NVML");
    }
    made->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    assay_status status =
        made->library != NULL
            ? find(made, path, error)
            : assay_fail(error, ASSAY_UNSUPPORTED,
                         "clocks and energy of the GPU cannot be read: %s", dlerror());
    if (status == ASSAY_OK) {
        status = start(made, bus, error);
    }
    *nvml = made;
    if (status != ASSAY_OK) {
        assay_nvml_close(nvml);
    }
    return status;
}

void assay_nvml_close(assay_nvml **nvml)
{
    assay_nvml *const own = *nvml;
    if (own == NULL) {
        return;
    }
    if (own->started) {
        (void)own->call.shutdown();
    }
    if (own->library != NULL) {
        (void)dlclose(own->library);
    }
    free(own);
    *nvml = NULL;
}

/* An unsigned number of the device, in our unit; NaN where it is not told. */
static double number(const assay_nvml *nvml, int (*get)(handle, unsigned int *), double unit)
{
    unsigned int value = 0;
    return get != NULL && get(nvml->device, &value) == SUCCESS ? (double)value * unit : NAN;
}

static double number_of(const assay_nvml *nvml, int (*get)(handle, int, unsigned int *), int which)
{
    unsigned int value = 0;
    return get != NULL && get(nvml->device, which, &value) == SUCCESS ? (double)value : NAN;
}

void assay_nvml_state(const assay_nvml *nvml, assay_gpu_state *state)
{
    const functions *const call = &nvml->call;
    unsigned long long wide = 0;
    *state = (assay_gpu_state){.sm_mhz = number_of(nvml, call->clock, CLOCK_SM),
                               .memory_mhz = number_of(nvml, call->clock, CLOCK_MEMORY),
                               .celsius = number_of(nvml, call->temperature, SENSOR_GPU),
                               .watts = number(nvml, call->power, 1e-3),
                               .joules = NAN};
    if (call->energy != NULL && call->energy(nvml->device, &wide) == SUCCESS) {
        state->joules = (double)wide * 1e-3;
    }
    if (call->reasons != NULL && call->reasons(nvml->device, &wide) == SUCCESS) {
        state->throttle_known = true;
        state->throttle = wide;
    }
}

void assay_nvml_limits(const assay_nvml *nvml, assay_gpu_limits *limits)
{
    const functions *const call = &nvml->call;
    *limits = (assay_gpu_limits){.sm_mhz_most = number_of(nvml, call->clock_most, CLOCK_SM),
                                 .memory_mhz_most = number_of(nvml, call->clock_most, CLOCK_MEMORY),
                                 .watts_most = number(nvml, call->power_most, 1e-3)};
    if (call->driver == NULL ||
        call->driver(limits->driver, sizeof limits->driver) != SUCCESS) {
        limits->driver[0] = '\0';
    }
    limits->driver[sizeof limits->driver - 1] = '\0';
}

void assay_throttle_words(uint64_t throttle, char *words, size_t size)
{
    static const struct {
        uint64_t bit;
        const char *word;
    } reasons[] = {{ASSAY_THROTTLE_IDLE, "idle"},
                   {ASSAY_THROTTLE_APPLICATION_CLOCKS, "application clocks"},
                   {ASSAY_THROTTLE_POWER_CAP, "power cap"},
                   {ASSAY_THROTTLE_HARDWARE, "hardware slowdown"},
                   {ASSAY_THROTTLE_SYNC_BOOST, "sync boost"},
                   {ASSAY_THROTTLE_THERMAL, "thermal"},
                   {ASSAY_THROTTLE_HARDWARE_THERMAL, "hardware thermal"},
                   {ASSAY_THROTTLE_POWER_BRAKE, "power brake"},
                   {ASSAY_THROTTLE_DISPLAY_CLOCKS, "display clocks"}};
    size_t used = 0;
    (void)snprintf(words, size, "none");
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons && used < size; i++) {
        if ((throttle & reasons[i].bit) != 0) {
            const int added = snprintf(words + used, size - used, "%s%s", used > 0 ? ", " : "",
                                       reasons[i].word);
            used += added > 0 ? (size_t)added : 0;
        }
    }
}
