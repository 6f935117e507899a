#include "bench/probe/measure.h"

#include <math.h>
#include <omp.h>
#include <sched.h>
#include <stdbool.h>

#include "bench/clock.h"
#include "bench/pin.h"

/* A tenth of a scheduler's slice, ten thousand times the clock's resolution. */
#define ROUND_SECONDS 4e-4
enum { SPINS = 1 << 14, ROUNDS_LEAST = 8 };

void assay_spin_barrier_wait(assay_spin_barrier *barrier)
{
    const int phase = atomic_load_explicit(&barrier->phase, memory_order_acquire);
    if (atomic_fetch_add_explicit(&barrier->arrived, 1, memory_order_acq_rel) + 1 ==
        barrier->threads) {
        atomic_store_explicit(&barrier->arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&barrier->phase, phase + 1, memory_order_release);
        return;
    }
    for (int spins = 0; atomic_load_explicit(&barrier->phase, memory_order_acquire) == phase;) {
        if (++spins >= SPINS) { /* somebody else may have the other processor */
            (void)sched_yield();
            spins = 0;
        }
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
    }
}

static double time_round(assay_probe_work *work, void *context, int32_t threads, size_t passes)
{
    double first = INFINITY;
    double last = 0;
    assay_spin_barrier together = {.threads = threads};
#pragma omp parallel num_threads(threads) reduction(min : first) reduction(max : last)
    {
        const int32_t thread = omp_get_thread_num();
        assay_pin_self(thread);
        assay_spin_barrier_wait(&together);
        first = assay_clock_now();
        work(context, thread, passes);
        last = assay_clock_now();
    }
    return (last - first) / (double)passes;
}

void assay_probe_measure(assay_probe_work *work, void *context, int32_t threads, double budget,
                         assay_probe_rounds *rounds)
{
    const double end = assay_clock_now() + budget;
    size_t passes = 1;
    rounds->count = 0;
    /* An interrupted round looks long enough: the number of passes grows whenever one does not, and
     * what was measured with fewer is forgotten. */
    bool growing;
    do {
        const double seconds = time_round(work, context, threads, passes);
        const double whole = seconds * (double)passes;
        growing = whole < ROUND_SECONDS / 2 && passes < SIZE_MAX / 16;
        if (growing) {
            passes *= whole < ROUND_SECONDS / 16 ? 8 : 2;
            rounds->count = 0;
        }
        rounds->seconds[rounds->count++] = seconds;
    } while (growing || rounds->count < ROUNDS_LEAST ||
             (rounds->count < ASSAY_PROBE_ROUNDS && assay_clock_now() < end));
}
