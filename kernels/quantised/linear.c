/* linear on weights in a form, with scalar's arithmetic. */
#include "kernels/scalar/linear.h"

#include <stdlib.h>

#include "kernels/list.h"
#include "kernels/quantised/matrix.h"

assay_status quantised_linear_prepare(const assay_exec *exec, const quantised_form *form,
                                      const assay_linear_params *params, void **state)
{
    assay_tensor *const weight = calloc(1, sizeof *weight);
    if (weight == NULL) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "no memory for quantised weights");
    }
    const assay_status status = quantised_matrix(exec, form, &params->weight, false, weight);
    *state = weight;
    return status; /* released by the harness, also when it is not ASSAY_OK */
}

assay_status quantised_linear_run(const assay_exec *exec, const assay_linear_params *params,
                                  const void *state, const assay_linear_io *io)
{
    assay_linear_params own = *params;
    own.weight = *(const assay_tensor *)state;
    return scalar_linear(&assay_linear_scalar.precision, exec, &own, io);
}

uint64_t quantised_linear_bytes(const assay_linear_params *params, const void *state,
                                const assay_linear_io *io)
{
    (void)state;
    (void)io;
    return (uint64_t)assay_count(&params->weight) * sizeof(float);
}

size_t quantised_linear_workspace(const assay_linear_params *params, const assay_linear_io *io)
{
    return scalar_linear_workspace(params, io);
}
