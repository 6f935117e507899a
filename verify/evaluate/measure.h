/* What an implementation costs in meaning: measures of what was observed, each with its 95%
 * interval. The unit is the concept: texts about one are one cluster. */
#ifndef VERIFY_EVALUATE_MEASURE_H
#define VERIFY_EVALUATE_MEASURE_H

#include "verify/evaluate/observe.h"

/* label_accuracy       concepts whose best latent is given their label, of all concepts: those that
 *                      no latent stands for count as wrong
 * same_label           of the latents that stand for a concept, those that are given the label they
 *                      have in float64
 * end_to_end_accuracy  texts whose strongest latent, of those that stand for a concept, is given
 *                      the label of the concept at the text's position
 * same_latent          texts whose strongest latent is float64's
 * variance_explained   of float64's activations, by what is rebuilt from the latents found
 * l0                   active latents a token
 * nll_shift            nats a content token, above float64's
 * kl                   nats a content token, of the prediction from float64's */
#define ASSAY_MEASURES(X)                                                                          \
    X(label_accuracy) X(same_label) X(end_to_end_accuracy) X(same_latent) X(variance_explained)    \
    X(l0) X(nll_shift) X(kl)

typedef enum assay_measure_id {
#define ASSAY_MEASURE_ENUM(key) ASSAY_MEASURE_##key,
    ASSAY_MEASURES(ASSAY_MEASURE_ENUM)
#undef ASSAY_MEASURE_ENUM
    ASSAY_MEASURE_COUNT
} assay_measure_id;

const char *assay_measure_name(assay_measure_id measure);

typedef struct assay_measure {
    double value, low, high; /* NaN: what was observed is not finite */
    size_t n;                /* samples: concepts, latents, texts or tokens */
} assay_measure;

/* One implementation through one SAE and its adapter. */
typedef struct assay_evaluation {
    const char *impl, *backend, *sae, *adapter;
    assay_result result; /* PASS: all is measured. Else why not, and no measure */
    assay_measure measure[ASSAY_MEASURE_COUNT];
    bool missed; /* a gate of the world, by more than the interval; result.message says which */
} assay_evaluation;

/* Shares have Wilson's interval, for as many samples as clusters allow; the rest a bootstrap over
 * concepts that draws the same concepts for every implementation. evaluation holds its names; with
 * a result that does not PASS there is nothing to measure. */
assay_status assay_measure_pair(const assay_world *world, size_t pair,
                                const assay_observed *truth, const assay_observed *observed,
                                uint64_t seed, assay_evaluation *evaluation, assay_error *error);

/* Whether it speaks against the implementation: exit status 1. */
bool assay_evaluation_is_bad(const assay_evaluation *evaluation);

#endif
