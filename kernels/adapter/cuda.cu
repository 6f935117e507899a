/* adapter: the norm in f64, products and sums in f32 (kernels/cuda/product.h), the terms of one
 * output added in f64 and rounded once. x may be of any float type; identity rounds it once. */
#include "kernels/cuda/adapter.h"
#include "kernels/cuda/product.h"
#include "kernels/cuda/upload.h"

#include <new>

namespace assay_cuda {
namespace {

struct State {
    Uploads uploads;
    Matrix mean, log_scale, bias, u, v, weight;
};

bool is_low_rank(const assay_adapter_params *params)
{
    return params->type == ASSAY_ADAPTER_SCALAR_AFFINE_PLUS_LOW_RANK ||
           params->type == ASSAY_ADAPTER_LOW_RANK_ONLY;
}

bool is_scaled(const assay_adapter_params *params)
{
    return params->type == ASSAY_ADAPTER_SCALE_ONLY ||
           params->type == ASSAY_ADAPTER_SCALAR_AFFINE ||
           params->type == ASSAY_ADAPTER_SCALAR_AFFINE_PLUS_LOW_RANK;
}

int64_t rank_of(const assay_adapter_params *params)
{
    return is_low_rank(params) ? params->u.shape[1] : 0;
}

template <typename T>
__global__ void identity(Matrix x, Matrix mean, Matrix y, int64_t rows, int64_t d)
{
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t task = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
         task < rows * d; task += step) {
        narrow(centred(x, mean, task / d, task % d), address<T>(y, task / d, task % d));
    }
}

/* h = v U */
struct Keep {
    float *h;
    int64_t rank;

    Keep from(int64_t row) const { return {h + row * rank, rank}; }

    __device__ __forceinline__ void operator()(int64_t n, int64_t c, float dot) const
    {
        h[n * rank + c] = dot;
    }
};

template <typename T> struct Terms {
    Matrix log_scale, bias, y; /* log_scale and bias may be absent */
    const float *v;
    int64_t d, first;

    Terms from(int64_t row) const { return {log_scale, bias, y, v + row * d, d, first + row}; }

    __device__ __forceinline__ void operator()(int64_t n, int64_t i, float dot) const
    {
        double value = static_cast<double>(dot);
        if (log_scale.data != nullptr) {
            value += static_cast<double>(expf(load(log_scale, 0, 0))) *
                     static_cast<double>(v[n * d + i]);
        }
        if (bias.data != nullptr) {
            value += load_wide(bias, 0, i);
        }
        narrow(value, address<T>(y, first + n, i));
    }
};

assay_status prepare(const assay_exec *exec, const assay_adapter_params *params, void **state)
{
    State *const own = new (std::nothrow) State();
    if (own == nullptr) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "adapter: no memory");
    }
    const struct {
        const char *name;
        const assay_tensor *tensor;
        Matrix *view;
    } operands[] = {{"mean", &params->mean, &own->mean},
                    {"log_scale", &params->log_scale, &own->log_scale},
                    {"bias", &params->bias, &own->bias},
                    {"u", &params->u, &own->u},
                    {"v", &params->v, &own->v},
                    {"weight", &params->weight, &own->weight}};
    assay_status status = ASSAY_OK;
    for (const auto &operand : operands) {
        if (status == ASSAY_OK) {
            status = upload(exec, operand.name, *operand.tensor, false, &own->uploads,
                            operand.view);
        }
    }
    return settle(exec, status, own, release_state<State>, state);
}

size_t row_bytes(const assay_adapter_params *params, const assay_adapter_io *io)
{
    return static_cast<size_t>(io->x.shape[1] + rank_of(params)) * sizeof(float);
}

int64_t rows_at_once(const assay_adapter_params *params, const assay_adapter_io *io)
{
    const int64_t fit = static_cast<int64_t>(WORKSPACE_MOST / row_bytes(params, io));
    return least(io->x.shape[0], fit < 1 ? 1 : fit);
}

