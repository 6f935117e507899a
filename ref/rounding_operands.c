/* Operands as a contract multiplies them. */
#include "ref/rounding.h"
#include "ref/wide.h"

#include <math.h>

double ref_operand(const ref_rounding *rounding, bool weight, double value)
{
    if (weight && rounding->quant_bits != 0) {
        return value;
    }
    return ref_round(rounding->multiply, weight ? ref_round(rounding->storage, value) : value);
}

/* One loop a type, so that each is of vectors. */
REF_CLONES static void round_f32(double *value, int64_t count)
{
    for (int64_t k = 0; k < count; k++) {
        value[k] = (double)(float)value[k];
    }
}

REF_CLONES static void round_bf16(double *value, int64_t count)
{
    for (int64_t k = 0; k < count; k++) {
        value[k] = (double)assay_bf16_to_f32(assay_f64_to_bf16(value[k]));
    }
}

static void round_all(assay_dtype type, double *value, int64_t count)
{
    if (type == ASSAY_F32) {
        round_f32(value, count);
    } else if (type == ASSAY_BF16) {
        round_bf16(value, count);
    } else if (assay_dtype_bits(type) > 0) {
        for (int64_t k = 0; k < count; k++) {
            value[k] = ref_round(type, value[k]);
        }
    }
}

void ref_operands(const ref_rounding *rounding, bool weight, assay_dtype from, int64_t count,
                  double *value)
{
    if (!ref_operand_changes(rounding, weight, from)) {
        return;
    }
    if (ref_scales_rows(rounding, weight)) {
        ref_scaled_row(rounding, weight, count, value, NULL);
        return;
    }
    if (weight) { /* which is not quantised: those do not change */
        round_all(rounding->storage, value, count);
    }
    round_all(rounding->multiply, value, count);
}

double ref_operand_else(const ref_rounding *rounding, bool weight, double operand)
{
    const bool quantised = weight && rounding->quant_bits != 0;
    /* q * scale is an f32 before it is rounded again. It gives a group's greatest weight back,
     * which may lie halfway between two of the type's numbers: the exact product goes to either. */
    const double other =
        quantised ? ref_round(rounding->multiply, ref_round(ASSAY_F32, operand)) : operand;
    return rounding->flush_in && fabs(other) < rounding->operand_normal ? 0.0 : other;
}

bool ref_product_may_vanish(const ref_rounding *rounding, double a, double b)
{
    const double least = isinf(a) ? fabs(b) : fabs(a);
    return rounding->flush_in && isinf(a * b) && (isinf(a) || isinf(b)) &&
           least < rounding->operand_normal;
}

bool ref_operand_varies(const ref_rounding *rounding, bool weight)
{
    return rounding->flush_in || (weight && rounding->quant_bits != 0 &&
                                  rounding->operand_scale == ASSAY_SCALE_NONE &&
                                  !ref_fits(ASSAY_F32, rounding->multiply));
}

bool ref_operand_changes(const ref_rounding *rounding, bool weight, assay_dtype from)
{
    if (weight && rounding->quant_bits != 0) {
        return false;
    }
    return ref_scales_rows(rounding, weight) || !ref_fits(from, rounding->multiply) ||
           (weight && !ref_fits(from, rounding->storage));
}

double ref_operand_doubt(const ref_rounding *rounding, double value, double off)
{
    const double most = ref_operand(rounding, false, value + off);
    const double least = ref_operand(rounding, false, value - off);
    return rounding->flush_in && fabs(value) - off < rounding->operand_normal
               ? fmax(fabs(most), fabs(least))
               : ref_difference(most, least);
}
