/* Element types and the conversions between them.
 *
 * 16-bit floats are carried as 16-bit words: no compiler this project supports has both _Float16
 * and __bf16 arithmetic. Widening is exact. Narrowing rounds to nearest, ties to even; a NaN stays
 * a NaN (its quiet bit set, its sign kept), overflow becomes infinity, subnormals are kept.
 * 8-bit floats saturate instead: what would round beyond the greatest finite number, infinities
 * included, becomes that number (CUDA's cvt.rn.satfinite). TF32 is an f32 with 10 fraction bits. */
#ifndef ASSAY_DTYPE_H
#define ASSAY_DTYPE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "assay/fp8.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum assay_dtype {
    ASSAY_NONE = 0, /* in a precision contract: "as stored" */
    ASSAY_F64,
    ASSAY_F32,
    ASSAY_BF16, /* 1 sign, 8 exponent, 7 fraction bits */
    ASSAY_F16,  /* IEEE 754 binary16 */
    ASSAY_I64,
    ASSAY_I32,
    ASSAY_U8,
    ASSAY_I8,
    ASSAY_TF32, /* 8 exponent, 10 fraction bits; kept in 32, the low 13 zero */
    ASSAY_E4M3, /* OCP 8-bit float: bias 7, greatest 448, no infinity, NaN 0x7f */
    ASSAY_E5M2  /* OCP 8-bit float: bias 15, greatest 57344, infinity 0x7c, NaN 0x7e */
} assay_dtype;

static inline size_t assay_dtype_size(assay_dtype dtype)
{
    switch (dtype) {
    case ASSAY_F64:
    case ASSAY_I64: return 8;
    case ASSAY_F32:
    case ASSAY_TF32:
    case ASSAY_I32: return 4;
    case ASSAY_BF16:
    case ASSAY_F16: return 2;
    case ASSAY_E4M3:
    case ASSAY_E5M2:
    case ASSAY_U8:
    case ASSAY_I8: return 1;
    case ASSAY_NONE: break;
    }
    return 0;
}

static inline const char *assay_dtype_name(assay_dtype dtype)
{
    switch (dtype) {
    case ASSAY_F64: return "f64";
    case ASSAY_F32: return "f32";
    case ASSAY_BF16: return "bf16";
    case ASSAY_F16: return "f16";
    case ASSAY_I64: return "i64";
    case ASSAY_I32: return "i32";
    case ASSAY_U8: return "u8";
    case ASSAY_I8: return "i8";
    case ASSAY_TF32: return "tf32";
    case ASSAY_E4M3: return "e4m3";
    case ASSAY_E5M2: return "e5m2";
    case ASSAY_NONE: break;
    }
    return "as stored";
}

/* Significand bits with the hidden one: rounding to nearest errs by at most 2^-bits relatively. */
static inline int assay_dtype_bits(assay_dtype dtype)
{
    switch (dtype) {
    case ASSAY_F64: return 53;
    case ASSAY_F32: return 24;
    case ASSAY_F16: return 11;
    case ASSAY_BF16: return 8;
    case ASSAY_TF32: return 11;
    case ASSAY_E4M3: return 4;
    case ASSAY_E5M2: return 3;
    default: return 0;
    }
}

/* Exponent of the least positive subnormal number: 2^result. */
static inline int assay_dtype_least_exponent(assay_dtype dtype)
{
    switch (dtype) {
    case ASSAY_F64: return -1074;
    case ASSAY_F32: return -149;
    case ASSAY_BF16: return -133;
    case ASSAY_F16: return -24;
    case ASSAY_TF32: return -136;
    case ASSAY_E4M3: return -9;
    case ASSAY_E5M2: return -16;
    default: return 0;
    }
}

/* Exponent of the least normal number: 2^result; below it a kernel may flush to zero. */
static inline int assay_dtype_normal_exponent(assay_dtype dtype)
{
    switch (dtype) {
    case ASSAY_F64: return -1022;
    case ASSAY_F32:
    case ASSAY_TF32:
    case ASSAY_BF16: return -126;
    case ASSAY_F16:
    case ASSAY_E5M2: return -14;
    case ASSAY_E4M3: return -6;
    default: return 0;
    }
}

static inline uint32_t assay_f32_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float assay_f32_from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline float assay_bf16_to_f32(uint16_t word)
{
    return assay_f32_from_bits((uint32_t)word << 16);
}

static inline uint16_t assay_f32_to_bf16(float value)
{
    const uint32_t bits = assay_f32_bits(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u) {
        return (uint16_t)((bits >> 16) | 0x0040u);
    }
    return (uint16_t)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

static inline float assay_f16_to_f32(uint16_t word)
{
    const uint32_t sign = (uint32_t)(word & 0x8000u) << 16;
    const uint32_t exponent = (uint32_t)(word >> 10) & 0x1fu;
    const uint32_t fraction = word & 0x3ffu;
    if (exponent == 0) {
        const float magnitude = (float)fraction * 0x1p-24f;
        return sign != 0 ? -magnitude : magnitude;
    }
    if (exponent == 31) {
        return assay_f32_from_bits(sign | 0x7f800000u | (fraction << 13));
    }
    return assay_f32_from_bits(sign | ((exponent + 112u) << 23) | (fraction << 13));
}

static inline uint16_t assay_f32_to_f16(float value)
{
    const uint32_t bits = assay_f32_bits(value);
    const uint32_t sign = (bits >> 16) & 0x8000u;
    const uint32_t magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) {
        return (uint16_t)(sign | 0x7e00u | ((magnitude >> 13) & 0x1ffu));
    }
    if (magnitude >= 0x477ff000u) { /* 65520 and above rounds to infinity */
        return (uint16_t)(sign | 0x7c00u);
    }
    if (magnitude >= 0x38800000u) { /* normal in binary16 */
        const uint32_t rounded = magnitude - (112u << 23) + 0xfffu + ((magnitude >> 13) & 1u);
        return (uint16_t)(sign | (rounded >> 13));
    }
    if (magnitude <= 0x33000000u) { /* at most 2^-25: rounds to zero, the tie to even included */
        return (uint16_t)sign;
    }
    const uint32_t shift = 126u - (magnitude >> 23); /* 14 .. 24 */
    const uint32_t significand = (magnitude & 0x7fffffu) | 0x800000u;
    const uint32_t half = (1u << (shift - 1u)) - 1u;
    return (uint16_t)(sign | ((significand + half + ((significand >> shift) & 1u)) >> shift));
}

