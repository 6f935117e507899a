/* What is counted beside a sample, and when a sample is marked. */
#include <criterion/criterion.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "bench/clock.h"
#include "bench/counters.h"

Test(counters, a_sample_is_marked_for_what_it_lost_and_for_nothing_less)
{
    cr_expect(!assay_contaminated(0.001, 0, 0, NAN));
    cr_expect(assay_contaminated(0.001, 1, 0, NAN), "a switch within a millisecond");
    cr_expect(!assay_contaminated(1.0, 1, 0, NAN), "a switch within a second");
    cr_expect(assay_contaminated(1.0, 100, 0, NAN));
    cr_expect(assay_contaminated(0.5, 0, 0.01, NAN), "a tick stolen from half a second");
    cr_expect(!assay_contaminated(2.0, 0, 0.01, NAN));
    cr_expect(assay_contaminated(0, 1, 0, NAN));
    cr_expect(!assay_contaminated(0.001, 0, 0, 1.0));
    cr_expect(assay_contaminated(0.001, 0, 0, 0.7), "a neighbour on the core");
    cr_expect(!assay_contaminated(0.2, 0, 0, 0.7), "a neighbour seen at two moments of a long one");
}

static bool marked(const assay_counters *c)
{
    return assay_contaminated(c->seconds, c->switches, c->steal_seconds, c->core_share);
}

Test(counters, values_are_sane)
{
    assay_counters c;
    assay_counters_begin(1, &c);
    const struct timespec nap = {0, 5000000};
    nanosleep(&nap, NULL);
    assay_counters_end(&c);
    cr_expect(c.seconds >= 0.005, "%g", c.seconds);
    cr_expect(c.threads >= 0 && c.threads < 0.5, "asleep, it took %g processors", c.threads);
    cr_expect(c.switches >= 0);
    cr_expect(c.steal_seconds >= 0);
    cr_expect(c.megahertz == 0 || (c.megahertz > 50 && c.megahertz < 20000), "%g", c.megahertz);
    cr_expect(isnan(c.joules) || c.joules >= 0, "%g", c.joules);
    cr_expect(isnan(c.core_share) || (c.core_share > 0 && c.core_share <= 1), "%g", c.core_share);
    cr_expect_eq(c.contaminated, marked(&c));
}

static void *spin(void *stop)
{
    while (!__atomic_load_n((int *)stop, __ATOMIC_RELAXED)) {
    }
    return NULL;
}

/* Two busy threads on one processor must take turns, and one of them is not the caller. */
Test(counters, switches_of_every_thread_are_counted)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    cr_assert_eq(sched_setaffinity(0, sizeof one, &one), 0);
    int stop = 0;
    pthread_t threads[2];
    assay_counters c;
    assay_counters_begin(1, &c);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(pthread_create(&threads[i], NULL, spin, &stop), 0);
    }
    const double start = assay_clock_now();
    int64_t switches = 0;
    bool contaminated = false;
    while (switches == 0 && assay_clock_now() - start < 30) { /* ends long before */
        const struct timespec nap = {0, 50000000};
        nanosleep(&nap, NULL);
        assay_counters_end(&c);
        switches = c.switches;
        contaminated = c.contaminated;
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    cr_expect(switches > 0);
    cr_expect_eq(contaminated, marked(&c));
}
