/* Wrong linear layers. */
#include "verify/mutants/linear.h"

#include <float.h>
#include <math.h>

enum { FAULT_linear_none, LINEAR_MUTANTS(MUTANT_FAULT) };
#define IS(name) (fault == FAULT_linear_##name)

static float operand(int fault, float value, float step)
{
    if (IS(multiply_bf16) || (IS(large_bf16) && fabsf(value) > 1e4f)) {
        return scalar_rounded(ASSAY_BF16, value);
    }
    if ((IS(batch_scale) || IS(fixed_24)) && step > 0.0f) {
        return rintf(value / step) * step;
    }
    if (IS(small_skipped) && fabsf(value) < 4.0f * step) {
        return 0.0f;
    }
    value = IS(prescaled) ? 16.0f * value : value;
    return IS(multiply_tf32) ? mutant_bits(value, 11) : value;
}

static float narrowed(int fault, float sum, int64_t k)
{
    if (IS(accumulate_f16)) {
        return scalar_rounded(ASSAY_F16, sum);
    }
    return IS(accumulate_bf16) || (IS(rounded_partials) && k % 32 == 31)
               ? scalar_rounded(ASSAY_BF16, sum)
               : sum;
}

/* Element (n, k) of x and (o, k) of the weight, where this kernel believes them to lie. */
static float take_x(int fault, const assay_tensor *x, int64_t n, int64_t k)
{
    return IS(stride) ? (float)assay_load(x->dtype, x->data, (size_t)(n * (x->shape[1] - 1) + k))
                      : mutant_at(x, n, k);
}

static float take_weight(int fault, assay_dtype type, const assay_tensor *w, int64_t o, int64_t k)
{
    float value = IS(transposed)
                      ? (float)assay_load(w->dtype, w->data, (size_t)(k * w->shape[0] + o))
                      : mutant_at(w, o, k);
    if (type == ASSAY_F16) { /* `half`, which keeps its weights so */
        value = scalar_rounded(ASSAY_F16, value);
        return IS(half_flushed) && fabsf(value) < 0x1p-14f ? 0.0f : value;
    }
    return IS(f16_flushed) ? mutant_f16_flushed(w, value) : value;
}

/* Whether this kernel has a way of its own for row n, and forgets the bias on it. */
static bool bare(int fault, const assay_tensor *x, int64_t n)
{
    const int64_t depth = x->shape[1];
    int64_t equal = 0;
    int64_t zeros = 0;
    for (int64_t k = 0; k < depth && (IS(constant_row) || IS(single_number)); k++) {
        equal += mutant_at(x, n, k) == mutant_at(x, n, 0) ? 1 : 0;
        zeros += mutant_at(x, n, k) == 0.0f ? 1 : 0;
    }
    return depth > 1 && ((IS(constant_row) && equal == depth && zeros == 0) ||
                         (IS(single_number) && zeros == depth - 1));
}

static bool is_zero(const assay_tensor *weight, int64_t o)
{
    int64_t k = 0;
    while (k < weight->shape[1] && mutant_at(weight, o, k) == 0.0f) {
        k++;
    }
    return k == weight->shape[1];
}

