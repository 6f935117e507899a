#include "ref/feature.h"

#include <math.h>
#include <stdlib.h>

typedef struct feature_job {
    const assay_sae *sae;
    const assay_tensor *x;
    int64_t row;
    const assay_precision *contract; /* may be NULL */
    bool wanted, certain;            /* the error; worst cases only */
} feature_job;

/* Pre-activation and score of one latent, as value, with their errors when wanted. */
static assay_status encode_one(const feature_job *job, int64_t j, ref_feature *pre,
                               ref_feature *score, assay_error *error)
{
    const assay_subset subset = {&job->row, 1, &j, 1};
    const assay_tensor pre_view = assay_matrix(&pre->value, ASSAY_F64, 1, 1);
    const assay_tensor score_view = assay_matrix(&score->value, ASSAY_F64, 1, 1);
    assay_error_model pre_model = {.bound = assay_matrix(&pre->bound, ASSAY_F64, 1, 1)};
    assay_error_model score_model = {.bound = assay_matrix(&score->bound, ASSAY_F64, 1, 1)};
    if (!job->certain) {
        pre_model.sigma = assay_matrix(&pre->sigma, ASSAY_F64, 1, 1);
        score_model.sigma = assay_matrix(&score->sigma, ASSAY_F64, 1, 1);
    }
    return assay_ref_sae_preactivations(job->sae, job->x, &subset, job->contract, &pre_view,
                                        &score_view, job->wanted ? &pre_model : NULL,
                                        job->wanted ? &score_model : NULL, error);
}

static double reach(const ref_feature *f)
{
    return f->bound + REF_LAMBDA * f->sigma;
}

/* Whether a right kernel may choose otherwise: some latent on the other side of the cut may stand
 * where latent j does. */
typedef struct ranking {
    bool active, undecided;
} ranking;

/* One row of pre-activations and scores, their bounds and sigmas: six stretches of d_sae. */
static assay_status rank_in(const feature_job *job, int64_t j, double *memory, uint8_t *active,
                            ranking *rank, assay_error *error)
{
    const int64_t count = job->sae->d_sae;
    const assay_subset subset = {&job->row, 1, NULL, 0};
    assay_tensor part[6];
    for (int64_t i = 0; i < 6; i++) {
        part[i] = assay_matrix(memory + i * count, ASSAY_F64, 1, count);
    }
    assay_error_model pre_model = {.bound = part[2]};
    assay_error_model score_model = {.bound = part[3]};
    if (!job->certain) {
        pre_model.sigma = part[4];
        score_model.sigma = part[5];
    }
    const double *score = memory + count;
    const double *bound = memory + 3 * count;
    const double *sigma = memory + 5 * count; /* zeros where certain bounds are wanted */
    const assay_status status = assay_ref_sae_preactivations(
        job->sae, job->x, &subset, job->contract, &part[0], &part[1],
        job->wanted ? &pre_model : NULL, job->wanted ? &score_model : NULL, error);
    if (status != ASSAY_OK) {
        return status;
    }
    assay_ref_sae_select(job->sae, memory, score, active);
    rank->active = active[j] != 0;
    const double own = bound[j] + REF_LAMBDA * sigma[j];
    for (int64_t i = 0; job->wanted && i < count; i++) {
        const double other = bound[i] + REF_LAMBDA * sigma[i];
        const double gap = active[j] != 0 ? score[j] - score[i] : score[i] - score[j];
        rank->undecided = rank->undecided || (active[i] != active[j] && !(gap > own + other));
    }
    return status;
}

static assay_status rank_latent(const feature_job *job, int64_t j, ranking *rank,
                                assay_error *error)
{
    double *memory = calloc((size_t)job->sae->d_sae * 6 + 1, sizeof *memory);
    uint8_t *active = malloc((size_t)job->sae->d_sae + 1);
    const assay_status status = memory != NULL && active != NULL
        ? rank_in(job, j, memory, active, rank, error)
        : assay_fail(error, ASSAY_NO_MEMORY, "sae_steer: no memory for %lld latents",
                     (long long)job->sae->d_sae);
    free(memory);
    free(active);
    return status;
}

assay_status ref_feature_encode(const assay_sae *sae, const assay_tensor *x, int64_t row, int64_t j,
                                const assay_precision *contract, const assay_error_model *model,
                                ref_feature *feature, assay_error *error)
{
    const bool certain = model != NULL && !assay_present(&model->sigma);
    const feature_job job = {sae, x, row, contract, model != NULL, certain};
    ref_feature score = {0};
    ranking rank = {false, false};
    memset(feature, 0, sizeof *feature);
    assay_status status = encode_one(&job, j, feature, &score, error);
    if (status != ASSAY_OK) {
        return status;
    }
    const double own = reach(feature);
    if (sae->activation == ASSAY_TOPK) {
        status = rank_latent(&job, j, &rank, error);
        /* chosen or not, what is not positive is not listed */
        rank.undecided = fabs(feature->value) <= own || (rank.undecided && feature->value > 0.0);
    } else {
        const bool jumps = sae->activation == ASSAY_JUMPRELU;
        const double threshold = jumps ? assay_at1(&sae->threshold, j) : 0.0;
        rank.active = ref_latent_active(sae, j, feature->value, score.value);
        rank.undecided = fabs(score.value - threshold) <= reach(&score);
    }
    if (rank.undecided) {
        feature->bound += fabs(feature->value);
    } else if (!rank.active) {
        feature->bound = 0.0;
        feature->sigma = 0.0;
    }
    feature->value = rank.active ? feature->value : 0.0;
    return status;
}
