/* What a kernel's declared contract means for one rounding: the units of every error model.
 *
 * u of a type is 2^-bits, the largest relative error of rounding to nearest. A truncating
 * accumulator errs by twice that. The oracle's own float64 errs as much as a float64 kernel does:
 * float64 counts double. */
#ifndef REF_ROUNDING_H
#define REF_ROUNDING_H

#include "assay/precision.h"
#include "assay/status.h"
#include "ref/oracle.h"

#include <stdbool.h>

/* Library exp, sin, cos and reciprocal roots are allowed 4 ulp, which is 8 u: glibc's scalar
 * functions stay below 1 ulp, its vector ones and CUDA's below 4. */
#define REF_FUNCTION_UNITS 8.0

typedef struct ref_rounding {
    assay_dtype storage;      /* ASSAY_NONE: as stored */
    assay_dtype multiply;     /* operands of products; ASSAY_NONE: as they are */
    assay_dtype intermediate; /* ASSAY_NONE: none */
    assay_dtype output;
    assay_dtype angle;
    assay_dtype work; /* f32 or f64: elementwise arithmetic and per-latent vectors */
    double u_multiply, u_intermediate, u_output, u_angle;
    double u_work;     /* of one elementwise operation */
    double u_step;     /* of one operation whose result is kept as an intermediate */
    double u_sum;      /* of one step of the accumulator */
    double u_function; /* relative error of a library function */
    bool linear;       /* the accumulator truncates or is narrow: its errors add up, not average */
    bool truncates;    /* beyond its range it may stay at its greatest number */
    bool wide;         /* products do not fit the accumulator: twice the operand's bits are more */
    bool product;      /* and they are themselves rounded, a step each */
    bool sequential;   /* the order of sums is k = 0, 1, 2, ... */
    bool quick;        /* error models try fewer orders of a sum (sums.h) */
    bool certain;      /* worst cases only: everything goes into bounds, sigmas are 0 */
    bool flush_in;
    int32_t bits;      /* of the accumulator's significand */
    int32_t block;     /* products summed exactly before one rounding */
    int32_t quant_bits, quant_group;
    int32_t operand_scale; /* assay_operand_scale */
    double word_limit;     /* with it: the greatest word of the multiply type */
    double operand_normal; /* least normal operand of a product: what is smaller may be flushed */
    double product_floor; /* absolute error of a step that underflows, or of one flushed */
    double intermediate_floor;
    double output_floor;
    double multiply_floor; /* absolute error of an operand that underflows */
    double output_limit; /* from this magnitude on, the output type may round to infinity */
    double intermediate_limit;
    double work_limit;
    bool saturates; /* the multiply type has no place for infinities */
} ref_rounding;

/* ASSAY_UNSUPPORTED when the contract keeps integers, or multiplies some whose scales it does not
 * state. */
assay_status ref_rounding_of(const assay_precision *contract, ref_rounding *rounding,
                             assay_error *error);

/* The same for sums whose terms are no products of operands, but numbers of so many significand
 * bits: one that the accumulator has no room for is rounded as a product would be. */
ref_rounding ref_rounding_of_terms(const ref_rounding *rounding, int bits);

/* Whether the accumulator rounds what elementwise arithmetic makes: a bias, an exponential. */
bool ref_is_narrow(const ref_rounding *rounding);

/* *wanted tells whether a model is to be filled: when both are given. A model without a contract is
 * an error; a model without sigma asks for certain bounds. rounding is the contract's in any case:
 * the truth is of the operands it promises. Without a contract it is all zeros: nothing rounds. */
assay_status ref_model_wanted(const assay_precision *contract, const assay_error_model *model,
                              ref_rounding *rounding, bool *wanted, assay_error *error);

/* value rounded once to type; integers and ASSAY_NONE leave it alone. */
double ref_round(assay_dtype type, double value);

/* |ref_round(type, value) - value|: exact, since the two are within a factor of two. */
double ref_round_error(assay_dtype type, double value);

/* Half a unit in the last place of the type, for results of at most that magnitude: the error of
 * rounding one to nearest. 0 for integers and ASSAY_NONE. */
double ref_half_ulp(assay_dtype type, double magnitude);

