/* Steps in a series: found where they are, and nothing found in noise, outliers, drift, or runs
 * that are alike their neighbours. Draws are seeded. */
#include <criterion/criterion.h>
#include <math.h>

#include "bench/statistics/draws.h"
#include "bench/statistics/steps.h"

static assay_error error;

enum { RUNS = 120 };

typedef struct kind {
    const char *name;
    double noise;
    double outliers;    /* share of runs that took up to 40% longer */
    double drift;       /* over the whole series */
    double correlation; /* of successive runs */
} kind;

static const kind kinds[] = {{"noise", 0.01, 0.0, 0.0, 0.0},
                             {"outliers", 0.01, 0.06, 0.0, 0.0},
                             {"drift", 0.01, 0.0, 0.06, 0.0},
                             {"drift and outliers", 0.005, 0.04, 0.03, 0.0},
                             {"correlation", 0.01, 0.0, 0.0, 0.4},
                             {"strong correlation", 0.01, 0.0, 0.0, 0.7}};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void draw(assay_draws *d, const kind *k, size_t runs, double *seconds)
{
    double state = assay_draws_normal(d);
    for (size_t i = 0; i < runs; i++) {
        const double r = k->correlation;
        state = r * state + sqrt(1.0 - r * r) * assay_draws_normal(d);
        const double stray =
            assay_draws_uniform(d) < k->outliers ? 0.4 * assay_draws_uniform(d) : 0.0;
        seconds[i] = 1e-3 * exp(k->noise * state + stray + k->drift * (double)i / (double)runs);
    }
}

Test(steps, nothing_is_found_where_nothing_happened)
{
    enum { REPEATS = 300 };
    double seconds[RUNS];
    const assay_steps_options options = ASSAY_STEPS_DEFAULTS;
    for (size_t k = 0; k < KINDS; k++) {
        assay_draws d = assay_draws_of(61, k);
        size_t alarmed = 0;
        for (int repeat = 0; repeat < REPEATS; repeat++) {
            draw(&d, &kinds[k], repeat % 2 == 0 ? RUNS : 30, seconds);
            assay_steps s;
            cr_assert_eq(assay_find_steps(seconds, NULL, repeat % 2 == 0 ? RUNS : 30, &options, &s,
                                          &error),
                         ASSAY_OK);
            alarmed += s.count > 0;
            assay_steps_destroy(&s);
        }
        cr_log_info("%s: %.3f of series with a false step\n", kinds[k].name,
                    (double)alarmed / REPEATS);
        /* Three outliers of five runs are a step up and down; correlated runs wander like steps. */
        const bool hard = kinds[k].outliers > 0.0 || kinds[k].correlation > 0.0;
        const double most = kinds[k].correlation > 0.5 ? 0.08 : hard ? 0.05 : 0.02;
        cr_expect_leq((double)alarmed / REPEATS, most);
    }
}

/* A machine of two speeds, a run at either by chance: Student's t takes few runs of it for a step,
 * and so do the pulled ones, since most successive runs are alike. */
Test(steps, two_speeds_are_no_step)
{
    enum { REPEATS = 1000, MOST = 24 };
    double seconds[MOST];
    const assay_steps_options options = ASSAY_STEPS_DEFAULTS;
    for (size_t runs = 6; runs <= MOST; runs += 3) {
        assay_draws d = assay_draws_of(67, runs);
        size_t alarmed = 0;
        for (int repeat = 0; repeat < REPEATS; repeat++) {
            for (size_t i = 0; i < runs; i++) {
                const double slower = assay_draws_uniform(&d) < 0.5 ? 0.6 : 0.0;
                seconds[i] = 1e-3 * exp(slower + 0.03 * assay_draws_normal(&d));
            }
            assay_steps s;
            cr_assert_eq(assay_find_steps(seconds, NULL, runs, &options, &s, &error), ASSAY_OK);
            alarmed += s.count > 0;
            assay_steps_destroy(&s);
        }
        cr_log_info("two speeds, %zu runs: %.3f of series with a false step\n", runs,
                    (double)alarmed / REPEATS);
        cr_expect_leq((double)alarmed / REPEATS, runs < 9 ? 0.0 : 0.04);
    }
}

