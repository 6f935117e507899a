/* The one list of ops. A stage (capture, generate, explain) is an op too: unless a backend supplies
 * a fused kernel for it, it is composed of the backend's other ops. */
#ifndef ASSAY_OPS_H
#define ASSAY_OPS_H

#include "assay/exec.h"
#include "assay/precision.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_STEP_OPS(X)                                                                          \
    X(embed) X(add) X(rmsnorm) X(linear) X(rope) X(attention) X(swiglu)                            \
    X(sae_encode) X(sae_decode) X(sae_steer) X(adapter) X(sample)
#define ASSAY_STAGE_OPS(X) X(capture) X(generate) X(explain)
#define ASSAY_OPS(X) ASSAY_STEP_OPS(X) ASSAY_STAGE_OPS(X)

typedef enum assay_op {
#define ASSAY_OP_ENUM(op) ASSAY_OP_##op,
    ASSAY_OPS(ASSAY_OP_ENUM)
#undef ASSAY_OP_ENUM
    ASSAY_OP_COUNT
} assay_op;

static inline const char *assay_op_name(assay_op op)
{
    switch (op) {
#define ASSAY_OP_NAME(name) case ASSAY_OP_##name: return #name;
        ASSAY_OPS(ASSAY_OP_NAME)
#undef ASSAY_OP_NAME
    case ASSAY_OP_COUNT: break;
    }
    return "?";
}

/* Every op's header ends with this. It gives the op's functions their types, written once:
 *
 * supports   ASSAY_OK, or ASSAY_UNSUPPORTED with the reason as the message. NULL: always.
 * workspace  bytes of scratch that run needs for these shapes. NULL: none.
 * prepare    packs weights, makes handles; *state is given back to run and release. NULL: nothing
 *            to prepare, state is NULL. Timed apart from run, may allocate.
 * run        the op. No allocation, no printing, no hidden synchronisation. Every element of every
 *            output is written. Inputs are never written. exec, params and io are the harness's:
 *            they are only read, and live for the call (params as long as the state made from
 *            them).
 * bytes_read bytes one run reads from the packed weights. NULL: the weights' stored size. */
#define ASSAY_OP_FUNCTIONS(op)                                                                     \
    typedef assay_status assay_##op##_run_fn(const assay_exec *exec,                               \
                                             const assay_##op##_params *params, const void *state, \
                                             const assay_##op##_io *io);                           \
    typedef struct assay_##op##_functions {                                                        \
        assay_status (*supports)(const assay_device *device, const assay_##op##_params *params,    \
                                 const assay_##op##_io *io, assay_error *error);                   \
        size_t (*workspace)(const assay_##op##_params *params, const assay_##op##_io *io);         \
        assay_status (*prepare)(const assay_exec *exec, const assay_##op##_params *params,         \
                                void **state);                                                     \
        assay_##op##_run_fn *run;                                                                  \
        uint64_t (*bytes_read)(const assay_##op##_params *params, const void *state,               \
                               const assay_##op##_io *io);                                         \
    } assay_##op##_functions

#ifdef __cplusplus
}
#endif
#endif
