#include "verify/simulate/arithmetic.h"

double sim_round(assay_dtype type, double value)
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

static double flush(assay_dtype type, double value)
{
    return fabs(value) < ldexp(1.0, assay_dtype_normal_exponent(type)) ? 0.0 : value;
}

static bool flushes(const simulated *s, assay_flush where)
{
    return (s->contract.flush & (uint32_t)where) != 0;
}

assay_dtype sim_work_type(const simulated *s)
{
    return s->contract.accumulate.bits > 24 ? ASSAY_F64 : ASSAY_F32;
}

double sim_work(const simulated *s, double value)
{
    const assay_dtype work = sim_work_type(s);
    const double rounded = sim_round(work, value);
    return flushes(s, ASSAY_FLUSH_ACCUMULATE) ? flush(work, rounded) : rounded;
}

double sim_kept(const simulated *s, double value)
{
    const double rounded = sim_round(s->contract.intermediate, sim_work(s, value));
    return flushes(s, ASSAY_FLUSH_ACCUMULATE) && assay_dtype_bits(s->contract.intermediate) > 0
               ? flush(s->contract.intermediate, rounded)
               : rounded;
}

double sim_read(const simulated *s, double value)
{
    return flushes(s, ASSAY_FLUSH_IN) ? flush(sim_work_type(s), value) : value;
}

double sim_operand(const simulated *s, double value)
{
    const assay_dtype multiply = s->contract.multiply;
    const double rounded = sim_round(multiply, value);
    const assay_dtype type = assay_dtype_bits(multiply) > 0 ? multiply : sim_work_type(s);
    return flushes(s, ASSAY_FLUSH_IN) ? flush(type, rounded) : rounded;
}

double sim_weight(const simulated *s, double value)
{
    return sim_operand(s, sim_round(s->contract.storage, value));
}

void sim_put(const simulated *s, const assay_tensor *tensor, int64_t i, int64_t j, double value)
{
    const double rounded = sim_round(tensor->dtype, value);
    assay_put2(tensor, i, j,
               flushes(s, ASSAY_FLUSH_OUT) ? flush(tensor->dtype, rounded) : rounded);
}

/* One group: integers and their scale, in f32 arithmetic as the rule says. */
static float quantise(double *weight, int64_t count, int32_t bits)
{
    float greatest = 0.0f;
    bool finite = true;
    for (int64_t k = 0; k < count; k++) {
        greatest = fmaxf(greatest, fabsf((float)weight[k]));
        finite = finite && isfinite((float)weight[k]);
    }
    const float scale = finite ? greatest / (float)((1 << (bits - 1)) - 1) : NAN;
    for (int64_t k = 0; k < count; k++) {
        weight[k] = scale == 0.0f ? 0.0 : (double)rintf((float)weight[k] / scale);
    }
    return scale;
}

static double word_of(assay_dtype type, double quotient)
{
    return type == ASSAY_I8 ? fmax(-127.0, fmin(127.0, rint(quotient))) : sim_round(type, quotient);
}

double sim_scaled_row(const simulated *s, double *x, int64_t count)
{
    const assay_dtype type = s->contract.multiply;
    const float most = type == ASSAY_I8 ? 127.0f : type == ASSAY_E4M3 ? 448.0f : 57344.0f;
    float greatest = 0.0f;
    bool finite = true;
    for (int64_t k = 0; k < count; k++) {
        greatest = fmaxf(greatest, fabsf((float)x[k]));
        finite = finite && isfinite((float)x[k]);
    }
    float scale = greatest / most;
    if (s->contract.operand_scale == ASSAY_SCALE_ROW_POWER) {
        int exponent = 0;
        (void)frexpf(greatest, &exponent); /* 2^exponent is above it, and most above 2^6 */
        scale = ldexpf(1.0f, exponent > 60 ? 60 : exponent < -60 ? -60 : exponent);
        while (scale > 0x1p-60f && greatest <= most * (0.5f * scale)) {
            scale *= 0.5f;
        }
    }
    scale = finite ? scale : NAN;
    const float reciprocal = 1.0f / scale;
    for (int64_t k = 0; k < count; k++) {
        const float quotient = isinf(reciprocal) ? (float)x[k] / scale : (float)x[k] * reciprocal;
        x[k] = scale == 0.0f ? 0.0 : word_of(type, (double)quotient);
    }
    return (double)scale;
}

void sim_weight_row(const simulated *s, const assay_tensor *weight, int64_t at, int64_t stride,
                    int64_t count, double *out, double *scale)
{
    *scale = 1.0;
    for (int64_t k = 0; k < count; k++) {
        out[k] = assay_load(weight->dtype, weight->data, (size_t)(at + k * stride));
    }
    const int64_t group = s->contract.quant_group > 0 ? s->contract.quant_group : count;
    for (int64_t first = 0; s->contract.quant_bits > 0 && first < count; first += group) {
        const int64_t here = count - first < group ? count - first : group;
        const double step = (double)quantise(out + first, here, s->contract.quant_bits);
        if (s->contract.quant_group == 0) {
            *scale = step;
        }
        for (int64_t k = first; s->contract.quant_group > 0 && k < first + here; k++) {
            out[k] = (double)(float)(out[k] * step);
        }
    }
    if (s->contract.quant_bits == 0 && s->contract.operand_scale != ASSAY_SCALE_NONE) {
        for (int64_t k = 0; k < count; k++) {
            out[k] = sim_round(s->contract.storage, out[k]);
        }
        *scale = sim_scaled_row(s, out, count);
        return;
    }
    for (int64_t k = 0; k < count; k++) {
        out[k] = s->contract.quant_bits > 0 ? sim_operand(s, out[k]) : sim_weight(s, out[k]);
    }
}