/* From how many runs on a step of 50% is told. */
Test(steps, few_runs_of_a_step)
{
    enum { REPEATS = 200 };
    static const struct {
        size_t before, after;
        double least, most;
    } few[] = {{3, 3, 0.0, 0.0}, {5, 3, 0.0, 0.0}, {4, 4, 0.0, 0.0},
               {9, 3, 0.85, 1.0}, {7, 4, 0.9, 1.0}, {6, 5, 0.9, 1.0}};
    const assay_steps_options options = ASSAY_STEPS_DEFAULTS;
    for (size_t i = 0; i < sizeof few / sizeof *few; i++) {
        double seconds[16];
        const size_t runs = few[i].before + few[i].after;
        assay_draws d = assay_draws_of(68, i);
        size_t told = 0;
        for (int repeat = 0; repeat < REPEATS; repeat++) {
            for (size_t j = 0; j < runs; j++) {
                const double step = j < few[i].before ? 1.0 : 1.5;
                seconds[j] = step * exp(0.01 * assay_draws_normal(&d));
            }
            assay_steps s;
            cr_assert_eq(assay_find_steps(seconds, NULL, runs, &options, &s, &error), ASSAY_OK);
            told += s.count == 1 && s.step[0].at == few[i].before;
            assay_steps_destroy(&s);
        }
        const double part = (double)told / REPEATS;
        cr_log_info("%zu runs and %zu: found %.3f\n", few[i].before, few[i].after, part);
        cr_expect(part >= few[i].least && part <= few[i].most, "%zu and %zu", few[i].before,
                  few[i].after);
    }
}

Test(steps, a_step_is_found_where_it_is)
{
    enum { REPEATS = 200 };
    const double ratios[] = {1.03, 0.95, 1.10};
    /* Drift in one direction costs what a slope could explain as well. */
    const double least[][3] = {
        {0.85, 0.95, 0.98}, {0.65, 0.9, 0.98}, {0.55, 0.9, 0.98}, {0.9, 0.95, 0.98}};
    double seconds[RUNS];
    const assay_steps_options options = ASSAY_STEPS_DEFAULTS;
    for (size_t k = 0; k < 4; k++) {
        for (size_t r = 0; r < 3; r++) {
            assay_draws d = assay_draws_of(62, k * 3 + r);
            size_t found = 0;
            size_t more = 0;
            size_t covered = 0;
            for (int repeat = 0; repeat < REPEATS; repeat++) {
                const size_t at = 25 + assay_draws_below(&d, 70);
                draw(&d, &kinds[k], RUNS, seconds);
                for (size_t i = at; i < RUNS; i++) {
                    seconds[i] *= ratios[r];
                }
                assay_steps s;
                cr_assert_eq(assay_find_steps(seconds, NULL, RUNS, &options, &s, &error), ASSAY_OK);
                more += s.count > 1;
                for (size_t i = 0; i < s.count; i++) {
                    const double off = fabs((double)s.step[i].at - (double)at);
                    if (off <= 6.0 && (s.step[i].ratio > 1.0) == (ratios[r] > 1.0)) {
                        found++;
                        covered += s.step[i].low <= ratios[r] && ratios[r] <= s.step[i].high;
                        break;
                    }
                }
                assay_steps_destroy(&s);
            }
            cr_log_info("%s, step %g: found %.3f, interval right %.3f, more than one %.3f\n",
                        kinds[k].name, ratios[r], (double)found / REPEATS,
                        (double)covered / (double)found, (double)more / REPEATS);
            cr_expect_geq((double)found / REPEATS, least[k][r]);
            cr_expect_geq((double)covered / (double)found, k < 2 ? 0.85 : 0.7);
            cr_expect_leq((double)more / REPEATS, 0.08);
        }
    }
}

