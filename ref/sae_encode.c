/* sae_encode: the active set and its values, by the rule of sae.h.
 *   relu      score > 0
 *   jumprelu  score > threshold, strictly; a threshold of +Inf never fires, NaN or not
 *   topk      the k greatest scores (ties: lowest index first, NaN above all numbers), then pre > 0
 * A NaN pre is active with value NaN. The value is pre itself, never pre - threshold.
 * Pre-activations and their error model: sae_preactivations.c. Source: assay/sae.h. */
#include "ref/autoencoder.h"

#include <math.h>
#include <stdlib.h>

/* A key that sorts as scores do: monotone in the number, both zeros equal, every NaN on top. */
static uint64_t rank_key(double score)
{
    if (isnan(score)) {
        return UINT64_MAX;
    }
    const double value = score == 0.0 ? 0.0 : score;
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint64_t sign = (uint64_t)1 << 63;
    return (bits & sign) != 0 ? ~bits : bits | sign;
}

static int64_t count_from(const double *score, int64_t count, uint64_t least)
{
    int64_t found = 0;
    for (int64_t j = 0; j < count; j++) {
        found += rank_key(score[j]) >= least ? 1 : 0;
    }
    return found;
}

/* The k-th greatest key by bisection over the 64 bits: no memory, and no order to get wrong. */
static uint64_t kth_key(const double *score, int64_t count, int64_t k)
{
    uint64_t key = 0;
    for (int bit = 63; bit >= 0; bit--) {
        const uint64_t higher = key | (uint64_t)1 << bit;
        if (count_from(score, count, higher) >= k) {
            key = higher;
        }
    }
    return key;
}

static void select_topk(const assay_sae *sae, const double *pre, const double *score,
                        uint8_t *active)
{
    const int64_t k = sae->k < sae->d_sae ? sae->k : sae->d_sae;
    const uint64_t least = kth_key(score, sae->d_sae, k);
    int64_t equals = k - (least < UINT64_MAX ? count_from(score, sae->d_sae, least + 1) : 0);
    for (int64_t j = 0; j < sae->d_sae; j++) {
        const uint64_t key = rank_key(score[j]);
        bool chosen = key > least;
        if (key == least && equals > 0) {
            chosen = true;
            equals--;
        }
        active[j] = chosen && (isnan(pre[j]) || pre[j] > 0.0) ? 1 : 0;
    }
}

void assay_ref_sae_select(const assay_sae *sae, const double *pre, const double *score,
                          uint8_t *active)
{
    if (sae->activation == ASSAY_TOPK) {
        select_topk(sae, pre, score, active);
        return;
    }
    for (int64_t j = 0; j < sae->d_sae; j++) {
        active[j] = ref_latent_active(sae, j, pre[j], score[j]) ? 1 : 0;
    }
}

static assay_status check_inputs(const assay_sae_encode_params *params,
                                 const assay_sae_encode_io *io, assay_error *error)
{
    const assay_status status = ref_expect_encoder("sae_encode", &params->sae, error);
    return status != ASSAY_OK ? status
                              : ref_expect_matrix("sae_encode", "x", &io->x, REF_REAL, REF_ANY,
                                                  params->sae.d_in, error);
}

assay_status assay_ref_sae_encode_check(const assay_sae_encode_params *params,
                                        const assay_sae_encode_io *io, assay_error *error)
{
    const bool sparse = assay_present(&io->codes.row_offsets);
    assay_status status = check_inputs(params, io, error);
    if (status == ASSAY_OK && !sparse && !assay_present(&io->dense)) {
        status = assay_fail(error, ASSAY_BAD_ARGUMENT,
                            "sae_encode: neither codes nor dense is given; give one of them");
    }
    if (status == ASSAY_OK && sparse) {
        status = ref_expect_vector("sae_encode", "row_offsets", &io->codes.row_offsets,
                                   REF_INTEGER, io->x.shape[0] + 1, error);
    }
    if (status == ASSAY_OK && sparse) {
        status = ref_expect_vector("sae_encode", "latent", &io->codes.latent, REF_INTEGER, REF_ANY,
                                   error);
    }
    if (status == ASSAY_OK && sparse) {
        status = ref_expect_vector("sae_encode", "value", &io->codes.value, REF_REAL,
                                   io->codes.latent.shape[0], error);
    }
    if (status == ASSAY_OK && assay_present(&io->dense)) {
        status = ref_expect_matrix("sae_encode", "dense", &io->dense, REF_REAL, io->x.shape[0],
                                   params->sae.d_sae, error);
    }
    return status;
}

