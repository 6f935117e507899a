/* Shares and ratios of clustered samples: known values, and coverage on simulated clusters. */
#include <criterion/criterion.h>
#include <math.h>

#include "bench/statistics/clusters.h"
#include "bench/statistics/draws.h"

static assay_error error;

/* Wilson's interval as tabulated (R's prop.test without correction, Newcombe 1998 table I). */
Test(clusters, one_sample_a_cluster_is_wilsons_interval)
{
    static const struct {
        int hits, trials;
        double low, high;
    } table[] = {{81, 263, 0.2553, 0.3662},
                 {15, 148, 0.0624, 0.1605},
                 {0, 20, 0.0, 0.1611},
                 {1, 29, 0.0061, 0.1718},
                 {29, 29, 0.8830, 1.0}};
    for (size_t t = 0; t < sizeof table / sizeof *table; t++) {
        double over[300] = {0};
        double under[300];
        double share;
        assay_interval i;
        for (int k = 0; k < table[t].trials; k++) {
            over[k] = k < table[t].hits ? 1.0 : 0.0;
            under[k] = 1.0;
        }
        cr_assert_eq(assay_clustered_share(over, under, (size_t)table[t].trials, 0.95, &share, &i,
                                           &error),
                     ASSAY_OK);
        cr_expect_float_eq(share, (double)table[t].hits / table[t].trials, 1e-15);
        /* the n/(n-1) of the variance makes it longer by a 600th at the most */
        cr_expect_float_eq(i.low, table[t].low, 4e-3, "%d: %g", table[t].hits, i.low);
        cr_expect_float_eq(i.high, table[t].high, 4e-3, "%d: %g", table[t].hits, i.high);
        cr_assert_eq(assay_wilson((uint64_t)table[t].hits, (uint64_t)table[t].trials, 0.95, &i,
                                  &error),
                     ASSAY_OK);
        cr_expect_float_eq(i.low, table[t].low, 5e-5, "%d: %g", table[t].hits, i.low);
        cr_expect_float_eq(i.high, table[t].high, 5e-5, "%d: %g", table[t].hits, i.high);
    }
}

/* Three copies of each sample say no more than one. */
Test(clusters, copies_count_once)
{
    double over[2][50];
    double under[2][50];
    double share[2];
    assay_interval i[2];
    for (int k = 0; k < 50; k++) {
        for (int copies = 0; copies < 2; copies++) {
            under[copies][k] = copies == 0 ? 1.0 : 3.0;
            over[copies][k] = k % 5 == 0 ? 0.0 : under[copies][k];
        }
    }
    for (int copies = 0; copies < 2; copies++) {
        cr_assert_eq(assay_clustered_share(over[copies], under[copies], 50, 0.95, &share[copies],
                                           &i[copies], &error),
                     ASSAY_OK);
    }
    cr_expect_float_eq(i[0].low, i[1].low, 1e-12);
    cr_expect_float_eq(i[0].high, i[1].high, 1e-12);
    /* all right: still no more than 50 samples */
    for (int k = 0; k < 50; k++) {
        over[1][k] = 3.0;
    }
    cr_assert_eq(assay_clustered_share(over[1], under[1], 50, 0.95, &share[1], &i[1], &error),
                 ASSAY_OK);
    cr_expect_float_eq(i[1].low, 0.92865, 1e-4, "%g", i[1].low);
    cr_expect_eq(i[1].high, 1.0);
}

enum { CLUSTERS = 60, EACH = 3, TRIALS = 1000 };

/* One world: each cluster has a probability of its own around p, its samples are drawn by it. */
static void draw_shares(assay_draws *draws, double *over, double *under)
{
    for (int c = 0; c < CLUSTERS; c++) {
        const double p = assay_draws_uniform(draws) < 0.5 ? 0.98 : 0.5;
        under[c] = EACH;
        over[c] = 0.0;
        for (int k = 0; k < EACH; k++) {
            over[c] += assay_draws_uniform(draws) < p ? 1.0 : 0.0;
        }
    }
}

Test(clusters, a_share_is_covered_as_promised)
{
    assay_draws draws = assay_draws_of(7, 1);
    int covered = 0;
    int naive = 0;
    for (int t = 0; t < TRIALS; t++) {
        double over[CLUSTERS];
        double under[CLUSTERS];
        double share;
        assay_interval i;
        draw_shares(&draws, over, under);
        cr_assert_eq(assay_clustered_share(over, under, CLUSTERS, 0.95, &share, &i, &error),
                     ASSAY_OK);
        covered += i.low <= 0.74 && 0.74 <= i.high;
        cr_assert_eq(assay_wilson_share(share, EACH * CLUSTERS, 0.95, &i, &error), ASSAY_OK);
        naive += i.low <= 0.74 && 0.74 <= i.high;
    }
    cr_expect(covered > 930 && covered < 975, "%d of %d", covered, TRIALS);
    cr_expect(naive < covered, "as if independent: %d, by clusters %d", naive, covered);
}

/* Ratios of sums whose clusters are shifted as a whole: the spread is between clusters. */
Test(clusters, a_ratio_is_covered_as_promised)
{
    assay_draws draws = assay_draws_of(8, 1);
    assay_resampling options = ASSAY_RESAMPLING_DEFAULTS;
    int covered = 0;
    options.resamples = 400;
    for (int t = 0; t < TRIALS; t++) {
        double over[CLUSTERS];
        double under[CLUSTERS];
        double ratio;
        assay_interval i;
        for (int c = 0; c < CLUSTERS; c++) {
            const double shift = assay_draws_normal(&draws);
            under[c] = (double)(1 + assay_draws_below(&draws, 5));
            over[c] = under[c] * (0.3 + shift) + 0.1 * assay_draws_normal(&draws);
        }
        cr_assert_eq(assay_clustered_ratio(over, under, CLUSTERS, &options, &ratio, &i, &error),
                     ASSAY_OK);
        covered += i.low <= 0.3 && 0.3 <= i.high;
    }
    cr_expect(covered > 920 && covered < 975, "%d of %d", covered, TRIALS);
}

Test(clusters, what_makes_no_sense_is_refused)
{
    const double over[] = {1, 2, 3, 1, 1, 1};
    const double under[] = {1, 1, 3, 1, 1, 1};
    const double none[] = {0, 0, 0, 0, 0, 0};
    const double wrong[] = {1, 1, NAN, 1, 1, 1};
    const assay_resampling options = ASSAY_RESAMPLING_DEFAULTS;
    double value;
    assay_interval i;
    cr_expect_neq(assay_clustered_share(over, under, 6, 0.95, &value, &i, &error), ASSAY_OK);
    cr_expect_neq(assay_clustered_share(none, none, 6, 0.95, &value, &i, &error), ASSAY_OK);
    cr_expect_neq(assay_clustered_ratio(wrong, under, 6, &options, &value, &i, &error), ASSAY_OK);
    cr_expect_neq(assay_clustered_ratio(over, none, 6, &options, &value, &i, &error), ASSAY_OK);
    cr_expect_neq(assay_clustered_ratio(over, under, 5, &options, &value, &i, &error), ASSAY_OK);
    cr_expect_neq(assay_wilson_share(1.5, 10.0, 0.95, &i, &error), ASSAY_OK);
    cr_assert_eq(assay_clustered_ratio(over, under, 6, &options, &value, &i, &error), ASSAY_OK);
    cr_expect_float_eq(value, 9.0 / 8.0, 1e-15);
}
