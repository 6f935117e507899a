#include "ref/rounding.h"

#include <float.h>
#include <math.h>

static double unit(assay_dtype type)
{
    const int bits = assay_dtype_bits(type);
    return bits > 0 ? ldexp(1.0, -bits) : 0.0;
}

/* Half the least subnormal, or the whole least normal number where results are flushed. */
static double floor_of(assay_dtype type, bool flush)
{
    if (assay_dtype_bits(type) == 0) {
        return 0.0;
    }
    return flush ? ldexp(1.0, assay_dtype_normal_exponent(type))
                 : ldexp(0.5, assay_dtype_least_exponent(type));
}

static double limit_of(assay_dtype type)
{
    switch (type) {
    case ASSAY_F32: return (double)FLT_MAX;
    case ASSAY_BF16: return 0x1.fep127;
    case ASSAY_F16: return 65504.0;
    default: return (double)INFINITY;
    }
}

static bool is_real_or_none(assay_dtype type)
{
    return type == ASSAY_NONE || assay_dtype_bits(type) > 0;
}

assay_status ref_rounding_of(const assay_precision *contract, ref_rounding *rounding,
                             assay_error *error)
{
    if (!is_real_or_none(contract->multiply) || !is_real_or_none(contract->intermediate) ||
        !is_real_or_none(contract->output) || !is_real_or_none(contract->angle)) {
        return assay_fail(error, ASSAY_UNSUPPORTED,
                          "error model: the contract rounds activations to an integer type, whose "
                          "scale it does not state; declare a floating multiply type");
    }
    if (contract->accumulate.bits < 2 || contract->accumulate.bits > 64) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "error model: the contract's accumulator has %d significand bits; "
                          "expected 2 to 64", (int)contract->accumulate.bits);
    }
    const int bits = contract->accumulate.bits;
    const bool truncate = contract->accumulate.rounding == ASSAY_TRUNCATE;
    const int multiply_bits = assay_dtype_bits(contract->multiply);
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
    r.u_sum = ldexp(1.0, truncate ? 1 - bits : -bits);
    r.u_function = REF_FUNCTION_UNITS * r.u_work;
    r.linear = truncate || bits < 20;
    r.product = multiply_bits == 0 || 2 * multiply_bits > bits;
    r.flush_in = (contract->flush & ASSAY_FLUSH_IN) != 0;
    r.product_floor = floor_of(r.work, flush_sum);
    r.intermediate_floor = floor_of(r.intermediate, flush_sum);
    r.output_floor = floor_of(r.output, (contract->flush & ASSAY_FLUSH_OUT) != 0);
    r.output_limit = limit_of(r.output);
    r.work_limit = limit_of(r.work);
    *rounding = r;
    return ASSAY_OK;
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
    return *wanted ? ref_rounding_of(contract, rounding, error) : ASSAY_OK;
}

double ref_round(assay_dtype type, double value)
{
    switch (type) {
    case ASSAY_F32: return (double)(float)value;
    case ASSAY_BF16: return (double)assay_bf16_to_f32(assay_f64_to_bf16(value));
    case ASSAY_F16: return (double)assay_f16_to_f32(assay_f64_to_f16(value));
    default: return value;
    }
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
    return to == ASSAY_F32 && (from == ASSAY_BF16 || from == ASSAY_F16);
}

double ref_operand(const ref_rounding *rounding, bool weight, double value)
{
    const double stored = weight ? ref_round(rounding->storage, value) : value;
    const double operand = ref_round(rounding->multiply, stored);
    if (rounding->flush_in && assay_dtype_bits(rounding->multiply) > 0 &&
        fabs(operand) < ldexp(1.0, assay_dtype_normal_exponent(rounding->multiply))) {
        return 0.0;
    }
    return operand;
}

bool ref_operand_changes(const ref_rounding *rounding, bool weight, assay_dtype from)
{
    return rounding->flush_in || !ref_fits(from, rounding->multiply) ||
           (weight && !ref_fits(from, rounding->storage));
}

double ref_then(double first, double second)
{
    return first < second ? first + second : first;
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
    assay_put2(&model->sigma, row, column, judged ? sigma : 0.0);
}

void ref_model_put(const assay_error_model *model, const ref_rounding *rounding, int64_t row,
                   int64_t column, double y, double bound, double sigma)
{
    double total = bound + rounding->u_output * (fabs(y) + bound) + rounding->output_floor;
    if (fabs(y) + total >= rounding->output_limit) {
        total = (double)INFINITY;
    }
    ref_model_put_raw(model, row, column, y, total, sigma);
}
