/* A draw of a generation, judged by its margin (METHOD A.3): on logits that are known to within a
 * budget, the token must be the one that sample.h draws, for the fixed number, from some logits
 * within it. */
#ifndef VERIFY_DRAW_H
#define VERIFY_DRAW_H

#include "assay/precision.h"
#include "assay/sample.h"
#include "verify/buffer.h"

typedef enum assay_drawn {
    ASSAY_DRAWN_WRONG, /* no logits within the budget give the token */
    ASSAY_DRAWN_OPEN,  /* some do, others give another one */
    ASSAY_DRAWN_RIGHT  /* all do */
} assay_drawn;

/* What one row of logits leaves open. Tokens stand in descending order of their logits; those that
 * surely pass top_k and top_p are the first `certain` of them, those that may the first
 * `possible`. */
typedef struct assay_draw {
    int64_t vocab;
    double uniform, slack; /* slack: what the sampler's own arithmetic may move a sum by */
    double spread;         /* e^(budget / T), the factor that a weight is known to within; or Inf */
    int64_t certain, possible;
    int64_t *rank;   /* [vocab] of a token in that order */
    double *weight;  /* [vocab] e^((l - greatest) / T), by token */
    double *sum;     /* [vocab + 1] of the weights of the first so many in that order */
} assay_draw;

/* logits [vocab] are known to within `budget` each, beside the rounding of a sampler of that
 * contract. uniform: the number that is drawn with. params->temperature is above 0. */
assay_status assay_draw_make(const assay_sample_params *params, const assay_precision *contract,
                             const double *logits, double budget, int64_t vocab, double uniform,
                             assay_arena *arena, assay_draw *draw, assay_error *error);
assay_drawn assay_draw_judge(const assay_draw *draw, int64_t token);

#endif
