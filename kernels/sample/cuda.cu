/* sample: chunks of a row's tokens, a block each, so that few rows fill a GPU. Argmax by keys that
 * hold value and index; or scaled logits, the cuts of top_k and top_p (nucleus.h), and a draw from
 * the cumulative sum in token order. Weights are f32, their sums f64, each in one fixed order. */
#include "kernels/cuda/nucleus.h"

#include "assay/philox.h"

namespace assay_cuda {
namespace {

struct Draw {
    uint64_t seed, step;
};

/* The greatest key of each chunk, the lowest index first among equals. */
__global__ void __launch_bounds__(CHUNK_THREADS)
    greatest_of_chunks(Matrix logits, int64_t row_first, int64_t vocab, uint64_t *greatest)
{
    const int64_t row = row_first + blockIdx.y;
    const int64_t first = static_cast<int64_t>(blockIdx.x) * CHUNK;
    const int64_t end = least(first + CHUNK, vocab);
    uint64_t best = 0;
    for (int64_t at = first + threadIdx.x * OCTET; at < end; at += CHUNK_THREADS * OCTET) {
        float x[OCTET];
        load_octet(logits, row, at, end - at, x);
#pragma unroll
        for (int i = 0; i < OCTET; i++) {
            const uint64_t lowest_first = 0xffffffffu - static_cast<uint64_t>(at + i);
            const uint64_t own = static_cast<uint64_t>(key_of(x[i])) << 32 | lowest_first;
            best = at + i < end ? Greatest::of(best, own) : best;
        }
    }
    best = block_reduce<Greatest>(best);
    if (threadIdx.x == 0) {
        greatest[blockIdx.y * gridDim.x + blockIdx.x] = best;
    }
}

__global__ void __launch_bounds__(CHUNK_THREADS)
    take_greatest(const uint64_t *greatest, int64_t chunks, Matrix token, Matrix probability,
                  int64_t row_first, int64_t vocab)
{
    const int64_t row = row_first + blockIdx.y;
    uint64_t best = 0;
    for (int64_t c = threadIdx.x; c < chunks; c += CHUNK_THREADS) {
        best = Greatest::of(best, greatest[blockIdx.y * chunks + c]);
    }
    best = block_reduce<Greatest>(best);
    const int64_t chosen = static_cast<int64_t>(0xffffffffu - (best & 0xffffffffu));
    if (threadIdx.x == 0 && blockIdx.x == 0) {
        store_index(token, row, chosen);
    }
    const int64_t first = static_cast<int64_t>(blockIdx.x) * CHUNK;
    const int64_t end = probability.data != nullptr ? least(first + CHUNK, vocab) : first;
    for (int64_t t = first + threadIdx.x; t < end; t += CHUNK_THREADS) {
        store(probability, row, t, t == chosen ? 1.0f : 0.0f);
    }
}

/* Scores, and the greatest of each chunk. */
__global__ void __launch_bounds__(CHUNK_THREADS)
    scale_rows(Matrix logits, int64_t row_first, double temperature, Tokens t)
{
    const int64_t row = blockIdx.y;
    const int64_t first = static_cast<int64_t>(blockIdx.x) * CHUNK;
    const int64_t end = least(first + CHUNK, t.vocab);
    float top = -INFINITY;
    int64_t strange = 0;
    for (int64_t at = first + threadIdx.x * OCTET; at < end; at += CHUNK_THREADS * OCTET) {
        float x[OCTET];
        load_octet(logits, row_first + row, at, end - at, x);
#pragma unroll
        for (int i = 0; i < OCTET; i++) {
            if (at + i < end) {
                const float s = static_cast<float>(static_cast<double>(x[i]) / temperature);
                t.score[row * t.vocab + at + i] = s;
                strange = s != s ? 1 : strange;
                top = fmaxf(top, s);
            }
        }
    }
    top = block_reduce<Greatest>(top);
    strange = block_reduce<Greatest>(strange);
    if (threadIdx.x == 0) {
        t.top[row * t.chunks + blockIdx.x] = strange != 0 ? NAN : top;
    }
}

/* Weights, and their sum in each chunk; with `count` tokens wanted, those below the last of them
 * are dropped before; its equals stay. */
__global__ void __launch_bounds__(CHUNK_THREADS) weigh_rows(Tokens t, double count)
{
    const int64_t row = blockIdx.y;
    const float top = top_of(t, row);
    const uint32_t least_key = count > 0.0 ? cut_after(t, row, CUT_LEVELS, count).key : 0;
    const int64_t first = static_cast<int64_t>(blockIdx.x) * CHUNK;
    const int64_t end = least(first + CHUNK, t.vocab);
    double part = 0.0;
    for (int64_t i = row * t.vocab + first + threadIdx.x; i < row * t.vocab + end;
         i += CHUNK_THREADS) {
        const bool dropped = key_of(t.score[i]) < least_key;
        const float s = dropped ? -INFINITY : t.score[i];
        const float w = expf(s - top);
        t.score[i] = s;
        t.weight[i] = w;
        part += static_cast<double>(w);
    }
    const double sum = block_reduce<Sum>(part);
    if (threadIdx.x == 0) {
        t.sum[row * t.chunks + blockIdx.x] = sum;
    }
}

/* The first token whose cumulative weight exceeds `wanted`, else the last of any weight: looked for
 * from the chunk on that reaches it. */
__device__ __forceinline__ int64_t draw_token(const Tokens &t, int64_t row, double wanted)
{
    const double *const sum = t.sum + row * t.chunks;
    double base = 0.0;
    double before = 0.0;
    int64_t from = 0;
    bool reached = false;
    for (int64_t c = 0; c < t.chunks && !reached; c++) {
        if (sum[c] > 0.0) {
            from = c;
            before = base;
            base += sum[c];
            reached = base > wanted;
        }
    }
    int64_t last = -1;
    for (int64_t at = from * CHUNK; at < t.vocab; at += CHUNK_THREADS) {
        const int64_t i = at + threadIdx.x;
        const double own = i < t.vocab ? static_cast<double>(t.weight[row * t.vocab + i]) : 0.0;
        double all = 0.0;
        const double cumulative = before + block_scan(own, &all) + own;
        last = own > 0.0 ? i : last;
        /* the least index is the greatest of its negatives */
        const int64_t hit = i < t.vocab && cumulative > wanted && own > 0.0 ? -i : INT64_MIN;
        const int64_t found = block_reduce<Greatest>(hit);
        if (found != INT64_MIN) {
            return -found;
        }
        before += all;
    }
    return block_reduce<Greatest>(last);
}

/* A block a row. Undefined: a NaN, or no finite greatest logit. */
__global__ void __launch_bounds__(CHUNK_THREADS)
    draw_rows(Tokens t, Matrix stream, Matrix uniform, Matrix token, int64_t row_first, Draw draw)
{
    const int64_t row = row_first + blockIdx.x;
    const double total = total_of(t, blockIdx.x);
    int64_t chosen = -1;
    if (total > 0.0) {
        const double u = uniform.data != nullptr
                             ? load_wide(uniform, 0, row)
                             : assay_philox_uniform(draw.seed,
                                                    static_cast<uint64_t>(load_index(stream, row)),
                                                    draw.step);
        chosen = draw_token(t, blockIdx.x, u * total);
    }
    if (threadIdx.x == 0) {
        store_index(token, row, chosen);
    }
}

__global__ void __launch_bounds__(CHUNK_THREADS)
    write_probabilities(Tokens t, Matrix probability, int64_t row_first)
{
    const double total = total_of(t, blockIdx.y);
    const int64_t first = static_cast<int64_t>(blockIdx.x) * CHUNK;
    const int64_t end = least(first + CHUNK, t.vocab);
    for (int64_t i = first + threadIdx.x; i < end; i += CHUNK_THREADS) {
        const double w = static_cast<double>(t.weight[blockIdx.y * t.vocab + i]);
        store(probability, row_first + blockIdx.y, i,
              total > 0.0 ? static_cast<float>(w / total) : NAN);
    }
}

size_t row_bytes(const assay_sample_params *params, int64_t vocab)
{
    return params->temperature > 0.0
               ? tokens_bytes(vocab)
               : static_cast<size_t>(chunks_of(vocab)) * sizeof(uint64_t);
}

int64_t rows_at_once(const assay_sample_params *params, const assay_sample_io *io)
{
    const int64_t fit =
        static_cast<int64_t>(WORKSPACE_MOST / row_bytes(params, io->logits.shape[1]));
    return least(io->logits.shape[0], fit < 1 ? 1 : least(fit, GRID_ROWS_MOST));
}

size_t workspace(const assay_sample_params *params, const assay_sample_io *io)
{
    return static_cast<size_t>(rows_at_once(params, io)) *
           row_bytes(params, io->logits.shape[1]);
}

Dimensions chunks_by(int64_t rows, int64_t chunks)
{
    return {dim3(static_cast<unsigned>(chunks), static_cast<unsigned>(rows)), dim3(CHUNK_THREADS),
            0};
}

assay_status greatest(const assay_exec *exec, const assay_sample_io *io, int64_t first,
                      int64_t rows)
{
    const int64_t vocab = io->logits.shape[1];
    const int64_t chunks = chunks_of(vocab);
    uint64_t *const of_chunks = static_cast<uint64_t *>(exec->workspace);
    const Dimensions each = chunks_by(rows, assay_present(&io->probability) ? chunks : 1);
    ASSAY_LAUNCH(exec, greatest_of_chunks, chunks_by(rows, chunks), matrix_of(io->logits), first,
                 vocab, of_chunks);
    ASSAY_LAUNCH(exec, take_greatest, each, of_chunks, chunks, matrix_of(io->token),
                 matrix_of(io->probability), first, vocab);
    return ASSAY_OK;
}

template <bool WEIGHED>
assay_status find_cut(const assay_exec *exec, const Tokens &t, int64_t rows, const Wanted &wanted)
{
    for (int level = 0; level < CUT_LEVELS; level++) {
        ASSAY_LAUNCH(exec, count_digits<WEIGHED>, chunks_by(rows, t.chunks), t, wanted, level);
    }
    return ASSAY_OK;
}

/* The sums of what is left stand beside those before, which the launch that writes them reads. */
assay_status keep_top_p(const assay_exec *exec, const Wanted &wanted, int64_t rows, Tokens *t)
{
    const assay_status status = find_cut<true>(exec, *t, rows, wanted);
    if (status != ASSAY_OK) {
        return status;
    }
    ASSAY_LAUNCH(exec, count_equals, chunks_by(rows, t->chunks), *t, wanted);
    ASSAY_LAUNCH(exec, keep_nucleus, chunks_by(rows, t->chunks), *t, wanted);
    t->sum = t->left;
    return ASSAY_OK;
}

assay_status draw(const assay_exec *exec, const assay_sample_params *params,
                  const assay_sample_io *io, int64_t first, int64_t rows)
{
    const int64_t vocab = io->logits.shape[1];
    const bool counts = params->top_k > 0 && params->top_k < vocab;
    const Wanted wanted = {counts ? static_cast<double>(params->top_k) : 0.0, params->top_p};
    const Draw rules = {params->seed, static_cast<uint64_t>(io->step)};
    Tokens t = carve_tokens(rows, vocab, exec->workspace);
    const Dimensions each = chunks_by(rows, t.chunks);
    ASSAY_LAUNCH(exec, scale_rows, each, matrix_of(io->logits), first, params->temperature, t);
    assay_status status = counts ? find_cut<false>(exec, t, rows, wanted) : ASSAY_OK;
    if (status == ASSAY_OK) {
        ASSAY_LAUNCH(exec, weigh_rows, each, t, wanted.count);
        status = params->top_p < 1.0 ? keep_top_p(exec, wanted, rows, &t) : ASSAY_OK;
    }
    if (status != ASSAY_OK) {
        return status;
    }
    if (assay_present(&io->probability)) {
        ASSAY_LAUNCH(exec, write_probabilities, each, t, matrix_of(io->probability), first);
    }
    ASSAY_LAUNCH(exec, draw_rows,
                 (Dimensions{dim3(static_cast<unsigned>(rows)), dim3(CHUNK_THREADS), 0}), t,
                 matrix_of(io->stream), matrix_of(io->uniform), matrix_of(io->token), first,
                 rules);
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
    const int64_t rows = io->logits.shape[0];
    const int64_t at_once = rows_at_once(params, io);
    for (int64_t first = 0; status == ASSAY_OK && first < rows; first += at_once) {
        const int64_t count = least(at_once, rows - first);
        status = params->temperature > 0.0 ? draw(exec, params, io, first, count)
                                           : greatest(exec, io, first, count);
    }
    return status;
}

assay_status supports(const assay_device *device, const assay_sample_params *,
                      const assay_sample_io *, assay_error *error)
{
    return device_served(device, error);
}

template <typename T> assay_kernel describe_op()
{
    assay_kernel kernel = describe<T>(
        ASSAY_OP_sample, "argmax, or a draw by cumulative sum, a block for 4096 tokens",
        ASSAY_ORDER_LANES);
    kernel.capabilities = ASSAY_CAN_PROBABILITY;
    kernel.run.sample.supports = supports;
    kernel.run.sample.workspace = workspace;
    kernel.run.sample.run = run<T>;
    return kernel;
}

} // namespace

ASSAY_CUDA_KERNEL(sample)

} // namespace assay_cuda
