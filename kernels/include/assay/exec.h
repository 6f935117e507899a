/* Where and with what a kernel runs. The harness owns everything in it. */
#ifndef ASSAY_EXEC_H
#define ASSAY_EXEC_H

#include "assay/status.h"
#include "assay/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Instruction sets and the like a kernel may ask for; a bit set means usable now (the CPU has it
 * and the operating system saves its registers). */
typedef enum assay_feature {
    ASSAY_FEATURE_AVX2_FMA = 1 << 0, /* F16C too; whatever has AVX512 has this */
    ASSAY_FEATURE_AVX512 = 1 << 1, /* F, BW, DQ, VL */
    ASSAY_FEATURE_AVX512_BF16 = 1 << 2,
    ASSAY_FEATURE_AVX512_VNNI = 1 << 3,
    ASSAY_FEATURE_AMX_BF16 = 1 << 4,
    ASSAY_FEATURE_AMX_INT8 = 1 << 5,
    ASSAY_FEATURE_AVX_VNNI = 1 << 6
} assay_feature;

enum { ASSAY_FEATURE_COUNT = 7 };

/* The name of bit i, below ASSAY_FEATURE_COUNT; NULL for others. */
static inline const char *assay_feature_name(int i)
{
    static const char *const names[ASSAY_FEATURE_COUNT] = {
        "avx2_fma", "avx512", "avx512_bf16", "avx512_vnni", "amx_bf16", "amx_int8", "avx_vnni"};
    return i >= 0 && i < ASSAY_FEATURE_COUNT ? names[i] : NULL;
}

typedef struct assay_device {
    assay_space space;
    int32_t index;         /* CUDA ordinal; 0 on the host */
    uint32_t features;     /* assay_feature bits of the host CPU */
    int32_t compute;       /* CUDA compute capability x 10 (90 for Hopper); 0 on the host */
    uint64_t memory_bytes; /* free for use when the device was looked at */
} assay_device;

typedef struct assay_exec {
    assay_device device;
    void *stream; /* cudaStream_t; NULL on the host. A kernel enqueues here and does not wait. */
    void *workspace;
    size_t workspace_bytes; /* at least what the kernel asked for; aligned to 256 bytes; it holds
                               anything */
    int32_t threads;        /* OpenMP threads a host kernel may use; at least 1 */
    assay_error *error;     /* where to write a message; may be NULL */
    void *harness;          /* the harness's own; kernels neither read nor write it */
} assay_exec;

#ifdef __cplusplus
}
#endif
#endif
