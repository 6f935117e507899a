#ifndef VERIFY_MUTANTS_LINEAR_H
#define VERIFY_MUTANTS_LINEAR_H

#include "verify/mutants/mutant.h"

/* The type `half`: weights kept in f16, f32 otherwise. */
#define MUTANT_CONTRACT_half                                                                       \
    {                                                                                              \
        .storage = ASSAY_F16, .multiply = ASSAY_F32, .accumulate = {.bits = 24, .block = 1},       \
        .intermediate = ASSAY_F32, .output = ASSAY_F32, .order = ASSAY_ORDER_SEQUENTIAL            \
    }
#define MUTANT_TYPE_half ASSAY_F16

/* The type `words`: rows of either operand as integers of 8 bits with a scale each. */
#define MUTANT_CONTRACT_words                                                                      \
    {                                                                                              \
        .multiply = ASSAY_I8, .accumulate = {.bits = 32, .block = 1}, .intermediate = ASSAY_F32,   \
        .output = ASSAY_F32, .order = ASSAY_ORDER_SEQUENTIAL, .operand_scale = ASSAY_SCALE_ROW     \
    }
#define MUTANT_TYPE_words ASSAY_I8

#define LINEAR_TWINS(X) X(linear, f32) X(linear, bf16) X(linear, half) X(linear, words)

