/* linear in integers: weights and rows of x each quantised to 8 bits with a scale a row
 * (kernels/cublas/quantise.h), products added exactly in 32 bits by the library, sums made numbers
 * again by our kernel. */
#include "kernels/cublas/layer.h"
#include "kernels/cublas/list.h"
#include "kernels/cublas/quantise.h"

#include <new>

namespace assay_cublas {
namespace {

struct State {
    Uploads uploads;
    Product product;
    const float *weight_scale;
    Matrix bias;
};

assay_status open(const assay_exec *exec, const assay_linear_params *params, State *own)
{
    ProductShape shape = {};
    shape.element = ASSAY_I8;
    shape.result = ASSAY_I32;
    shape.compute = CUBLAS_COMPUTE_32I;
    shape.outputs = params->weight.shape[0];
    shape.depth = params->weight.shape[1];
    shape.weight_pitch = pitch_of(ASSAY_I8, shape.depth);
    shape.input_pitch = shape.weight_pitch;
    Fixed fixed = {};
    assay_status status =
        place_words<int8_t>(exec, matrix_of(params->weight), shape.outputs, shape.depth,
                            shape.weight_pitch, &own->uploads, &fixed);
    shape.weight_alignment = alignment_of(fixed.weight);
    own->weight_scale = fixed.scale;
    own->bias = matrix_of(params->bias);
    status = status != ASSAY_OK ? status
                                : open_product(exec, shape, fixed, draw<int8_t>, &own->product);
    return status != ASSAY_OK ? status : expect_algorithm(exec, own->product);
}

assay_status prepare(const assay_exec *exec, const assay_linear_params *params, void **state)
{
    State *const own = new (std::nothrow) State();
    if (own == nullptr) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "linear: no memory");
    }
    const Operand others[] = {{"weight", &params->weight}, {"bias", &params->bias}};
    assay_status status = expect(exec, Int8Mode::io, nullptr, 0, others, 2);
    status = status != ASSAY_OK ? status : open(exec, params, own);
    return settle(exec, status, own, release_state<State>, state);
}

/* Scratch of so many rows, behind the library's: rows as integers, their scales, their sums. */
struct Parts {
    size_t input, scale, sums;
};

Parts parts_of(const assay_linear_params *params, int64_t rows)
{
    const size_t count = static_cast<size_t>(rows);
    const size_t pitch = static_cast<size_t>(pitch_of(ASSAY_I8, params->weight.shape[1]));
    return {whole(count * pitch), whole(count * sizeof(float)),
            whole(count * static_cast<size_t>(params->weight.shape[0]) * sizeof(int32_t))};
}

int64_t rows_at_once(const assay_linear_params *params, int64_t rows)
{
    const Parts one = parts_of(params, 1);
    return rows_that_fit(rows, one.input + one.scale + one.sums, WORKSPACE_MOST);
}

size_t workspace(const assay_linear_params *params, const assay_linear_io *io)
{
    const Parts parts = parts_of(params, rows_at_once(params, io->x.shape[0]));
    return library_workspace() + parts.input + parts.scale + parts.sums;
}

assay_status run_rows(const assay_exec *exec, const State &own, const Matrix &x, const Matrix &y,
                      const Parts &parts, int64_t rows)
{
    const ProductShape &shape = own.product.shape;
    char *const base = static_cast<char *>(exec->workspace) + library_workspace();
    int8_t *const input = reinterpret_cast<int8_t *>(base);
    float *const scale = reinterpret_cast<float *>(base + parts.input);
    int32_t *const sums = reinterpret_cast<int32_t *>(base + parts.input + parts.scale);
    assay_status status = quantise(exec, x, rows, shape.depth, input, shape.input_pitch, scale);
    status = status != ASSAY_OK ? status
                                : run_product(exec, own.product, {input, nullptr, rows}, sums,
                                              shape.outputs, exec->workspace);
    if (status != ASSAY_OK) {
        return status;
    }
    const Dimensions size = {grid_stride(rows * shape.outputs), dim3(BLOCK), 0};
    ASSAY_LAUNCH(exec, (dequantise_sums<int32_t, Int8Mode::Io>), size, sums, shape.outputs,
                 scale, own.weight_scale, own.bias, y, rows, shape.outputs);
    return ASSAY_OK;
}

assay_status run(const assay_exec *exec, const assay_linear_params *params, const void *state,
                 const assay_linear_io *io)
{
    const Operand typed[] = {{"x", &io->x}, {"y", &io->y}};
    assay_status status = expect(exec, Int8Mode::io, typed);
    status = status != ASSAY_OK ? status : expect_workspace(exec, workspace(params, io));
    const State &own = *static_cast<const State *>(state);
    const int64_t rows = io->x.shape[0];
    const int64_t at_once = rows_at_once(params, rows);
    const Parts parts = parts_of(params, at_once);
    for (int64_t first = 0; status == ASSAY_OK && first < rows; first += at_once) {
        status = run_rows(exec, own, from_row(matrix_of(io->x), first),
                          from_row(matrix_of(io->y), first), parts, least(at_once, rows - first));
    }
    return status;
}

/* Sums of 32 bits hold 2^31 / 127^2 products at their greatest. */
enum { DEPTH_MOST = 133152 };

assay_status supports(const assay_device *device, const assay_linear_params *params,
                      const assay_linear_io *, assay_error *error)
{
    assay_status status = mode_served<Int8Mode>(device, error);
    status = status != ASSAY_OK ? status
                                : shape_served<Int8Mode>(params->weight.shape[0],
                                                         params->weight.shape[1], error);
    if (status == ASSAY_OK && params->weight.shape[1] > DEPTH_MOST) {
        return assay_fail(error, ASSAY_UNSUPPORTED, "sums of more than %d products overflow",
                          static_cast<int>(DEPTH_MOST));
    }
    status = status != ASSAY_OK ? status : weight_served("weight", params->weight, error);
    return status != ASSAY_OK ? status : weight_served("bias", params->bias, error);
}

uint64_t bytes_read(const assay_linear_params *, const void *state, const assay_linear_io *)
{
    const ProductShape &shape = static_cast<const State *>(state)->product.shape;
    return static_cast<uint64_t>(shape.outputs) *
           (static_cast<uint64_t>(shape.weight_pitch) + sizeof(float));
}

} // namespace

assay_kernel describe_linear_int8()
{
    enum { BITS = 8 };
    assay_kernel kernel = describe<Int8Mode>(
        ASSAY_OP_linear, "cuBLASLt on integers, a scale for each row of weights and of x");
    kernel.precision.quant_bits = BITS;
    kernel.precision.operand_scale = ASSAY_SCALE_ROW;
    kernel.alignment[3] = VECTOR; /* y */
    kernel.run.linear.supports = supports;
    kernel.run.linear.workspace = workspace;
    kernel.run.linear.prepare = prepare;
    kernel.run.linear.run = run;
    kernel.run.linear.bytes_read = bytes_read;
    kernel.release = release_state<State>;
    return kernel;
}

} // namespace assay_cublas
