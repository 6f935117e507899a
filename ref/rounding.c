#include "ref/rounding.h"
#include "ref/sums.h"

#include <float.h>
#include <math.h>

/* 2^exponent of a normal float64. */
static double power(int exponent)
{
    const uint64_t bits = (uint64_t)(1023 + exponent) << 52;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static double unit(assay_dtype type)
{
    const int bits = assay_dtype_bits(type);
    return bits > 0 ? power(type == ASSAY_F64 ? 1 - bits : -bits) : 0.0;
}

/* Half the least subnormal, or the whole least normal number where results are flushed. */
static double floor_of(assay_dtype type, bool flush)
{
    if (assay_dtype_bits(type) == 0) {
        return 0.0;
    }
    return flush ? ldexp(1.0, assay_dtype_normal_exponent(type))
                 : ldexp(type == ASSAY_F64 ? 1.0 : 0.5, assay_dtype_least_exponent(type));
}

static double limit_of(assay_dtype type)
{
    switch (type) {
    case ASSAY_F32: return (double)FLT_MAX;
    case ASSAY_BF16: return 0x1.fep127;
    case ASSAY_F16: return 65504.0;
    case ASSAY_TF32: return 0x1.ffcp127;
    case ASSAY_E4M3: return 448.0;
    case ASSAY_E5M2: return 57344.0;
    default: return (double)INFINITY;
    }
}

static bool is_real_or_none(assay_dtype type)
{
    return type == ASSAY_NONE || assay_dtype_bits(type) > 0;
}

enum { WORD_BITS = 7 }; /* of an i8's magnitude */

/* The first type that is not one of numbers; NONE: all are. Words have a scale beside them. */
static assay_dtype not_real(const assay_precision *contract)
{
    const bool words = contract->operand_scale != ASSAY_SCALE_NONE;
    const assay_dtype types[] = {words ? ASSAY_NONE : contract->multiply, contract->intermediate,
                                 contract->output, contract->angle};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (!is_real_or_none(types[i])) {
            return types[i];
        }
    }
    return ASSAY_NONE;
}

