/* How much like a step the runs look in any other order. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/statistics/draws.h"
#include "bench/statistics/steps_series.h"

enum { SHUFFLES = 499, SEED = 1955 };

/* The largest square of Student's t over all places of a step. */
static double strongest(assay_series *s, size_t least)
{
    double most = 0.0;
    (void)assay_series_prepare(s);
    for (size_t at = least; at + least <= s->runs; at++) {
        const double d = assay_series_mean(s, at, s->runs) - assay_series_mean(s, 0, at);
        const double squares =
            assay_series_squares(s, 0, at) + assay_series_squares(s, at, s->runs);
        const double variance = 1.0 / s->sum[at] + 1.0 / (s->sum[s->runs] - s->sum[at]);
        const double scale = fmax(1.0, squares / (double)(s->runs - 2));
        most = fmax(most, d * d / (scale * variance));
    }
    return most;
}

static void swap(double *list, size_t i, size_t j)
{
    const double kept = list[i];
    list[i] = list[j];
    list[j] = kept;
}

assay_status assay_series_shuffle(const assay_series *s, size_t first, size_t end, size_t least,
                                  double most, double *chance, assay_error *error)
{
    const size_t runs = end - first;
    assay_series shuffled = {0};
    double *const own = calloc(runs, sizeof *own);
    if (own == NULL || !assay_series_reserve(&shuffled, runs)) {
        free(own);
        assay_series_destroy(&shuffled);
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory to shuffle %zu runs", runs);
    }
    memcpy(shuffled.raw, s->raw + first, runs * sizeof *own);
    if (s->own != NULL) {
        memcpy(own, s->own + first, runs * sizeof *own);
        shuffled.own = own;
    }
    /* What differs by rounding alone looks as much like a step. */
    const double observed = strongest(&shuffled, least) * (1.0 - 1e-9);
    assay_draws draws = assay_draws_of(SEED, runs);
    size_t alike = 1; /* the runs as they are */
    for (size_t k = 0; k < SHUFFLES && (double)alike <= most * (SHUFFLES + 1); k++) {
        for (size_t i = runs - 1; i > 0; i--) {
            const size_t j = assay_draws_below(&draws, i + 1);
            swap(shuffled.raw, i, j);
            swap(own, i, j);
        }
        alike += strongest(&shuffled, least) >= observed;
    }
    const double part = (double)alike / (SHUFFLES + 1);
    *chance = part > most ? 1.0 : part;
    free(own);
    assay_series_destroy(&shuffled);
    return ASSAY_OK;
}
