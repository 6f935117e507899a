/* attention: a block takes one query head of one row and SPLIT of the positions it sees; its
 * scores, their softmax against their own greatest and the weighted sum of v stay in shared memory.
 * Where one row sees more positions, the parts go to the workspace and a second kernel combines
 * them in the order of positions. Scores are dot products in order; weights are rounded to the
 * contract's intermediate type before they are normalised. */
#include "kernels/cuda/cache.h"
#include "kernels/cuda/reduce.h"

namespace assay_cuda {
namespace {

enum { THREADS = 128, SPLIT = 256, BLOCKS = 6 }; /* BLOCKS: on a multiprocessor at once */

struct Shape {
    int64_t rows, heads, group, head_dim; /* group: query heads of one kv head */
};

struct Partial {
    float *greatest, *sum, *out; /* [row, head, split], the same, [row, head, split, head_dim] */
    int64_t splits;
};

/* q . k, in order. */
__device__ __forceinline__ float score_of(const float *q, const Matrix &k, int64_t t, int64_t from,
                                          int64_t head_dim)
{
    float sum = 0.0f;
    for (int64_t i = 0; i < head_dim; i += OCTET) {
        float key[OCTET];
        load_octet(k, t, from + i, head_dim - i, key);
#pragma unroll
        for (int e = 0; e < OCTET; e++) {
            sum += i + e < head_dim ? q[i + e] * key[e] : 0.0f;
        }
    }
    return sum;
}

/* Writes the weight of each position of this part and gives their greatest score and sum. */
template <typename T>
__device__ __forceinline__ void soften(float *weight, int64_t count, float *greatest, float *sum)
{
    float top = -INFINITY;
    for (int64_t t = threadIdx.x; t < count; t += THREADS) {
        top = fmaxf(top, weight[t]);
    }
    top = block_reduce<Greatest>(top);
    const float base = top == -INFINITY ? 0.0f : top; /* all -Inf: weights 0, not NaN */
    float part = 0.0f;
    for (int64_t t = threadIdx.x; t < count; t += THREADS) {
        const float w = expf(weight[t] - base);
        part += w;
        weight[t] = rounded<T>(w);
    }
    *sum = block_reduce<Sum>(part);
    *greatest = top;
}

/* sum_t weight[t] v[t, from + e], the positions dealt to `teams` teams of threads. */
__device__ __forceinline__ float weigh(const float *weight, int64_t count, const Matrix &v,
                                       int64_t first, int64_t column, int team, int teams)
{
    float sum = 0.0f;
    for (int64_t t = team; t < count; t += teams) {
        sum += weight[t] * load(v, first + t, column);
    }
    return sum;
}

template <typename T>
__global__ void __launch_bounds__(THREADS, BLOCKS)
    attend(Matrix q, Matrix sequence, Matrix position, Cache k_cache, Cache v_cache, Matrix y,
           Shape shape, int64_t row_first, float scale, Partial partial)
{
    ASSAY_DYNAMIC_SHARED(float, query); /* [head_dim], then a sum for each thread */
    ASSAY_SHARED(float, weight, SPLIT);
    const int64_t d = shape.head_dim;
    float *const team_sum = query + d;
    const int64_t task = blockIdx.x;
    const int64_t n = row_first + task / shape.heads;
    const int64_t head = task % shape.heads;
    const int64_t from = head / shape.group * d;
    const int64_t first = static_cast<int64_t>(blockIdx.y) * SPLIT;
    const int64_t count = least(SPLIT, load_index(position, n) + 1 - first);
    if (count <= 0) {
        return; /* the whole block: this row sees fewer positions */
    }
    const int64_t s = load_index(sequence, n);
    for (int64_t i = threadIdx.x; i < d; i += THREADS) {
        query[i] = load(q, n, head * d + i);
    }
    __syncthreads();
    const Matrix k = rows_of(k_cache, s);
    for (int64_t t = threadIdx.x; t < count; t += THREADS) {
        const float score = rounded<T>(score_of(query, k, first + t, from, d));
        weight[t] = rounded<T>(score * scale);
    }
    __syncthreads();
    float greatest = 0.0f;
    float sum = 0.0f;
    soften<T>(weight, count, &greatest, &sum);
    const Matrix v = rows_of(v_cache, s);
    const int wide = d < THREADS ? static_cast<int>(d) : THREADS;
    const int teams = THREADS / wide;
    const int team = static_cast<int>(threadIdx.x) / wide;
    const int64_t part = task * partial.splits + blockIdx.y;
    for (int64_t at = 0; at < d; at += wide) { /* every thread comes to the barriers */
        const int64_t e = at + threadIdx.x % static_cast<unsigned>(wide);
        const bool mine = team < teams && e < d;
        team_sum[threadIdx.x] =
            mine ? weigh(weight, count, v, first, from + e, team, teams) : 0.0f;
        __syncthreads();
        if (mine && team == 0) {
            float out = 0.0f;
            for (int i = 0; i < teams; i++) {
                out += team_sum[threadIdx.x + static_cast<unsigned>(i * wide)];
            }
            if (partial.splits == 1) {
                narrow(out / sum, address<T>(y, n, head * d + e));
            } else {
                partial.out[part * d + e] = out;
            }
        }
        __syncthreads();
    }
    if (threadIdx.x == 0 && partial.splits > 1) {
        partial.greatest[part] = greatest;
        partial.sum[part] = sum;
    }
}

/* One (row, head) a block: its parts, each scaled from its own greatest score to the row's. */
template <typename T>
__global__ void __launch_bounds__(THREADS)
    combine(Matrix position, Matrix y, Shape shape, int64_t row_first, Partial partial)
{
    const int64_t d = shape.head_dim;
    const int64_t task = blockIdx.x;
    const int64_t n = row_first + task / shape.heads;
    const int64_t head = task % shape.heads;
    const int64_t parts = (load_index(position, n) + SPLIT) / SPLIT;
    const float *const greatest = partial.greatest + task * partial.splits;
    const float *const sum = partial.sum + task * partial.splits;
    const float *const out = partial.out + task * partial.splits * d;
    float top = -INFINITY;
    for (int64_t p = 0; p < parts; p++) {
        top = fmaxf(top, greatest[p]);
    }
    for (int64_t e = threadIdx.x; e < d; e += THREADS) {
        float total = 0.0f;
        float value = 0.0f;
        for (int64_t p = 0; p < parts; p++) {
            const float factor = greatest[p] == -INFINITY ? 0.0f : expf(greatest[p] - top);
            total += factor * sum[p];
            value += factor * out[p * d + e];
        }
        narrow(value / total, address<T>(y, n, head * d + e));
    }
}

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

template <typename T>
assay_status attend_rows(const assay_exec *exec, const assay_attention_params *params,
                         const assay_attention_io *io, int64_t first, int64_t rows)
{
    const Shape shape = {rows, params->heads, params->heads / params->kv_heads, params->head_dim};
    const int64_t splits = splits_of(io);
    const int64_t parts = rows * shape.heads * splits;
    float *const base = static_cast<float *>(exec->workspace);
    const Partial partial = {base, base + parts, base + 2 * parts, splits};
    const unsigned tasks = static_cast<unsigned>(rows * shape.heads);
    const size_t shared = static_cast<size_t>(shape.head_dim + THREADS) * sizeof(float);
    const Dimensions all = {dim3(tasks, static_cast<unsigned>(splits)), dim3(THREADS), shared};
    const float scale = static_cast<float>(1.0 / sqrt(static_cast<double>(shape.head_dim)));
    ASSAY_LAUNCH(exec, attend<T>, all, matrix_of(io->q), matrix_of(io->sequence),
                 matrix_of(io->position), cache_of(io->k_cache), cache_of(io->v_cache),
                 matrix_of(io->y), shape, first, scale, partial);
    if (splits > 1) {
        ASSAY_LAUNCH(exec, combine<T>, (Dimensions{dim3(tasks), dim3(THREADS), 0}),
                     matrix_of(io->position), matrix_of(io->y), shape, first, partial);
    }
    return ASSAY_OK;
}

template <typename T>
assay_status run(const assay_exec *exec, const assay_attention_params *params, const void *,
                 const assay_attention_io *io)
{
    const Operand typed[] = {{"q", &io->q}, {"k", &io->k}, {"v", &io->v}, {"y", &io->y}};
    const Operand others[] = {{"sequence", &io->sequence}, {"position", &io->position},
                              {"k_cache", &io->k_cache}, {"v_cache", &io->v_cache}};
    assay_status status = expect(exec, Flow<T>::type, typed, others);
    status = status != ASSAY_OK ? status : expect_workspace(exec, workspace(params, io));
    if (status != ASSAY_OK || io->q.shape[0] == 0) {
        return status;
    }
    const int64_t rows = io->q.shape[0];
    status = store_rows(exec, params, io);
    const int64_t at_once = rows_at_once(params, io);
    for (int64_t first = 0; status == ASSAY_OK && first < rows; first += at_once) {
        status = attend_rows<T>(exec, params, io, first, least(at_once, rows - first));
    }
    return status;
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

template <typename T> assay_kernel describe_op()
{
    assay_kernel kernel =
        describe<T>(ASSAY_OP_attention, "a block for 256 positions of a head, parts combined",
                    ASSAY_ORDER_BLOCKED);
    kernel.run.attention.supports = supports;
    kernel.run.attention.workspace = workspace;
    kernel.run.attention.run = run<T>;
    return kernel;
}

} // namespace

ASSAY_CUDA_KERNEL(attention)

} // namespace assay_cuda
