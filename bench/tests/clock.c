/* The clock goes forward, is fine enough, and counts what it is said to count. */
#include <criterion/criterion.h>
#include <time.h>

#include "bench/clock.h"

Test(clock, never_goes_back_and_measures_a_sleep)
{
    double last = assay_clock_now();
    const double start = last;
    for (int i = 0; i < 100000; i++) {
        const double now = assay_clock_now();
        cr_assert(now >= last);
        last = now;
    }
    const struct timespec nap = {0, 20000000};
    nanosleep(&nap, NULL);
    cr_expect(assay_clock_now() - start >= 0.02);
}

Test(clock, properties_are_those_of_a_usable_clock)
{
    const assay_clock_properties *const p = assay_clock_get();
    cr_expect(p->resolution > 0 && p->resolution < 1e-3, "%g", p->resolution);
    cr_expect(p->reading > 0 && p->reading < 1e-4, "%g", p->reading);
    cr_expect(p->empty_call > 0 && p->empty_call < 1e-6, "%g", p->empty_call);
    cr_expect(p->counter == (p->counter_hz > 0));
    cr_expect(p->disagreement >= 0 && p->disagreement < 0.05, "%g", p->disagreement);
    cr_expect_eq(p, assay_clock_get());
}

static void count(void *context)
{
    ++*(size_t *)context;
}

Test(clock, every_call_that_is_timed_is_made)
{
    size_t calls = 0;
    cr_expect(assay_clock_time(count, &calls, 1000) > 0);
    cr_expect_eq(calls, 1000);
    cr_expect(assay_clock_time(count, &calls, 0) >= 0);
    cr_expect_eq(calls, 1000);
}
