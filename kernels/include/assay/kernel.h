/* The kernel descriptor: everything the harness knows of one implementation of one op.
 *
 * A built-in kernel is one file with one const descriptor and one line in kernels/list.h; a plug-in
 * exports the same descriptors through assay_plugin_kernels (plugin.h). */
#ifndef ASSAY_KERNEL_H
#define ASSAY_KERNEL_H

#include "assay/adapter.h"
#include "assay/add.h"
#include "assay/attention.h"
#include "assay/capture.h"
#include "assay/embed.h"
#include "assay/explain.h"
#include "assay/generate.h"
#include "assay/linear.h"
#include "assay/rmsnorm.h"
#include "assay/rope.h"
#include "assay/sae_decode.h"
#include "assay/sae_encode.h"
#include "assay/sae_steer.h"
#include "assay/sample.h"
#include "assay/swiglu.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    ASSAY_ABI = 2,
    ASSAY_OPERANDS_MAX = 16
};

/* What an implementation can do beyond the minimum; a bit that is not set is not asked for. */
typedef enum assay_capability {
    ASSAY_CAN_FORCE = 1 << 0,       /* generate, explain: honours forced tokens */
    ASSAY_CAN_LOGITS = 1 << 1,      /* generate, explain: gives logits when asked */
    ASSAY_CAN_DENSE = 1 << 2,       /* sae_encode: writes the dense form when asked */
    ASSAY_CAN_SPARSE = 1 << 3,      /* sae_encode: writes the sparse form */
    ASSAY_CAN_PROBABILITY = 1 << 4, /* sample: writes the distribution when asked */
    ASSAY_CAN_STEER = 1 << 5        /* generate: honours steering */
} assay_capability;

typedef union assay_kernel_functions {
#define ASSAY_OP_MEMBER(op) assay_##op##_functions op;
    ASSAY_OPS(ASSAY_OP_MEMBER)
#undef ASSAY_OP_MEMBER
} assay_kernel_functions;

/* Fields left out of an initialiser are 0 and mean the default given here. */
typedef struct assay_kernel {
    uint32_t abi;        /* ASSAY_ABI */
    uint32_t size;       /* sizeof(assay_kernel): both are checked when a plug-in is loaded */
    assay_op op;         /* which op's functions `run` holds */
    const char *name;    /* the implementation's name: "scalar", "scalar_bf16", "cublas_tf32".
                            Kernels of one name make one implementation: together they also run the
                            stages that are composed of them. Distinct for each op of a plug-in. */
    const char *backend; /* whose library or instruction set: "scalar", "avx512", "cublas" */
    const char *summary; /* one line for `assay list` */
    assay_space space;   /* where operands must be (accelerator.h); 0: the host */
    assay_precision precision; /* what the kernel promises, and is judged by (precision.h) */
    uint32_t capabilities;     /* assay_capability bits */
    uint32_t features;         /* assay_feature bits it needs. Where one is missing nothing of the
                                  kernel is called, not even supports: the verdict is SKIP */
    /* Bytes each operand's data must be aligned to, a power of two; 0: the element's own size. The
     * verifier gives exactly this and no more. The order is that of the fields that are data, first
     * of the op's params (rope's inverse_frequency too; an assay_sae's tensors in its own order),
     * then of its io (an assay_csr's three in its own order). For stages only the io counts.
     * Compositions copy what lies otherwise, by the strictest of them. */
    uint16_t alignment[ASSAY_OPERANDS_MAX];
    assay_kernel_functions run; /* the member named like op; only its `run` is a must */
    void (*release)(const assay_exec *exec, void *state); /* NULL: nothing to release */
} assay_kernel;

/* A backend as a whole: at most one kernel for each op, all under one name. The oracle is such a
 * table too, so one composition gives truth and implementations alike. */
typedef struct assay_table {
    const char *name;
    const assay_kernel *kernel[ASSAY_OP_COUNT];
    const struct assay_accelerator *accelerator; /* that kernels on a device run on (accelerator.h);
                                                    NULL: every kernel is the host's */
    const struct assay_fusions *fusions; /* of these kernels (fusion.h); NULL: none */
} assay_table;

/* What a plug-in exports under the name assay_plugin_kernels: its descriptors, *count of them. */
typedef const assay_kernel *const *assay_plugin_kernels_fn(size_t *count);

#ifdef __cplusplus
}
#endif
#endif
