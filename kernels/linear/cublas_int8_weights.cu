/* linear on quantised weights alone (kernels/cublas/spread.h): x stays bf16, weights are integers
 * of 8 bits with a scale a row, and our kernel scales the sums. */
#include "kernels/cublas/linear.h"
#include "kernels/cublas/list.h"
#include "kernels/cublas/spread.h"

namespace assay_cublas {
namespace {

struct State {
    Uploads uploads;
    Spread spread;
    Matrix bias;
};

assay_status prepare(const assay_exec *exec, const assay_linear_params *params, void **state)
{
    return prepare_linear<Int8WeightsMode, State>(exec, params, state, [&](State *own) {
        own->bias = matrix_of(params->bias);
        return open_spread(exec, matrix_of(params->weight), params->weight.shape[0],
                           params->weight.shape[1], &own->uploads, &own->spread);
    });
}

/* Scratch behind the library's: a slab of the weight, and sums of so many rows. */
struct Parts {
    size_t slab, sums;
    int64_t pitch;
};

Parts parts_of(const assay_linear_params *params, int64_t rows)
{
    const int64_t outputs = params->weight.shape[0];
    const int64_t pitch = pitch_of(ASSAY_F32, outputs);
    return {slab_bytes(outputs, params->weight.shape[1]),
            whole(static_cast<size_t>(rows * pitch) * sizeof(float)), pitch};
}

int64_t rows_at_once(const assay_linear_params *params, int64_t rows)
{
    return rows_that_fit(rows, parts_of(params, 1).sums, WORKSPACE_MOST);
}

size_t workspace(const assay_linear_params *params, const assay_linear_io *io)
{
    const Parts parts = parts_of(params, rows_at_once(params, io->x.shape[0]));
    return library_workspace() + parts.slab + parts.sums;
}

assay_status run_rows(const assay_exec *exec, const State &own, const Matrix &x, const Matrix &y,
                      const Parts &parts, int64_t rows)
{
    char *const slab = static_cast<char *>(exec->workspace) + library_workspace();
    float *const sums = reinterpret_cast<float *>(slab + parts.slab);
    const Spread &spread = own.spread;
    const assay_status status = run_spread(exec, spread, {x.data, nullptr, rows}, sums,
                                           parts.pitch, slab, exec->workspace);
    if (status != ASSAY_OK) {
        return status;
    }
    const Dimensions size = {grid_stride(rows * spread.outputs), dim3(BLOCK), 0};
    ASSAY_LAUNCH(exec, (dequantise_sums<float, Int8WeightsMode::Io>), size, sums, parts.pitch,
                 nullptr, spread.scale, own.bias, y, rows, spread.outputs);
    return ASSAY_OK;
}

assay_status run(const assay_exec *exec, const assay_linear_params *params, const void *state,
                 const assay_linear_io *io)
{
    const State &own = *static_cast<const State *>(state);
    const int64_t at_once = rows_at_once(params, io->x.shape[0]);
    const Parts parts = parts_of(params, at_once);
    return run_linear<Int8WeightsMode>(exec, io, workspace(params, io), at_once,
                                       [&](const Matrix &x, const Matrix &y, int64_t rows) {
                                           return run_rows(exec, own, x, y, parts, rows);
                                       });
}

assay_status supports(const assay_device *device, const assay_linear_params *params,
                      const assay_linear_io *, assay_error *error)
{
    return linear_served<Int8WeightsMode>(device, params, error);
}

uint64_t bytes_read(const assay_linear_params *, const void *state, const assay_linear_io *)
{
    const Spread &spread = static_cast<const State *>(state)->spread;
    return static_cast<uint64_t>(spread.outputs) *
           (static_cast<uint64_t>(spread.pitch) + sizeof(float));
}

} // namespace

template <> assay_kernel describe_linear<Int8WeightsMode>()
{
    assay_kernel kernel = describe<Int8WeightsMode>(
        ASSAY_OP_linear, "weights as integers, spread to bf16 slab by slab; cuBLASLt in bf16");
    kernel.alignment[2] = VECTOR; /* x */
    kernel.run.linear.supports = supports;
    kernel.run.linear.workspace = workspace;
    kernel.run.linear.prepare = prepare;
    kernel.run.linear.run = run;
    kernel.run.linear.bytes_read = bytes_read;
    kernel.release = release_state<State>;
    return kernel;
}

} // namespace assay_cublas
