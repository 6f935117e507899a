/* Paired comparisons: coverage where rounds share a process, verdicts, exact p values, bad
 * input. */
#include <criterion/criterion.h>
#include <math.h>

#include "bench/statistics/draws.h"
#include "bench/statistics/order.h"
#include "bench/statistics/paired.h"
#include "bench/statistics/sign_tests.h"

static assay_error error;

enum { PAIRS = 24, ROUNDS = 9 };

typedef struct model {
    double ratio;   /* the truth: time of b over time of a */
    double between; /* deviation of a process */
    double within;  /* of a round */
    bool heavy;     /* processes by Student's t of 2.5 degrees: now and then one far out */
} model;

static double a[PAIRS][ROUNDS];
static double b[PAIRS][ROUNDS];
static assay_pair pairs[PAIRS];

static double tail(assay_draws *d, bool heavy)
{
    const double z = assay_draws_normal(d);
    const double w = heavy ? assay_draws_uniform(d) : 1.0;
    return heavy ? z * fmin(pow(w, -0.4), 20.0) * 0.6 : z;
}

static void draw(assay_draws *d, const model *m, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const double of_a = m->between * tail(d, m->heavy);
        const double of_b = m->between * tail(d, m->heavy);
        for (size_t r = 0; r < ROUNDS; r++) {
            a[i][r] = 1e-3 * exp(of_a + m->within * tail(d, m->heavy));
            b[i][r] = 1e-3 * exp(of_b + m->within * tail(d, m->heavy)) * m->ratio;
        }
        pairs[i] = (assay_pair){a[i], b[i], ROUNDS};
    }
}

enum { REPEATS = 500 };

/* Five deviations of 500 repeats at 95% are 4.9%. Where rounds vary more than processes (the third)
 * the interval is longer than needed: their noise is in the pairs' values and resampled again. */
Test(paired, the_interval_covers_the_ratio)
{
    const model models[] = {{1.0, 0.01, 0.01, false},
                            {1.03, 0.02, 0.002, false},
                            {0.97, 0.005, 0.03, false},
                            {1.0, 0.01, 0.01, true}};
    const size_t counts[] = {3, 6, 14};
    for (size_t m = 0; m < 4; m++) {
        for (size_t c = 0; c < 3; c++) {
            assay_draws d = assay_draws_of(31, m * 3 + c);
            assay_paired_options options = ASSAY_PAIRED_DEFAULTS;
            options.resamples = 300;
            int covered = 0;
            double width = 0.0;
            for (int repeat = 0; repeat < REPEATS; repeat++) {
                draw(&d, &models[m], counts[c]);
                options.seed = (uint64_t)repeat;
                assay_paired p;
                cr_assert_eq(assay_compare_pairs(pairs, counts[c], &options, &p, &error), ASSAY_OK);
                covered += p.low <= models[m].ratio && models[m].ratio <= p.high;
                width += (p.high - p.low) / REPEATS;
            }
            cr_log_info("model %zu, %zu pairs: coverage %.3f, width %.4f\n", m, counts[c],
                        (double)covered / REPEATS, width);
            cr_assert_geq((double)covered / REPEATS, 0.95 - 0.049, "model %zu, %zu pairs: %d", m,
                          counts[c], covered);
        }
    }
}

/* Swapping a and b must give the reciprocal: no side is favoured. */
Test(paired, sides_are_alike)
{
    assay_draws d = assay_draws_of(32, 0);
    const model m = {1.02, 0.01, 0.01, true};
    const assay_paired_options options = ASSAY_PAIRED_DEFAULTS;
    for (size_t count = 1; count <= PAIRS; count++) {
        draw(&d, &m, count);
        assay_paired there;
        assay_paired back;
        cr_assert_eq(assay_compare_pairs(pairs, count, &options, &there, &error), ASSAY_OK);
        for (size_t i = 0; i < count; i++) {
            pairs[i] = (assay_pair){b[i], a[i], ROUNDS};
        }
        cr_assert_eq(assay_compare_pairs(pairs, count, &options, &back, &error), ASSAY_OK);
        cr_assert_float_eq(there.ratio * back.ratio, 1.0, 1e-12);
        cr_assert(count == 1 || fabs(there.low * back.high - 1.0) < 1e-9);
        cr_assert_eq(there.p, back.p);
        cr_assert_eq(there.p_sign, back.p_sign);
    }
}