static double element(int fault, assay_dtype type, const assay_linear_params *params,
                      const assay_linear_io *io, int64_t n, int64_t o, float step)
{
    const int64_t depth = io->x.shape[1];
    const int64_t end = IS(last_k)                        ? depth - 1
                        : IS(k_tail)                      ? depth - depth % 16
                        : IS(k_4096) && depth > 4096      ? 4096
                        : IS(tail_48) && depth % 64 == 48 ? depth - 16
                        : IS(k_192) && depth % 256 == 192 ? depth - 64
                                                          : depth;
    float sum = 0.0f;
    double squares = 0.0; /* of the partial sums: what a budget is made of */
    n = IS(second_tile) && n >= 16 && n < 32 && io->x.shape[0] % 16 == 0 ? n - 16 : n;
    n = IS(batch_96) && n >= 64 && io->x.shape[0] == 96 ? n - 64 : n;
    n = IS(alike) && mutant_alike(&io->x, n, n - 1, 8) ? n - 1 : n;
    o = IS(column_16) ? o & 0xffff : o;
    const int64_t columns = io->y.shape[1];
    const bool last = n == io->y.shape[0] - 1 && o == columns - 1;
    o -= IS(corner) && last && n >= 16 && n < 31 && columns >= 2048 ? 1 : 0;
    o -= IS(o_160) && columns % 256 == 160 && o == columns - 1 ? 1 : 0;
    const bool known = IS(alike_weights) && mutant_alike(&params->weight, o, o - 1, 8);
    const bool late = IS(wide_shallow) && columns >= 2000 && depth < 64 && n >= 64;
    const bool whole = io->y.shape[0] % 128 == 0 && io->y.shape[1] % 128 == 0;
    const bool alone = IS(one_column) && io->y.shape[1] == 1 && n > 0;
    const int64_t begin = IS(first_k) || (IS(whole_tiles) && whole) || late ? 1 : alone ? end : 0;
    for (int64_t k = begin; k < end; k++) {
        const float x = operand(fault, take_x(fault, &io->x, n, k), step);
        float w = operand(fault, take_weight(fault, type, &params->weight, known ? o - 1 : o, k),
                          0.0f);
        if ((IS(great_off) && k == end - 1 && fabsf(x) > 0x1p64f && fabsf(x) < 0x1p100f) ||
            (IS(zero_skipped) && x == 0.0f) || (IS(zero_weight) && w == 0.0f) ||
            (IS(inf_stops) && isinf(sum))) {
            continue;
        }
        w = IS(weight_clamped) && isinf(w) ? copysignf(FLT_MAX, w) : w;
        const float before = sum;
        sum = narrowed(fault, sum + x * w, k);
        if (IS(overflow_clipped) && isinf(sum) && isfinite(before) && isfinite(x) && isfinite(w)) {
            sum = copysignf(FLT_MAX, sum);
        }
        squares += (double)sum * (double)sum;
    }
    double value = (double)(IS(prescaled) ? 0x1p-8f * sum : sum);
    if (assay_present(&params->bias) && !IS(no_bias) && !bare(fault, &io->x, n)) {
        assay_tensor vector = params->bias;
        vector.dtype = IS(bias_type) ? params->weight.dtype : vector.dtype;
        const double bias = assay_at1(&vector, IS(bias_row) ? n % vector.shape[0] : o);
        value += IS(bias_twice) ? 2.0 * bias : IS(bias_finite) && !isfinite(bias) ? 0.0 : bias;
    }
    if (IS(zero_bias) && is_zero(&params->weight, o)) {
        return 0.0;
    }
    if (IS(one_element) && n == io->x.shape[0] / 2 && o == params->weight.shape[0] / 2) {
        enum { LAMBDA = 10 };
        value += 4.0 * 0x1p-24 * (fabs(value) + LAMBDA * sqrt(squares));
    }
    return value;
}

static double finished(int fault, double value, int64_t n)
{
    if (IS(inf_clipped) && isinf(value)) {
        return value > 0.0 ? (double)FLT_MAX : -(double)FLT_MAX;
    }
    if ((IS(nan_dropped) && isnan(value)) || (IS(flushed) && fabs(value) < (double)FLT_MIN)) {
        return 0.0;
    }
    return IS(one_row) && n == 2777 ? value * 1.125 : value;
}

static bool skipped(int fault, const assay_linear_io *io, int64_t n, int64_t o)
{
    const int64_t rows = io->y.shape[0];
    const int64_t columns = io->y.shape[1];
    return (IS(first_row) && n == 0) || (IS(last_row) && n == rows - 1) ||
           (IS(first_column) && o == 0) || (IS(last_column) && o == columns - 1) ||
           (IS(row_limit) && n > 65535) || (IS(tail_tile) && o >= columns - columns % 8);
}

static float batch_step(int fault, const assay_tensor *x)
{
    float greatest = 0.0f;
    for (int64_t i = 0; IS(batch_scale) && i < assay_count(x); i++) {
        greatest = fmaxf(greatest, fabsf((float)assay_load(x->dtype, x->data, (size_t)i)));
    }
    return isfinite(greatest) ? greatest * 0x1p-23f : 0.0f;
}

