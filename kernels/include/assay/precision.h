/* A kernel's numeric contract: the types it stores, multiplies, accumulates and writes in.
 *
 * The verifier derives every error budget from this declaration and from the very numbers of each
 * case (no tolerance is typed in anywhere), so a contract that claims more precision than the
 * kernel has makes it FAIL. What is claimed of the accumulator, of intermediate results and of the
 * output is the least precision: a kernel may have more. What is claimed of operands is exact.
 *
 * Sums. A step adds `block` products, summed exactly, to the accumulator and rounds once, to `bits`
 * significand bits (of f32's exponent range up to 24 bits, least subnormal 2^(-125-bits); of f64's
 * above). With block 1 a product that needs more than `bits` bits may be rounded by itself before.
 * The last block of a sum may be a part of one, and where the order is not sequential those of up
 * to 32 partial sums. Every long sum of an op (a mean square, a softmax's total) is taken to be one
 * of these.
 *
 * Elementwise arithmetic (norms, scales, biases, activations) is in f32, or in f64 where the
 * accumulator has more than 24 bits. Library functions (exp, sin, 1/sqrt) may err by 4 ulp of it.
 *
 * multiply: both operands of every matrix product (linear, the SAE's encoder and decoder,
 * attention's scores and values, an adapter's matrices) are rounded to it, to nearest even, 8-bit
 * floats saturating (dtype.h). Weights pass through `storage` first. The kernel is judged against
 * float64 on the rounded operands, so that their rounding takes nothing of its budget, and one that
 * multiplies other numbers, be they more precise, is wrong. Rounded are
 *   linear      x
 *   encoder     x, normalised where the SAE says so, less pre_bias
 *   decoder     value * decode_scale
 *   attention   q; k and v as cached
 *   adapter     x, less the mean and normalised where it says so; v U before V
 * An element that the kernel computes itself (a normalised one, a difference, v U) may be the
 * neighbouring number of the type where its own error reaches the rounding's edge. Left free, and
 * paid for in the budget: softmax weights, which may be rounded before they are normalised or
 * after; the product that steers, whose operands may be rounded or not; `storage` of norms'
 * weights; flushed subnormals, where `flush` allows them.
 *
 * storage: of matrices that are multiplied, and of nothing else: linear's weight, the encoder, the
 * decoder, an adapter's U, V and W. It is promised as `multiply` is. What stands beside the
 * products (biases, pre_bias, an adapter's mean and scale, an SAE's vectors for its latents,
 * frequencies) is taken as stored and rounded to the type of elementwise arithmetic at most; embed
 * copies its table.
 *
 * intermediate: results between the steps of one op may be rounded to it, these and no others:
 *   rmsnorm     the normed row, before its weight
 *   rope        cosine and sine, the products, their sum
 *   attention   the score, the scaled score, the softmax weight
 *   swiglu      silu(gate)
 *   encoder     the row after each step of layer norm, less pre_bias; the pre-activation; the score
 *   decoder     with layer norm the sum with its bias, before the deviation
 *   sae_steer   as the encoder, and the edit times decode_scale
 *   adapter     v U; the sums of the scaled part, the matrix part and the bias
 * Sums of linear and the decoder begin or end with their bias in the accumulator, and an adapter's
 * row is normalised in elementwise arithmetic.
 *
 * Quantised weights (quant_bits b of 2 .. 8): symmetric, along the row of a matrix that one output
 * reads, in groups of quant_group neighbours (0: the whole row), the last one possibly shorter. In
 * f32 arithmetic, to nearest even, with w the weight as f32:
 *   scale = max |w| / (2^(b-1) - 1)      q = rint(w / scale), 0 where scale is 0
 * and the weight is q * scale. Rows are: a row of linear's weight, of the encoder, of a full-rank
 * adapter's weight; a latent's column of the decoder. Nothing else is quantised. The kernel is
 * judged against float64 on these weights. It may multiply q * scale, rounded to f32 and to the
 * multiply type, or q itself (which must fit) and scale sums. A group with a weight that is not
 * finite is NaN. `storage` then plays no part.
 *
 * Scaled rows (operand_scale; linear alone): activations, and weights that are not quantised, are
 * multiplied as words of the multiply type, i8, e4m3 or e5m2, whose greatest G is 127, 448, 57344.
 * Each row of x, and of weights after `storage`, has one scale. In f32 arithmetic, to nearest even,
 * with x the row as f32:
 *   1  scale = max |x| / G
 *   2  scale = the least power of two, of 2^-60 .. 2^60, with max |x| <= G scale
 *   word = x / scale rounded to the type, at most G either way; 0 where scale is 0
 * and the operand is word * scale (vector-wise quantisation: Dettmers et al. 2022, LLM.int8(),
 * section 3.1). The kernel is judged against float64 on these operands, quantised weights being
 * those of their own rule, which must be words of the type. It adds products of words, and
 * multiplies sums by the scales before a bias; with 1 that may cost a rounding of f32 for each
 * scaled operand, and a word may be a neighbouring one where x / scale comes within four such
 * roundings of the edge between the two (a product with 1 / scale or G / max |x|), unless max |x| / G
 * is a power of two. A row with a number that is not finite is NaN. */
