/* Wrong adapters. */
#include "verify/mutants/adapter.h"

#include <math.h>

#include "kernels/scalar/adapter.h"

enum { FAULT_adapter_none, ADAPTER_MUTANTS(MUTANT_FAULT) };
#define IS(name) (fault == FAULT_adapter_##name)

static size_t workspace(const assay_adapter_params *params, const assay_adapter_io *io)
{
    return (size_t)(io->x.shape[1] + scalar_adapter_rank(params)) * sizeof(float);
}

static float factor(int fault, float value)
{
    return IS(tf32) ? mutant_bits(value, 11) : value;
}

/* x less its mean, normalised as this kernel understands it. */
static void make_v(int fault, const assay_adapter_params *params, const assay_tensor *x,
                   int64_t row, float *v)
{
    const int64_t d = x->shape[1];
    const bool raw = IS(mean_raw) && !params->normalize_input;
    const bool mean = assay_present(&params->mean) && !IS(mean_kept) &&
                      !(IS(mean_32) && row >= 32) && !(IS(mean_256) && d >= 256) && !raw;
    const bool normalise =
        params->type == ASSAY_ADAPTER_IDENTITY
            ? IS(identity_normalised)
            : (params->normalize_input || IS(always_normalised)) && !IS(never_normalised);
    double squares = 0.0;
    for (int64_t i = 0; i < d; i++) {
        const double centre = mean && !IS(mean_late) ? assay_at1(&params->mean, i) : 0.0;
        v[i] = (float)(assay_at2(x, row, i) - centre);
        squares += (double)v[i] * (double)v[i];
    }
    const double norm = IS(squared_norm) ? squares : sqrt(squares);
    for (int64_t i = 0; i < d; i++) {
        if (normalise) {
            const double sum = norm + (IS(no_epsilon) ? 0.0 : 1e-8);
            v[i] = (float)((double)v[i] / (IS(max_epsilon) && norm > 1e-8 ? norm : sum));
            v[i] = IS(faint_zero) && norm < 1e-6 ? 0.0f : v[i];
        }
        v[i] = (float)((double)v[i] -
                       (mean && IS(mean_late) ? assay_at1(&params->mean, i) : 0.0));
    }
}

/* h = v U, or v V where the two are taken for each other. */
static void make_h(int fault, const assay_adapter_params *params, int64_t d, const float *v,
                   float *h)
{
    const assay_tensor *const u = IS(swapped_rank) ? &params->v : &params->u;
    const int64_t rank = scalar_adapter_rank(params);
    for (int64_t c = 0; c < rank; c++) {
        h[c] = 0.0f;
        for (int64_t i = 0; i < d; i++) {
            h[c] += factor(fault, v[i]) * factor(fault, mutant_at(u, i, c));
        }
    }
}

static float product(int fault, const assay_adapter_params *params, int64_t d, int64_t i,
                     const float *v, const float *h)
{
    float sum = 0.0f;
    if (params->type == ASSAY_ADAPTER_FULL_RANK) {
        i -= IS(alike_weights) && mutant_alike(&params->weight, i, i - 1, 8) ? 1 : 0;
        for (int64_t j = 0; j < d; j++) {
            const float w = IS(transposed) ? mutant_at(&params->weight, j, i)
                                           : mutant_at(&params->weight, i, j);
            const float kept = IS(f16_flushed) ? mutant_f16_flushed(&params->weight, w) : w;
            sum += factor(fault, v[j]) * factor(fault, kept);
        }
        return sum;
    }
    assay_tensor right = IS(swapped_rank) ? params->u : params->v;
    right.dtype = IS(v_type) ? params->u.dtype : right.dtype;
    const int64_t rank = scalar_adapter_rank(params);
    const int64_t end = IS(rank_128) ? scalar_min(rank, 128) : IS(last_rank) ? rank - 1 : rank;
    for (int64_t c = 0; c < end; c++) {
        sum += factor(fault, h[c]) * factor(fault, mutant_at(&right, i, c));
    }
    return sum;
}

/* x less its mean, rounded once, unless this kernel normalises it. */
static double identity_of(int fault, const assay_adapter_params *params,
                          const assay_adapter_io *io, int64_t n, int64_t i, const float *v)
{
    return IS(identity_normalised) || IS(mean_kept) || IS(mean_late)
               ? (double)v[i]
               : scalar_adapter_centred(params, &io->x, n, i);
}

static assay_status faulty_adapter(int fault, assay_dtype type, const assay_exec *exec,
                                   const assay_adapter_params *params, const assay_adapter_io *io)
{
    (void)type;
    const int64_t d = io->x.shape[1];
    const bool identity = params->type == ASSAY_ADAPTER_IDENTITY;
    const bool scaled = scalar_adapter_scaled(params);
    const bool biased = !identity && params->type != ASSAY_ADAPTER_SCALE_ONLY && !IS(no_bias);
    double log_scale = scaled ? assay_at1(&params->log_scale, 0) : 0.0;
    log_scale = IS(scale_100)     ? fmin(log_scale, log(100.0))
                : IS(scale_below) ? fmax(log_scale, 0.0)
                                  : log_scale;
    const double scale = IS(no_exp) ? log_scale : IS(exp_2) ? exp2(log_scale) : exp(log_scale);
    float *const v = exec->workspace;
    float *const h = v + d;
    const int64_t rows = IS(row_limit) ? scalar_min(io->x.shape[0], 65536) : io->x.shape[0];
    for (int64_t n = 0; n < rows; n++) {
        const bool before = IS(alike) && mutant_alike(&io->x, n, n - 1, 8);
        make_v(fault, params, &io->x, before ? n - 1 : n, v);
        make_h(fault, params, d, v, h);
        for (int64_t i = 0; i < d; i++) {
            const double bias = biased ? assay_at1(&params->bias, i) : 0.0;
            const double whole = (scaled ? scale * (double)v[i] : 0.0) +
                                 (double)product(fault, params, d, i, v, h) +
                                 (IS(scaled_bias) && scaled ? scale * bias : bias);
            assay_put2(&io->y, n, i, identity ? identity_of(fault, params, io, n, i, v) : whole);
        }
    }
    return ASSAY_OK;
}

#define MUTANT_WORKSPACE workspace
#define MUTANT_CAPABILITIES 0
ADAPTER_TWINS(MUTANT_TWIN_RUN)
ADAPTER_MUTANTS(MUTANT_RUN)
static const assay_kernel kernels[] = {
    ADAPTER_TWINS(MUTANT_TWIN_KERNEL) ADAPTER_MUTANTS(MUTANT_KERNEL)};
MUTANT_EXPORT(adapter, kernels)
