/* What attention.c (the value) hands to attention_error.c (its error model): one query head of one
 * row over its visible keys. */
#ifndef REF_ATTENTION_H
#define REF_ATTENTION_H

#include "ref/sums.h"

typedef struct ref_head {
    int64_t visible;  /* keys 0 .. visible-1 */
    int64_t head_dim;
    const double *q;  /* [head_dim] */
    const double *k;  /* [visible, head_dim] */
    const double *v;  /* [visible, head_dim] */
    double *score;    /* [visible], scaled */
    double *weight;   /* [visible], softmax of score */
    double maximum;   /* the greatest score */
    double total;     /* sum of exp(score - maximum) */
} ref_head;

/* What does not depend on the output element. */
typedef struct ref_head_error {
    double *moved;  /* [visible] softmax of the scores with q and k as they are multiplied */
    double *spread; /* [visible] standard deviation of e^(each score's error) */
    double *worst;  /* [visible] its worst case */
    double drift;   /* how much less than 1 those moved weights may sum to, as a factor */
    bool open;      /* a score may overflow the intermediate type: nothing can be said */
    double total_bound, total_sigma; /* relative error of the softmax's sum */
} ref_head_error;

/* terms: scratch of max(visible, head_dim) + 1; rounded: scratch of 2 head_dim. */
void ref_head_scores_error(const ref_head *head, const ref_rounding *rounding, double *terms,
                           double *rounded, ref_head_error *error);
/* Bound (without the output's rounding) and sigma of element i, whose exact value is y. */
void ref_head_element_error(const ref_head *head, const ref_rounding *rounding,
                            const ref_head_error *error, int64_t i, double y, double *terms,
                            double *bound, double *sigma);

#endif
