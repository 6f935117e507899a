/* The contracts that are simulated. */
#ifndef VERIFY_SIMULATE_CONTRACTS_H
#define VERIFY_SIMULATE_CONTRACTS_H

#include "assay/precision.h"

/* X(name, what it stands for, how its sums are ordered) */
#define SIM_CONTRACTS(X)                                                                           \
    X(f64, "float64 throughout", SIM_DRAWN)                                                        \
    X(f32, "f32 throughout", SIM_DRAWN)                                                            \
    X(f32_reversed, "f32, every sum from its end", SIM_ALL_REVERSED)                               \
    X(bf16_weights, "weights kept in bf16, f32 otherwise", SIM_DRAWN)                              \
    X(bf16, "transformers' bf16 flow", SIM_DRAWN)                                                  \
    X(f16, "transformers' f16 flow", SIM_DRAWN)                                                    \
    X(tf32, "TF32 products, f32 sums", SIM_DRAWN)                                                  \
    X(bf16_tensor4, "bf16 products, sums of 4 truncated to 24 bits", SIM_DRAWN)                    \
    X(bf16_tensor8, "the same in blocks of 8, bf16 activations", SIM_DRAWN)                        \
    X(bf16_tensor16, "the same in blocks of 16, bf16 between steps too", SIM_DRAWN)                \
    X(e4m3, "e4m3 products, sums of 32 truncated to 14 bits", SIM_DRAWN)                           \
    X(bf16_in_order, "bf16 products, sums of 8 in order truncated to 24 bits", SIM_DRAWN)          \
    X(e4m3_f32, "as e4m3, written in f32", SIM_DRAWN)                                              \
    X(e5m2, "e5m2 products, f32 sums", SIM_DRAWN)                                                  \
    X(e5m2_narrow, "e5m2 products, sums to nearest of 16 bits, written in f32", SIM_DRAWN)         \
    X(flushed, "bf16 products, f32 sums, subnormals flushed everywhere", SIM_DRAWN)                \
    X(int8, "int8 weights, one scale a row", SIM_DRAWN)                                            \
    X(int5, "int5 weights, one scale for 32", SIM_DRAWN)                                           \
    X(int4, "int4 weights, one scale for 32", SIM_DRAWN)

/* Those with scaled rows, which are of linear alone. */
#define SIM_SCALED_CONTRACTS(X)                                                                    \
    X(int8_rows, "int8 weights and rows, a scale each, integer sums", SIM_DRAWN)                   \
    X(int8_power_rows, "int8 with powers of two for scales, f32 sums", SIM_DRAWN)                  \
    X(e4m3_power_rows, "e4m3 with powers of two, sums of 4 truncated to 14 bits", SIM_DRAWN)       \
    X(e4m3_rows, "e4m3 with a scale a row, sums of 32 truncated to 14 bits", SIM_DRAWN)            \
    X(e5m2_rows, "e5m2 with a scale a row, f32 sums", SIM_DRAWN)

#define SIM_NEAREST(bits_) {.bits = (bits_), .rounding = ASSAY_NEAREST, .block = 1}
#define SIM_TRUNCATED(bits_, block_)                                                               \
    {.bits = (bits_), .rounding = ASSAY_TRUNCATE, .block = (block_)}

/* multiply, intermediate, output and angle type, by their names without ASSAY_. */
#define SIM_TYPES(multiply_, intermediate_, output_, angle_)                                       \
    .multiply = ASSAY_##multiply_, .intermediate = ASSAY_##intermediate_,                          \
    .output = ASSAY_##output_, .angle = ASSAY_##angle_

#define SIM_f64 {SIM_TYPES(F64, F64, F64, F64), .accumulate = SIM_NEAREST(53)}
#define SIM_f32 {SIM_TYPES(F32, F32, F32, F32), .accumulate = SIM_NEAREST(24)}
#define SIM_f32_reversed {SIM_TYPES(F32, F32, F32, F64), .accumulate = SIM_NEAREST(24)}
#define SIM_bf16_weights                                                                           \
    {SIM_TYPES(F32, F32, F32, F64), .accumulate = SIM_NEAREST(24), .storage = ASSAY_BF16}