#ifndef ASSAY_PRECISION_H
#define ASSAY_PRECISION_H

#include "assay/dtype.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum assay_rounding { ASSAY_NEAREST = 0, ASSAY_TRUNCATE = 1 } assay_rounding;

/* In what order a long sum is taken. All are orders of positions or of chance: one that is taken
 * from the values (positive terms first, sorted by size) reaches greater partial sums, for which no
 * contract has room. */
typedef enum assay_order {
    ASSAY_ORDER_ANY = 0,    /* unspecified: may change from run to run (atomics) */
    ASSAY_ORDER_SEQUENTIAL, /* k = 0, 1, 2, ... */
    ASSAY_ORDER_LANES,      /* a fixed number of interleaved partial sums, then their sum */
    ASSAY_ORDER_BLOCKED,    /* fixed blocks of k, then their sums */
    ASSAY_ORDER_PAIRWISE    /* a balanced tree */
} assay_order;

/* Where subnormal numbers may be replaced by zero. */
typedef enum assay_flush {
    ASSAY_FLUSH_NONE = 0,
    ASSAY_FLUSH_IN = 1 << 0,         /* operands, as they are multiplied */
    ASSAY_FLUSH_ACCUMULATE = 1 << 1, /* partial sums */
    ASSAY_FLUSH_OUT = 1 << 2         /* what is written */
} assay_flush;

/* Scales of the rows of operands, as above. */
typedef enum assay_operand_scale {
    ASSAY_SCALE_NONE = 0,
    ASSAY_SCALE_ROW = 1,      /* any f32: the greatest number becomes G */
    ASSAY_SCALE_ROW_POWER = 2 /* a power of two */
} assay_operand_scale;

typedef struct assay_accumulator {
    int32_t bits;            /* significand bits, hidden one too: f64 53, f32 24, Hopper fp8 14 */
    assay_rounding rounding; /* of each step */
    int32_t block;           /* products summed exactly before a rounding; 1: one a step */
} assay_accumulator;

typedef struct assay_precision {
    assay_dtype storage;      /* of the matrices as the kernel keeps them; ASSAY_NONE: as stored */
    assay_dtype multiply;     /* operands of matrix products: rounded to this; ASSAY_NONE: not */
    assay_accumulator accumulate;
    assay_dtype intermediate; /* results between the steps of one op, those named above, may be
                                 rounded to this */
    assay_dtype output;       /* type of the activations read and written */
    assay_dtype angle;        /* rope: position x inverse frequency, cosine and sine are taken in
                                 this; `intermediate` then applies to the cosine and sine */
    assay_order order;
    uint32_t flush;           /* assay_flush bits */
    int32_t quant_bits;       /* bits that the kernel quantises weights to, 2 .. 8; 0: not */
    int32_t quant_group;      /* neighbours in a row that share one scale; 0: the whole row */
    int32_t operand_scale;    /* an assay_operand_scale: rows of activations, and of weights that
                                 are not quantised, are words with one scale each */
} assay_precision;

#ifdef __cplusplus
}
#endif
#endif
