/* What every kernel of an instruction set shares: the head of its descriptor, the two contracts,
 * memory for packed weights, and each thread's share of the work. */
#ifndef KERNELS_SIMD_KERNEL_H
#define KERNELS_SIMD_KERNEL_H

#include <omp.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "kernels/scalar/contract.h"

enum {
    SIMD_LINE = 64,                 /* bytes of a cache line, and of the widest register */
    SIMD_HUGE = 2 << 20,            /* bytes of a huge page */
    SIMD_NEED_AVX2 = ASSAY_FEATURE_AVX2_FMA,
    SIMD_NEED_AVX512 = ASSAY_FEATURE_AVX512,
    SIMD_NEED_AVX512BF16 = ASSAY_FEATURE_AVX512 | ASSAY_FEATURE_AVX512_BF16,
    SIMD_NEED_AMX = ASSAY_FEATURE_AVX512 | ASSAY_FEATURE_AVX512_BF16 | ASSAY_FEATURE_AMX_BF16,
    SIMD_NEED_SCREENED_VNNI = SIMD_NEED_AVX512BF16 | ASSAY_FEATURE_AVX512_VNNI,
    SIMD_NEED_SCREENED_AMX = SIMD_NEED_SCREENED_VNNI | ASSAY_FEATURE_AMX_INT8
};

/* Head of a descriptor; precision, capabilities and functions follow. */
#define SIMD_KERNEL(op_, name_, need_, summary_)                                                   \
    .abi = ASSAY_ABI, .size = (uint32_t)sizeof(assay_kernel), .op = ASSAY_OP_##op_,                \
    .name = (name_), .backend = (name_), .summary = (summary_), .space = ASSAY_HOST,               \
    .features = (need_)

/* f32: that of the scalar backend. A fused multiply-add rounds once where that rounds twice. */
#define SIMD_CONTRACT_F32 SCALAR_CONTRACT(ASSAY_F32, ASSAY_ORDER_LANES, ASSAY_NONE)

/* bf16: operands of products rounded to bf16, sums in f32, activations bf16. VDPBF16PS and
 * TDPBF16PS add one product after the other to f32, to nearest; they take subnormal operands for
 * zero and make zero of subnormal sums, whatever MXCSR says; what follows the sums keeps subnormal
 * numbers. Source: Intel's manual, volume 2. */
#define SIMD_CONTRACT_BF16 SIMD_CONTRACT_BF16_WEIGHTS(0)

/* The same with weights quantised to so many bits, a scale a row: linear alone. */
#define SIMD_CONTRACT_BF16_WEIGHTS(bits_)                                                          \
    {                                                                                              \
        .storage = ASSAY_BF16, .multiply = ASSAY_BF16,                                             \
        .accumulate = {.bits = 24, .rounding = ASSAY_NEAREST, .block = 1},                         \
        .intermediate = ASSAY_F32, .output = ASSAY_BF16,                                           \
        .order = ASSAY_ORDER_LANES,                                                                \
        .flush = ASSAY_FLUSH_IN | ASSAY_FLUSH_ACCUMULATE, .quant_bits = (bits_)                    \
    }

/* Memory for packed weights, to be freed with free(): on huge pages where it is large, since a
 * stream through 4 KiB pages waits for their translations. NULL when there is none. */
static inline void *simd_allocate(size_t bytes)
{
    const size_t unit = bytes >= 2 * (size_t)SIMD_HUGE ? SIMD_HUGE : SIMD_LINE;
    const size_t whole = (bytes + unit - 1) / unit * unit;
    void *const memory = aligned_alloc(unit, whole > 0 ? whole : unit);
    if (memory != NULL && unit == SIMD_HUGE) {
        (void)madvise(memory, whole, MADV_HUGEPAGE); /* only faster: a refusal changes nothing */
    }
    return memory;
}

static inline size_t simd_round_up(size_t value, size_t unit)
{
    return (value + unit - 1) / unit * unit;
}

/* The threads to start for so many multiply-adds, of which a core does some tens a nanosecond: a
 * team and its barriers cost some microseconds. */
static inline int simd_threads(const assay_exec *exec, int64_t work)
{
    return scalar_threads(exec, work / 8);
}

/* The share of the calling thread of a team: items first .. last-1 of count, neighbours together,
 * the same ones every time. */
typedef struct simd_share {
    int64_t first, last;
} simd_share;

static inline simd_share simd_share_of(int64_t count)
{
    const int64_t team = omp_get_num_threads();
    const int64_t self = omp_get_thread_num();
    return (simd_share){count * self / team, count * (self + 1) / team};
}

#endif