assay_status ref_rounding_of(const assay_precision *contract, ref_rounding *rounding,
                             assay_error *error)
{
    const assay_status status = contract->operand_scale != ASSAY_SCALE_NONE
                                    ? ref_scales_check(contract, error)
                                    : ASSAY_OK;
    if (status != ASSAY_OK) {
        return status;
    }
    if (not_real(contract) != ASSAY_NONE) {
        return assay_fail(error, ASSAY_UNSUPPORTED,
                          "error model: the contract works in %s, words of quantised activations "
                          "whose scale it does not state; declare operand_scale, or a floating "
                          "type", assay_dtype_name(not_real(contract)));
    }
    if (contract->accumulate.bits < 2 || contract->accumulate.bits > 64) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "error model: the contract's accumulator has %d significand bits; "
                          "expected 2 to 64", (int)contract->accumulate.bits);
    }
    if (contract->quant_bits != 0 && (contract->quant_bits < 2 || contract->quant_bits > 8 ||
                                      contract->quant_group < 0)) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "error model: the contract quantises weights to %d bits in groups of %d; "
                          "expected 2 to 8 bits (0: not quantised), groups of 1 or more (0: rows)",
                          (int)contract->quant_bits, (int)contract->quant_group);
    }
    const int bits = contract->accumulate.bits;
    const bool truncate = contract->accumulate.rounding == ASSAY_TRUNCATE;
    const bool integers = contract->multiply == ASSAY_I8;
    const int multiply_bits = integers ? WORD_BITS : assay_dtype_bits(contract->multiply);
    const bool flush_sum = (contract->flush & ASSAY_FLUSH_ACCUMULATE) != 0;
    ref_rounding r;
    memset(&r, 0, sizeof r);
    r.storage = assay_dtype_bits(contract->storage) > 0 ? contract->storage : ASSAY_NONE;
    r.multiply = contract->multiply;
    r.intermediate = contract->intermediate;
    r.output = contract->output;
    r.work = bits > 24 ? ASSAY_F64 : ASSAY_F32;
    r.angle = contract->angle == ASSAY_NONE ? r.work : contract->angle;
    r.u_multiply = unit(r.multiply);
    r.u_intermediate = unit(r.intermediate);
    r.u_output = unit(r.output);
    r.u_angle = unit(r.angle);
    r.u_work = unit(r.work);
    r.u_step = fmax(r.u_work, r.u_intermediate);
    r.u_sum = ldexp(bits > 24 ? 2.0 : 1.0, truncate ? 1 - bits : -bits);
    r.u_function = REF_FUNCTION_UNITS * r.u_work;
    r.linear = truncate || bits < 20;
    r.truncates = truncate;
    r.bits = bits;
    r.block = contract->accumulate.block > 1 ? contract->accumulate.block : 1;
    r.wide = multiply_bits == 0 || 2 * multiply_bits > bits;
    r.product = r.block == 1 && r.wide;
    r.sequential = contract->order == ASSAY_ORDER_SEQUENTIAL;
    r.quant_bits = contract->quant_bits;
    r.quant_group = contract->quant_group;
    r.operand_scale = contract->operand_scale;
    r.word_limit = integers ? 127.0 : limit_of(r.multiply);
    r.operand_normal = ldexp(1.0, assay_dtype_normal_exponent(
                                      assay_dtype_bits(r.multiply) > 0 ? r.multiply : r.work));
    r.flush_in = (contract->flush & ASSAY_FLUSH_IN) != 0;
    r.product_floor = bits > 24 || flush_sum ? floor_of(r.work, flush_sum)
                                             : ldexp(truncate ? 1.0 : 0.5, -125 - bits);
    r.intermediate_floor = floor_of(r.intermediate, flush_sum);
    r.output_floor = floor_of(r.output, (contract->flush & ASSAY_FLUSH_OUT) != 0);
    r.multiply_floor = floor_of(r.multiply, r.flush_in);
    r.saturates = r.multiply == ASSAY_E4M3 || r.multiply == ASSAY_E5M2;
    r.output_limit = limit_of(r.output);
    r.intermediate_limit = limit_of(r.intermediate);
    r.work_limit = limit_of(r.work);
    *rounding = r;
    return ASSAY_OK;
}

ref_rounding ref_rounding_of_terms(const ref_rounding *rounding, int bits)
{
    ref_rounding r = *rounding;
    r.wide = r.wide || bits > r.bits;
    r.product = r.block == 1 && r.wide;
    return r;
}

bool ref_is_narrow(const ref_rounding *rounding)
{
    return rounding->bits < assay_dtype_bits(rounding->work);
}

assay_status ref_model_wanted(const assay_precision *contract, const assay_error_model *model,
                              ref_rounding *rounding, bool *wanted, assay_error *error)
{
    memset(rounding, 0, sizeof *rounding);
    *wanted = contract != NULL && model != NULL;
    if (model != NULL && contract == NULL) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "error model: asked for without a contract; give the kernel's precision");
    }
    const assay_status status = contract != NULL ? ref_rounding_of(contract, rounding, error)
                                                 : ASSAY_OK;
    rounding->quick = *wanted && model->quick;
    rounding->certain = *wanted && !assay_present(&model->sigma);
    return status;
}

double ref_round(assay_dtype type, double value)
{
    switch (type) {
    case ASSAY_F32: return (double)(float)value;
    case ASSAY_BF16: return (double)assay_bf16_to_f32(assay_f64_to_bf16(value));
    case ASSAY_F16: return (double)assay_f16_to_f32(assay_f64_to_f16(value));
    case ASSAY_TF32: return (double)assay_f32_to_tf32(assay_f64_to_f32_odd(value));
    case ASSAY_E4M3:
        return (double)assay_e4m3_to_f32(assay_f32_to_e4m3(assay_f64_to_f32_odd(value)));
    case ASSAY_E5M2:
        return (double)assay_e5m2_to_f32(assay_f32_to_e5m2(assay_f64_to_f32_odd(value)));
    default: return value;
    }
}

