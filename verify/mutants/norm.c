/* Wrong norms and rotations. */
#include "verify/mutants/norm.h"

#include <math.h>

enum { FAULT_rmsnorm_none, RMSNORM_MUTANTS(MUTANT_FAULT) };
enum { FAULT_rope_none, ROPE_MUTANTS(MUTANT_FAULT) };

#define MUTANT_WORKSPACE NULL
#define MUTANT_CAPABILITIES 0

#define IS(name) (fault == FAULT_rmsnorm_##name)

static float inverse_rms(int fault, const assay_tensor *x, int64_t n, double eps)
{
    const int64_t d = x->shape[1];
    const bool known = IS(alike) && mutant_alike(x, n, n - 1, 8);
    const int64_t row = IS(row_of_other) ? 0 : known ? n - 1 : n;
    float sum = 0.0f;
    float squares = 0.0f;
    for (int64_t i = 0; i < d && IS(centred); i++) {
        sum += mutant_at(x, row, i);
    }
    const float mean = sum / (float)d;
    const int64_t end = IS(short_sum) ? d - 1 : IS(wide) ? scalar_min(d, 16384) : d;
    for (int64_t i = 0; i < end; i++) {
        const float value = mutant_at(x, row, i) - mean;
        squares += value * value;
        squares = IS(sum_bf16) ? scalar_rounded(ASSAY_BF16, squares) : squares;
    }
    const float square = squares / (float)(IS(unbiased) && d > 1 ? d - 1 : d);
    const float inverse = IS(eps_outside) ? 1.0f / (sqrtf(square) + (float)eps)
                          : IS(no_eps)    ? 1.0f / sqrtf(square)
                                          : 1.0f / sqrtf(square + (float)eps);
    return IS(rsqrt_12) ? mutant_bits(inverse, 12) : inverse;
}

static float normed(int fault, assay_dtype type, float value, float weight)
{
    if (IS(no_weight)) {
        weight = 1.0f;
    } else if (IS(weight_plus_one)) {
        weight += 1.0f;
    }
    return scalar_rounded(IS(cast_first) ? ASSAY_BF16 : type, value) * weight;
}

static assay_status faulty_rmsnorm(int fault, assay_dtype type, const assay_exec *exec,
                                   const assay_rmsnorm_params *params, const assay_rmsnorm_io *io)
{
    (void)exec;
    const int64_t d = io->x.shape[1];
    const int64_t rows = io->x.shape[0];
    for (int64_t n = 0; n < (IS(row_limit) ? scalar_min(rows, 65536) : rows); n++) {
        float inverse = inverse_rms(fault, &io->x, n, params->eps);
        float sum = 0.0f;
        for (int64_t i = 0; i < d && IS(centred); i++) {
            sum += mutant_at(&io->x, n, i);
        }
        for (int64_t i = 0; i < d; i++) {
            if (IS(norm_again) && i == d / 2) {
                inverse = inverse_rms(fault, &io->x, n, params->eps);
            }
            const float x = mutant_at(&io->x, n, i) - sum / (float)d;
            float weight = (float)assay_at1(&params->weight, i);
            weight = IS(f16_flushed) ? mutant_f16_flushed(&params->weight, weight) : weight;
            const bool tails = rows > 8 && rows % 8 != 0 && d > 256 && d % 256 != 0;
            weight = IS(tails) && tails && n == rows - 1 && i == d - 1 ? 0.0f : weight;
            weight = IS(zero_row) && inverse * inverse * (float)params->eps > 0.99f ? 1.0f : weight;
            const float y = normed(fault, type, x * inverse, weight);
            if (IS(norm_truncate)) {
                mutant_truncate(&io->y, n, i, y);
            } else {
                assay_put2(&io->y, n, i, (double)y);
            }
        }
    }
    return ASSAY_OK;
}

RMSNORM_TWINS(MUTANT_TWIN_RUN)
RMSNORM_MUTANTS(MUTANT_RUN)
static const assay_kernel rmsnorm_kernels[] = {
    RMSNORM_TWINS(MUTANT_TWIN_KERNEL) RMSNORM_MUTANTS(MUTANT_KERNEL)};
