#include "bench/additions.h"

#include <math.h>
#include <stdint.h>

#include "bench/clock.h"

enum { ROUNDS = 3, CHAIN_LOOPS = 200, CHAIN_EACH = 80, FREE_LOOPS = 2500, FREE_EACH = 96 };

/* Register to register: some cores fold chains of additions of constants away. */
#if defined(__x86_64__)
#define ADD(sum) "add %[one], %[" #sum "]\n\t"
#elif defined(__aarch64__)
#define ADD(sum) "add %[" #sum "], %[" #sum "], %[one]\n\t"
#endif

#ifdef ADD
/* Many to a statement, so that what a build without optimisation puts around each is little. */
#define TIMES(count, additions) ".rept " #count "\n\t" additions ".endr\n\t"

static void chained(void)
{
    uint64_t a = 0;
    for (int i = 0; i < CHAIN_LOOPS; i++) {
        __asm__ volatile(TIMES(80, ADD(a))
                         : [a] "+r"(a)
                         : [one] "r"((uint64_t)1)
                         : "cc");
    }
}

static void free_ones(void)
{
    uint64_t a = 0, b = 0, c = 0, d = 0, e = 0, f = 0;
    for (int i = 0; i < FREE_LOOPS; i++) {
        __asm__ volatile(TIMES(16, ADD(a) ADD(b) ADD(c) ADD(d) ADD(e) ADD(f))
                         : [a] "+r"(a), [b] "+r"(b), [c] "+r"(c), [d] "+r"(d), [e] "+r"(e),
                           [f] "+r"(f)
                         : [one] "r"((uint64_t)1)
                         : "cc");
    }
}

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
    return least > 0.0 ? (double)CHAIN_LOOPS * CHAIN_EACH / least : 0.0;
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
