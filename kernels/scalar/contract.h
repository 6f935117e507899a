/* The two contracts of the scalar backend, and what its kernels share beyond arithmetic.
 *
 * f32: weights as stored, widened on the fly; products and sums in f32; activations f32.
 * bf16: Hugging Face's bf16 flow: the same products and sums in f32 (a product of two bf16 numbers
 * is exact there), results between steps and activations rounded to bf16. */
#ifndef KERNELS_SCALAR_CONTRACT_H
#define KERNELS_SCALAR_CONTRACT_H

#include "assay/kernel.h"

#define SCALAR_CONTRACT(type_, order_, angle_)                                                     \
    {                                                                                              \
        .storage = ASSAY_NONE, .multiply = ASSAY_F32,                                              \
        .accumulate = {.bits = 24, .rounding = ASSAY_NEAREST, .block = 1},                         \
        .intermediate = (type_), .output = (type_), .angle = (angle_), .order = (order_),          \
        .flush = ASSAY_FLUSH_NONE                                                                  \
    }

/* Head of a descriptor; precision, capabilities and functions follow. */
#define SCALAR_KERNEL(op_, name_, summary_)                                                        \
    .abi = ASSAY_ABI, .size = (uint32_t)sizeof(assay_kernel), .op = ASSAY_OP_##op_,                \
    .name = (name_), .backend = "scalar", .summary = (summary_), .space = ASSAY_HOST

/* Threads worth starting for so many multiply-adds: a team costs some microseconds. */
static inline int scalar_threads(const assay_exec *exec, int64_t work)
{
    return work < 20000 || exec->threads < 1 ? 1 : (int)exec->threads;
}

static inline int64_t scalar_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline assay_status scalar_expect(const assay_exec *exec, const char *operand,
                                         const assay_tensor *tensor, assay_dtype dtype)
{
    if (tensor->dtype == dtype && tensor->space == ASSAY_HOST) {
        return ASSAY_OK;
    }
    return assay_fail(exec->error, ASSAY_BAD_ARGUMENT,
                      "operand %s: expected %s in host memory, got %s; convert it first", operand,
                      assay_dtype_name(dtype), assay_dtype_name(tensor->dtype));
}

static inline assay_status scalar_expect_workspace(const assay_exec *exec, size_t bytes)
{
    if (exec->workspace_bytes >= bytes) {
        return ASSAY_OK;
    }
    return assay_fail(exec->error, ASSAY_BAD_ARGUMENT,
                      "workspace of %zu bytes given, %zu needed; ask the kernel's workspace()",
                      exec->workspace_bytes, bytes);
}

/* Element i of an integer vector (i32 or i64). */
static inline int64_t scalar_index(const assay_tensor *tensor, int64_t i)
{
    const int64_t at = i * tensor->stride[0];
    return tensor->dtype == ASSAY_I32 ? (int64_t)((const int32_t *)tensor->data)[at]
                                      : ((const int64_t *)tensor->data)[at];
}

#endif
