/* A management library that answers as NVML does: of one GPU, at 0000:3b:00.0. It has no counter
 * of energy, as old GPUs have none, unless ASSAY_TEST_ENERGY is set: then 100 W are counted, in
 * moves of 20 ms, while its power says 123.456. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SUCCESS = 0, NOT_SUPPORTED = 3, NOT_FOUND = 6, GPU_IS_LOST = 15 };

struct device {
    int unused;
};

static struct device only;
static int started;
static unsigned int asked;

int nvmlInit_v2(void);
int nvmlShutdown(void);
const char *nvmlErrorString(int result);
int nvmlDeviceGetHandleByPciBusId_v2(const char *bus, struct device **device);
int nvmlDeviceGetClockInfo(struct device *device, int type, unsigned int *mhz);
int nvmlDeviceGetMaxClockInfo(struct device *device, int type, unsigned int *mhz);
int nvmlDeviceGetTemperature(struct device *device, int sensor, unsigned int *celsius);
int nvmlDeviceGetPowerUsage(struct device *device, unsigned int *milliwatts);
int nvmlDeviceGetTotalEnergyConsumption(struct device *device, unsigned long long *millijoules);
int nvmlDeviceGetCurrentClocksThrottleReasons(struct device *device, unsigned long long *reasons);
int nvmlSystemGetDriverVersion(char *version, unsigned int length);

int nvmlInit_v2(void)
{
    started++;
    return SUCCESS;
}

int nvmlShutdown(void)
{
    started--;
    return SUCCESS;
}

const char *nvmlErrorString(int result)
{
    return result == NOT_FOUND ? "Not Found" : "Unknown Error";
}

int nvmlDeviceGetHandleByPciBusId_v2(const char *bus, struct device **device)
{
    *device = &only;
    return started == 1 && strcmp(bus, "0000:3b:00.0") == 0 ? SUCCESS : NOT_FOUND;
}

int nvmlDeviceGetClockInfo(struct device *device, int type, unsigned int *mhz)
{
    *mhz = type == 1 ? 1755 : 2619;
    return device == &only ? SUCCESS : GPU_IS_LOST;
}

int nvmlDeviceGetMaxClockInfo(struct device *device, int type, unsigned int *mhz)
{
    *mhz = type == 1 ? 1980 : 2619;
    return device == &only ? SUCCESS : GPU_IS_LOST;
}

int nvmlDeviceGetTemperature(struct device *device, int sensor, unsigned int *celsius)
{
    *celsius = 41;
    return device == &only && sensor == 0 ? SUCCESS : GPU_IS_LOST;
}

int nvmlDeviceGetPowerUsage(struct device *device, unsigned int *milliwatts)
{
    *milliwatts = 123456;
    return device == &only ? SUCCESS : NOT_SUPPORTED;
}

int nvmlDeviceGetTotalEnergyConsumption(struct device *device, unsigned long long *millijoules)
{
    enum { MILLIWATTS = 100000, MOVE_MILLISECONDS = 20 };
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    const unsigned long long milliseconds =
        (unsigned long long)now.tv_sec * 1000u + (unsigned long long)now.tv_nsec / 1000000u;
    *millijoules = milliseconds / MOVE_MILLISECONDS * MOVE_MILLISECONDS * MILLIWATTS / 1000u;
    return device == &only && getenv("ASSAY_TEST_ENERGY") != NULL ? SUCCESS : NOT_SUPPORTED;
}

/* Held down at every other question. */
int nvmlDeviceGetCurrentClocksThrottleReasons(struct device *device, unsigned long long *reasons)
{
    *reasons = asked++ % 2 == 0 ? 0 : 0x24;
    return device == &only ? SUCCESS : NOT_SUPPORTED;
}

int nvmlSystemGetDriverVersion(char *version, unsigned int length)
{
    (void)snprintf(version, length, "580.82.07");
    return SUCCESS;
}
