/* Target-latent encoding: some latents of a sparse autoencoder as one of their own, so that every
 * implementation of sae_encode encodes them without touching the others.
 *
 *     void *memory = malloc(assay_sae_chosen_bytes(&sae, count));
 *     assay_sae_choose(&sae, latent, count, memory, &chosen, &error);   once
 *     ... sae_encode with params.sae = chosen: codes and dense [N, count] ...
 *     assay_codes_renumber(latent, &codes);                             latent i becomes latent[i]
 *
 * The values are those of the whole SAE, for relu and jumprelu also the active set, cut to the
 * chosen latents; topk takes the best min(k, count) of the chosen ones, since whether a latent is
 * among the best of all cannot be known without the others. */
#ifndef ASSAY_CHOOSE_H
#define ASSAY_CHOOSE_H

#include <string.h>

#include "assay/csr.h"
#include "assay/sae.h"
#include "assay/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { ASSAY_CHOSEN_VECTORS = 5 }; /* an SAE's per-latent vectors */

/* Bytes of the memory that assay_sae_choose wants for `count` latents; 0 where the SAE has fewer,
 * or count is not positive. */
static inline uint64_t assay_sae_chosen_bytes(const assay_sae *sae, int64_t count)
{
    if (count < 1 || count > sae->d_sae) {
        return 0;
    }
    const uint64_t row = (uint64_t)sae->d_in * assay_dtype_size(sae->encoder.dtype);
    return (uint64_t)count * (ASSAY_CHOSEN_VECTORS * sizeof(double) + row);
}

/* Elements `latent` of a per-latent vector, at *to, which moves on. */
static inline assay_tensor assay_chosen_vector(const assay_tensor *whole, const int64_t *latent,
                                               int64_t count, double **to)
{
    const assay_tensor chosen = assay_vector(*to, ASSAY_F64, count);
    if (!assay_present(whole)) {
        return *whole;
    }
    for (int64_t i = 0; i < count; i++) {
        (*to)[i] = assay_at1(whole, latent[i]);
    }
    *to += count;
    return chosen;
}

/* latent [count]: ascending, each from 0 to d_sae - 1. memory: assay_sae_chosen_bytes, aligned to
 * 8; it holds what `chosen` names, but for pre_bias and decode_bias, which stay those of `sae`. The
 * chosen SAE has no decoder: it is for sae_encode. The encoder must lie on the host. */
static inline assay_status assay_sae_choose(const assay_sae *sae, const int64_t *latent,
                                            int64_t count, void *memory, assay_sae *chosen,
                                            assay_error *error)
{
    if (!assay_present(&sae->encoder) || sae->encoder.space != ASSAY_HOST) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "to choose latents takes an encoder on the host");
    }
    if (count < 1 || count > sae->d_sae) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "%lld latents to choose: expected 1 to %lld, which the SAE has",
                          (long long)count, (long long)sae->d_sae);
    }
    for (int64_t i = 0; i < count; i++) {
        const int64_t least = i == 0 ? 0 : latent[i - 1] + 1;
        if (latent[i] < least || latent[i] >= sae->d_sae) {
            return assay_fail(error, ASSAY_BAD_ARGUMENT,
                              "latent %lld to choose (of %lld) is %lld: expected ascending numbers "
                              "below %lld",
                              (long long)i, (long long)count, (long long)latent[i],
                              (long long)sae->d_sae);
        }
    }
    double *to = (double *)memory;
    *chosen = *sae;
    chosen->d_sae = count;
    chosen->k = sae->k < count ? sae->k : count;
    chosen->encode_scale = assay_chosen_vector(&sae->encode_scale, latent, count, &to);
    chosen->encode_bias = assay_chosen_vector(&sae->encode_bias, latent, count, &to);
    chosen->gate = assay_chosen_vector(&sae->gate, latent, count, &to);
    chosen->threshold = assay_chosen_vector(&sae->threshold, latent, count, &to);
    chosen->decode_scale = assay_chosen_vector(&sae->decode_scale, latent, count, &to);
    memset(&chosen->decoder, 0, sizeof chosen->decoder);
    chosen->encoder = assay_matrix(to, sae->encoder.dtype, count, sae->d_in);
    const size_t size = assay_dtype_size(sae->encoder.dtype);
    const char *const from = (const char *)sae->encoder.data;
    for (int64_t i = 0; i < count * sae->d_in; i++) {
        const int64_t at = latent[i / sae->d_in] * sae->encoder.stride[0] +
                           i % sae->d_in * sae->encoder.stride[1];
        memcpy((char *)to + (size_t)i * size, from + (size_t)at * size, size);
    }
    return ASSAY_OK;
}

/* The numbers that latents have in the whole SAE, in codes (on the host) of chosen ones. */
static inline void assay_codes_renumber(const int64_t *latent, const assay_csr *codes)
{
    const int64_t rows = codes->row_offsets.shape[0] - 1;
    const int64_t found = (int64_t)assay_at1(&codes->row_offsets, rows);
    const int64_t room = codes->latent.shape[0];
    for (int64_t i = 0; i < found && i < room; i++) {
        assay_put1(&codes->latent, i, (double)latent[(int64_t)assay_at1(&codes->latent, i)]);
    }
}

#ifdef __cplusplus
}
#endif
#endif