size_t workspace(const assay_adapter_params *params, const assay_adapter_io *io)
{
    return params->type == ASSAY_ADAPTER_IDENTITY
               ? 0
               : static_cast<size_t>(rows_at_once(params, io)) * row_bytes(params, io);
}

template <typename T>
assay_status run_rows(const assay_exec *exec, const assay_adapter_params *params, const State *own,
                      const assay_adapter_io *io, int64_t first, int64_t rows)
{
    const int64_t d = io->x.shape[1];
    const int64_t rank = rank_of(params);
    float *const v = static_cast<float *>(exec->workspace);
    float *const h = v + rows * d;
    const Dimensions size = {dim3(static_cast<unsigned>(rows)), dim3(BLOCK), 0};
    ASSAY_LAUNCH(exec, input_rows, size, matrix_of(io->x), own->mean, first, d,
                 params->normalize_input, v);
    const Matrix absent = {nullptr, 0, 0, ASSAY_F32};
    const Terms<T> finish = {is_scaled(params) ? own->log_scale : absent,
                             params->type != ASSAY_ADAPTER_SCALE_ONLY ? own->bias : absent,
                             matrix_of(io->y), v, d, first};
    const Matrix input = {v, d, 1, ASSAY_F32};
    if (params->type == ASSAY_ADAPTER_FULL_RANK) {
        return product(exec, input, own->weight, rows, d, d, finish);
    }
    if (rank == 0) {
        return product(exec, input, absent, rows, d, 0, finish); /* dots of nothing */
    }
    const Matrix columns = {own->u.data, own->u.column, own->u.row, own->u.dtype};
    const assay_status status = product(exec, input, columns, rows, rank, d, Keep{h, rank});
    const Matrix inner = {h, rank, 1, ASSAY_F32};
    return status != ASSAY_OK ? status : product(exec, inner, own->v, rows, d, rank, finish);
}

template <typename T>
assay_status run(const assay_exec *exec, const assay_adapter_params *params, const void *state,
                 const assay_adapter_io *io)
{
    const Operand typed[] = {{"y", &io->y}};
    const Operand others[] = {{"x", &io->x}};
    assay_status status = expect(exec, Flow<T>::type, typed, others);
    status = status != ASSAY_OK ? status : expect_workspace(exec, workspace(params, io));
    const State *const own = static_cast<const State *>(state);
    const int64_t rows = io->x.shape[0];
    if (status == ASSAY_OK && params->type == ASSAY_ADAPTER_IDENTITY) {
        const Dimensions size = {grid_stride(rows * io->x.shape[1]), dim3(BLOCK), 0};
        ASSAY_LAUNCH(exec, identity<T>, size, matrix_of(io->x), own->mean, matrix_of(io->y), rows,
                     io->x.shape[1]);
        return ASSAY_OK;
    }
    const int64_t at_once = rows_at_once(params, io);
    for (int64_t first = 0; status == ASSAY_OK && first < rows; first += at_once) {
        status = run_rows<T>(exec, params, own, io, first, least(at_once, rows - first));
    }
    return status;
}

assay_status supports(const assay_device *device, const assay_adapter_params *params,
                      const assay_adapter_io *, assay_error *error)
{
    assay_status status = device_served(device, error);
    status = status != ASSAY_OK ? status : weight_served("u", params->u, error);
    status = status != ASSAY_OK ? status : weight_served("v", params->v, error);
    return status != ASSAY_OK ? status : weight_served("weight", params->weight, error);
}

template <typename T> assay_kernel describe_op()
{
    assay_kernel kernel =
        describe<T>(ASSAY_OP_adapter, "f32 products and sums", ASSAY_ORDER_LANES);
    kernel.run.adapter.supports = supports;
    kernel.run.adapter.workspace = workspace;
    kernel.run.adapter.prepare = prepare;
    kernel.run.adapter.run = run<T>;
    kernel.release = release_state<State>;
    return kernel;
}

} // namespace

ASSAY_CUDA_KERNEL(adapter)

} // namespace assay_cuda
