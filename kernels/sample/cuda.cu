/* sample: a block a row. Argmax by keys that hold value and index; or scaled logits, the k-th
 * greatest by radix selection, the nucleus by bisection of its least key, and a draw from the
 * cumulative sum in token order. Weights are f32, their sums f64, each in one fixed order. */
#include "kernels/cuda/contract.h"
#include "kernels/cuda/nucleus.h"

#include "assay/philox.h"

namespace assay_cuda {
namespace {

enum { ROW_BLOCK_MOST = 1024 };

struct Rules {
    double temperature, top_p;
    int64_t top_k; /* 0: off */
    uint64_t seed, step;
};

/* The rows' scratch: s = logits / T, -Inf where dropped; exp(s - greatest), 0 where dropped. */
struct Scratch {
    float *score, *weight;
};

__global__ void __launch_bounds__(ROW_BLOCK_MOST)
    take_greatest(Matrix logits, Matrix token, Matrix probability, int64_t vocab)
{
    const int64_t row = blockIdx.x;
    uint64_t best = 0;
    for (int64_t t = threadIdx.x; t < vocab; t += blockDim.x) {
        const uint64_t lowest_first = 0xffffffffu - static_cast<uint64_t>(t);
        best = Greatest::of(best, (static_cast<uint64_t>(key_of(load(logits, row, t))) << 32) |
                                      lowest_first);
    }
    best = block_reduce<Greatest>(best);
    const int64_t chosen = static_cast<int64_t>(0xffffffffu - (best & 0xffffffffu));
    if (threadIdx.x == 0) {
        store_index(token, row, chosen);
    }
    for (int64_t t = threadIdx.x; t < vocab && probability.data != nullptr; t += blockDim.x) {
        store(probability, row, t, t == chosen ? 1.0f : 0.0f);
    }
}

/* Scores of a row; false when one is a NaN. */
__device__ __forceinline__ bool scale_row(const Matrix &logits, int64_t row, int64_t vocab,
                                          double temperature, float *score)
{
    int64_t strange = 0;
    for (int64_t t = threadIdx.x; t < vocab; t += blockDim.x) {
        const float s = static_cast<float>(load_wide(logits, row, t) / temperature);
        score[t] = s;
        strange = s != s ? 1 : strange;
    }
    return block_reduce<Greatest>(strange) == 0; /* and all scores are written */
}

/* Drops every token below the k-th greatest; its equals stay. */
__device__ __forceinline__ void keep_top_k(int64_t vocab, int64_t k, float *score)
{
    const Kth<uint32_t> kth =
        kth_greatest<uint32_t>(vocab, k, [&](int64_t t) { return key_of(score[t]); });
    for (int64_t t = threadIdx.x; t < vocab; t += blockDim.x) {
        score[t] = key_of(score[t]) < kth.key ? -INFINITY : score[t];
    }
    __syncthreads();
}

/* Weights of what is left, and their sum. */
__device__ __forceinline__ double weigh_row(const float *score, int64_t vocab, float *weight)
{
    float top = -INFINITY;
    for (int64_t t = threadIdx.x; t < vocab; t += blockDim.x) {
        top = fmaxf(top, score[t]);
    }
    top = block_reduce<Greatest>(top);
    double part = 0.0;
    for (int64_t t = threadIdx.x; t < vocab; t += blockDim.x) {
        const float w = expf(score[t] - top);
        weight[t] = w;
        part += static_cast<double>(w);
    }
    return block_reduce<Sum>(part);
}

/* The first token whose cumulative weight exceeds u * total, else the last of any weight. */
__device__ __forceinline__ int64_t draw_token(const float *weight, int64_t vocab, double total,
                                              double u)
{
    const double wanted = u * total;
    double base = 0.0;
    int64_t last = -1;
    for (int64_t at = 0; at < vocab; at += blockDim.x) {
        const int64_t t = at + threadIdx.x;
        const double own = t < vocab ? static_cast<double>(weight[t]) : 0.0;
        double sum = 0.0;
        const double cumulative = base + block_scan(own, &sum) + own;
        last = own > 0.0 ? t : last;
        /* the least index is the greatest of its negatives */
        const int64_t hit = t < vocab && cumulative > wanted && own > 0.0 ? -t : INT64_MIN;
        const int64_t first = block_reduce<Greatest>(hit);
        if (first != INT64_MIN) {
            return -first;
        }
        base += sum;
    }
    return block_reduce<Greatest>(last);
}

__global__ void __launch_bounds__(ROW_BLOCK_MOST)
    draw_rows(Matrix logits, Matrix stream, Matrix uniform, Matrix token, Matrix probability,
              int64_t vocab, int64_t row_first, Rules rules, Scratch scratch)
{
    const int64_t row = row_first + blockIdx.x;
    float *const score = scratch.score + blockIdx.x * vocab;
    float *const weight = scratch.weight + blockIdx.x * vocab;
    double total = 0.0;
    if (scale_row(logits, row, vocab, rules.temperature, score)) { /* the same for the block */
        if (rules.top_k > 0 && rules.top_k < vocab) {
            keep_top_k(vocab, rules.top_k, score);
        }
        total = weigh_row(score, vocab, weight);
        if (rules.top_p < 1.0 && total > 0.0) {
            total = keep_top_p(score, weight, vocab, rules.top_p, total);
        }
    }
    const bool defined = total > 0.0; /* else a NaN, or no finite greatest logit */
    for (int64_t t = threadIdx.x; t < vocab && probability.data != nullptr; t += blockDim.x) {
        store(probability, row, t,
              defined ? static_cast<float>(static_cast<double>(weight[t]) / total) : NAN);
    }
    int64_t chosen = -1;
    if (defined) {
        const double u = uniform.data != nullptr
                             ? load_wide(uniform, 0, row)
                             : assay_philox_uniform(rules.seed,
                                                    static_cast<uint64_t>(load_index(stream, row)),
                                                    rules.step);
        chosen = draw_token(weight, vocab, total, u);
    }
    if (threadIdx.x == 0) {
        store_index(token, row, chosen);
    }
}

int64_t rows_at_once(const assay_sample_io *io)
{
    const size_t bytes = static_cast<size_t>(io->logits.shape[1]) * 2 * sizeof(float);
    const int64_t fit = static_cast<int64_t>(WORKSPACE_MOST / bytes);
    return least(io->logits.shape[0], fit < 1 ? 1 : fit);
}

size_t workspace(const assay_sample_params *params, const assay_sample_io *io)
{
    return params->temperature > 0.0
               ? static_cast<size_t>(rows_at_once(io) * io->logits.shape[1]) * 2 * sizeof(float)
               : 0;
}

/* Threads for a row: enough to read it, in whole warps. */
unsigned threads_for(int64_t vocab)
{
    enum { EACH = 16 };
    unsigned threads = WARP;
    while (threads < ROW_BLOCK_MOST && static_cast<int64_t>(threads) * EACH < vocab) {
        threads *= 2;
    }
    return threads;
}

assay_status draw_all(const assay_exec *exec, const assay_sample_params *params,
                      const assay_sample_io *io)
{
    const int64_t rows = io->logits.shape[0];
    const int64_t vocab = io->logits.shape[1];
    const int64_t at_once = rows_at_once(io);
    float *const base = static_cast<float *>(exec->workspace);
    const Scratch scratch = {base, base + at_once * vocab};
    const Rules rules = {params->temperature, params->top_p, params->top_k, params->seed,
                         static_cast<uint64_t>(io->step)};
    for (int64_t first = 0; first < rows; first += at_once) {
        const unsigned count = static_cast<unsigned>(least(at_once, rows - first));
        ASSAY_LAUNCH(exec, draw_rows, (Dimensions{dim3(count), dim3(threads_for(vocab)), 0}),
                     matrix_of(io->logits), matrix_of(io->stream), matrix_of(io->uniform),
                     matrix_of(io->token), matrix_of(io->probability), vocab, first, rules,
                     scratch);
    }
    return ASSAY_OK;
}

template <typename T>
assay_status run(const assay_exec *exec, const assay_sample_params *params, const void *,
                 const assay_sample_io *io)
{
    const Operand typed[] = {{"logits", &io->logits}};
    const Operand others[] = {{"stream", &io->stream},
                              {"uniform", &io->uniform},
                              {"token", &io->token},
                              {"probability", &io->probability}};
    assay_status status = expect(exec, Flow<T>::type, typed, others);
    status = status != ASSAY_OK ? status : expect_workspace(exec, workspace(params, io));
    if (status != ASSAY_OK) {
        return status;
    }
    if (params->temperature > 0.0) {
        return draw_all(exec, params, io);
    }
    const int64_t vocab = io->logits.shape[1];
    const dim3 grid(static_cast<unsigned>(io->logits.shape[0]));
    ASSAY_LAUNCH(exec, take_greatest, (Dimensions{grid, dim3(threads_for(vocab)), 0}),
                 matrix_of(io->logits), matrix_of(io->token), matrix_of(io->probability), vocab);
    return ASSAY_OK;
}

assay_status supports(const assay_device *device, const assay_sample_params *,
                      const assay_sample_io *, assay_error *error)
{
    return device_served(device, error);
}

template <typename T> assay_kernel describe_op()
{
    assay_kernel kernel = describe<T>(
        ASSAY_OP_sample, "argmax, or a draw by cumulative sum, a block a row", ASSAY_ORDER_LANES);
    kernel.capabilities = ASSAY_CAN_PROBABILITY;
    kernel.run.sample.supports = supports;
    kernel.run.sample.workspace = workspace;
    kernel.run.sample.run = run<T>;
    return kernel;
}

} // namespace

ASSAY_CUDA_KERNEL(sample)

} // namespace assay_cuda
