/* Which samples of a timing count. */
#include <criterion/criterion.h>
#include <math.h>

#include "bench/statistics/undisturbed.h"

static size_t count_of(assay_sample *s, size_t count, int64_t process, bool disturbed)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        found += s[i].process == process && s[i].disturbed == disturbed;
    }
    return found;
}

/* `good` and `bad` samples of a process, mixed; a disturbed one takes twice as long. */
static size_t add(assay_sample *s, size_t at, int64_t process, size_t good, size_t bad)
{
    for (size_t i = 0; i < good + bad; i++) {
        const bool disturbed = i % 2 == 1 ? bad > i / 2 : good <= i / 2;
        s[at++] = (assay_sample){disturbed ? 2.0 : 1.0, process, disturbed, disturbed ? 0.45 : 1.0};
    }
    return at;
}

Test(undisturbed, a_process_with_enough_of_them_gives_those_alone)
{
    assay_sample s[64];
    double alone = 0.0;
    size_t count = add(s, 0, 7, 5, 5);
    count = add(s, count, 3, 4, 6);
    cr_assert_eq(count, 20);
    const size_t used = assay_undisturbed(s, count, &alone);
    cr_expect_eq(used, 5);
    cr_expect_eq(alone, 1.0);
    cr_expect_eq(count_of(s, used, 7, false), 5, "those of the process with five");
}

Test(undisturbed, few_samples_of_a_quiet_process_count)
{
    assay_sample s[64];
    double alone = 0.0;
    size_t count = add(s, 0, 0, 2, 0);
    count = add(s, count, 1, 4, 1);
    count = add(s, count, 2, 9, 1);
    const size_t used = assay_undisturbed(s, count, &alone);
    cr_expect_eq(count_of(s, used, 0, false), 2);
    cr_expect_eq(count_of(s, used, 2, false), 9);
    cr_expect_eq(used, 11);
}

Test(undisturbed, where_no_process_has_enough_all_count)
{
    assay_sample s[64];
    double alone = 0.0;
    size_t count = add(s, 0, 0, 4, 1);
    count = add(s, count, 1, 0, 6);
    cr_expect_eq(assay_undisturbed(s, count, &alone), count);
    cr_expect_eq(count_of(s, count, 0, false), 4);
    cr_expect_eq(count_of(s, count, 1, true), 6);
    cr_expect_float_eq(alone, 0.45, 1e-12, "2 seconds of most of them");
    cr_expect_eq(assay_undisturbed(s, 0, NULL), 0);
}

Test(undisturbed, a_tenth_of_them_is_the_least_that_counts)
{
    assay_sample s[64];
    double alone = 0.0;
    cr_expect_eq(assay_undisturbed(s, add(s, 0, 0, 5, 45), &alone), 5);
    cr_expect_eq(assay_undisturbed(s, add(s, 0, 0, 5, 46), &alone), 51);
    cr_expect_lt(alone, 1.0);
}

Test(undisturbed, what_a_kernel_takes_alone)
{
    cr_expect_eq(assay_alone(0.001, 0, 0, 0.99), 1.0);
    cr_expect_eq(assay_alone(0.001, 0, 0, NAN), 1.0);
    cr_expect_float_eq(assay_alone(0.001, 0, 0, 0.6), 0.45, 1e-12, "a neighbour");
    cr_expect_eq(assay_alone(0.001, 1, 0, 0.99), 0.0, "a switch may have taken all of it");
    cr_expect_float_eq(assay_alone(1.0, 5, 0, 0.99), 0.8, 1e-12, "or some of it");
    cr_expect_float_eq(assay_alone(1.0, 5, 0.3, 0.8), 0.5 * 0.6, 1e-12);
    cr_expect(isnan(assay_alone(1.0, NAN, NAN, NAN)));
    cr_expect_eq(assay_alone(0.0, 1, 0, 1.0), 0.0);
}

/* Half of them mere neighbours', half of them with the processor gone for 40 ms. */
Test(undisturbed, what_counts_is_the_median_of_what_is_left)
{
    double alone = 0.0;
    assay_sample s[] = {{80e-6, 0, true, 0.4},
                        {40e-3, 0, true, 0.0},
                        {41e-3, 0, true, 0.0},
                        {70e-6, 0, true, 0.4}};
    cr_expect_eq(assay_undisturbed(s, 4, &alone), 4);
    cr_expect_float_eq(alone, 0.5 * 0.4 * 70e-6 / (0.5 * (80e-6 + 40e-3)), 1e-6);
}

Test(undisturbed, where_nothing_is_known_nothing_is_said_of_the_time_alone)
{
    assay_sample s[64];
    double alone = 0.0;
    const size_t count = add(s, 0, 0, 0, 8);
    for (size_t i = 0; i < count; i++) {
        s[i].alone = (double)NAN;
    }
    cr_expect_eq(assay_undisturbed(s, count, &alone), count);
    cr_expect_eq(alone, 1.0);
}
