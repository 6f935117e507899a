/* The OCP 8-bit floats, converted from and to the bits of an f32.
 *
 * e4m3: 1 sign, 4 exponent (bias 7), 3 fraction bits; greatest 448 = 0x7e, NaN 0x7f, no infinity.
 * e5m2: 1 sign, 5 exponent (bias 15), 2 fraction bits; greatest 57344 = 0x7b, then infinity, NaN.
 * Narrowing rounds to nearest, ties to even, and saturates: what would round beyond the greatest
 * finite number, infinities included, becomes that number. Subnormals are kept; a NaN stays one.
 * Source: OCP 8-bit Floating Point Specification 1.0; CUDA's cvt.rn.satfinite. */
#ifndef ASSAY_FP8_H
#define ASSAY_FP8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

static inline uint32_t assay_fp8_widen(uint32_t word, uint32_t fraction, uint32_t bias)
{
    const uint32_t sign = (word & 0x80u) << 24;
    const uint32_t magnitude = word & 0x7fu;
    if (magnitude >> fraction != 0) {
        return sign | ((magnitude << (23u - fraction)) + ((127u - bias) << 23));
    }
    if (magnitude == 0) {
        return sign;
    }
    uint32_t top = 0; /* a subnormal is magnitude 2^(1 - bias - fraction): its highest bit */
    while (magnitude >> (top + 1u) != 0) {
        top++;
    }
    const uint32_t field = 128u - bias - fraction + top;
    return sign | (field << 23) | ((magnitude << (23u - top)) & 0x7fffffu);
}

static inline uint8_t assay_fp8_narrow(uint32_t bits, uint32_t fraction, uint32_t bias,
                                       uint32_t greatest, uint32_t nan)
{
    const uint32_t sign = (bits >> 24) & 0x80u;
    const uint32_t magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) {
        return (uint8_t)(sign | nan);
    }
    const uint32_t normal = 128u - bias; /* f32's exponent field of the least normal number */
    const uint32_t field = magnitude >> 23;
    uint32_t shift = 23u - fraction;
    uint32_t from = magnitude - ((127u - bias) << 23);
    if (field < normal) {
        shift += normal - field;
        if (shift > 24u) {
            return (uint8_t)sign; /* below half the least subnormal */
        }
        from = (magnitude & 0x7fffffu) | 0x800000u;
    }
    const uint32_t rounded = (from + (1u << (shift - 1u)) - 1u + ((from >> shift) & 1u)) >> shift;
    return (uint8_t)(sign | (rounded > greatest ? greatest : rounded));
}

static inline uint32_t assay_e4m3_widen(uint8_t word)
{
    return (word & 0x7fu) == 0x7fu ? (uint32_t)(word & 0x80u) << 24 | 0x7fc00000u
                                   : assay_fp8_widen(word, 3, 7);
}

static inline uint32_t assay_e5m2_widen(uint8_t word)
{
    return (word & 0x7cu) == 0x7cu
               ? (uint32_t)(word & 0x80u) << 24 | 0x7f800000u | (uint32_t)(word & 3u) << 21
               : assay_fp8_widen(word, 2, 15);
}

static inline uint8_t assay_e4m3_narrow(uint32_t bits)
{
    return assay_fp8_narrow(bits, 3, 7, 0x7eu, 0x7fu);
}

static inline uint8_t assay_e5m2_narrow(uint32_t bits)
{
    return assay_fp8_narrow(bits, 2, 15, 0x7bu, 0x7eu);
}

#ifdef __cplusplus
}
#endif
#endif
