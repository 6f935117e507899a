#include "bench/additions.h"

#include <math.h>
#include <stdint.h>

#include "bench/clock.h"

enum { ROUNDS = 3, CHAINED = 16000, FREE_LOOPS = 40000, FREE_EACH = 6 };

/* Register to register: some cores fold chains of additions of constants away. */
#if defined(__x86_64__)
static void chained(void)
{
    uint64_t sum = 0;
    const uint64_t one = 1;
    for (int i = 0; i < CHAINED / 8; i++) {
        __asm__ volatile("add %1, %0\n\tadd %1, %0\n\tadd %1, %0\n\tadd %1, %0\n\t"
                         "add %1, %0\n\tadd %1, %0\n\tadd %1, %0\n\tadd %1, %0"
                         : "+r"(sum)
                         : "r"(one)
                         : "cc");
    }
}

static void free_ones(void)
{
    uint64_t a = 0, b = 0, c = 0, d = 0, e = 0, f = 0;
    const uint64_t one = 1;
    for (int i = 0; i < FREE_LOOPS; i++) {
        __asm__ volatile("add %6, %0\n\tadd %6, %1\n\tadd %6, %2\n\t"
                         "add %6, %3\n\tadd %6, %4\n\tadd %6, %5"
                         : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f)
                         : "r"(one)
                         : "cc");
    }
}
#elif defined(__aarch64__)
static void chained(void)
{
    uint64_t sum = 0;
    const uint64_t one = 1;
    for (int i = 0; i < CHAINED / 8; i++) {
        __asm__ volatile("add %0, %0, %1\n\tadd %0, %0, %1\n\tadd %0, %0, %1\n\tadd %0, %0, %1\n\t"
                         "add %0, %0, %1\n\tadd %0, %0, %1\n\tadd %0, %0, %1\n\tadd %0, %0, %1"
                         : "+r"(sum)
                         : "r"(one));
    }
}

static void free_ones(void)
{
    uint64_t a = 0, b = 0, c = 0, d = 0, e = 0, f = 0;
    const uint64_t one = 1;
    for (int i = 0; i < FREE_LOOPS; i++) {
        __asm__ volatile("add %0, %0, %6\n\tadd %1, %1, %6\n\tadd %2, %2, %6\n\t"
                         "add %3, %3, %6\n\tadd %4, %4, %6\n\tadd %5, %5, %6"
                         : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f)
                         : "r"(one));
    }
}
#endif

#if defined(__x86_64__) || defined(__aarch64__)
static double seconds_of(void (*loop)(void))
{
    const double start = assay_clock_now();
    loop();
    return assay_clock_now() - start;
}

double assay_additions_chained(void)
{
    double least = INFINITY;
    for (int i = 0; i < ROUNDS; i++) {
        least = fmin(least, seconds_of(chained));
    }
    return least > 0.0 ? CHAINED / least : 0.0;
}

double assay_additions_free(void)
{
    const double seconds = seconds_of(free_ones);
    return seconds > 0.0 ? (double)FREE_LOOPS * FREE_EACH / seconds : 0.0;
}
#else
double assay_additions_chained(void)
{
    return 0.0;
}

double assay_additions_free(void)
{
    return 0.0;
}
#endif
