/* Summaries: the coverage promised, invariances, the cost at a million samples, bad input. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "bench/statistics/draws.h"
#include "bench/statistics/summary.h"

static assay_error error;

enum { REPEATS = 2000 };

/* Chance misses of 2,000 repeats: five standard deviations of a binomial at 95% are 2.44%. The
 * draws are seeded, so the outcome is one and the same; the band says it is no lucky seed. */
static void check_coverage(int covered, double promised)
{
    const double rate = (double)covered / REPEATS;
    cr_assert_geq(rate, promised - 0.0244, "covered %g, promised %g", rate, promised);
    cr_assert_leq(rate, promised + 0.0244, "covered %g, promised %g", rate, promised);
}

static double normal(assay_draws *d) { return assay_draws_normal(d); }
static double lognormal(assay_draws *d) { return exp(0.7 * assay_draws_normal(d)) - 1.0; }
static double cauchy(assay_draws *d)
{
    return tan(3.14159265358979 * (assay_draws_uniform(d) - 0.5));
}
/* Timings as they are: a sharp mode and a long tail to the right; the median at log(2)^3. */
static double skewed(assay_draws *d)
{
    return pow(-log(assay_draws_uniform(d)), 3.0) - pow(0.69314718055994531, 3.0);
}

Test(summary, the_interval_covers_the_median_as_the_binomial_says)
{
    double (*const laws[])(assay_draws *) = {normal, lognormal, cauchy, skewed}; /* median 0 */
    const size_t counts[] = {6, 11, 40, 101};
    double x[101];
    for (size_t l = 0; l < 4; l++) {
        for (size_t c = 0; c < 4; c++) {
            assay_draws draws = assay_draws_of(21, l * 4 + c);
            int covered = 0;
            assay_summary s;
            for (int repeat = 0; repeat < REPEATS; repeat++) {
                for (size_t i = 0; i < counts[c]; i++) {
                    x[i] = laws[l](&draws);
                }
                cr_assert_eq(assay_summarise(x, counts[c], 0.95, &s, &error), ASSAY_OK);
                covered += s.low <= 0.0 && 0.0 <= s.high;
            }
            cr_assert(s.enough && s.coverage >= 0.95);
            check_coverage(covered, s.coverage);
        }
    }
}

/* Processes whose medians differ more than the samples inside: the interval that holds for the next
 * process must be the grouped one. */
Test(summary, the_grouped_interval_covers_where_processes_differ)
{
    const size_t processes[] = {2, 4, 6, 9};
    double x[9 * 20];
    int64_t id[9 * 20];
    for (size_t p = 0; p < 4; p++) {
        assay_draws draws = assay_draws_of(22, p);
        int covered = 0;
        int naive = 0;
        assay_grouped g;
        for (int repeat = 0; repeat < REPEATS; repeat++) {
            const size_t count = processes[p] * 20;
            double shift[9];
            for (size_t i = 0; i < processes[p]; i++) {
                shift[i] = 0.015 * assay_draws_normal(&draws);
            }
            for (size_t i = 0; i < count; i++) {
                id[i] = (int64_t)(i % processes[p]) * 977 - 1000;
                x[i] = exp(shift[i % processes[p]] + 0.01 * assay_draws_normal(&draws));
            }
            cr_assert_eq(assay_summarise_grouped(x, id, count, 0.95, &g, &error), ASSAY_OK);
            cr_assert_eq(g.processes, processes[p]);
            covered += g.low <= 1.0 && 1.0 <= g.high;
            assay_summary s;
            cr_assert_eq(assay_summarise(x, count, 0.95, &s, &error), ASSAY_OK);
            naive += s.low <= 1.0 && 1.0 <= s.high;
        }
        cr_assert_eq(g.method, processes[p] < 6 ? ASSAY_MEDIAN_STUDENT : ASSAY_MEDIAN_ORDER);
        check_coverage(covered, processes[p] < 6 ? 0.95 : processes[p] == 6 ? 0.96875 : 0.9609375);
        cr_assert_lt(naive, REPEATS * 3 / 4, "the pooled interval does not know of processes");
    }
}

Test(summary, known_numbers)
{
    const double x[] = {5.0, 1.0, 2.0, 2.0, 2.25, 9.0, 100.0};
    assay_summary s;
    cr_assert_eq(assay_summarise(x, 7, 0.95, &s, &error), ASSAY_OK);
    cr_assert_eq(s.median, 2.25);
    cr_assert_eq(s.low, 1.0);
    cr_assert_eq(s.high, 100.0);
    cr_assert(s.enough);
    cr_assert_float_eq(s.coverage, 1.0 - 0x1p-6, 1e-12);
    cr_assert_eq(s.mode, 2.0);
    cr_assert_float_eq(s.dispersion, 1.4826 * 1.25 / 2.25, 1e-12);
    cr_assert_float_eq(s.p99, 9.0 + 0.94 * 91.0, 1e-9);
    cr_assert_eq(s.least, 1.0);
    cr_assert_eq(s.greatest, 100.0);
    cr_assert_float_eq(s.mean, 121.25 / 7.0, 1e-12);
}

