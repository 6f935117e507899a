#include "bench/counters.h"

#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "bench/additions.h"
#include "bench/clock.h"
#include "bench/issue.h"
#include "bench/pin.h"

enum { PACKAGES = 16, TEXT = 1 << 16, NAME = 128 };

/* Opened once; read again and again from the beginning. -1: there is none. */
static struct {
    int stat, frequency, energy[PACKAGES];
    double energy_range[PACKAGES]; /* microjoules at which the count starts again */
} files = {.stat = -1, .frequency = -1};

/* The number a small file holds; NaN when it cannot be read. */
static double number_at(int file)
{
    char text[64];
    const ssize_t got = file < 0 ? -1 : pread(file, text, sizeof text - 1, 0);
    if (got <= 0) {
        return NAN;
    }
    text[got] = '\0';
    char *end = NULL;
    const double value = strtod(text, &end);
    return end != text ? value : NAN;
}

static void open_energy(void)
{
    for (int i = 0; i < PACKAGES; i++) {
        char name[NAME];
        (void)snprintf(name, sizeof name, "/sys/class/powercap/intel-rapl:%d/energy_uj", i);
        files.energy[i] = open(name, O_RDONLY | O_CLOEXEC); /* root's alone on most machines */
        (void)snprintf(name, sizeof name,
                       "/sys/class/powercap/intel-rapl:%d/max_energy_range_uj", i);
        const int range = open(name, O_RDONLY | O_CLOEXEC);
        files.energy_range[i] = number_at(range);
        if (range >= 0) {
            (void)close(range);
        }
    }
}

static void open_files(void)
{
    char name[NAME];
    files.stat = open("/proc/stat", O_RDONLY | O_CLOEXEC);
    (void)snprintf(name, sizeof name, "/sys/devices/system/cpu/cpu%d/cpufreq/scaling_cur_freq",
                   (int)assay_topology_get()->cpu[0]);
    files.frequency = open(name, O_RDONLY | O_CLOEXEC);
    open_energy();
}

static void prepare(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, open_files);
}

/* Lines "cpu7 user nice system idle iowait irq softirq steal …", in ticks. */
static double read_steal(void)
{
    static _Thread_local char text[TEXT];
    const ssize_t got = files.stat < 0 ? -1 : pread(files.stat, text, sizeof text - 1, 0);
    cpu_set_t set;
    unsigned long long ticks = 0;
    if (got <= 0) {
        return 0;
    }
    text[got] = '\0';
    assay_pin_cpus(&set);
    for (const char *line = text; line != NULL && strncmp(line, "cpu", 3) == 0;) {
        unsigned cpu = 0;
        unsigned long long steal = 0;
        if (sscanf(line, "cpu%u %*u %*u %*u %*u %*u %*u %*u %llu", &cpu, &steal) == 2 &&
            cpu < CPU_SETSIZE && CPU_ISSET(cpu, &set)) {
            ticks += steal;
        }
        const char *const end = strchr(line, '\n');
        line = end == NULL ? NULL : end + 1;
    }
    return (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

static int64_t read_switches(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (int64_t)usage.ru_nivcsw : 0;
}

/* Joules so far; *range is how far the counters together count before they start again. */
static double read_energy(double *range)
{
    double sum = NAN;
    *range = 0;
    for (int i = 0; i < PACKAGES; i++) {
        const double value = number_at(files.energy[i]);
        if (!isnan(value)) {
            sum = (isnan(sum) ? 0 : sum) + 1e-6 * value;
            *range = fmax(*range, 1e-6 * files.energy_range[i]);
        }
    }
    return sum;
}

double assay_core_megahertz(void)
{
    prepare();
    const double said = number_at(files.frequency); /* kilohertz */
    return said > 0 ? 1e-3 * said : 1e-6 * assay_additions_chained();
}

bool assay_contaminated(double seconds, int64_t switches, double steal_seconds, double core_share)
{
    const double lost = steal_seconds + (double)switches * ASSAY_SWITCH_SECONDS;
    return lost > ASSAY_LOST_MOST * seconds ||
           (core_share < ASSAY_SHARE_LEAST && seconds <= ASSAY_SHARE_SECONDS);
}

static double processor_seconds(void)
{
    struct timespec t;
    return clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0
               ? (double)t.tv_sec + 1e-9 * (double)t.tv_nsec
               : (double)NAN;
}

void assay_counters_begin(int32_t cores, assay_counters *counters)
{
    double range;
    prepare();
    counters->before.cores = cores;
    counters->before.core_share = assay_issue_share(cores);
    counters->before.joules = read_energy(&range);
    counters->before.steal_seconds = read_steal();
    counters->before.switches = read_switches();
    counters->before.processor_seconds = processor_seconds();
    counters->before.seconds = assay_clock_now();
}

void assay_counters_end(assay_counters *counters)
{
    double range;
    counters->seconds = assay_clock_now() - counters->before.seconds;
    counters->threads =
        (processor_seconds() - counters->before.processor_seconds) / counters->seconds;
    counters->switches = read_switches() - counters->before.switches;
    counters->megahertz = assay_core_megahertz();
    counters->steal_seconds = fmax(read_steal() - counters->before.steal_seconds, 0);
    counters->joules = read_energy(&range) - counters->before.joules;
    if (counters->joules < 0) {
        counters->joules += range; /* one package's counter started again */
    }
    counters->core_share =
        fmin(counters->before.core_share, assay_issue_share(counters->before.cores));
    counters->contaminated = assay_contaminated(counters->seconds, counters->switches,
                                                counters->steal_seconds, counters->core_share);
}
