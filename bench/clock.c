#include "bench/clock.h"

#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <time.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <x86intrin.h>
#endif

enum { ROUNDS = 64, CALLS = 512 };

static assay_clock_properties properties;

static double read_clock(clockid_t which)
{
    struct timespec now = {0, 0};
    (void)clock_gettime(which, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double assay_clock_now(void)
{
    return read_clock(CLOCK_MONOTONIC_RAW);
}

double assay_clock_time(assay_timed *timed, void *context, size_t calls)
{
    const double start = assay_clock_now();
    for (size_t i = 0; i < calls; i++) {
        timed(context);
    }
    return assay_clock_now() - start;
}

/* The same rate at every frequency and in every sleep: leaf 0x80000007, bit 8 of edx. */
static bool counter_invariant(void)
{
#if defined(__x86_64__)
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    return __get_cpuid(0x80000007u, &a, &b, &c, &d) != 0 && (d & (1u << 8)) != 0;
#else
    return false;
#endif
}

static double read_counter(void)
{
#if defined(__x86_64__)
    unsigned processor;
    return (double)__rdtscp(&processor); /* waits for what came before */
#else
    return 0;
#endif
}

typedef struct moment {
    double raw, monotonic, counter;
} moment;

/* The three clocks at one moment: the tightest of several tries, should one be interrupted. */
static moment look(void)
{
    moment best = {0, 0, 0};
    double tightest = INFINITY;
    for (int i = 0; i < ROUNDS; i++) {
        const double before = assay_clock_now();
        const double monotonic = read_clock(CLOCK_MONOTONIC);
        const double counter = read_counter();
        const double after = assay_clock_now();
        if (after - before < tightest) {
            tightest = after - before;
            best = (moment){0.5 * (before + after), monotonic, counter};
        }
    }
    return best;
}

static void wait_until(double when)
{
    const struct timespec nap = {0, 200000};
    while (assay_clock_now() < when) {
        (void)nanosleep(&nap, NULL);
    }
}

double assay_clock_disagreement(double seconds, double *counter_hz)
{
    const moment first = look();
    wait_until(first.raw + 0.5 * seconds);
    const moment middle = look();
    wait_until(middle.raw + 0.5 * seconds);
    const moment last = look();
    const double whole = last.raw - first.raw;
    double worst = fabs((last.monotonic - first.monotonic) / whole - 1.0);
    const bool counter = counter_invariant();
    if (counter) { /* its rate in one half against that in the other */
        const double early = (middle.counter - first.counter) / (middle.raw - first.raw);
        const double late = (last.counter - middle.counter) / (last.raw - middle.raw);
        worst = fmax(worst, fabs(late / early - 1.0));
    }
    if (counter_hz != NULL) {
        *counter_hz = counter ? (last.counter - first.counter) / whole : 0;
    }
    return worst;
}

static void empty(void *context)
{
    __asm__ volatile("" : : "r"(context) : "memory");
}

static void measure_readings(void)
{
    properties.resolution = INFINITY;
    properties.reading = INFINITY;
    for (int i = 0; i < ROUNDS; i++) {
        const double start = assay_clock_now();
        double last = start;
        for (int j = 0; j < CALLS; j++) {
            const double now = assay_clock_now();
            if (now > last) {
                properties.resolution = fmin(properties.resolution, now - last);
            }
            last = now;
        }
        properties.reading = fmin(properties.reading, (last - start) / CALLS);
    }
}

/* The least of many batches: what is added by interruptions is not the call's. The two readings
 * around a batch cost about one reading. */
static void measure_empty_call(void)
{
    enum { LONG = 20000 };
    assay_timed *volatile const hidden = empty; /* from the compiler, which would drop the calls */
    double least = INFINITY;
    for (int i = 0; i < ROUNDS; i++) {
        least = fmin(least, assay_clock_time(hidden, NULL, LONG) - properties.reading);
    }
    properties.empty_call = fmax(least, 0) / LONG;
}

static void measure(void)
{
    measure_readings();
    measure_empty_call();
    properties.counter = counter_invariant();
    properties.disagreement = assay_clock_disagreement(0.05, &properties.counter_hz);
}

const assay_clock_properties *assay_clock_get(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, measure);
    return &properties;
}