/* |x| where an elementwise product may flush x to zero, else 0. */
double ref_flushed(const ref_rounding *rounding, double x);

/* Whether every value of `from` is a value of `to`. */
bool ref_fits(assay_dtype from, assay_dtype to);

/* The operand that the contract promises to multiply, which the truth multiplies too: rounded to
 * the multiply type, a weight to the storage type first; of a quantised weight q * scale. */
double ref_operand(const ref_rounding *rounding, bool weight, double value);
/* Whether values of that type can change on the way there. */
bool ref_operand_changes(const ref_rounding *rounding, bool weight, assay_dtype from);

/* ref_operand of count values of that type, in place. Where rows have scales they are one row. */
void ref_operands(const ref_rounding *rounding, bool weight, assay_dtype from, int64_t count,
                  double *value);

/* Whether such operands are words with a scale for each row; ref_operand and ref_operand_doubt know
 * of single values, and nothing of those. */
bool ref_scales_rows(const ref_rounding *rounding, bool weight);
/* ref_operands of such a row. doubt (NULL: not wanted): what each operand may differ by. */
void ref_scaled_row(const ref_rounding *rounding, bool weight, int64_t count, double *value,
                    double *doubt);
/* ref_operands, and in doubt what each operand may differ by: 0 where no row has a scale. */
void ref_operands_in_doubt(const ref_rounding *rounding, bool weight, assay_dtype from,
                           int64_t count, double *value, double *doubt);
/* What is wrong with a contract's scales; and, ASSAY_UNSUPPORTED, an op whose products have
 * none. */
assay_status ref_scales_check(const assay_precision *contract, assay_error *error);
assay_status ref_scales_refuse(const char *op, const ref_rounding *rounding, assay_error *error);

/* What a kernel may multiply in a promised operand's place: a quantised weight rounded to the
 * multiply type; zero for a subnormal where the contract flushes. */
double ref_operand_else(const ref_rounding *rounding, bool weight, double operand);
/* Whether that is anything else. */
bool ref_operand_varies(const ref_rounding *rounding, bool weight);

/* Whether flushing makes a NaN of the infinite product of two promised operands: 0 * Inf. */
bool ref_product_may_vanish(const ref_rounding *rounding, double a, double b);

/* What an operand of a product may differ by from the oracle's when the value that is rounded to
 * the multiply type is off by up to `off`: 0 unless a boundary between two of the type's values
 * lies within, else their distance; all of it where it may be flushed. */
double ref_operand_doubt(const ref_rounding *rounding, double value, double off);

/* Unit of rounding to one type and then to another: rounding twice to the same type, or to a wider
 * one, costs nothing. */
double ref_then(double first, double second);

/* Whether a number of up to that magnitude may be infinite once it is kept as an intermediate. */
bool ref_kept_leaves(const ref_rounding *rounding, double magnitude);

/* A difference of two oracle values as a bound: what overflowed or became NaN bounds nothing. */
double ref_difference(double rounded, double exact);

/* Writes the model of element (row, column) whose exact value is y, output rounding added:
 * half an ulp of the output type at |y| + bound + lambda sigma, and half of its least subnormal
 * (the least normal when flushing). A y that is not finite is judged by its kind, so both become 0;
 * a y that the output type may round to infinity has no bound. */
void ref_model_put(const assay_error_model *model, const ref_rounding *rounding, int64_t row,
                   int64_t column, double y, double bound, double sigma);
/* The same where every partial result lies between 0 and y, so that a y beyond the output type is
 * infinite in any order: its budget stays finite, and the comparators want the infinity. */
void ref_model_put_growing(const assay_error_model *model, const ref_rounding *rounding,
                           int64_t row, int64_t column, double y, double bound, double sigma);
/* The same as the first without output rounding. */
void ref_model_put_raw(const assay_error_model *model, int64_t row, int64_t column, double y,
                       double bound, double sigma);
/* An element whose exact value is infinite and that a right kernel may make NaN: the bound is NaN,
 * for which the comparators take an infinity of y's sign or a NaN. */
void ref_model_nan_too(const assay_error_model *model, int64_t row, int64_t column);
/* Leaves an element unjudged: its bound is infinite, and the comparators take any value for it. */
void ref_model_open(const assay_error_model *model, int64_t row, int64_t column);

#endif