Test(summary, too_few_samples_are_said_to_be_too_few)
{
    const double x[] = {3.0, 1.0, 2.0, 5.0, 4.0};
    assay_summary s;
    cr_assert_eq(assay_summarise(x, 5, 0.95, &s, &error), ASSAY_OK);
    cr_assert(!s.enough);
    cr_assert_eq(s.low, 1.0);
    cr_assert_eq(s.high, 5.0);
    cr_assert_float_eq(s.coverage, 0.9375, 1e-12);
    cr_assert_eq(assay_summarise(x, 1, 0.95, &s, &error), ASSAY_OK);
    cr_assert(!s.enough && s.median == 3.0 && s.mode == 3.0 && s.dispersion == 0.0);
    cr_assert_eq(s.coverage, 0.0);
}

Test(summary, scale_and_order_do_not_matter)
{
    double x[60];
    assay_draws draws = assay_draws_of(23, 0);
    for (size_t i = 0; i < 60; i++) {
        x[i] = exp(assay_draws_normal(&draws));
    }
    assay_summary first;
    assay_summary second;
    cr_assert_eq(assay_summarise(x, 60, 0.95, &first, &error), ASSAY_OK);
    for (size_t i = 0; i < 30; i++) {
        const double swapped = x[i] * 0x1p-20;
        x[i] = x[59 - i] * 0x1p-20;
        x[59 - i] = swapped;
    }
    cr_assert_eq(assay_summarise(x, 60, 0.95, &second, &error), ASSAY_OK);
    cr_assert_eq(second.median, first.median * 0x1p-20);
    cr_assert_eq(second.low, first.low * 0x1p-20);
    cr_assert_eq(second.mode, first.mode * 0x1p-20);
    cr_assert_eq(second.dispersion, first.dispersion);
}

/* The mode of a mixture: nine tenths near 1, one tenth near 3, where the mean is 1.2. */
Test(summary, the_mode_is_the_dense_place)
{
    double x[400];
    assay_draws draws = assay_draws_of(24, 0);
    for (size_t i = 0; i < 400; i++) {
        x[i] = (i % 10 == 0 ? 3.0 : 1.0) + 0.02 * assay_draws_normal(&draws);
    }
    assay_summary s;
    cr_assert_eq(assay_summarise(x, 400, 0.95, &s, &error), ASSAY_OK);
    cr_assert_float_eq(s.mode, 1.0, 0.03);
}

Test(summary, a_million_samples_take_a_second_at_most)
{
    enum { COUNT = 1000000 };
    double *const x = calloc(COUNT, sizeof *x);
    int64_t *const id = calloc(COUNT, sizeof *id);
    assay_draws draws = assay_draws_of(25, 0);
    for (size_t i = 0; i < COUNT; i++) {
        x[i] = exp(0.02 * assay_draws_normal(&draws));
        id[i] = (int64_t)assay_draws_below(&draws, 12);
    }
    struct timespec from;
    struct timespec to;
    cr_assert_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from), 0);
    assay_summary s;
    assay_grouped g;
    cr_assert_eq(assay_summarise(x, COUNT, 0.95, &s, &error), ASSAY_OK);
    cr_assert_eq(assay_summarise_grouped(x, id, COUNT, 0.95, &g, &error), ASSAY_OK);
    cr_assert_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to), 0);
    const double seconds =
        (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec);
    cr_log_info("a million samples: %.3f s of processor time\n", seconds);
    /* Sorting twice takes 0.3 s; anything quadratic would take an hour. */
    cr_assert_lt(seconds, 20.0);
    cr_assert(s.low < s.median && s.median < s.high && s.high - s.low < 2e-4);
    free(x);
    free(id);
}

Test(summary, bad_input_has_a_status)
{
    assay_summary s;
    assay_grouped g;
    const double x[] = {1.0, INFINITY};
    const int64_t id[] = {0, 1};
    cr_assert_eq(assay_summarise(x, 0, 0.95, &s, &error), ASSAY_BAD_ARGUMENT);
    cr_assert_eq(assay_summarise(x, 2, 0.95, &s, &error), ASSAY_BAD_ARGUMENT);
    cr_assert_eq(assay_summarise(x, 1, 1.0, &s, &error), ASSAY_BAD_ARGUMENT);
    cr_assert_eq(assay_summarise(x, 1, NAN, &s, &error), ASSAY_BAD_ARGUMENT);
    cr_assert_eq(assay_summarise_grouped(x, id, 2, 0.95, &g, &error), ASSAY_BAD_ARGUMENT);
    cr_assert_eq(assay_summarise_grouped(x, NULL, 1, 0.95, &g, &error), ASSAY_BAD_ARGUMENT);
    const double zeros[] = {0.0, 0.0, 0.0, -1.0, 1.0, 0.0, 2.0};
    const int64_t ids[] = {0, 1, 2, 0, 1, 2, 0};
    cr_assert_eq(assay_summarise(zeros, 7, 0.95, &s, &error), ASSAY_OK);
    cr_assert_eq(s.dispersion, 0.0);
    cr_assert_eq(assay_summarise_grouped(zeros, ids, 7, 0.95, &g, &error), ASSAY_OK);
    cr_assert(isfinite(g.low) && isfinite(g.high));
}