/* A step in a short series must not pass for correlation between its runs. */
Test(steps, a_step_in_a_short_series_is_no_correlation)
{
    enum { REPEATS = 400, SHORT = 24 };
    const double noises[] = {0.004, 0.01};
    const double least[] = {0.93, 0.85};
    double seconds[SHORT];
    const assay_steps_options options = ASSAY_STEPS_DEFAULTS;
    for (size_t n = 0; n < 2; n++) {
        assay_draws d = assay_draws_of(66, n);
        const kind k = {"noise", noises[n], 0.0, 0.0, 0.0};
        size_t found = 0;
        for (int repeat = 0; repeat < REPEATS; repeat++) {
            draw(&d, &k, SHORT, seconds);
            for (size_t i = 14; i < SHORT; i++) {
                seconds[i] *= 1.05;
            }
            assay_steps s;
            cr_assert_eq(assay_find_steps(seconds, NULL, SHORT, &options, &s, &error), ASSAY_OK);
            found += s.count == 1 && s.step[0].at == 14;
            assay_steps_destroy(&s);
        }
        cr_log_info("noise %g, 5%% in 24 runs: found %.3f\n", noises[n], (double)found / REPEATS);
        cr_expect_geq((double)found / REPEATS, least[n]);
    }
}

/* Nightly use: how many runs after a slowdown of 10% until it shows. */
Test(steps, a_large_step_shows_after_few_runs)
{
    enum { REPEATS = 200, BEFORE = 40 };
    double seconds[BEFORE + 12];
    const assay_steps_options options = ASSAY_STEPS_DEFAULTS;
    assay_draws d = assay_draws_of(63, 0);
    size_t shown = 0;
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        draw(&d, &kinds[0], BEFORE + 12, seconds);
        for (size_t i = BEFORE; i < BEFORE + 12; i++) {
            seconds[i] *= 1.10;
        }
        assay_steps s;
        cr_assert_eq(assay_find_steps(seconds, NULL, BEFORE + 1, &options, &s, &error), ASSAY_OK);
        cr_expect_eq(s.count, 0, "one run is no step");
        assay_steps_destroy(&s);
        cr_assert_eq(assay_find_steps(seconds, NULL, BEFORE + 4, &options, &s, &error), ASSAY_OK);
        shown += s.count == 1;
        assay_steps_destroy(&s);
    }
    cr_log_info("10%% shows after four runs in %.3f\n", (double)shown / REPEATS);
    cr_expect_geq((double)shown / REPEATS, 0.9);
}

Test(steps, several_steps_in_order)
{
    double seconds[RUNS];
    const assay_steps_options options = ASSAY_STEPS_DEFAULTS;
    assay_draws d = assay_draws_of(64, 0);
    draw(&d, &kinds[1], RUNS, seconds);
    for (size_t i = 0; i < RUNS; i++) {
        seconds[i] *= i < 30 ? 1.0 : i < 70 ? 1.08 : i < 95 ? 1.04 : 0.9;
    }
    assay_steps s;
    cr_assert_eq(assay_find_steps(seconds, NULL, RUNS, &options, &s, &error), ASSAY_OK);
    cr_assert_eq(s.count, 3);
    const size_t at[] = {30, 70, 95};
    const double ratio[] = {1.08, 1.04 / 1.08, 0.9 / 1.04};
    for (size_t i = 0; i < 3; i++) {
        cr_assert_float_eq((double)s.step[i].at, (double)at[i], 1.5);
        cr_assert_float_eq(s.step[i].ratio, ratio[i], 0.02);
        cr_assert(s.step[i].p <= 0.001 && s.step[i].low < s.step[i].high);
    }
    cr_assert_geq(s.outliers, 2);
    cr_assert_float_eq(s.noise, 0.01, 0.005);
    assay_steps_destroy(&s);
    cr_assert_null(s.step);
}

