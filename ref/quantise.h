/* Quantised weights: the rule of precision.h, and what using them costs a kernel. */
#ifndef REF_QUANTISE_H
#define REF_QUANTISE_H

#include "ref/rounding.h"

bool ref_quantises(const assay_precision *contract);

/* Groups in a row of count weights; 1 when nothing is quantised. */
int64_t ref_quantised_groups(const assay_precision *contract, int64_t count);

/* count weights of a row, from element `at` of the data on, `stride` apart; as the contract has
 * them. contract may be NULL: as stored. */
void ref_quantised_load(const assay_precision *contract, const assay_tensor *weight, int64_t at,
                        int64_t stride, int64_t count, double *out);
/* The scales of such a row's groups. */
void ref_quantised_scales(const assay_precision *contract, const assay_tensor *weight, int64_t at,
                          int64_t stride, int64_t count, double *scale);
/* Element `column` of each of count rows, replaced by its dequantised value: scales holds `groups`
 * for each row. */
void ref_dequantise_column(const assay_precision *contract, const double *scales, int64_t groups,
                           int64_t column, double *weight, int64_t count);

/* What a dot product of value `dot` and norm sqrt(sum t^2) gains: q * scale rounded to the working
 * type for every weight (independent), or the scaled sum rounded once. */
void ref_quantised_error(const ref_rounding *rounding, double dot, double norm, int64_t count,
                         double *bound, double *sigma);

#endif
