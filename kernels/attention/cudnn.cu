/* attention: rows are stored in the cache and told apart by sequence on the device (ragged.h), then
 * one of two graphs (kernels/cudnn/build.h), and heads that are not finite looked at again
 * (repair.h).
 *
 * Up to as many rows as sequences may be a decode step, which the host does not know: sequences are
 * the device's. Each row is then a batch of one query with its own number of keys, whatever its
 * sequence, by cuDNN's operation for attention; rows of a prompt that come so few are right too.
 * More rows, and what that operation has no engine for, take the graph of matmul, mask, softmax and
 * matmul, whose mask is aligned to the bottom right. */
#include "kernels/cudnn/context.h"
#include "kernels/cudnn/ragged.h"
#include "kernels/cudnn/repair.h"

#include <cfloat>
#include <cmath>

namespace assay_cudnn {
namespace {

template <typename F>
AttentionShape shape_of(const assay_attention_params *params, const assay_attention_io *io)
{
    const int64_t capacity = io->k_cache.shape[1];
    return {io->k_cache.shape[0], least(io->q.shape[0], capacity), capacity, params->heads,
            params->kv_heads, params->head_dim, F::type};
}

/* A step's plan; ASSAY_UNSUPPORTED is kept as a plan of nothing, so that it is found out once. */
template <typename F>
assay_status plan_step(int32_t device, const assay_attention_params *params,
                       const assay_attention_io *io, Plan *made, assay_error *error)
{
    const DecodeShape s = {io->q.shape[0], io->k_cache.shape[0], io->k_cache.shape[1],
                           params->heads, params->kv_heads, params->head_dim, F::type};
    const GraphKey key = {device, ASSAY_OP_attention,
                          {s.rows, s.sequences, s.capacity, s.heads, s.kv_heads, s.head_dim,
                           s.type, 1}};
    if (find_plan(key, made)) {
        return made->plan != nullptr ? ASSAY_OK : ASSAY_UNSUPPORTED;
    }
    const assay_status status = plan_for(key, build_decode, s, made, error);
    if (status == ASSAY_UNSUPPORTED) {
        keep_plan(key, {nullptr, 0});
    }
    return status;
}

bool may_be_step(const assay_attention_io *io)
{
    return io->q.shape[0] <= io->k_cache.shape[0];
}

/* *step: it is a step's. */
template <typename F>
assay_status plan(int32_t device, const assay_attention_params *params,
                  const assay_attention_io *io, Plan *made, bool *step, assay_error *error)
{
    *step = may_be_step(io) && plan_step<F>(device, params, io, made, error) == ASSAY_OK;
    if (*step) {
        return ASSAY_OK;
    }
    const AttentionShape s = shape_of<F>(params, io);
    const GraphKey key = {device, ASSAY_OP_attention,
                          {s.rows_most, s.sequences, s.capacity, s.heads, s.kv_heads, s.head_dim,
                           s.type}};
    return plan_for(key, build_attention, s, made, error);
}

/* Scratch: what the graph is told of rows, what it makes, its own. */
struct Parts {
    size_t ragged, made;
};

Parts parts_of(const assay_attention_io *io)
{
    constexpr size_t whole = 256;
    const size_t bytes = static_cast<size_t>(io->q.shape[0] * io->q.shape[1]) * 2;
    return {ragged_bytes(io->k_cache.shape[0]), (bytes + whole - 1) / whole * whole};
}

template <typename F>
size_t workspace(const assay_attention_params *params, const assay_attention_io *io)
{
    size_t bytes = 0;
    const Parts parts = parts_of(io);
    bool step = false;
    const auto plan_on = [&](int32_t device, Plan *made) {
        return plan<F>(device, params, io, made, &step, nullptr);
    };
    return io->q.shape[0] > 0 && most_scratch(plan_on, &bytes)
               ? parts.ragged + parts.made + bytes
               : 0;
}

template <typename F>
assay_status run(const assay_exec *exec, const assay_attention_params *params, const void *,
                 const assay_attention_io *io)
{
    const Operand typed[] = {{"q", &io->q}, {"k", &io->k}, {"v", &io->v}, {"y", &io->y},
                             {"k_cache", &io->k_cache}, {"v_cache", &io->v_cache}};
    const Operand others[] = {{"sequence", &io->sequence}, {"position", &io->position}};
    assay_status status = expect(exec, F::io, typed, others);
    if (status != ASSAY_OK || io->q.shape[0] == 0) {
        return status;
    }
    begin_run(exec);
    Plan made = {nullptr, 0};
    const int64_t sequences = io->k_cache.shape[0];
    const int64_t rows = io->q.shape[0];
    const Parts parts = parts_of(io);
    bool step = false;
    status = plan<F>(exec->device.index, params, io, &made, &step, exec->error);
    status = status != ASSAY_OK
                 ? status
                 : expect_workspace(exec, parts.ragged + parts.made + made.workspace_bytes);
    status = status != ASSAY_OK ? status : store_rows(exec, params, io);
    const Ragged ragged = carve_ragged(sequences, exec->workspace);
    if (status == ASSAY_OK) {
        status = step ? make_single(exec, io->sequence, io->position, rows, ragged)
                      : make_ragged(exec, io->sequence, io->position, rows,
                                    params->heads * params->head_dim, sequences, ragged);
    }
    float scale = static_cast<float>(1.0 / sqrt(static_cast<double>(params->head_dim)));
    float masked = -FLT_MAX;
    char *const output = static_cast<char *>(exec->workspace) + parts.ragged;
    int32_t *const offset = step ? nullptr : ragged.offset;
    const Binding bindings[] = {{ID_Q, io->q.data},       {ID_K, io->k_cache.data},
                                {ID_V, io->v_cache.data}, {ID_Y, output},
                                {ID_ROWS, ragged.rows},   {ID_KEYS, ragged.keys},
                                {ID_Q_OFFSET, offset},    {ID_Y_OFFSET, offset},
                                {ID_SCALE, &scale},       {ID_MASKED, step ? nullptr : &masked},
                                {ID_PAGE, step ? ragged.offset : nullptr}};
    status = status != ASSAY_OK ? status : run_bound(exec, made, bindings, output + parts.made);
    const Matrix rows_made = {output, params->heads * params->head_dim, 1, F::io};
    return status != ASSAY_OK ? status
                              : repair<typename F::Io>(exec, params, io, rows_made, scale);
}

template <typename F>
assay_status supports(const assay_device *device, const assay_attention_params *params,
                      const assay_attention_io *io, assay_error *error)
{
    const assay_status status = served(device, error);
    if (status != ASSAY_OK) {
        return status;
    }
    if (params->head_dim > HEAD_MOST) {
        return assay_fail(error, ASSAY_UNSUPPORTED, "heads of more than %d elements",
                          static_cast<int>(HEAD_MOST));
    }
    if (io->k_cache.dtype != F::io || io->v_cache.dtype != F::io) {
        return assay_fail(error, ASSAY_UNSUPPORTED, "the caches must be %s, as q, k and v are",
                          assay_dtype_name(F::io));
    }
    if (io->q.shape[0] * params->heads * params->head_dim > INT32_MAX) {
        return assay_fail(error, ASSAY_UNSUPPORTED,
                          "q of %lld rows: offsets of more than 31 bits are not served",
                          static_cast<long long>(io->q.shape[0]));
    }
    Plan made = {nullptr, 0};
    bool step = false;
    return io->q.shape[0] == 0 ? ASSAY_OK
                               : plan<F>(device->index, params, io, &made, &step, error);
}

} // namespace

template <typename F> assay_kernel describe_attention()
{
    assay_kernel kernel = describe<F>(
        ASSAY_OP_attention, "cuDNN's fused attention over ragged rows and a cache");
    const int aligned[] = {0, 1, 2, 5, 6, 7}; /* q, k, v, the caches, y */
    for (const int operand : aligned) {
        kernel.alignment[operand] = VECTOR;
    }
    kernel.run.attention.supports = supports<F>;
    kernel.run.attention.workspace = workspace<F>;
    kernel.run.attention.run = run<F>;
    return kernel;
}

ASSAY_CUDNN_KERNEL(attention)

} // namespace assay_cudnn
