/* linear: one product of the library (kernels/cublas/layer.h); where operands are to be packed or
 * sums finished, for as many rows at a time as fit the workspace. */
#include "kernels/cublas/layer.h"
#include "kernels/cublas/linear.h"
#include "kernels/cublas/list.h"

namespace assay_cublas {
namespace {

struct State {
    Uploads uploads;
    Layer layer;
};

template <typename Mode> LayerForm form_in(const assay_linear_params *params)
{
    return form_of(params->weight, params->bias, Mode::io, Mode::io);
}

template <typename Mode>
assay_status prepare(const assay_exec *exec, const assay_linear_params *params, void **state)
{
    return prepare_linear<Mode, State>(exec, params, state, [&](State *own) {
        return open_layer<Mode>(exec, form_in<Mode>(params), matrix_of(params->weight),
                                matrix_of(params->bias), &own->uploads, &own->layer);
    });
}

template <typename Mode>
int64_t rows_at_once(const assay_linear_params *params, const assay_linear_io *io)
{
    return rows_that_fit(io->x.shape[0], row_bytes(layer_row<Mode>(form_in<Mode>(params))),
                         WORKSPACE_MOST);
}

template <typename Mode>
size_t workspace(const assay_linear_params *params, const assay_linear_io *io)
{
    return layer_bytes(layer_row<Mode>(form_in<Mode>(params)), rows_at_once<Mode>(params, io));
}

template <typename Mode>
assay_status run(const assay_exec *exec, const assay_linear_params *params, const void *state,
                 const assay_linear_io *io)
{
    const Layer &layer = static_cast<const State *>(state)->layer;
    return run_linear<Mode>(exec, io, workspace<Mode>(params, io), rows_at_once<Mode>(params, io),
                            [&](const Matrix &x, const Matrix &y, int64_t rows) {
                                return run_layer<Mode>(exec, layer, x, rows, y, exec->workspace);
                            });
}

template <typename Mode>
assay_status supports(const assay_device *device, const assay_linear_params *params,
                      const assay_linear_io *io, assay_error *error)
{
    const assay_status status = linear_served<Mode>(device, params, error);
    return status != ASSAY_OK ? status
                              : rows_served<Mode>(device, form_in<Mode>(params), io->x.shape[0],
                                                  rows_at_once<Mode>(params, io), error);
}

template <typename Mode>
uint64_t bytes_read(const assay_linear_params *, const void *state, const assay_linear_io *)
{
    return layer_bytes_read<Mode>(static_cast<const State *>(state)->layer);
}

} // namespace

template <typename Mode> assay_kernel describe_linear()
{
    assay_kernel kernel = describe<Mode>(
        ASSAY_OP_linear, Mode::element == ASSAY_I8
                             ? "cuBLASLt on integers, a scale for each row of weights and of x"
                             : "cuBLASLt, bias in its epilogue");
    if (!Mode::scaled) { /* rows that have scales are our kernels' to read */
        kernel.alignment[0] = VECTOR; /* weight */
        kernel.alignment[2] = VECTOR; /* x */
    }
    kernel.alignment[3] = VECTOR; /* y */
    kernel.run.linear.supports = supports<Mode>;
    kernel.run.linear.workspace = workspace<Mode>;
    kernel.run.linear.prepare = prepare<Mode>;
    kernel.run.linear.run = run<Mode>;
    kernel.run.linear.bytes_read = bytes_read<Mode>;
    kernel.release = release_state<State>;
    return kernel;
}

ASSAY_CUBLAS_MODES(ASSAY_CUBLAS_INSTANTIATE, linear)

} // namespace assay_cublas
