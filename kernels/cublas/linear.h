/* What the module's linear kernels share: what they serve, and rows in pieces. */
#ifndef KERNELS_CUBLAS_LINEAR_H
#define KERNELS_CUBLAS_LINEAR_H

#include "kernels/cublas/place.h"
#include "kernels/cuda/state.h"

namespace assay_cublas {

/* A `prepare`: open(&state) once the operands lie where they can be read. */
template <typename Mode, typename State, typename Open>
assay_status prepare_linear(const assay_exec *exec, const assay_linear_params *params,
                            void **state, Open open)
{
    const Operand others[] = {{"weight", &params->weight}, {"bias", &params->bias}};
    const assay_status status = expect(exec, Mode::io, nullptr, 0, others, 2);
    return status != ASSAY_OK ? status : prepare_state<State>(exec, "linear", state, open);
}

/* A `run` with so many bytes of workspace: multiply(x, y, rows) of at most `at_once` rows. */
template <typename Mode, typename Multiply>
assay_status run_linear(const assay_exec *exec, const assay_linear_io *io, size_t bytes,
                        int64_t at_once, Multiply multiply)
{
    const Operand typed[] = {{"x", &io->x}, {"y", &io->y}};
    assay_status status = expect(exec, Mode::io, typed);
    status = status != ASSAY_OK ? status : expect_workspace(exec, bytes);
    const int64_t rows = io->x.shape[0];
    for (int64_t first = 0; status == ASSAY_OK && first < rows; first += at_once) {
        status = multiply(from_row(matrix_of(io->x), first), from_row(matrix_of(io->y), first),
                          least(at_once, rows - first));
    }
    return status;
}

/* What `supports` begins with. */
template <typename Mode>
assay_status linear_served(const assay_device *device, const assay_linear_params *params,
                           assay_error *error)
{
    assay_status status = mode_served<Mode>(device, error);
    status = status != ASSAY_OK ? status
                                : shape_served<Mode>(params->weight.shape[0],
                                                     params->weight.shape[1], error);
    status = status != ASSAY_OK ? status : weight_served("weight", params->weight, error);
    return status != ASSAY_OK ? status : weight_served("bias", params->bias, error);
}

} // namespace assay_cublas

#endif