assay_cost assay_ref_sae_encode_cost(const assay_sae_encode_params *params,
                                     const assay_sae_encode_io *io)
{
    const assay_sae *sae = &params->sae;
    const assay_cost cost = {
        2.0 * (double)io->x.shape[0] * (double)assay_count(&sae->encoder),
        ref_bytes(&io->x) + ref_bytes(&sae->encoder) + ref_bytes(&sae->pre_bias) +
            ref_bytes(&sae->encode_scale) + ref_bytes(&sae->encode_bias) + ref_bytes(&sae->gate) +
            ref_bytes(&sae->threshold),
        ref_bytes(&io->codes.row_offsets) + ref_bytes(&io->codes.latent) +
            ref_bytes(&io->codes.value) + ref_bytes(&io->dense),
        sae->d_in};
    return cost;
}

/* Appends one row's entries, as far as the capacity goes; returns the true count so far. */
static int64_t write_row(const assay_sae *sae, const assay_sae_encode_io *io, int64_t row,
                         int64_t count, const double *pre, const uint8_t *active)
{
    const bool sparse = assay_present(&io->codes.row_offsets);
    const int64_t capacity = sparse ? io->codes.latent.shape[0] : 0;
    for (int64_t j = 0; j < sae->d_sae; j++) {
        if (assay_present(&io->dense)) {
            assay_put2(&io->dense, row, j, active[j] ? pre[j] : 0.0);
        }
        if (active[j] && count < capacity) {
            assay_put1(&io->codes.latent, count, (double)j);
            assay_put1(&io->codes.value, count, pre[j]);
        }
        count += active[j] ? 1 : 0;
    }
    if (sparse) {
        assay_put1(&io->codes.row_offsets, row + 1, (double)count);
    }
    return count;
}

/* Rows that share one pass over the encoder, whose rows are widened once a pass. */
enum { ROWS_AT_ONCE = 32 };

/* Encodes `rows` rows from `first` on. buffers: pre and score, ROWS_AT_ONCE rows each. */
static assay_status encode_rows(const assay_sae *sae, const assay_sae_encode_io *io, int64_t first,
                                int64_t rows, double *buffers, uint8_t *active, int64_t *count,
                                assay_error *error)
{
    int64_t row[ROWS_AT_ONCE];
    for (int64_t i = 0; i < rows; i++) {
        row[i] = first + i;
    }
    const assay_subset subset = {row, rows, NULL, 0};
    double *score = buffers + ROWS_AT_ONCE * sae->d_sae;
    const assay_tensor pre_view = assay_matrix(buffers, ASSAY_F64, rows, sae->d_sae);
    const assay_tensor score_view = assay_matrix(score, ASSAY_F64, rows, sae->d_sae);
    const assay_status status = assay_ref_sae_preactivations(sae, &io->x, &subset, NULL, &pre_view,
                                                             &score_view, NULL, NULL, error);
    for (int64_t i = 0; status == ASSAY_OK && i < rows; i++) {
        const double *pre = buffers + i * sae->d_sae;
        assay_ref_sae_select(sae, pre, score + i * sae->d_sae, active);
        *count = write_row(sae, io, first + i, *count, pre, active);
    }
    return status;
}

assay_status ref_sae_encode(const assay_sae_encode_params *params, const assay_sae_encode_io *io,
                            assay_error *error)
{
    const assay_sae *sae = &params->sae;
    assay_status status = assay_ref_sae_encode_check(params, io, error);
    if (status != ASSAY_OK) {
        return status;
    }
    double *buffers = ref_alloc(2 * ROWS_AT_ONCE * sae->d_sae, error);
    uint8_t *active = malloc((size_t)sae->d_sae + 1);
    if (buffers == NULL || active == NULL) {
        status = assay_fail(error, ASSAY_NO_MEMORY, "sae_encode: no memory for %lld latents",
                            (long long)sae->d_sae);
    } else if (assay_present(&io->codes.row_offsets)) {
        assay_put1(&io->codes.row_offsets, 0, 0.0);
    }
    int64_t count = 0;
    const int64_t all = io->x.shape[0];
    for (int64_t first = 0; status == ASSAY_OK && first < all; first += ROWS_AT_ONCE) {
        const int64_t rows = all - first < ROWS_AT_ONCE ? all - first : ROWS_AT_ONCE;
        status = encode_rows(sae, io, first, rows, buffers, active, &count, error);
    }
    free(buffers);
    free(active);
    return status;
}
