/* attention: rows in pieces whose parts the workspace holds (kernels/cuda/attend.h). Fused with the
 * rotation of q and k before it, rotated keys go to the cache at once. */
#include "kernels/cuda/attend.h"
#include "kernels/cuda/rotate.h"

namespace assay_cuda {
namespace {

int64_t splits_of(const assay_attention_io *io)
{
    return blocks_for(io->max_position + 1, SPLIT);
}

/* Bytes of one row's parts: a value for each element, the greatest score and the sum. */
size_t row_bytes(const assay_attention_params *params, const assay_attention_io *io)
{
    return static_cast<size_t>(params->heads * splits_of(io) * (params->head_dim + 2)) *
           sizeof(float);
}

int64_t rows_at_once(const assay_attention_params *params, const assay_attention_io *io)
{
    const int64_t fit = static_cast<int64_t>(WORKSPACE_MOST / row_bytes(params, io));
    const int64_t launchable = 0x7fffffff / params->heads;
    return least(io->q.shape[0], least(fit < 1 ? 1 : fit, launchable));
}

size_t workspace(const assay_attention_params *params, const assay_attention_io *io)
{
    return splits_of(io) <= 1
               ? 0
               : static_cast<size_t>(rows_at_once(params, io)) * row_bytes(params, io);
}

template <typename T, int HEADS, bool WIDE>
assay_status attend_by(const assay_exec *exec, const assay_attention_params *params,
                       const assay_attention_io *io, int64_t first, int64_t rows,
                       const Partial &partial)
{
    const int64_t group = params->heads / params->kv_heads;
    const Shape shape = {params->heads, params->kv_heads, params->head_dim, group,
                         blocks_for(group, HEADS)};
    const unsigned tasks = static_cast<unsigned>(rows * shape.kv_heads * shape.tiles);
    const size_t shared = HEADS * (SPLIT + THREADS * OCTET) * sizeof(float);
    const Dimensions all = {dim3(tasks, static_cast<unsigned>(partial.splits)), dim3(THREADS),
                            shared};
    const float scale = static_cast<float>(1.0 / sqrt(static_cast<double>(shape.head_dim)));
    ASSAY_LAUNCH(exec, (attend<T, HEADS, WIDE>), all, matrix_of(io->q), matrix_of(io->sequence),
                 matrix_of(io->position), cache_of(io->k_cache), cache_of(io->v_cache),
                 matrix_of(io->y), shape, first, scale, partial);
    if (partial.splits > 1) {
        const Dimensions each = {dim3(static_cast<unsigned>(rows * shape.heads)), dim3(THREADS),
                                 0};
        ASSAY_LAUNCH(exec, combine<T>, each, matrix_of(io->position), matrix_of(io->y), shape,
                     first, partial);
    }
    return ASSAY_OK;
}

template <typename T, bool WIDE>
assay_status attend_rows(const assay_exec *exec, const assay_attention_params *params,
                         const assay_attention_io *io, int64_t first, int64_t rows)
{
    const int64_t splits = splits_of(io);
    const int64_t parts = rows * params->heads * splits;
    float *const base = static_cast<float *>(exec->workspace);
    const Partial partial = {base, base + parts, base + 2 * parts, splits};
    const int64_t group = params->heads / params->kv_heads;
    constexpr int most = WIDE ? 8 : 4;
    return group == 1   ? attend_by<T, 1, WIDE>(exec, params, io, first, rows, partial)
           : group <= 4 ? attend_by<T, 4, WIDE>(exec, params, io, first, rows, partial)
                        : attend_by<T, most, WIDE>(exec, params, io, first, rows, partial);
}

assay_status expect_attention(const assay_exec *exec, assay_dtype type,
                              const assay_attention_params *params, const assay_attention_io *io)
{
    const Operand typed[] = {{"q", &io->q}, {"k", &io->k}, {"v", &io->v}, {"y", &io->y}};
    const Operand others[] = {{"sequence", &io->sequence}, {"position", &io->position},
                              {"k_cache", &io->k_cache}, {"v_cache", &io->v_cache}};
    const assay_status status = expect(exec, type, typed, others);
    return status != ASSAY_OK ? status : expect_workspace(exec, workspace(params, io));
}

/* Once the call's rows are in the caches. */
template <typename T>
assay_status attend_all(const assay_exec *exec, const assay_attention_params *params,
                        const assay_attention_io *io)
{
    const int64_t rows = io->q.shape[0];
    const int64_t at_once = rows_at_once(params, io);
    const bool wide = params->head_dim % OCTET == 0 &&
                      is_in_octets(io->k_cache, Flow<T>::type) &&
                      is_in_octets(io->v_cache, Flow<T>::type);
    const auto attend = wide ? attend_rows<T, true> : attend_rows<T, false>;
    assay_status status = ASSAY_OK;
    for (int64_t first = 0; status == ASSAY_OK && first < rows; first += at_once) {
        status = attend(exec, params, io, first, least(at_once, rows - first));
    }
    return status;
}

template <typename T>
assay_status run(const assay_exec *exec, const assay_attention_params *params, const void *,
                 const assay_attention_io *io)
{
    assay_status status = expect_attention(exec, Flow<T>::type, params, io);
    if (status != ASSAY_OK || io->q.shape[0] == 0) {
        return status;
    }
    status = store_rows(exec, params, io);
    return status != ASSAY_OK ? status : attend_all<T>(exec, params, io);
}

/* A block rotates a row's q where it is, another the row's k into the cache, where v goes too. */
template <typename T>
__global__ void __launch_bounds__(BLOCK, RESIDENT)
    rotate_and_store(Matrix q, Matrix k, Matrix v, Matrix sequence, Matrix position,
                     Matrix frequency, Cache k_cache, Cache v_cache, int64_t q_width,
                     int64_t kv_width, int64_t head_dim)
{
    ASSAY_SHARED(float, cosine, ANGLES);
    ASSAY_SHARED(float, sine, ANGLES);
    const int64_t n = blockIdx.x;
    const int64_t t = load_index(position, n);
    const int64_t s = load_index(sequence, n);
    const bool keys = blockIdx.y == 1;
    const Matrix cache = rows_of(k_cache, s);
    const Matrix from = {keys ? k.data : q.data, keys ? k.row : q.row, keys ? k.column : q.column,
                         keys ? k.dtype : q.dtype};
    const Matrix to = {keys ? cache.data : q.data, keys ? cache.row : q.row,
                       keys ? cache.column : q.column, keys ? cache.dtype : q.dtype};
    turn_row<T>(from, n, to, keys ? t : n, t, frequency, keys ? kv_width : q_width, head_dim,
                cosine, sine);
    const int64_t step = static_cast<int64_t>(BLOCK) * OCTET;
    for (int64_t column = static_cast<int64_t>(threadIdx.x) * OCTET; keys && column < kv_width;
         column += step) {
        float value[OCTET];
        load_octet(v, n, column, kv_width - column, value);
        store_octet<T>(rows_of(v_cache, s), t, column, kv_width - column, value);
    }
}

template <typename T>
assay_status run_rotated(const assay_exec *exec, const assay_rope_attention_steps *steps,
                         const assay_attention_io *io)
{
    const assay_attention_params *const params = steps->attention.params;
    const int64_t q_width = params->heads * params->head_dim;
    const int64_t kv_width = params->kv_heads * params->head_dim;
    const assay_status status = expect_attention(exec, Flow<T>::type, params, io);
    if (status != ASSAY_OK || io->q.shape[0] == 0) {
        return status;
    }
    const Dimensions size = {dim3(static_cast<unsigned>(io->q.shape[0]), 2), dim3(BLOCK), 0};
    ASSAY_LAUNCH(exec, rotate_and_store<T>, size, matrix_of(io->q), matrix_of(io->k),
                 matrix_of(io->v), matrix_of(io->sequence), matrix_of(io->position),
                 static_cast<const RopeState *>(steps->rope.state)->frequency,
                 cache_of(io->k_cache), cache_of(io->v_cache), q_width, kv_width,
                 params->head_dim);
    return attend_all<T>(exec, params, io);
}

assay_status supports(const assay_device *device, const assay_attention_params *params,
                      const assay_attention_io *io, assay_error *error)
{
    enum { HEAD_MAX = 8192, SPLITS_MAX = 65535 };
    const assay_status status = device_served(device, error);
    if (status == ASSAY_OK &&
        (params->head_dim > HEAD_MAX || splits_of(io) > SPLITS_MAX)) {
        return assay_fail(error, ASSAY_UNSUPPORTED,
                          "heads of more than %d elements or %d positions are not served",
                          static_cast<int>(HEAD_MAX), static_cast<int>(SPLITS_MAX) * SPLIT);
    }
    return status;
}

size_t workspace_rotated(const assay_rope_attention_steps *steps, const assay_attention_io *io)
{
    return workspace(steps->attention.params, io);
}

/* Keys go to the cache in the type of activations, as they are where rope writes them. */
template <typename T>
assay_status supports_rotated(const assay_device *device, const assay_rope_attention_steps *steps,
                              const assay_attention_io *io, assay_error *error)
{
    if (io->k_cache.dtype != Flow<T>::type || io->v_cache.dtype != Flow<T>::type) {
        return assay_fail(error, ASSAY_UNSUPPORTED, "the caches are not of the activations' type");
    }
    return supports(device, steps->attention.params, io, error);
}

template <typename T> assay_kernel describe_op()
{
    assay_kernel kernel =
        describe<T>(ASSAY_OP_attention,
                    "a block for 128 positions of the heads that share them, parts combined",
                    ASSAY_ORDER_BLOCKED);
    kernel.run.attention.supports = supports;
    kernel.run.attention.workspace = workspace;
    kernel.run.attention.run = run<T>;
    return kernel;
}

} // namespace

ASSAY_CUDA_KERNEL(attention)

assay_rope_attention_functions cuda_rope_attention(assay_dtype type)
{
    if (type == ASSAY_BF16) {
        return {supports_rotated<Bf16>, workspace_rotated, run_rotated<Bf16>};
    }
    return {supports_rotated<float>, workspace_rotated, run_rotated<float>};
}

} // namespace assay_cuda
