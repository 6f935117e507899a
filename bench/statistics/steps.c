#include "bench/statistics/steps.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/statistics/order.h"
#include "bench/statistics/steps_series.h"

void assay_series_destroy(assay_series *s)
{
    free(s->raw);
    free(s->y);
    free(s->weight);
    free(s->scratch);
    free(s->sum);
    free(s->sum_y);
    free(s->sum_yy);
    free(s->best);
    free(s->from);
    free(s->edge);
    *s = (assay_series){0};
}

bool assay_series_reserve(assay_series *s, size_t runs)
{
    s->runs = runs;
    double **const lists[] = {&s->raw, &s->y,     &s->weight, &s->scratch,
                              &s->sum, &s->sum_y, &s->sum_yy, &s->best};
    bool room = true;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        *lists[i] = calloc(runs + 1, sizeof(double));
        room = room && *lists[i] != NULL;
    }
    s->from = calloc(runs + 1, sizeof *s->from);
    s->edge = calloc(runs + 1, sizeof *s->edge);
    return room && s->from != NULL && s->edge != NULL;
}

size_t assay_series_prepare(assay_series *s)
{
    size_t outliers = 0;
    const double noise = s->noise = assay_series_noise(s);
    double own = 0.0; /* the typical variance that the runs' own errors explain */
    if (s->own != NULL) {
        for (size_t i = 0; i < s->runs; i++) {
            s->scratch[i] = s->own[i] * s->own[i];
        }
        own = assay_median_reorder(s->scratch, s->runs);
    }
    const double between = fmax(noise * noise - own, 0.0);
    for (size_t i = 0; i < s->runs; i++) {
        const size_t first = i < 2 ? 0 : i - 2;
        const size_t end = i + 3 < s->runs ? i + 3 : s->runs;
        double around[5];
        memcpy(around, s->raw + first, (end - first) * sizeof *around);
        const double centre = assay_median_reorder(around, end - first);
        const double error = s->own != NULL ? s->own[i] : 0.0;
        const double variance =
            fmax(between + error * error, ASSAY_NOISE_LEAST * ASSAY_NOISE_LEAST);
        const double reach = 3.0 * fmax(noise, sqrt(variance));
        outliers += fabs(s->raw[i] - centre) > reach;
        s->y[i] = fmin(fmax(s->raw[i], centre - reach), centre + reach);
        s->weight[i] = 1.0 / variance;
    }
    for (size_t i = 0; i < s->runs; i++) {
        s->sum[i + 1] = s->sum[i] + s->weight[i];
        s->sum_y[i + 1] = s->sum_y[i] + s->weight[i] * s->y[i];
        s->sum_yy[i + 1] = s->sum_yy[i] + s->weight[i] * s->y[i] * s->y[i];
    }
    return outliers;
}

static assay_status check(const double *seconds, const double *relative_error, size_t runs,
                          const assay_steps_options *options, assay_error *error)
{
    if (runs > ASSAY_STEPS_RUNS_MAX) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "a series of %zu runs; %d at the most: give "
                          "the newest", runs, (int)ASSAY_STEPS_RUNS_MAX);
    }
    if (options->least < 2 || options->window < options->least || !(options->p > 0.0) ||
        !(options->p < 1.0) || !(options->chance > 0.0) || !(options->margin >= 0.0) ||
        !(options->confidence > 0.0) || !(options->confidence < 1.0)) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "options of steps: at least 2 runs a side, a "
                          "window not below that, p and confidence between 0 and 1, a chance above "
                          "0 and a margin of at least 0 are needed");
    }
    const assay_status status = assay_check_finite(seconds, runs, "medians", error);
    for (size_t i = 0; i < runs && status == ASSAY_OK; i++) {
        const double own = relative_error != NULL ? relative_error[i] : 0.0;
        if (!(seconds[i] > 0.0) || !(own >= 0.0 && isfinite(own))) {
            return assay_fail(error, ASSAY_BAD_ARGUMENT, "run %zu: median %g s with relative error "
                              "%g; a median above zero and an error of at least 0 are needed", i,
                              seconds[i], own);
        }
    }
    return status;
}

/* Of the order of so many runs with half of them on each side. */
static double least_chance(size_t runs)
{
    double chance = 2.0;
    for (size_t i = 1; i <= runs / 2; i++) {
        chance *= (double)i / (double)(runs - i + 1);
    }
    return chance;
}

assay_status assay_find_steps(const double *seconds, const double *relative_error, size_t runs,
                              const assay_steps_options *options, assay_steps *steps,
                              assay_error *error)
{
    *steps = (assay_steps){.inflation = 1.0};
    assay_series s = {.own = relative_error};
    assay_status status = check(seconds, relative_error, runs, options, error);
    steps->enough = runs / 2 >= options->least && least_chance(runs) <= options->chance;
    if (status != ASSAY_OK || !steps->enough) {
        return status;
    }
    if (!assay_series_reserve(&s, runs)) {
        status = assay_fail(error, ASSAY_NO_MEMORY, "no memory for a series of %zu runs", runs);
        goto fail;
    }
    for (size_t i = 0; i < runs; i++) {
        s.raw[i] = log(seconds[i]);
    }
    memcpy(s.scratch, s.raw, runs * sizeof *s.raw);
    const double centre = assay_median_reorder(s.scratch, runs);
    for (size_t i = 0; i < runs; i++) {
        s.raw[i] -= centre;
    }
    steps->outliers = assay_series_prepare(&s);
    steps->noise = s.noise;
    assay_series_segment(&s, options->least, 2.0 * log((double)runs));
    status = assay_series_weed(&s, options, error);
    if (status != ASSAY_OK) {
        goto fail;
    }
    steps->step = calloc(s.edges > 0 ? s.edges : 1, sizeof *steps->step);
    if (steps->step == NULL) {
        status = assay_fail(error, ASSAY_NO_MEMORY, "no memory for %zu steps", s.edges);
        goto fail;
    }
    steps->inflation = s.edges == 0 ? assay_series_inflation(&s, 0) : 1.0;
    for (; steps->count < s.edges; steps->count++) {
        const double inflation = assay_series_inflation(&s, s.edge[steps->count]);
        steps->inflation = fmax(steps->inflation, inflation);
        steps->step[steps->count] = assay_series_test(&s, steps->count, options);
    }
fail:
    assay_series_destroy(&s);
    return status;
}

void assay_steps_destroy(assay_steps *steps)
{
    free(steps->step);
    *steps = (assay_steps){0};
}
