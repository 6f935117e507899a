/* linear: one product of the library (kernels/cublas/layer.h); where operands are to be packed or
 * sums finished, for as many rows at a time as fit the workspace. */
#include "kernels/cublas/layer.h"
#include "kernels/cublas/list.h"

#include <new>

namespace assay_cublas {
namespace {

void release(const assay_exec *, void *state)
{
    Layer *const own = static_cast<Layer *>(state);
    if (own != nullptr) {
        close_layer(own);
        delete own;
    }
}

template <typename Mode>
assay_status prepare(const assay_exec *exec, const assay_linear_params *params, void **state)
{
    Layer *const own = new (std::nothrow) Layer();
    if (own == nullptr) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "linear: no memory");
    }
    const Operand others[] = {{"weight", &params->weight}, {"bias", &params->bias}};
    assay_status status = expect(exec, Mode::io, nullptr, 0, others, 2);
    if (status == ASSAY_OK) {
        status = open_layer<Mode>(exec, matrix_of(params->weight), matrix_of(params->bias),
                                  params->weight.shape[0], params->weight.shape[1], Mode::io, own);
    }
    return settle(exec, status, own, release, state);
}

template <typename Mode>
int64_t rows_at_once(const assay_linear_params *params, const assay_linear_io *io)
{
    const LayerRow row = layer_row<Mode>(params->weight, params->bias, Mode::io);
    return rows_that_fit(io->x.shape[0], row_bytes(row), WORKSPACE_MOST);
}

template <typename Mode>
size_t workspace(const assay_linear_params *params, const assay_linear_io *io)
{
    return layer_bytes(layer_row<Mode>(params->weight, params->bias, Mode::io),
                       rows_at_once<Mode>(params, io));
}

template <typename Mode>
assay_status run(const assay_exec *exec, const assay_linear_params *params, const void *state,
                 const assay_linear_io *io)
{
    const Operand typed[] = {{"x", &io->x}, {"y", &io->y}};
    assay_status status = expect(exec, Mode::io, typed);
    status = status != ASSAY_OK ? status : expect_workspace(exec, workspace<Mode>(params, io));
    const Layer &layer = *static_cast<const Layer *>(state);
    const int64_t rows = io->x.shape[0];
    const int64_t at_once = rows_at_once<Mode>(params, io);
    for (int64_t first = 0; status == ASSAY_OK && first < rows; first += at_once) {
        status = run_layer<Mode>(exec, layer, from_row(matrix_of(io->x), first),
                                 least(at_once, rows - first), from_row(matrix_of(io->y), first),
                                 exec->workspace);
    }
    return status;
}

template <typename Mode>
assay_status supports(const assay_device *device, const assay_linear_params *params,
                      const assay_linear_io *, assay_error *error)
{
    assay_status status = mode_served<Mode>(device, error);
    status = status != ASSAY_OK ? status
                                : shape_served<Mode>(params->weight.shape[0],
                                                     params->weight.shape[1], error);
    status = status != ASSAY_OK ? status : weight_served("weight", params->weight, error);
    return status != ASSAY_OK ? status : weight_served("bias", params->bias, error);
}

uint64_t bytes_read(const assay_linear_params *, const void *state, const assay_linear_io *)
{
    const ProductShape &shape = static_cast<const Layer *>(state)->product.shape;
    return static_cast<uint64_t>(shape.outputs * shape.weight_pitch) *
           assay_dtype_size(shape.element);
}

} // namespace

template <typename Mode> assay_kernel describe_linear()
{
    assay_kernel kernel = describe<Mode>(ASSAY_OP_linear, "cuBLASLt, bias in its epilogue");
    kernel.alignment[0] = VECTOR; /* weight */
    kernel.alignment[2] = VECTOR; /* x */
    kernel.alignment[3] = VECTOR; /* y */
    kernel.run.linear.supports = supports<Mode>;
    kernel.run.linear.workspace = workspace<Mode>;
    kernel.run.linear.prepare = prepare<Mode>;
    kernel.run.linear.run = run<Mode>;
    kernel.run.linear.bytes_read = bytes_read;
    kernel.release = release;
    return kernel;
}

ASSAY_CUBLAS_MODES(ASSAY_CUBLAS_INSTANTIATE, linear)

} // namespace assay_cublas
