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

/* The best latent left out, or the worst one chosen: what latent j would change places with. */
static int64_t rival(const assay_sae *sae, const double *score, const uint8_t *active, int64_t j)
{
    int64_t found = -1;
    for (int64_t i = 0; i < sae->d_sae; i++) {
        if (i == j || active[i] == active[j]) {
            continue;
        }
        const bool better = found < 0 || (active[j] ? score[i] > score[found]
                                                    : score[i] < score[found]);
        found = better ? i : found;
    }
    return found;
}

static double reach(const ref_feature *f)
{
    return f->bound + REF_LAMBDA * f->sigma;
}

/* How far the score is from changing sides, and by how much a kernel may move the cut. */
typedef struct ranking {
    bool active;
    double margin, cut_reach;
} ranking;

static assay_status rank_in(const feature_job *job, int64_t j, double *pre, uint8_t *active,
                            ranking *rank, assay_error *error)
{
    const int64_t count = job->sae->d_sae;
    double *score = pre + count;
    const assay_subset subset = {&job->row, 1, NULL, 0};
    const assay_tensor pre_view = assay_matrix(pre, ASSAY_F64, 1, count);
    const assay_tensor score_view = assay_matrix(score, ASSAY_F64, 1, count);
    assay_status status = assay_ref_sae_preactivations(job->sae, job->x, &subset, job->contract,
                                                       &pre_view, &score_view, NULL, NULL, error);
    if (status != ASSAY_OK) {
        return status;
    }
    assay_ref_sae_select(job->sae, pre, score, active);
    rank->active = active[j] != 0;
    const int64_t other = rival(job->sae, score, active, j);
    if (job->wanted && other >= 0) {
        ref_feature other_pre = {0};
        ref_feature other_score = {0};
        status = encode_one(job, other, &other_pre, &other_score, error);
        rank->margin = fabs(score[j] - other_score.value);
        rank->cut_reach = reach(&other_score);
    }
    return status;
}

static assay_status rank_latent(const feature_job *job, int64_t j, ranking *rank,
                                assay_error *error)
{
    double *pre = ref_alloc(2 * job->sae->d_sae, error);
    uint8_t *active = malloc((size_t)job->sae->d_sae + 1);
    const assay_status status = pre != NULL && active != NULL
        ? rank_in(job, j, pre, active, rank, error)
        : assay_fail(error, ASSAY_NO_MEMORY, "sae_steer: no memory for %lld latents",
                     (long long)job->sae->d_sae);
    free(pre);
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
    ranking rank = {false, (double)INFINITY, 0.0};
    memset(feature, 0, sizeof *feature);
    assay_status status = encode_one(&job, j, feature, &score, error);
    if (status != ASSAY_OK) {
        return status;
    }
    if (sae->activation == ASSAY_TOPK) {
        status = rank_latent(&job, j, &rank, error);
        rank.margin = fabs(feature->value) <= reach(feature) ? 0.0 : rank.margin;
    } else {
        const bool jumps = sae->activation == ASSAY_JUMPRELU;
        rank.active = ref_latent_active(sae, j, feature->value, score.value);
        rank.margin = fabs(score.value - (jumps ? assay_at1(&sae->threshold, j) : 0.0));
    }
    if (rank.margin <= reach(&score) + rank.cut_reach) {
        feature->bound += fabs(feature->value);
    } else if (!rank.active) {
        feature->bound = 0.0;
        feature->sigma = 0.0;
    }
    feature->value = rank.active ? feature->value : 0.0;
    return status;
}
