/* Operands that are words with one scale for each row (precision.h, operand_scale). */
#include "ref/rounding.h"

#include <math.h>
#include <string.h>

enum { LEAST_POWER = -60, MOST_POWER = 60 };

/* How far from x / scale a kernel's quotient may be, as a part of it: the scale's own rounding, and
 * a reciprocal's, a product's and a quotient's. */
#define QUOTIENT_UNITS (4.0 * 0x1p-24)

bool ref_scales_rows(const ref_rounding *rounding, bool weight)
{
    return rounding->operand_scale != ASSAY_SCALE_NONE && !(weight && rounding->quant_bits != 0);
}

/* max |x| of a row as f32; NaN when one is not finite. */
static float greatest_of(int64_t count, const double *value)
{
    float greatest = 0.0f;
    for (int64_t k = 0; k < count; k++) {
        const float magnitude = fabsf((float)value[k]);
        if (!isfinite(magnitude)) {
            return NAN;
        }
        greatest = magnitude > greatest ? magnitude : greatest;
    }
    return greatest;
}

static float power_for(double greatest, double limit)
{
    int exponent = LEAST_POWER;
    while (exponent < MOST_POWER && greatest > ldexp(limit, exponent)) {
        exponent++;
    }
    return ldexpf(1.0f, exponent);
}

static double word_of(const ref_rounding *rounding, double quotient)
{
    if (rounding->multiply == ASSAY_I8) {
        return fmax(-rounding->word_limit, fmin(rounding->word_limit, rint(quotient)));
    }
    return ref_round(rounding->multiply, quotient);
}

/* How far the word may be from another that is as right. */
static double word_doubt(const ref_rounding *rounding, float x, float scale, bool exact,
                         double word)
{
    const double quotient = (double)x / (double)scale;
    if (exact && (double)(x / scale) * (double)scale == (double)x) {
        return 0.0;
    }
    const double off = QUOTIENT_UNITS * fabs(quotient);
    return fmax(fabs(word_of(rounding, quotient + off) - word),
                fabs(word_of(rounding, quotient - off) - word));
}

void ref_scaled_row(const ref_rounding *rounding, bool weight, int64_t count, double *value,
                    double *doubt)
{
    for (int64_t k = 0; weight && k < count; k++) {
        value[k] = ref_round(rounding->storage, value[k]);
    }
    const float greatest = greatest_of(count, value);
    const bool any = rounding->operand_scale == ASSAY_SCALE_ROW;
    const float scale = isnan(greatest) ? NAN
                        : any           ? greatest / (float)rounding->word_limit
                                        : power_for((double)greatest, rounding->word_limit);
    int exponent;
    const bool exact = frexpf(scale, &exponent) == 0.5f &&
                       (double)scale * rounding->word_limit == (double)greatest;
    for (int64_t k = 0; k < count; k++) {
        const float x = (float)value[k];
        const double word = scale == 0.0f ? 0.0 : word_of(rounding, (double)(x / scale));
        if (doubt != NULL) {
            doubt[k] = any && scale > 0.0f
                           ? (double)scale * word_doubt(rounding, x, scale, exact, word)
                           : 0.0;
        }
        value[k] = word * (double)scale;
    }
}

void ref_operands_in_doubt(const ref_rounding *rounding, bool weight, assay_dtype from,
                           int64_t count, double *value, double *doubt)
{
    if (ref_scales_rows(rounding, weight)) {
        ref_scaled_row(rounding, weight, count, value, doubt);
        return;
    }
    ref_operands(rounding, weight, from, count, value);
    memset(doubt, 0, (size_t)count * sizeof *doubt);
}

assay_status ref_scales_check(const assay_precision *contract, assay_error *error)
{
    const assay_dtype type = contract->multiply;
    if (contract->operand_scale < 0 || contract->operand_scale > ASSAY_SCALE_ROW_POWER) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "error model: the contract's operand_scale is %d; expected 0 (none), 1 "
                          "(a row's own) or 2 (a power of two)", (int)contract->operand_scale);
    }
    if (type != ASSAY_I8 && type != ASSAY_E4M3 && type != ASSAY_E5M2) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "error model: the contract scales the rows of operands of %s; expected "
                          "a multiply type of i8, e4m3 or e5m2", assay_dtype_name(type));
    }
    if (contract->quant_bits != 0 && type != ASSAY_I8) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "error model: the contract multiplies weights of %d bits as words of %s; "
                          "expected a multiply type of i8",
                          (int)contract->quant_bits, assay_dtype_name(type));
    }
    if ((contract->flush & ASSAY_FLUSH_IN) != 0) {
        return assay_fail(error, ASSAY_UNSUPPORTED,
                          "error model: the contract flushes operands whose rows it scales: of "
                          "words there is no rule for that; leave ASSAY_FLUSH_IN out");
    }
    return ASSAY_OK;
}

assay_status ref_scales_refuse(const char *op, const ref_rounding *rounding, assay_error *error)
{
    return rounding->operand_scale == ASSAY_SCALE_NONE
               ? ASSAY_OK
               : assay_fail(error, ASSAY_UNSUPPORTED,
                            "%s: the contract scales the rows of operands, which has a rule for "
                            "linear alone", op);
}
