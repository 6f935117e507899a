#include "ref/quantise.h"
#include "ref/operands.h"
#include "ref/sums.h"

bool ref_quantises(const assay_precision *contract)
{
    return contract != NULL && contract->quant_bits > 0;
}

static int64_t group_size(const assay_precision *contract, int64_t count)
{
    return contract->quant_group > 0 ? contract->quant_group : (count > 0 ? count : 1);
}

int64_t ref_quantised_groups(const assay_precision *contract, int64_t count)
{
    if (!ref_quantises(contract)) {
        return 1;
    }
    const int64_t size = group_size(contract, count);
    return count > 0 ? (count + size - 1) / size : 1;
}

/* max |w| / (2^(bits-1) - 1) in f32; NaN when a weight is not finite. */
static float scale_of(const assay_precision *contract, const double *weight, int64_t count)
{
    float greatest = 0.0f;
    for (int64_t k = 0; k < count; k++) {
        const float magnitude = fabsf((float)weight[k]);
        if (!isfinite(magnitude)) {
            return NAN;
        }
        greatest = magnitude > greatest ? magnitude : greatest;
    }
    const int32_t steps = ((int32_t)1 << (contract->quant_bits - 1)) - 1;
    return greatest / (float)steps;
}

/* The quotient is within half a unit in the last place of +-steps: rint never leaves the range. */
static double dequantise(double weight, float scale)
{
    return scale == 0.0f ? 0.0 : (double)rintf((float)weight / scale) * (double)scale;
}

void ref_quantised_load(const assay_precision *contract, const assay_tensor *weight, int64_t at,
                        int64_t stride, int64_t count, double *out)
{
    ref_load(weight, at, stride, count, out);
    if (!ref_quantises(contract)) {
        return;
    }
    const int64_t size = group_size(contract, count);
    for (int64_t first = 0; first < count; first += size) {
        const int64_t here = count - first < size ? count - first : size;
        const float scale = scale_of(contract, out + first, here);
        for (int64_t k = first; k < first + here; k++) {
            out[k] = dequantise(out[k], scale);
        }
    }
}

void ref_quantised_scales(const assay_precision *contract, const assay_tensor *weight, int64_t at,
                          int64_t stride, int64_t count, double *scale)
{
    enum { PIECE = 256 };
    double piece[PIECE];
    const int64_t size = group_size(contract, count);
    for (int64_t group = 0; group * size < count; group++) {
        const int64_t end = (group + 1) * size < count ? (group + 1) * size : count;
        float greatest = 0.0f;
        for (int64_t first = group * size; first < end; first += PIECE) {
            const int64_t here = end - first < PIECE ? end - first : PIECE;
            ref_load(weight, at + first * stride, stride, here, piece);
            const float part = scale_of(contract, piece, here); /* monotone in the greatest */
            greatest = isnan(part) || part > greatest ? part : greatest;
            if (isnan(part)) {
                break;
            }
        }
        scale[group] = (double)greatest;
    }
}

void ref_dequantise_column(const assay_precision *contract, const double *scales, int64_t groups,
                           int64_t column, double *weight, int64_t count)
{
    const int64_t group = contract->quant_group > 0 ? column / contract->quant_group : 0;
    for (int64_t e = 0; e < count; e++) {
        weight[e] = dequantise(weight[e], (float)scales[e * groups + group]);
    }
}

void ref_quantised_error(const ref_rounding *rounding, double dot, double norm, int64_t count,
                         double *bound, double *sigma)
{
    *bound += rounding->u_work * fabs(dot);
    ref_independent(rounding, rounding->u_work * norm, count, bound, sigma);
}

void assay_ref_weight_row(const assay_precision *contract, const assay_tensor *weight, int64_t row,
                          double *out)
{
    ref_quantised_load(contract, weight, row * weight->stride[0], weight->stride[1],
                       weight->shape[1], out);
}
