#include "ref/autoencoder.h"

#include <math.h>

assay_status ref_expect_encoder(const char *op, const assay_sae *sae, assay_error *error)
{
    assay_status status = ref_expect_matrix(op, "encoder", &sae->encoder, REF_REAL, sae->d_sae,
                                            sae->d_in, error);
    const struct {
        const char *name;
        const assay_tensor *vector;
        int64_t size;
    } optional[] = {
        {"pre_bias", &sae->pre_bias, sae->d_in},
        {"encode_scale", &sae->encode_scale, sae->d_sae},
        {"encode_bias", &sae->encode_bias, sae->d_sae},
        {"gate", &sae->gate, sae->d_sae},
    };
    for (size_t i = 0; status == ASSAY_OK && i < sizeof optional / sizeof optional[0]; i++) {
        status = ref_expect_optional(op, optional[i].name, optional[i].vector, optional[i].size,
                                     error);
    }
    if (status == ASSAY_OK && sae->activation == ASSAY_JUMPRELU) {
        status = ref_expect_vector(op, "threshold", &sae->threshold, REF_REAL, sae->d_sae, error);
    }
    if (status == ASSAY_OK && sae->activation == ASSAY_TOPK && sae->k < 1) {
        status = assay_fail(error, ASSAY_BAD_ARGUMENT, "%s: topk with k = %lld, expected 1 or more",
                            op, (long long)sae->k);
    }
    return status;
}

assay_status ref_expect_decoder(const char *op, const assay_sae *sae, assay_error *error)
{
    assay_status status = ref_expect_matrix(op, "decoder", &sae->decoder, REF_REAL, sae->d_out,
                                            sae->d_sae, error);
    if (status == ASSAY_OK) {
        status = ref_expect_optional(op, "decode_scale", &sae->decode_scale, sae->d_sae, error);
    }
    if (status == ASSAY_OK) {
        status = ref_expect_optional(op, "decode_bias", &sae->decode_bias, sae->d_out, error);
    }
    return status;
}

double ref_latent_value(const assay_tensor *vector, int64_t j, double absent)
{
    return assay_present(vector) ? assay_at1(vector, j) : absent;
}

bool ref_latent_active(const assay_sae *sae, int64_t j, double pre, double score)
{
    if (sae->activation == ASSAY_RELU) {
        return isnan(pre) || score > 0.0;
    }
    const double threshold = assay_at1(&sae->threshold, j);
    return (isnan(pre) || score > threshold) && !(isinf(threshold) && threshold > 0.0);
}
