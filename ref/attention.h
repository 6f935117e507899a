/* What attention.c (the value) hands to attention_error.c (its error model): one query head of one
 * row over its visible keys. */
#ifndef REF_ATTENTION_H
#define REF_ATTENTION_H

#include "ref/operands.h"
#include "ref/sums.h"

typedef struct ref_attention_job {
    const assay_attention_params *params;
    const assay_attention_io *io;
    const assay_error_model *model; /* NULL: not wanted */
    ref_plan plan;
    ref_rounding rounding;
    int64_t longest; /* most visible keys of a row; set by ref_attention_rows */
} ref_attention_job;

/* All wanted rows, once the caches hold what they will see. */
assay_status ref_attention_rows(ref_attention_job *job, assay_error *error);

typedef struct ref_head {
    int64_t visible;  /* keys 0 .. visible-1 */
    int64_t head_dim;
    const double *q;  /* [head_dim] */
    const double *k;  /* [visible, head_dim], rows k_stride apart */
    const double *v;  /* [visible, head_dim], rows v_stride apart */
    int64_t k_stride, v_stride;
    /* with a model, subnormals flushed: */
    const double *k_flushed;   /* [visible, head_dim] */
    const ref_wide *v_flushed; /* [head_dim / REF_WIDE, visible]: what a pass over keys reads is */
    int64_t v_flushed_stride;  /* together; rows are so many apart */
    double *score;    /* [visible], scaled; raw at first */
    double *weight;   /* [visible], softmax of score */
    double maximum;   /* the greatest score */
    double total;     /* sum of exp(score - maximum) */
} ref_head;

/* Query heads, of one row or several, that read the same keys and values: worked on at once. */
enum { REF_HEADS = 3 };

/* Raw scores to their softmax, and the outputs y [heads, head_dim]: y_i = sum_t weight_t v_t[i],
 * over t in order. heads: up to REF_HEADS, of the same v. */
void ref_heads_weigh(ref_head *head, int64_t heads, double *y);

/* What does not depend on the output element. */
typedef struct ref_head_error {
    double *moved;  /* [visible] softmax of the scores with q and k flushed */
    double *spread; /* [visible] standard deviation of e^(each score's error) */
    double *worst;  /* [visible] its worst case */
    double drift;   /* how much less than 1 those moved weights may sum to, as a factor */
    bool open;      /* a score may overflow: nothing can be said */
    double total_bound, total_sigma; /* relative error of the softmax's sum */
} ref_head_error;

/* Room for both functions below, for up to `longest` keys. */
typedef struct ref_head_scratch {
    ref_wide *wide;  /* [max(longest, 2 head_dim)] */
    double *terms;   /* [max(longest, head_dim)] */
    double *flushed; /* [head_dim] */
} ref_head_scratch;

void ref_head_scores_error(const ref_head *head, const ref_rounding *rounding,
                           const ref_head_scratch *scratch, ref_head_error *error);

typedef struct ref_head_budget {
    double bound[REF_WIDE]; /* without the output's rounding */
    double sigma[REF_WIDE];
    bool open[REF_WIDE]; /* nothing can be said of it */
    bool nan_too[REF_WIDE]; /* infinite, or NaN */
} ref_head_budget;

/* The budgets of elements first .. first+3, whose exact values are y; those from head_dim on are
 * not looked at. */
void ref_head_elements_error(const ref_head *head, const ref_rounding *rounding,
                             const ref_head_error *error, int64_t first, const double y[REF_WIDE],
                             const ref_head_scratch *scratch, ref_head_budget *budget);

#endif
