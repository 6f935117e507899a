/* The arithmetic of a contract, step by step, in float64 holding the narrow values. */
#ifndef VERIFY_SIMULATE_ARITHMETIC_H
#define VERIFY_SIMULATE_ARITHMETIC_H

#include <math.h>

#include "assay/precision.h"
#include "assay/tensor.h"

/* How a sum is ordered: an arrangement of the terms, then the shape of the additions. */
typedef enum sim_shape {
    SIM_CHAIN,   /* one after the other */
    SIM_LANES,   /* term k to partial sum k mod width; these are then added in turn */
    SIM_CHUNKS,  /* width neighbours to a partial sum */
    SIM_PAIRWISE /* a balanced tree over neighbours */
} sim_shape;

typedef enum sim_arrangement { SIM_FORWARD, SIM_REVERSED, SIM_SHUFFLED } sim_arrangement;

typedef struct sim_order {
    sim_arrangement arrangement;
    sim_shape shape;
    int64_t width;
    uint64_t shuffle; /* the seed of a shuffle */
} sim_order;

typedef struct simulated {
    assay_precision contract;
    bool fixed; /* every sum takes `order`; else it is drawn */
    sim_order order;
} simulated;

/* value rounded once to a type; ASSAY_NONE: as it is. */
double sim_round(assay_dtype type, double value);
/* f32, or f64 for accumulators of more than 24 bits: the type of elementwise arithmetic. */
assay_dtype sim_work_type(const simulated *s);
/* The result of one elementwise operation; and one that is kept between the steps of an op. */
double sim_work(const simulated *s, double value);
double sim_kept(const simulated *s, double value);
/* An activation read by an elementwise product: subnormals may be flushed. */
double sim_read(const simulated *s, double value);
/* Operands of a matrix product. */
double sim_operand(const simulated *s, double value);
double sim_weight(const simulated *s, double value);
/* Rounds to the tensor's type, flushing where the contract does, and stores. */
void sim_put(const simulated *s, const assay_tensor *tensor, int64_t i, int64_t j, double value);

/* A row as words, in place, and the scale that multiplies sums of them. Words are of a product with
 * the scale's reciprocal where f32 has it, as kernels may well compute them. */
double sim_scaled_row(const simulated *s, double *x, int64_t count);

/* count weights of a row that one output reads, `stride` apart from element `at` on, as they are
 * multiplied. Quantised by whole rows they are integers, and in scaled rows words: *scale then
 * multiplies the sum; else it is 1. */
void sim_weight_row(const simulated *s, const assay_tensor *weight, int64_t at, int64_t stride,
                    int64_t count, double *out, double *scale);

/* The order of a sum whose terms come from these numbers. */
sim_order sim_order_of(const simulated *s, const double *own, int64_t count);

/* Doubles of scratch that a sum of count terms needs. */
int64_t sim_scratch(int64_t count);
/* The contract's sum of a_k b_k, of x_k^2, and of terms that are no products. None is changed. */
double sim_dot(const simulated *s, const sim_order *order, const double *a, const double *b,
               int64_t count, double *scratch);
double sim_squares(const simulated *s, const sim_order *order, const double *x, int64_t count,
                   double *scratch);
/* With a bias: added by elementwise arithmetic, or the accumulator ends with it, or begins with it,
 * as the order has it drawn. */
double sim_dot_biased(const simulated *s, const sim_order *order, const double *a, const double *b,
                      int64_t count, double bias, double *scratch);
double sim_sum(const simulated *s, const sim_order *order, const double *terms, int64_t count,
               double *scratch);
/* One step of the accumulator. */
double sim_accumulate(const simulated *s, double sum, double term);

#endif