#define SIM_bf16 {SIM_TYPES(F32, BF16, BF16, F32), .accumulate = SIM_NEAREST(24)}
#define SIM_f16 {SIM_TYPES(F32, F16, F16, F32), .accumulate = SIM_NEAREST(24)}
#define SIM_tf32 {SIM_TYPES(TF32, F32, F32, F32), .accumulate = SIM_NEAREST(24)}
#define SIM_bf16_tensor4 {SIM_TYPES(BF16, F32, F32, F64), .accumulate = SIM_TRUNCATED(24, 4)}
#define SIM_bf16_tensor8 {SIM_TYPES(BF16, F32, BF16, F64), .accumulate = SIM_TRUNCATED(24, 8)}
#define SIM_bf16_tensor16 {SIM_TYPES(BF16, BF16, BF16, F64), .accumulate = SIM_TRUNCATED(24, 16)}
#define SIM_e4m3 {SIM_TYPES(E4M3, F32, BF16, F64), .accumulate = SIM_TRUNCATED(14, 32)}
#define SIM_bf16_in_order                                                                          \
    {SIM_TYPES(BF16, F32, F32, F64), .accumulate = SIM_TRUNCATED(24, 8),                           \
     .order = ASSAY_ORDER_SEQUENTIAL}
#define SIM_e4m3_f32 {SIM_TYPES(E4M3, F32, F32, F64), .accumulate = SIM_TRUNCATED(14, 32)}
#define SIM_e5m2_narrow {SIM_TYPES(E5M2, F32, F32, F64), .accumulate = SIM_NEAREST(16)}
#define SIM_e5m2 {SIM_TYPES(E5M2, F32, BF16, F64), .accumulate = SIM_NEAREST(24)}
#define SIM_flushed                                                                                \
    {SIM_TYPES(BF16, F32, F32, F64), .accumulate = SIM_NEAREST(24),                                \
     .flush = ASSAY_FLUSH_IN | ASSAY_FLUSH_ACCUMULATE | ASSAY_FLUSH_OUT}
#define SIM_int8 {SIM_TYPES(F32, F32, F32, F64), .accumulate = SIM_NEAREST(24), .quant_bits = 8}
#define SIM_int5                                                                                   \
    {SIM_TYPES(F32, F32, F32, F64), .accumulate = SIM_NEAREST(24), .quant_bits = 5,                \
     .quant_group = 32}
#define SIM_int4                                                                                   \
    {SIM_TYPES(F32, F32, F32, F64), .accumulate = SIM_NEAREST(24), .quant_bits = 4,                \
     .quant_group = 32}
#define SIM_int8_rows                                                                              \
    {SIM_TYPES(I8, F32, BF16, NONE), .accumulate = SIM_NEAREST(32), .quant_bits = 8,               \
     .operand_scale = ASSAY_SCALE_ROW}
#define SIM_int8_power_rows                                                                        \
    {SIM_TYPES(I8, F32, F32, NONE), .accumulate = SIM_NEAREST(24),                                 \
     .operand_scale = ASSAY_SCALE_ROW_POWER}
#define SIM_e4m3_power_rows                                                                        \
    {SIM_TYPES(E4M3, F32, BF16, NONE), .accumulate = SIM_TRUNCATED(14, 4),                         \
     .operand_scale = ASSAY_SCALE_ROW_POWER}
#define SIM_e4m3_rows                                                                              \
    {SIM_TYPES(E4M3, F32, F32, NONE), .accumulate = SIM_TRUNCATED(14, 32),                         \
     .operand_scale = ASSAY_SCALE_ROW}
#define SIM_e5m2_rows                                                                              \
    {SIM_TYPES(E5M2, F32, F32, NONE), .accumulate = SIM_NEAREST(24),                               \
     .operand_scale = ASSAY_SCALE_ROW}

#endif
