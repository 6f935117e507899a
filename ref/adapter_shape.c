/* Which parts an adapter of each type has, its shape checks and its costs. */
#include "ref/adapter.h"
#include "ref/operands.h"

bool ref_adapter_has_scale(assay_adapter_type type)
{
    return type == ASSAY_ADAPTER_SCALE_ONLY || type == ASSAY_ADAPTER_SCALAR_AFFINE ||
           type == ASSAY_ADAPTER_SCALAR_AFFINE_PLUS_LOW_RANK;
}

bool ref_adapter_has_low_rank(assay_adapter_type type)
{
    return type == ASSAY_ADAPTER_LOW_RANK_ONLY || type == ASSAY_ADAPTER_SCALAR_AFFINE_PLUS_LOW_RANK;
}

bool ref_adapter_has_bias(assay_adapter_type type)
{
    return type != ASSAY_ADAPTER_IDENTITY && type != ASSAY_ADAPTER_SCALE_ONLY;
}

assay_status ref_adapter_expect(const assay_adapter_params *params, const assay_adapter_io *io,
                                 assay_error *error)
{
    assay_status status = ref_expect_matrix("adapter", "x", &io->x, REF_REAL, REF_ANY, REF_ANY,
                                            error);
    const int64_t d = status == ASSAY_OK ? io->x.shape[1] : 0;
    if (status == ASSAY_OK) {
        status = ref_expect_optional("adapter", "mean", &params->mean, d, error);
    }
    if (status == ASSAY_OK && ref_adapter_has_scale(params->type)) {
        status = ref_expect_vector("adapter", "log_scale", &params->log_scale, REF_REAL, 1, error);
    }
    if (status == ASSAY_OK && ref_adapter_has_bias(params->type)) {
        status = ref_expect_vector("adapter", "bias", &params->bias, REF_REAL, d, error);
    }
    if (status == ASSAY_OK && ref_adapter_has_low_rank(params->type)) {
        status = ref_expect_matrix("adapter", "u", &params->u, REF_REAL, d, REF_ANY, error);
    }
    if (status == ASSAY_OK && ref_adapter_has_low_rank(params->type)) {
        status = ref_expect_matrix("adapter", "v", &params->v, REF_REAL, d, params->u.shape[1],
                                   error);
    }
    if (status == ASSAY_OK && params->type == ASSAY_ADAPTER_FULL_RANK) {
        status = ref_expect_matrix("adapter", "weight", &params->weight, REF_REAL, d, d, error);
    }
    return status;
}

assay_status assay_ref_adapter_check(const assay_adapter_params *params, const assay_adapter_io *io,
                                     assay_error *error)
{
    const assay_status status = ref_adapter_expect(params, io, error);
    return status != ASSAY_OK ? status
                              : ref_expect_matrix("adapter", "y", &io->y, REF_REAL,
                                                  io->x.shape[0], io->x.shape[1], error);
}

assay_cost assay_ref_adapter_cost(const assay_adapter_params *params, const assay_adapter_io *io)
{
    const double rows = (double)io->x.shape[0];
    double read = ref_bytes(&io->x) + ref_bytes(&params->mean);
    double flops = (params->normalize_input ? 3.0 : 0.0) * (double)assay_count(&io->x);
    const assay_tensor *used[] = {
        ref_adapter_has_scale(params->type) ? &params->log_scale : NULL,
        ref_adapter_has_bias(params->type) ? &params->bias : NULL,
        ref_adapter_has_low_rank(params->type) ? &params->u : NULL,
        ref_adapter_has_low_rank(params->type) ? &params->v : NULL,
        params->type == ASSAY_ADAPTER_FULL_RANK ? &params->weight : NULL,
    };
    for (size_t i = 0; i < sizeof used / sizeof used[0]; i++) {
        read += used[i] != NULL ? ref_bytes(used[i]) : 0.0;
        flops += used[i] != NULL && i >= 2 ? 2.0 * rows * (double)assay_count(used[i]) : 0.0;
    }
    flops += (ref_adapter_has_scale(params->type) ? 1.0 : 0.0) * (double)assay_count(&io->x);
    flops += (ref_adapter_has_bias(params->type) ? 1.0 : 0.0) * (double)assay_count(&io->x);
    const assay_cost cost = {flops, read, ref_bytes(&io->y), io->x.shape[1]};
    return cost;
}