double ref_half_ulp(assay_dtype type, double magnitude)
{
    const int digits = assay_dtype_bits(type);
    uint64_t bits;
    double binade;
    memcpy(&bits, &magnitude, sizeof bits);
    bits &= (uint64_t)0x7ff << 52; /* the power of two below */
    memcpy(&binade, &bits, sizeof binade);
    return digits > 0 ? binade * unit(type) : 0.0;
}

double ref_flushed(const ref_rounding *rounding, double x)
{
    return rounding->flush_in && fabs(x) < power(assay_dtype_normal_exponent(rounding->work))
               ? fabs(x) : 0.0;
}

double ref_round_error(assay_dtype type, double value)
{
    return ref_difference(ref_round(type, value), value);
}

bool ref_fits(assay_dtype from, assay_dtype to)
{
    if (from == to || to == ASSAY_NONE || to == ASSAY_F64) {
        return true;
    }
    const bool fp8 = from == ASSAY_E4M3 || from == ASSAY_E5M2;
    switch (to) {
    case ASSAY_F32:
        return fp8 || from == ASSAY_BF16 || from == ASSAY_F16 || from == ASSAY_TF32;
    case ASSAY_TF32: return fp8 || from == ASSAY_BF16 || from == ASSAY_F16;
    case ASSAY_BF16:
    case ASSAY_F16: return fp8;
    default: return false;
    }
}

double ref_then(double first, double second)
{
    return first < second ? first + second : first;
}

bool ref_kept_leaves(const ref_rounding *rounding, double magnitude)
{
    return isfinite(rounding->intermediate_limit) && magnitude >= rounding->intermediate_limit;
}

double ref_difference(double rounded, double exact)
{
    const double difference = fabs(rounded - exact);
    return difference <= DBL_MAX ? difference : (double)INFINITY;
}

void ref_model_put_raw(const assay_error_model *model, int64_t row, int64_t column, double y,
                       double bound, double sigma)
{
    const bool judged = isfinite(y);
    assay_put2(&model->bound, row, column, judged ? bound : 0.0);
    if (assay_present(&model->sigma)) {
        assay_put2(&model->sigma, row, column, judged ? sigma : 0.0);
    }
}

void ref_model_nan_too(const assay_error_model *model, int64_t row, int64_t column)
{
    ref_model_put_raw(model, row, column, (double)INFINITY, 0.0, 0.0);
    assay_put2(&model->bound, row, column, (double)NAN);
}

void ref_model_open(const assay_error_model *model, int64_t row, int64_t column)
{
    assay_put2(&model->bound, row, column, (double)INFINITY);
    if (assay_present(&model->sigma)) {
        assay_put2(&model->sigma, row, column, 0.0);
    }
}

static void put(const assay_error_model *model, const ref_rounding *rounding, int64_t row,
                int64_t column, double y, double bound, double sigma, bool growing)
{
    const double reach = fabs(y) + bound + REF_LAMBDA * sigma;
    const double limit = rounding->output_limit;
    double total = bound + ref_half_ulp(rounding->output, reach) + rounding->output_floor;
    const double least = fabs(y) - total - REF_LAMBDA * sigma;
    const bool beyond = growing && !rounding->truncates &&
                        least > limit + 2.0 * ref_half_ulp(rounding->output, limit);
    if (!(fabs(y) + total < limit) && !beyond) {
        total = (double)INFINITY;
    }
    ref_model_put_raw(model, row, column, y, total, sigma);
}

void ref_model_put(const assay_error_model *model, const ref_rounding *rounding, int64_t row,
                   int64_t column, double y, double bound, double sigma)
{
    put(model, rounding, row, column, y, bound, sigma, false);
}

void ref_model_put_growing(const assay_error_model *model, const ref_rounding *rounding,
                           int64_t row, int64_t column, double y, double bound, double sigma)
{
    put(model, rounding, row, column, y, bound, sigma, true);
}