Test(paired, one_pair_says_nothing_of_the_next)
{
    assay_draws d = assay_draws_of(33, 0);
    const model m = {1.5, 0.0, 0.001, false};
    draw(&d, &m, 1);
    assay_paired p;
    cr_assert_eq(assay_compare_pairs(pairs, 1, &ASSAY_PAIRED_DEFAULTS, &p, &error), ASSAY_OK);
    cr_assert_float_eq(p.ratio, 1.5, 0.01);
    cr_assert_eq(p.low, 0.0);
    cr_assert(isinf(p.high));
    cr_assert_eq(p.p, 1.0);
    cr_assert_eq(p.change, ASSAY_UNSURE);
}

Test(paired, verdicts)
{
    cr_assert_eq(assay_change_of(1.05, 1.02, 1.08, 0.01), ASSAY_FASTER);
    cr_assert_eq(assay_change_of(0.95, 0.92, 0.98, 0.01), ASSAY_SLOWER);
    cr_assert_eq(assay_change_of(1.004, 1.002, 1.006, 0.01), ASSAY_SAME, "real, but within margin");
    cr_assert_eq(assay_change_of(1.004, 1.002, 1.02, 0.01), ASSAY_UNSURE, "may be beyond it");
    cr_assert_eq(assay_change_of(1.05, 0.99, 1.1, 0.01), ASSAY_UNSURE);
    cr_assert_eq(assay_change_of(1.0, 0.0, INFINITY, 0.01), ASSAY_UNSURE);
    cr_assert_eq(assay_change_of(1.0, 1.0, 1.0, 0.0), ASSAY_SAME);
    cr_assert_eq(assay_change_of(NAN, NAN, NAN, 0.01), ASSAY_UNSURE);
}

Test(paired, the_same_seed_gives_the_same_interval)
{
    assay_draws d = assay_draws_of(34, 0);
    const model m = {1.02, 0.01, 0.01, false};
    draw(&d, &m, 10);
    assay_paired_options options = ASSAY_PAIRED_DEFAULTS;
    assay_paired first;
    assay_paired second;
    cr_assert_eq(assay_compare_pairs(pairs, 10, &options, &first, &error), ASSAY_OK);
    cr_assert_eq(assay_compare_pairs(pairs, 10, &options, &second, &error), ASSAY_OK);
    cr_assert_eq(first.low, second.low);
    options.seed = 2;
    cr_assert_eq(assay_compare_pairs(pairs, 10, &options, &second, &error), ASSAY_OK);
    cr_assert_neq(first.low, second.low);
    cr_assert_float_eq(first.low, second.low, 0.005);
}

Test(sign_tests, tabulated)
{
    /* Wilcoxon's table: n = 10, W = 8 has 25 of 1024 orders at or below. */
    const double x[] = {1, -2, 3, 4, 5, -6, 7, 8, 9, 10};
    double p;
    cr_assert_eq(assay_signed_rank_test(x, 10, &p, &error), ASSAY_OK);
    cr_assert_float_eq(p, 50.0 / 1024.0, 1e-12);
    cr_assert_float_eq(assay_sign_test(x, 10), 2.0 * 56.0 / 1024.0, 1e-12);
    const double all[] = {1, 2, 3, 4, 5, 6, 7, 8};
    cr_assert_eq(assay_signed_rank_test(all, 8, &p, &error), ASSAY_OK);
    cr_assert_float_eq(p, 0x1p-7, 1e-15);
    cr_assert_float_eq(assay_sign_test(all, 8), 0x1p-7, 1e-15);
    /* All tied: the sign test. */
    const double ties[] = {1, 1, 1, 1, -1, 1, 0, 0};
    cr_assert_eq(assay_signed_rank_test(ties, 8, &p, &error), ASSAY_OK);
    cr_assert_float_eq(p, assay_sign_test(ties, 8), 1e-12);
    const double zeros[] = {0, 0, 0};
    cr_assert_eq(assay_signed_rank_test(zeros, 3, &p, &error), ASSAY_OK);
    cr_assert_eq(p, 1.0);
    cr_assert_eq(assay_sign_test(zeros, 3), 1.0);
}