#define LINEAR_MUTANTS(X)                                                                          \
    X(linear, f32, tail_tile, ON_WRITTEN, "linear-5x33x7-normal",                                  \
      "the columns after the last whole tile of 8 are never written")                              \
    X(linear, f32, k_tail, ON_NUMBER, "linear-5x33x7-normal",                                      \
      "the products after the last whole tile of 16 are dropped")                                  \
    X(linear, f32, first_k, ON_NUMBER, "linear-5x33x7-normal", "sums begin at k = 1")              \
    X(linear, f32, last_k, ON_NUMBER, "linear-5x33x7-normal", "sums end one product early")        \
    X(linear, f32, first_row, ON_WRITTEN, "linear-5x33x7-normal", "row 0 is never written")        \
    X(linear, f32, last_row, ON_WRITTEN, "linear-5x33x7-normal", "the last row is never written")  \
    X(linear, f32, first_column, ON_WRITTEN, "linear-5x33x7-normal", "column 0 is never written")  \
    X(linear, f32, last_column, ON_WRITTEN, "linear-5x33x7-normal",                                \
      "the last column is never written")                                                          \
    X(linear, f32, stale, ON_NUMBER, "linear-5x33x7-normal",                                       \
      "the last column holds the value of the one before it")                                      \
    X(linear, f32, stride, ON_NUMBER, "linear-5x33x7-normal", "rows of x are taken K-1 apart")     \
    X(linear, f32, transposed, ON_NUMBER, "linear-5x33x7-normal", "the weight is read as [K,O]")   \
    X(linear, f32, accumulate_f16, ON_NUMBER, "linear-15x64x31-normal",                            \
      "claims an f32 accumulator, sums in f16")                                                    \
    X(linear, f32, accumulate_bf16, ON_NUMBER, "linear-15x64x31-normal",                           \
      "claims an f32 accumulator, sums in bf16")                                                   \
    X(linear, f32, multiply_bf16, ON_NUMBER, "linear-15x64x31-normal",                             \
      "claims f32 products, rounds x to bf16 first")                                               \
    X(linear, f32, multiply_tf32, ON_NUMBER, "linear-15x64x31-normal",                             \
      "claims f32 products, rounds operands to tf32's 11 bits first")                              \
    X(linear, bf16, truncate, ON_NUMBER, "linear-15x64x31-normal",                                 \
      "the output is truncated to bf16 instead of rounded")                                        \
    X(linear, bf16, rounded_partials, ON_NUMBER, "linear-16x256x64-outliers",                      \
      "claims an f32 accumulator, rounds the sum to bf16 every 32 products")                       \
    X(linear, f32, no_bias, ON_NUMBER, "linear-*-bias", "the bias is not added")                   \
    X(linear, f32, bias_twice, ON_NUMBER, "linear-*-bias", "the bias is added twice")              \
    X(linear, f32, bias_row, ON_NUMBER, "linear-*-bias", "the bias is indexed by the row")         \
    X(linear, f32, overflow_clipped, ON_NUMBER, "linear-9x129x17-positive-huge",                   \
      "sums of finite numbers are clipped to the greatest one")                                    \
    X(linear, f32, prescaled, ON_NUMBER, "linear-9x129x17-normal-huge",                            \
      "sums of terms 256 times as large, scaled back: infinite far below the range")              \
    X(linear, f32, inf_clipped, ON_NUMBER, "linear-*-inf",                                         \
      "infinite sums are clipped to the greatest number")                                          \
    X(linear, f32, nan_dropped, ON_NUMBER, "linear-*-nan", "a NaN sum becomes 0")                  \
    X(linear, f32, flushed, ON_NUMBER, "linear-*-subnormal",                                       \
      "subnormal outputs are flushed to zero, undeclared")                                         \
    X(linear, f32, f16_flushed, ON_NUMBER, "linear-*-faint-f16",                                   \
      "subnormal weights stored in f16 are read as zeros, undeclared")                             \
    X(linear, half, half_flushed, ON_NUMBER, "linear-*-faint-*",                                   \
      "weights are kept in f16 without its subnormals, undeclared")                                \
    X(linear, f32, batch_scale, ON_NEIGHBOURS | ON_NUMBER | ON_BATCH, "linear-16x64x32-normal",    \
      "x is rounded to steps of the greatest value of the whole batch")                            \
    X(linear, f32, second_tile, ON_NUMBER | ON_ROWS, "linear-32x128x128*",                         \
      "where batches are whole tiles of 16 rows, the second tile takes the first's rows")          \
    X(linear, f32, column_16, ON_NUMBER, "linear-2x7x70001*", "columns are counted in 16 bits")    \
    X(linear, f32, row_limit, ON_WRITTEN, "linear-65537*",                                         \
      "rows from 65536 on are never written")                                                      \
    X(linear, f32, k_4096, ON_NUMBER, "linear-2x4609*", "products from 4096 on are dropped")       \
    X(linear, f32, zero_skipped, ON_NUMBER, "linear-*-zero-rows-*-weights",                        \
      "products with x = 0 are skipped: 0 * Inf is lost")                                          \
    X(linear, f32, weight_clamped, ON_NUMBER, "linear-*-inf-weights",                              \
      "infinite weights are taken for the greatest number")                                        \
    X(linear, f32, inf_stops, ON_NUMBER, "linear-*-inf*",                                          \
      "a sum that is infinite takes no more products: Inf - Inf is lost")                          \
    X(linear, f32, one_row, ON_NUMBER, "linear-4099*", "row 2777 alone is 1/8 too great")          \
    X(linear, f32, one_element, ON_NUMBER, "linear-15x64x31*",                                     \
      "one element a call is off by four of its budgets")                                          \
    X(linear, f32, whole_tiles, ON_NUMBER, "linear-128x128x256*",                                  \
      "where rows and columns are whole tiles of 128, sums begin at k = 1")                        \
    X(linear, f32, large_bf16, ON_NUMBER, "linear-5x65x9-normal-large",                            \
      "numbers above 10,000 are rounded to bf16")                                                  \
    X(linear, f32, one_column, ON_NUMBER, "linear-33x129x1*",                                      \
      "with one column, every row but the first takes the bias alone")                             \
    X(linear, f32, tail_48, ON_NUMBER, "linear-sweep*",                                            \
      "where 48 products are left after whole blocks of 64, the last 16 are dropped")              \
    X(linear, f32, batch_96, ON_NUMBER, "linear-sweep*",                                           \
      "in batches of 96 alone, rows from 64 on are taken from 64 before")                          \
    X(linear, f32, fixed_24, ON_NUMBER, "linear-*-spread*",                                        \
      "x is a fixed point number of 24 bits below its row's greatest")                             \
    X(linear, f32, small_skipped, ON_NUMBER, "linear-*-spread*",                                   \
      "numbers of x below 2^-22 of their row's greatest are skipped")                              \
    X(linear, f32, bias_type, ON_NUMBER | ON_MEMORY, "linear-6x65x31-mixed-bias",                  \
      "the bias is read in the weight's type")                                                     \
    X(linear, f32, constant_row, ON_NUMBER, "linear-*-kin*-bias",                                  \
      "a row of equal numbers loses the bias")                                                     \
    X(linear, f32, single_number, ON_NUMBER, "linear-*-kin*-bias",                                 \
      "a row with one number that is not 0 loses the bias")                                        \
    X(linear, f32, alike, ON_NUMBER | ON_NEIGHBOURS | ON_ROWS | ON_BATCH,                          \
      "linear-20x200x37-kin-bias",                                                                 \
      "a row that begins and ends as the one before takes its sums")                               \
    X(linear, f32, alike_weights, ON_NUMBER, "linear-20x200x37-kin-bias",                          \
      "a weight row that begins and ends as the one before is taken for it")                       \
    X(linear, f32, zero_weight, ON_NUMBER, "linear-*-inf-kin-weights",                             \
      "products with a weight of 0 are skipped: 0 * Inf is lost")                                  \
    X(linear, f32, k_192, ON_NUMBER, "linear-sweep-deep",                                          \
      "where 192 products are left after whole blocks of 256, the last 64 are dropped")            \
    X(linear, f32, o_160, ON_NUMBER, "linear-sweep-wide",                                          \
      "where 160 columns are left after whole tiles of 256, the last takes its neighbour")         \
    X(linear, f32, corner, ON_NUMBER, "linear-20x64x4096",                                         \
      "of 17 to 31 rows of 2048 columns or more the last number takes its neighbour")              \
    X(linear, f32, bias_finite, ON_NUMBER, "linear-*-inf-bias",                                    \
      "a bias that is no finite number is left out")                                               \
    X(linear, f32, zero_bias, ON_NUMBER, "linear-*-zero-weight-rows-bias",                         \
      "a weight row of zeros gives 0")                                                             \
    X(linear, f32, great_off, ON_NUMBER, "linear-9x65x9-normal-1e24",                              \
      "sums of numbers above 2^64 lose their last product")                                        \
    X(linear, f32, wide_shallow, ON_NUMBER, "linear-70x19x2100*",                                  \
      "from 2000 columns of less than 64 products on, rows from 64 on begin at k = 1")             \
    X(linear, words, scale_before, ON_NUMBER | ON_NEIGHBOURS | ON_ROWS | ON_BATCH,                 \
      "linear-5x33x7-normal", "sums are multiplied by the scale of the row before")                \
    X(linear, words, words_cut, ON_NUMBER, "linear-5x33x7-normal",                                 \
      "words are cut off instead of rounded")                                                      \
    X(linear, words, scale_off, ON_NUMBER, "linear-15x64x31-normal",                               \
      "the scale of the middle row is 8 last places too great, once its words are made")

mutant_kernels mutant_linear_kernels(void);

#endif
