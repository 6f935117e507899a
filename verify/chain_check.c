#include "verify/chain_check.h"

#include <math.h>

typedef struct checker {
    const assay_chain *chain;
    float *const *scale;
    double kappa;
    assay_chain_use *use;
} checker;

static void check_row(void *context, size_t output, int64_t row, uint64_t replica,
                      const double *exact, const double *value)
{
    const checker *const c = context;
    const int64_t width = c->chain->output[output].columns;
    const float *const scale = c->scale[output] + row * width;
    for (int64_t i = 0; replica > 0 && i < width; i++) {
        const double deviation = fabs(value[i] - exact[i]);
        if (!isfinite(deviation)) {
            continue;
        }
        if (scale[i] == 0.0f) {
            c->use->moved += deviation != 0.0;
            continue;
        }
        const double part = deviation / (c->kappa * (double)scale[i]);
        c->use->elements++;
        c->use->worst = fmax(c->use->worst, part);
        c->use->square += part * part * c->kappa * c->kappa;
        for (int n = 0; n < 16 && part * 16.0 > n; n++) {
            c->use->above[n]++;
        }
    }
}

assay_status assay_chain_check(const assay_chain *chain, const assay_table *contracts,
                               float *const *scale, uint64_t seed, uint64_t runs,
                               assay_chain_use *use, assay_error *error)
{
    assay_chain fresh = *chain;
    checker c = {chain, scale, assay_chain_kappa(), use};
    fresh.seed = seed;
    return assay_chain_visit(&fresh, contracts, 1, runs, check_row, &c, error);
}