/* At 128 the exact distribution ends; the approximation above must continue it. */
Test(sign_tests, exact_and_approximate_meet)
{
    assay_draws d = assay_draws_of(35, 0);
    double x[129];
    for (int repeat = 0; repeat < 20; repeat++) {
        for (size_t i = 0; i < 129; i++) {
            x[i] = assay_draws_normal(&d) + 0.15;
        }
        double exact;
        double normal;
        x[128] = 1e-9; /* the lowest rank: hardly changes anything */
        cr_assert_eq(assay_signed_rank_test(x, 128, &exact, &error), ASSAY_OK);
        cr_assert_eq(assay_signed_rank_test(x, 129, &normal, &error), ASSAY_OK);
        cr_assert_float_eq(normal, exact, 0.08 * exact + 0.002, "%g, %g", normal, exact);
    }
}

/* The interval holds exactly the centres that the test does not reject. */
Test(sign_tests, interval_and_test_agree)
{
    assay_draws d = assay_draws_of(36, 0);
    double x[40];
    double shifted[40];
    for (size_t n = 5; n <= 40; n++) {
        for (size_t i = 0; i < n; i++) {
            x[i] = assay_draws_normal(&d);
        }
        double centre;
        double low;
        double high;
        cr_assert_eq(assay_signed_rank_interval(x, n, 0.95, &centre, &low, &high, &error),
                     ASSAY_OK);
        if (n < 6) {
            cr_assert(isinf(low) && isinf(high));
            continue;
        }
        const double at[] = {low - 1e-6, low + 1e-6, high - 1e-6, high + 1e-6};
        const bool rejected[] = {true, false, false, true};
        for (size_t k = 0; k < 4; k++) {
            for (size_t i = 0; i < n; i++) {
                shifted[i] = x[i] - at[k];
            }
            double p;
            cr_assert_eq(assay_signed_rank_test(shifted, n, &p, &error), ASSAY_OK);
            cr_assert_eq(p <= 0.05, rejected[k], "n = %zu, at %g: p %g", n, at[k], p);
        }
        cr_assert(low < centre && centre < high);
    }
}

Test(paired, pairs_needed)
{
    cr_assert_eq(assay_pairs_needed(1, 0.5), 2);
    cr_assert_eq(assay_pairs_needed(1, 0.01), 8); /* 2^-7 < 0.01 < 2^-6 */
    cr_assert_eq(assay_pairs_needed(10, 0.05), 9);
    cr_assert_eq(assay_pairs_needed(0, 0.05), 0);
    cr_assert_eq(assay_pairs_needed(1, 0.0), 0);
    cr_assert_eq(assay_pairs_needed(1, NAN), 0);
}

Test(paired, bad_input_has_a_status)
{
    assay_paired p;
    const assay_paired_options options = ASSAY_PAIRED_DEFAULTS;
    cr_assert_eq(assay_compare_pairs(pairs, 0, &options, &p, &error), ASSAY_BAD_ARGUMENT);
    const double good[] = {1.0, 2.0};
    const double bad[] = {1.0, 0.0};
    assay_pair list[] = {{good, good, 2}, {good, bad, 2}};
    cr_assert_eq(assay_compare_pairs(list, 2, &options, &p, &error), ASSAY_BAD_ARGUMENT);
    cr_assert_str_eq(error.message, "pair 1, round 1: times 2 and 0 s; both must be above zero "
                                    "(more calls a sample lift them above the timer's resolution)");
    list[1] = (assay_pair){good, good, 0};
    cr_assert_eq(assay_compare_pairs(list, 2, &options, &p, &error), ASSAY_BAD_ARGUMENT);
    assay_paired_options wrong = options;
    wrong.resamples = 0;
    cr_assert_eq(assay_compare_pairs(list, 1, &wrong, &p, &error), ASSAY_BAD_ARGUMENT);
    wrong = options;
    wrong.margin = NAN;
    cr_assert_eq(assay_compare_pairs(list, 1, &wrong, &p, &error), ASSAY_BAD_ARGUMENT);
    const double logs[] = {0.1, NAN};
    cr_assert_eq(assay_compare_log_ratios(logs, 2, &options, &p, &error), ASSAY_BAD_ARGUMENT);
    double value;
    cr_assert_eq(assay_pair_log_ratio(&list[1], &value, &error), ASSAY_BAD_ARGUMENT);
    cr_assert_eq(assay_pair_log_ratio(&list[0], &value, &error), ASSAY_OK);
    cr_assert_eq(value, 0.0);
}
