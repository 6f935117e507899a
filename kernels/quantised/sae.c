/* The SAE's two products on weights in a form, with scalar's arithmetic. */
#include "kernels/scalar/sae_decode.h"
#include "kernels/scalar/sae_encode.h"

#include "kernels/list.h"
#include "kernels/quantised/matrix.h"

assay_status quantised_encode_prepare(const assay_exec *exec, const quantised_form *form,
                                      const assay_sae_encode_params *params, void **state)
{
    assay_tensor *const encoder = calloc(1, sizeof *encoder);
    if (encoder == NULL) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "no memory for quantised weights");
    }
    const assay_status status =
        quantised_matrix(exec, form, &params->sae.encoder, false, encoder);
    *state = encoder;
    return status;
}

assay_status quantised_encode_run(const assay_exec *exec, const assay_sae_encode_params *params,
                                  const void *state, const assay_sae_encode_io *io)
{
    assay_sae_encode_params own = *params;
    own.sae.encoder = *(const assay_tensor *)state;
    return scalar_sae_encode(&assay_sae_encode_scalar.precision, exec, &own, io);
}

uint64_t quantised_encode_bytes(const assay_sae_encode_params *params, const void *state,
                                const assay_sae_encode_io *io)
{
    (void)state;
    (void)io;
    return (uint64_t)assay_count(&params->sae.encoder) * sizeof(float);
}

size_t quantised_encode_workspace(const assay_sae_encode_params *params,
                                  const assay_sae_encode_io *io)
{
    return scalar_encode_workspace(params, io);
}

/* The columns in their form, and scalar's transposed copy of them. */
typedef struct quantised_decoder {
    assay_tensor decoder;
    void *inner;
} quantised_decoder;

assay_status quantised_decode_prepare(const assay_exec *exec, const quantised_form *form,
                                      const assay_sae_decode_params *params, void **state)
{
    quantised_decoder *const made = calloc(1, sizeof *made);
    if (made == NULL) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "no memory for quantised weights");
    }
    *state = made;
    assay_status status =
        quantised_matrix(exec, form, &params->sae.decoder, true, &made->decoder);
    if (status == ASSAY_OK) {
        assay_sae_decode_params own = *params;
        own.sae.decoder = made->decoder;
        status = scalar_decode_prepare(exec, &own, &made->inner);
    }
    return status;
}

assay_status quantised_decode_run(const assay_exec *exec, const assay_sae_decode_params *params,
                                  const void *state, const assay_sae_decode_io *io)
{
    const quantised_decoder *const made = state;
    assay_sae_decode_params own = *params;
    own.sae.decoder = made->decoder;
    return scalar_sae_decode(&assay_sae_decode_scalar.precision, exec, &own, made->inner, io);
}

uint64_t quantised_decode_bytes(const assay_sae_decode_params *params, const void *state,
                                const assay_sae_decode_io *io)
{
    const quantised_decoder *const made = state;
    assay_sae_decode_params own = *params;
    own.sae.decoder = made->decoder;
    return scalar_decode_bytes_read(&own, made->inner, io);
}

void quantised_decode_release(const assay_exec *exec, void *state)
{
    quantised_decoder *const made = state;
    if (made != NULL) {
        if (made->inner != NULL) {
            scalar_decode_release(exec, made->inner);
        }
        free(made->decoder.data);
        free(made);
    }
}