/* Runs that know to be bad measurements must not make a step, nor hide one. */
Test(steps, own_errors_count)
{
    double seconds[60];
    double own[60];
    const assay_steps_options options = ASSAY_STEPS_DEFAULTS;
    assay_draws d = assay_draws_of(65, 0);
    for (size_t i = 0; i < 60; i++) {
        own[i] = i >= 50 && i < 54 ? 0.2 : 0.002;
        seconds[i] = exp(0.003 * assay_draws_normal(&d)) * (i >= 50 && i < 54 ? 1.15 : 1.0);
    }
    assay_steps s;
    cr_assert_eq(assay_find_steps(seconds, own, 60, &options, &s, &error), ASSAY_OK);
    cr_assert_eq(s.count, 0);
    assay_steps_destroy(&s);
    cr_assert_eq(assay_find_steps(seconds, NULL, 60, &options, &s, &error), ASSAY_OK);
    cr_assert_eq(s.count, 2, "without their errors they do");
    assay_steps_destroy(&s);
}

Test(steps, short_equal_and_long_series)
{
    static double seconds[5000];
    const assay_steps_options options = ASSAY_STEPS_DEFAULTS;
    for (size_t i = 0; i < 5000; i++) {
        seconds[i] = 2.0;
    }
    assay_steps s;
    for (size_t runs = 1; runs < 9; runs++) {
        cr_assert_eq(assay_find_steps(seconds, NULL, runs, &options, &s, &error), ASSAY_OK);
        cr_assert_eq(s.count, 0);
        cr_assert(!s.enough);
        assay_steps_destroy(&s);
    }
    for (size_t i = 20; i < 40; i++) {
        seconds[i] = 2.5;
    }
    cr_assert_eq(assay_find_steps(seconds, NULL, 40, &options, &s, &error), ASSAY_OK);
    cr_assert_eq(s.count, 1);
    cr_assert_eq(s.step[0].at, 20);
    cr_assert_float_eq(s.step[0].ratio, 1.25, 1e-9);
    assay_steps_destroy(&s);
    assay_draws d = assay_draws_of(66, 0);
    draw(&d, &kinds[5], 5000, seconds);
    cr_assert_eq(assay_find_steps(seconds, NULL, 5000, &options, &s, &error), ASSAY_OK);
    assay_steps_destroy(&s);
}

Test(steps, bad_input_has_a_status)
{
    double seconds[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    double own[8] = {0, 0, 0, -1, 0, 0, 0, 0};
    assay_steps_options options = ASSAY_STEPS_DEFAULTS;
    assay_steps s;
    cr_assert_eq(assay_find_steps(seconds, NULL, 0, &options, &s, &error), ASSAY_BAD_ARGUMENT);
    cr_assert_eq(assay_find_steps(seconds, own, 8, &options, &s, &error), ASSAY_BAD_ARGUMENT);
    seconds[2] = 0.0;
    cr_assert_eq(assay_find_steps(seconds, NULL, 8, &options, &s, &error), ASSAY_BAD_ARGUMENT);
    cr_assert_str_eq(error.message, "run 2: median 0 s with relative error 0; a median above zero "
                                    "and an error of at least 0 are needed");
    seconds[2] = NAN;
    cr_assert_eq(assay_find_steps(seconds, NULL, 8, &options, &s, &error), ASSAY_BAD_ARGUMENT);
    cr_assert_eq(assay_find_steps(seconds, NULL, ASSAY_STEPS_RUNS_MAX + 1, &options, &s, &error),
                 ASSAY_BAD_ARGUMENT);
    options.least = 0;
    seconds[2] = 1.0;
    cr_assert_eq(assay_find_steps(seconds, NULL, 8, &options, &s, &error), ASSAY_BAD_ARGUMENT);
    cr_assert_null(s.step);
}
