/* What one implementation makes of a world: what it predicts, which latents it finds, how well it
 * rebuilds the activations, what it says. Kernels run in worker processes, as in `assay verify`. */
#ifndef VERIFY_EVALUATE_OBSERVE_H
#define VERIFY_EVALUATE_OBSERVE_H

#include "verify/buffer.h"
#include "verify/evaluate/world.h"
#include "verify/judged.h"

/* Through one SAE and its adapter. */
typedef struct assay_observed_pair {
    int64_t *strongest;  /* [texts]: at the text's position the latent of the greatest value; -1:
                            none is active */
    int64_t *registered; /* [texts]: the same among the latents that stand for a concept */
    double *error;       /* [texts]: squared distance of the reconstruction from the float64
                            activations, over the text's tokens other than BOS */
    double *active;      /* [texts]: active latents of those tokens */
    char **label;        /* [d_sae]: what is said of a latent; NULL: not asked */
} assay_observed_pair;

typedef struct assay_observed {
    assay_result result; /* PASS, or why there is nothing below */
    double *nll;         /* [content tokens]: of the token, given those before it */
    double *kl;          /* [content tokens]: of the prediction from float64's */
    double *residual;    /* [tokens, d_model] at the world's hook */
    assay_observed_pair *pair;
    double *log_p; /* [content tokens, vocabulary]; the reference alone keeps it */
} assay_observed;

/* How far it is, for a terminal; done of total. */
typedef void assay_observe_progress(void *context, const char *impl, const char *what, size_t done,
                                    size_t total);

typedef struct assay_observation {
    const assay_world *world;
    const assay_table *table; /* descriptors; functions may be NULL */
    assay_session *session;
    const assay_observed *truth; /* NULL: this is the reference itself */
    assay_observed *into;
    assay_observe_progress *progress; /* NULL: none */
    void *progress_context;
    assay_error *error;
    assay_judged judged; /* of session, into->result and error */
} assay_observation;

/* Observes everything; into is zeroed memory of the caller's. What a kernel did wrong is in
 * into->result, what is returned is the harness's own trouble. */
assay_status assay_observe(assay_observation *observation);
void assay_observed_free(const assay_world *world, assay_observed *observed);

/* Whether the reference ended well and says of every concept's best latent what the world's
 * figures, which PyTorch made in float64, say; an error names the first that differs. */
assay_status assay_truth_check(const assay_world *world, const assay_observed *truth,
                               assay_error *error);

/* Its parts. */
assay_status assay_observe_predictions(assay_observation *o);
assay_status assay_observe_residual(assay_observation *o);
assay_status assay_observe_codes(assay_observation *o, size_t pair);
assay_status assay_observe_labels(assay_observation *o, size_t pair);

/* Whether the kernels have done nothing wrong yet. */
bool assay_observation_stands(const assay_observation *o);
void assay_observation_tell(const assay_observation *o, const char *what, size_t done,
                            size_t total);

/* Texts first .. first + count - 1 as a padded batch. */
typedef struct assay_text_batch {
    size_t first, count;
    int64_t rows; /* tokens in all */
    assay_tensor tokens, lengths;
} assay_text_batch;

/* As many texts from `first` on as a batch takes whose rows need bytes_a_row each. */
assay_status assay_text_batch_make(const assay_world *world, size_t first, double bytes_a_row,
                                   assay_arena *arena, assay_text_batch *batch,
                                   assay_error *error);

#endif