MUTANT_EXPORT(rmsnorm, rmsnorm_kernels)

#undef IS
#define IS(name) (fault == FAULT_rope_##name)

/* The angle of pair i at row n. */
static double angle_of(int fault, assay_dtype type, const assay_rope_params *params,
                       const assay_rope_io *io, int64_t n, int64_t i)
{
    const double frequency = params->inverse_frequency[IS(one_frequency) ? 0 : i];
    const int64_t rows = io->x.shape[0];
    const int64_t first = scalar_index(&io->position, 0);
    const bool run = scalar_index(&io->position, rows - 1) == first + rows - 1;
    int64_t position = IS(row_position)   ? n
                       : IS(run) && run ? first + n
                                          : scalar_index(&io->position, n);
    position += IS(position_plus_one) ? 1 : 0;
    if (IS(angle_f16)) {
        return (double)scalar_rounded(ASSAY_F16, (float)position) * frequency;
    }
    return type == ASSAY_BF16 || IS(angle_f32)
               ? (double)((float)position * (float)frequency)
               : (double)position * frequency;
}

static void rotate(int fault, assay_dtype type, const assay_rope_io *io, int64_t n, int64_t low,
                   int64_t high, float cosine, float sine)
{
    float x0 = mutant_at(&io->x, n, low);
    const float x1 = mutant_at(&io->x, n, high);
    const float y0 = scalar_rounded(type, x0 * cosine) - scalar_rounded(type, x1 * sine);
    x0 = IS(second_from_first) ? y0 : x0;
    if (IS(first_again)) {
        assay_put2(&io->y, n, low, (double)y0);
        x0 = mutant_at(&io->x, n, low);
    }
    const float y1 = scalar_rounded(type, x1 * cosine) + scalar_rounded(type, x0 * sine);
    assay_put2(&io->y, n, low, (double)y0);
    if (!IS(second_half)) {
        assay_put2(&io->y, n, high, (double)y1);
    }
}

static bool is_equal(const assay_tensor *position)
{
    int64_t n = 1;
    while (n < position->shape[0] && assay_at1(position, n) == assay_at1(position, 0)) {
        n++;
    }
    return n > 1 && n == position->shape[0];
}

static assay_status faulty_rope(int fault, assay_dtype type, const assay_exec *exec,
                                const assay_rope_params *params, const assay_rope_io *io)
{
    (void)exec;
    const int64_t half = params->head_dim / 2;
    const bool still = IS(one_position) && is_equal(&io->position);
    const int64_t rows = IS(row_limit) ? scalar_min(io->x.shape[0], 65536) : io->x.shape[0];
    const int64_t width = io->x.shape[1];
    const int64_t end = IS(heads_32) ? scalar_min(width, 32 * params->head_dim) : width;
    for (int64_t n = 0; n < rows; n++) {
        for (int64_t head = 0; head < end; head += params->head_dim) {
            for (int64_t i = 0; i < half; i++) {
                const double angle = (IS(first_head) && head > 0) || still
                                         ? 0.0
                                         : angle_of(fault, type, params, io, n, i);
                const float cosine = scalar_rounded(type, (float)cos(angle));
                const float sine = scalar_rounded(type, (float)sin(angle));
                const int64_t low = head + (IS(interleaved) ? 2 * i : i);
                const int64_t high = IS(interleaved) ? low + 1 : low + half;
                rotate(fault, type, io, n, low, high, cosine, IS(sine_sign) ? -sine : sine);
            }
        }
    }
    return ASSAY_OK;
}

ROPE_TWINS(MUTANT_TWIN_RUN)
ROPE_MUTANTS(MUTANT_RUN)
static const assay_kernel rope_kernels[] = {
    ROPE_TWINS(MUTANT_TWIN_KERNEL) ROPE_MUTANTS(MUTANT_KERNEL)};
MUTANT_EXPORT(rope, rope_kernels)