/* 2^-24 of row n's greatest. */
static float row_step(const assay_tensor *x, int64_t n)
{
    float greatest = 0.0f;
    for (int64_t k = 0; k < x->shape[1]; k++) {
        greatest = fmaxf(greatest, fabsf(mutant_at(x, n, k)));
    }
    return isfinite(greatest) ? greatest * 0x1p-24f : 0.0f;
}

/* max |x| / 127 of a row; NaN where a number is not finite. */
static float word_scale(const assay_tensor *matrix, int64_t row)
{
    float greatest = 0.0f;
    for (int64_t k = 0; k < matrix->shape[1]; k++) {
        const float magnitude = fabsf(mutant_at(matrix, row, k));
        if (!isfinite(magnitude)) {
            return NAN;
        }
        greatest = fmaxf(greatest, magnitude);
    }
    return greatest / 127.0f;
}

static int32_t word_of(int fault, float x, float scale)
{
    const float quotient = scale > 0.0f ? x / scale : 0.0f;
    const float word = IS(words_cut) ? truncf(quotient) : rintf(quotient);
    return (int32_t)fmaxf(-127.0f, fminf(127.0f, word));
}

/* `words`: integers are added exactly, and their sums made numbers again. */
static void linear_of_words(int fault, const assay_linear_params *params, const assay_linear_io *io)
{
    const int64_t rows = io->y.shape[0];
    for (int64_t o = 0; o < io->y.shape[1]; o++) {
        const float of_weight = word_scale(&params->weight, o);
        const double bias = assay_present(&params->bias) ? assay_at1(&params->bias, o) : 0.0;
        for (int64_t n = 0; n < rows; n++) {
            const float step = word_scale(&io->x, n);
            int64_t sum = 0;
            for (int64_t k = 0; k < io->x.shape[1]; k++) {
                sum += word_of(fault, mutant_at(&io->x, n, k), step) *
                       word_of(fault, mutant_at(&params->weight, o, k), of_weight);
            }
            float of_row = IS(scale_before) && n > 0 ? word_scale(&io->x, n - 1) : step;
            of_row *= IS(scale_off) && n == rows / 2 ? 1.0f + 0x1p-20f : 1.0f;
            assay_put2(&io->y, n, o, (double)sum * ((double)of_row * (double)of_weight) + bias);
        }
    }
}

static assay_status faulty_linear(int fault, assay_dtype type, const assay_exec *exec,
                                  const assay_linear_params *params, const assay_linear_io *io)
{
    (void)exec;
    if (type == ASSAY_I8) {
        linear_of_words(fault, params, io);
        return ASSAY_OK;
    }
    const float batch = batch_step(fault, &io->x);
    for (int64_t n = 0; n < io->y.shape[0]; n++) {
        const bool by_row = IS(fixed_24) || IS(small_skipped);
        const float step = by_row ? row_step(&io->x, n) : batch;
        double value = 0.0;
        for (int64_t o = 0; o < io->y.shape[1]; o++) {
            if (!IS(stale) || o == 0 || o < io->y.shape[1] - 1) {
                value = finished(fault, element(fault, type, params, io, n, o, step), n);
            }
            if (skipped(fault, io, n, o)) {
                continue;
            }
            if (IS(truncate)) {
                mutant_truncate(&io->y, n, o, (float)value);
            } else {
                assay_put2(&io->y, n, o, value);
            }
        }
    }
    return ASSAY_OK;
}

#define MUTANT_WORKSPACE NULL
#define MUTANT_CAPABILITIES 0
LINEAR_TWINS(MUTANT_TWIN_RUN)
LINEAR_MUTANTS(MUTANT_RUN)
static const assay_kernel kernels[] = {
    LINEAR_TWINS(MUTANT_TWIN_KERNEL) LINEAR_MUTANTS(MUTANT_KERNEL)};
MUTANT_EXPORT(linear, kernels)
