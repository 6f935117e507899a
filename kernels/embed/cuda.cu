/* embed: a thread copies eight neighbours of a row; soft rows are written over by a second launch,
 * which the stream orders behind the first. */
#include "kernels/cuda/contract.h"

namespace assay_cuda {
namespace {

/* Rounded once: an f64 element goes to its type directly. */
template <typename T>
__device__ __forceinline__ void copy_octet(const Matrix &from, int64_t from_row, const Matrix &to,
                                           int64_t to_row, int64_t column, int64_t count)
{
    if (from.dtype == ASSAY_F64) {
        for (int64_t i = 0; i < least(count, OCTET); i++) {
            store(to, to_row, column + i, load_wide(from, from_row, column + i));
        }
        return;
    }
    float x[OCTET];
    load_octet(from, from_row, column, count, x);
    store_octet<T>(to, to_row, column, count, x);
}

/* Row n of y is the table's row id[n]; with `scatter`, row id[n] of y is the table's row n. */
template <typename T>
__global__ void copy_rows(Matrix table, Matrix id, Matrix y, int64_t rows, int64_t d, bool scatter)
{
    const int64_t octets = (d + OCTET - 1) / OCTET;
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t task = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
         task < rows * octets; task += step) {
        const int64_t n = task / octets;
        const int64_t column = task % octets * OCTET;
        const int64_t other = load_index(id, n);
        copy_octet<T>(table, scatter ? n : other, y, scatter ? other : n, column, d - column);
    }
}

template <typename T>
assay_status run(const assay_exec *exec, const assay_embed_params *params, const void *,
                 const assay_embed_io *io)
{
    const Operand typed[] = {{"y", &io->y}};
    const Operand others[] = {{"table", &params->table}, {"id", &io->id}, {"soft", &io->soft},
                              {"soft_at", &io->soft_at}};
    const assay_status status = expect(exec, Flow<T>::type, typed, others);
    if (status != ASSAY_OK) {
        return status;
    }
    const int64_t d = io->y.shape[1];
    const int64_t octets = blocks_for(d, OCTET);
    const int64_t rows = io->y.shape[0];
    const int64_t soft = assay_present(&io->soft_at) ? io->soft_at.shape[0] : 0;
    const Dimensions all = {grid_stride(rows * octets), dim3(BLOCK), 0};
    const Dimensions some = {grid_stride(soft * octets), dim3(BLOCK), 0};
    ASSAY_LAUNCH(exec, copy_rows<T>, all, matrix_of(params->table), matrix_of(io->id),
                 matrix_of(io->y), rows, d, false);
    ASSAY_LAUNCH(exec, copy_rows<T>, some, matrix_of(io->soft), matrix_of(io->soft_at),
                 matrix_of(io->y), soft, d, true);
    return ASSAY_OK;
}

assay_status supports(const assay_device *device, const assay_embed_params *params,
                      const assay_embed_io *io, assay_error *error)
{
    assay_status status = device_served(device, error);
    status = status != ASSAY_OK ? status : weight_served("table", params->table, error);
    return status != ASSAY_OK ? status : weight_served("soft", io->soft, error);
}

template <typename T> assay_kernel describe_op()
{
    assay_kernel kernel = describe<T>(ASSAY_OP_embed, "rows of a table, soft rows over them",
                                      ASSAY_ORDER_SEQUENTIAL);
    kernel.run.embed.supports = supports;
    kernel.run.embed.run = run<T>;
    return kernel;
}

} // namespace

ASSAY_CUDA_KERNEL(embed)

} // namespace assay_cuda