static inline float assay_f32_to_tf32(float value)
{
    const uint32_t bits = assay_f32_bits(value);
    if ((bits & 0x7fffffffu) >= 0x7f800000u) {
        return value;
    }
    return assay_f32_from_bits((bits + 0xfffu + ((bits >> 13) & 1u)) & ~0x1fffu);
}

static inline float assay_e4m3_to_f32(uint8_t word)
{
    return assay_f32_from_bits(assay_e4m3_widen(word));
}

static inline float assay_e5m2_to_f32(uint8_t word)
{
    return assay_f32_from_bits(assay_e5m2_widen(word));
}

static inline uint8_t assay_f32_to_e4m3(float value)
{
    return assay_e4m3_narrow(assay_f32_bits(value));
}

static inline uint8_t assay_f32_to_e5m2(float value)
{
    return assay_e5m2_narrow(assay_f32_bits(value));
}

/* A float64 rounded once, directly, to a narrow type. Going through f32 rounds twice, so the f32 is
 * first rounded to odd: with 24 bits kept for at most 11 wanted, the second rounding is then
 * right. */
static inline float assay_f64_to_f32_odd(double value)
{
    const float nearest = (float)value;
    uint32_t bits = assay_f32_bits(nearest);
    if ((double)nearest == value || value != value || (bits & 0x7fffffffu) == 0x7f800000u) {
        return nearest;
    }
    const double magnitude = value < 0 ? -value : value;
    const double rounded = nearest < 0 ? -(double)nearest : (double)nearest;
    if (rounded > magnitude) {
        bits -= 1u; /* truncate towards zero */
    }
    return assay_f32_from_bits(bits | 1u);
}

static inline uint16_t assay_f64_to_bf16(double value)
{
    return assay_f32_to_bf16(assay_f64_to_f32_odd(value));
}

static inline uint16_t assay_f64_to_f16(double value)
{
    return assay_f32_to_f16(assay_f64_to_f32_odd(value));
}

/* Element i of an array of the given real or integer type, widened. i64 above 2^53 rounds. */
static inline double assay_load(assay_dtype dtype, const void *data, size_t i)
{
    switch (dtype) {
    case ASSAY_F64: return ((const double *)data)[i];
    case ASSAY_F32: return (double)((const float *)data)[i];
    case ASSAY_BF16: return (double)assay_bf16_to_f32(((const uint16_t *)data)[i]);
    case ASSAY_F16: return (double)assay_f16_to_f32(((const uint16_t *)data)[i]);
    case ASSAY_I64: return (double)((const int64_t *)data)[i];
    case ASSAY_I32: return (double)((const int32_t *)data)[i];
    case ASSAY_U8: return (double)((const uint8_t *)data)[i];
    case ASSAY_I8: return (double)((const int8_t *)data)[i];
    case ASSAY_TF32: return (double)((const float *)data)[i];
    case ASSAY_E4M3: return (double)assay_e4m3_to_f32(((const uint8_t *)data)[i]);
    case ASSAY_E5M2: return (double)assay_e5m2_to_f32(((const uint8_t *)data)[i]);
    case ASSAY_NONE: break;
    }
    return 0.0;
}

/* Rounds value to the type and stores it. Integers: value must be integral and in range. */
static inline void assay_store(assay_dtype dtype, void *data, size_t i, double value)
{
    switch (dtype) {
    case ASSAY_F64: ((double *)data)[i] = value; break;
    case ASSAY_F32: ((float *)data)[i] = (float)value; break;
    case ASSAY_BF16: ((uint16_t *)data)[i] = assay_f64_to_bf16(value); break;
    case ASSAY_F16: ((uint16_t *)data)[i] = assay_f64_to_f16(value); break;
    case ASSAY_I64: ((int64_t *)data)[i] = (int64_t)value; break;
    case ASSAY_I32: ((int32_t *)data)[i] = (int32_t)value; break;
    case ASSAY_U8: ((uint8_t *)data)[i] = (uint8_t)value; break;
    case ASSAY_I8: ((int8_t *)data)[i] = (int8_t)value; break;
    case ASSAY_TF32: ((float *)data)[i] = assay_f32_to_tf32(assay_f64_to_f32_odd(value)); break;
    case ASSAY_E4M3: ((uint8_t *)data)[i] = assay_f32_to_e4m3(assay_f64_to_f32_odd(value)); break;
    case ASSAY_E5M2: ((uint8_t *)data)[i] = assay_f32_to_e5m2(assay_f64_to_f32_odd(value)); break;
    case ASSAY_NONE: break;
    }
}

#ifdef __cplusplus
}
#endif
#endif
