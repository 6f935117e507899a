#ifndef VERIFY_MUTANTS_ADAPTER_H
#define VERIFY_MUTANTS_ADAPTER_H

#include "verify/mutants/mutant.h"

#define ADAPTER_TWINS(X) X(adapter, f32) X(adapter, bf16)

#define ADAPTER_MUTANTS(X)                                                                         \
    X(adapter, f32, no_exp, ON_NUMBER, "adapter-scale-only-7x129*", "scales by log_scale itself")  \
    X(adapter, f32, exp_2, ON_NUMBER, "adapter-scale-only-7x129*", "scales by 2^log_scale")        \
    X(adapter, f32, transposed, ON_NUMBER, "adapter-full-rank-7x129*", "x W instead of x W^T")     \
    X(adapter, f32, f16_flushed, ON_NUMBER, "adapter-*-faint-f16",                                 \
      "subnormal weights stored in f16 are read as zeros, undeclared")                             \
    X(adapter, f32, swapped_rank, ON_NUMBER, "adapter-low-rank-only-7x129*",                       \
      "(v V) U^T instead of (v U) V^T")                                                            \
    X(adapter, f32, always_normalised, ON_NUMBER, "adapter-scalar-affine-raw*",                    \
      "normalises a row that its caller had normalised, or wanted raw")                            \
    X(adapter, f32, never_normalised, ON_NUMBER, "adapter-scalar-affine-7x129*",                   \
      "never normalises")                                                                          \
    X(adapter, f32, squared_norm, ON_NUMBER, "adapter-scalar-affine-7x129*",                       \
      "divides by the squared norm")                                                               \
    X(adapter, f32, no_epsilon, ON_NUMBER, "adapter-scalar-affine-5x63-zero-rows",                 \
      "the norm's epsilon is missing: a zero row divides by zero")                                 \
    X(adapter, f32, mean_kept, ON_NUMBER, "adapter-scalar-affine-mean*",                           \
      "the mean is not subtracted")                                                                \
    X(adapter, f32, mean_late, ON_NUMBER, "adapter-scalar-affine-mean*",                           \
      "the mean is subtracted after the normalisation")                                            \
    X(adapter, f32, tf32, ON_NUMBER, "adapter-full-rank-7x129*",                                   \
      "claims f32 products, multiplies in tf32")                                                   \
    X(adapter, f32, no_bias, ON_NUMBER, "adapter-scalar-affine-7x129*", "the bias is left out")    \
    X(adapter, f32, scaled_bias, ON_NUMBER, "adapter-scalar-affine-7x129*",                        \
      "the bias is scaled too")                                                                    \
    X(adapter, f32, identity_normalised, ON_NUMBER, "adapter-identity-*",                          \
      "the identity normalises")                                                                   \
    X(adapter, f32, last_rank, ON_NUMBER, "adapter-low-rank-only-7x129*",                          \
      "the last of the low rank's columns is left out")                                            \
    X(adapter, f32, max_epsilon, ON_NUMBER, "adapter-scalar-affine-5x65-normal-tiny",              \
      "divides by the greater of norm and epsilon, not their sum")                                 \
    X(adapter, f32, row_limit, ON_WRITTEN, "adapter-scalar-affine-66001*",                         \
      "rows from 65536 on are never written")                                                      \
    X(adapter, f32, rank_128, ON_NUMBER, "adapter-scalar-affine-plus-low-rank-r130*",              \
      "the rank is 128 at most")                                                                   \
    X(adapter, f32, mean_256, ON_NUMBER, "adapter-scale-only-mean-3x300",                          \
      "the mean is subtracted from rows of less than 256 numbers alone")                           \
    X(adapter, f32, mean_32, ON_NUMBER, "adapter-scalar-affine-mean-33x65*",                       \
      "the mean is subtracted from 32 rows at most")                                               \
    X(adapter, f32, faint_zero, ON_NUMBER, "adapter-scalar-affine-5x65-normal-faint",              \
      "a row whose norm is below 1e-6 is taken for zero")                                          \
    X(adapter, f32, scale_100, ON_NUMBER, "adapter-*-log-scale-7",                                 \
      "the scale is 100 at most")                                                                  \
    X(adapter, f32, scale_below, ON_NUMBER, "adapter-*-log-scale-below",                           \
      "the scale is 1 at least")                                                                   \
    X(adapter, f32, v_type, ON_NUMBER | ON_MEMORY, "adapter-scalar-affine-plus-low-rank-mixed*",   \
      "V is read in U's type")                                                                     \
    X(adapter, f32, mean_raw, ON_NUMBER, "adapter-scalar-affine-raw-mean*",                        \
      "the mean is subtracted from rows that are normalised alone")                                \
    X(adapter, f32, alike, ON_NUMBER | ON_NEIGHBOURS | ON_ROWS | ON_BATCH, "adapter-*-kin",        \
      "a row that begins and ends as the one before is taken for it")                              \
    X(adapter, f32, alike_weights, ON_NUMBER, "adapter-full-rank-20x90-kin",                       \
      "a weight row that begins and ends as the one before is taken for it")

mutant_kernels mutant_adapter_kernels(void);

#endif
