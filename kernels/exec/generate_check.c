/* What generate checks of its parameters and operands beyond the prompts. */
#include <limits.h>

#include "kernels/exec/check.h"
#include "kernels/exec/prefill.h"

static assay_status check_tokens_matrix(const char *name, const assay_tensor *tensor, int64_t batch,
                                        int64_t max_new, assay_error *error)
{
    const assay_status status = assay_check_matrix(name, tensor, ASSAY_I64, batch, max_new, error);
    if (status == ASSAY_OK && max_new > 1 && tensor->stride[1] != 1) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "%s: its rows must be dense", name);
    }
    return status;
}

static assay_status check_optional(const assay_generate_params *params, const assay_generate_io *io,
                                   int64_t batch, assay_error *error)
{
    const int64_t max_new = params->max_new_tokens;
    if (assay_present(&io->forced)) {
        const assay_status status = check_tokens_matrix("forced", &io->forced, batch, max_new,
                                                        error);
        for (int64_t i = 0; status == ASSAY_OK && i < batch * max_new; i++) {
            const int64_t token = assay_int2(&io->forced, i / max_new, i % max_new);
            if (token < -1 || token >= params->model.vocab) {
                return assay_fail(error, ASSAY_BAD_ARGUMENT,
                                  "forced[%lld,%lld] is %lld, expected -1 or a token below %lld",
                                  (long long)(i / max_new), (long long)(i % max_new),
                                  (long long)token, (long long)params->model.vocab);
            }
        }
        if (status != ASSAY_OK) {
            return status;
        }
    }
    if (assay_present(&io->logits) &&
        (io->logits.rank != 3 || io->logits.shape[0] != batch || io->logits.shape[1] != max_new ||
         io->logits.shape[2] != params->model.vocab || !assay_is_real(&io->logits))) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "logits: expected floats [%lld, %lld, %lld]", (long long)batch,
                          (long long)max_new, (long long)params->model.vocab);
    }
    if (assay_present(&io->stream) && (!assay_is_int(&io->stream) || io->stream.rank != 1 ||
                                       io->stream.shape[0] != batch)) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "stream: expected %lld integers, one a row",
                          (long long)batch);
    }
    return ASSAY_OK;
}

assay_status assay_check_generate(const assay_generate_params *params, const assay_generate_io *io,
                                  assay_prompts *prompts, assay_error *error)
{
    assay_status status = assay_prompts_check(prompts, &params->model, error);
    if (status != ASSAY_OK) {
        return status;
    }
    if (params->max_new_tokens < 0 || params->max_new_tokens > INT32_MAX - prompts->longest) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "max_new_tokens is %lld, expected 0..%lld after a prompt of %lld",
                          (long long)params->max_new_tokens,
                          (long long)(INT32_MAX - prompts->longest),
                          (long long)prompts->longest);
    }
    const int64_t batch = io->lengths.shape[0];
    if (params->max_new_tokens == 0) {
        return ASSAY_OK;
    }
    status = check_tokens_matrix("new_tokens", &io->new_tokens, batch, params->max_new_tokens,
                                 error);
    return status != ASSAY_OK ? status : check_optional(params, io, batch, error);
}
