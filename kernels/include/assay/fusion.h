/* Fusions: several ops in one call. At batch 1 a layer's launches cost a large GPU as much as its
 * weights, and what one op writes for the next need not go through memory.
 *
 * A fusion stands for kernels of one implementation, in the order given with each below. What it
 * writes is bit for bit what these kernels write in turn, so that it promises nothing of its own: no
 * precision, no budget. Stages composed of the implementation's kernels use it where nothing happens
 * between the ops (no steering, no end of the pass), and are judged with it in use. A plug-in with
 * fusions exports them under the name assay_plugin_fusions, beside its kernels.
 *
 *   static const assay_fusions mine = {
 *       .abi = ASSAY_FUSIONS_ABI, .size = sizeof mine, .name = "mine",
 *       .add_rmsnorm = {.run = add_then_norm},
 *   };
 *   ASSAY_PLUGIN_FUSIONS(&mine);
 *
 * Of every fusion:
 * supports   ASSAY_OK, or ASSAY_UNSUPPORTED: the ops are called one after another. NULL: always. It
 *            looks at shapes, types and params, not at data.
 * workspace  bytes of scratch that run needs for these shapes. NULL: none.
 * run        all of its ops. NULL: the implementation has no such fusion. Rules are those of an op's
 *            run: no allocation, no printing, no hidden synchronisation; inputs are never written.
 * `steps` are the ops' params and states as their kernels prepared them, `io` their operands, in the
 * memory and of the types that the kernels want, aligned to an element alone. Outputs lie apart from inputs and from one another
 * unless it says otherwise. A fusion needs no feature of the processor that its kernels do not. */
#ifndef ASSAY_FUSION_H
#define ASSAY_FUSION_H

#include <stddef.h>

#include "assay/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    ASSAY_FUSIONS_ABI = 1,
    ASSAY_LINEARS_MAX = 3
};

/* Those of a layer's ops, and all. */
#define ASSAY_LAYER_FUSIONS(X) X(add_rmsnorm) X(linears) X(gate_up_swiglu) X(rope_attention)
#define ASSAY_FUSIONS(X) ASSAY_LAYER_FUSIONS(X) X(linear_sample)

/* An op as it was prepared. */
#define ASSAY_PREPARED(op)                                                                         \
    typedef struct assay_prepared_##op {                                                           \
        const assay_##op##_params *params;                                                         \
        const void *state;                                                                         \
    } assay_prepared_##op
ASSAY_PREPARED(add);
ASSAY_PREPARED(rmsnorm);
ASSAY_PREPARED(linear);
ASSAY_PREPARED(swiglu);
ASSAY_PREPARED(rope);
ASSAY_PREPARED(attention);
ASSAY_PREPARED(sample);
#undef ASSAY_PREPARED

#define ASSAY_FUSION_FUNCTIONS(fusion)                                                             \
    typedef struct assay_##fusion##_functions {                                                    \
        assay_status (*supports)(const assay_device *device, const assay_##fusion##_steps *steps,  \
                                 const assay_##fusion##_io *io, assay_error *error);               \
        size_t (*workspace)(const assay_##fusion##_steps *steps, const assay_##fusion##_io *io);   \
        assay_status (*run)(const assay_exec *exec, const assay_##fusion##_steps *steps,           \
                            const assay_##fusion##_io *io);                                        \
    } assay_##fusion##_functions

/* add, rmsnorm: sum = a + b, y = rmsnorm(sum). All [N,d]. sum may be a. */
typedef struct assay_add_rmsnorm_steps {
    assay_prepared_add add;
    assay_prepared_rmsnorm norm;
} assay_add_rmsnorm_steps;
typedef struct assay_add_rmsnorm_io {
    assay_tensor a, b;
    assay_tensor sum, y;
} assay_add_rmsnorm_io;
ASSAY_FUSION_FUNCTIONS(add_rmsnorm);

/* linear, `count` times (2 .. ASSAY_LINEARS_MAX) of one x: y[i] = x weight_i^T + bias_i. x [N,K],
 * y[i] [N,O_i]. Elements from count on are not looked at. */
typedef struct assay_linears_steps {
    int32_t count;
    assay_prepared_linear linear[ASSAY_LINEARS_MAX];
} assay_linears_steps;
typedef struct assay_linears_io {
    assay_tensor x;
    assay_tensor y[ASSAY_LINEARS_MAX];
} assay_linears_io;
ASSAY_FUSION_FUNCTIONS(linears);

/* linear, linear, swiglu: y = silu(gate(x)) * up(x), both products rounded as linear's outputs are.
 * x [N,K], y [N,d_ff]. */
typedef struct assay_gate_up_swiglu_steps {
    assay_prepared_linear gate, up;
    assay_prepared_swiglu swiglu;
} assay_gate_up_swiglu_steps;
typedef struct assay_gate_up_swiglu_io {
    assay_tensor x;
    assay_tensor y;
} assay_gate_up_swiglu_io;
ASSAY_FUSION_FUNCTIONS(gate_up_swiglu);

/* rope of q, rope of k, attention: operands are attention's, q and k as they are before they are
 * rotated. Written are y and the caches, which get k rotated; q and k may be written too, and hold
 * anything afterwards. y may be q. */
typedef struct assay_rope_attention_steps {
    assay_prepared_rope rope;
    assay_prepared_attention attention;
} assay_rope_attention_steps;
typedef assay_attention_io assay_rope_attention_io;
ASSAY_FUSION_FUNCTIONS(rope_attention);

/* linear, sample: token[n] as sample takes it from linear's row n, which nobody else asks for and
 * which need not be written. x [N,K]; the rest is sample's, whose logits and probability there are
 * none. */
typedef struct assay_linear_sample_steps {
    assay_prepared_linear linear;
    assay_prepared_sample sample;
} assay_linear_sample_steps;
typedef struct assay_linear_sample_io {
    assay_tensor x;
    assay_tensor stream;
    int64_t step;
    assay_tensor uniform;
    assay_tensor token;
} assay_linear_sample_io;
ASSAY_FUSION_FUNCTIONS(linear_sample);

typedef struct assay_fusions {
    uint32_t abi;     /* ASSAY_FUSIONS_ABI */
    uint32_t size;    /* sizeof(assay_fusions) of the plug-in's headers: members that are not within
                         it are absent, those that this assay does not know are left alone */
    const char *name; /* the implementation's: the plug-in's kernels of this name are stood for */
    assay_add_rmsnorm_functions add_rmsnorm;
    assay_linears_functions linears;
    assay_gate_up_swiglu_functions gate_up_swiglu;
    assay_rope_attention_functions rope_attention;
    assay_linear_sample_functions linear_sample;
} assay_fusions;

/* What fusions must have at least. */
#define ASSAY_FUSIONS_LEAST ((uint32_t)offsetof(assay_fusions, add_rmsnorm))

/* Whether there is one: within what the plug-in's headers had, and with its function. */
#define ASSAY_FUSIONS_HAVE(fusions, fusion)                                                        \
    ((fusions)->size >= offsetof(assay_fusions, fusion) + sizeof (fusions)->fusion &&              \
     (fusions)->fusion.run != NULL)

/* What a plug-in exports under the name assay_plugin_fusions: *count of them, each of another name.
 * They live as long as the plug-in. */
typedef const assay_fusions *const *assay_plugin_fusions_fn(size_t *count);

#define ASSAY_FUSIONS_SYMBOL "assay_plugin_fusions"

/* Once in a plug-in, at file scope, with a semicolon: the addresses of its fusions. */
#define ASSAY_PLUGIN_FUSIONS(...)                                                                  \
    ASSAY_PLUGIN_EXPORT const assay_fusions *const *assay_plugin_fusions(size_t *count);           \
    const assay_fusions *const *assay_plugin_fusions(size_t *count)                                \
    {                                                                                              \
        static const assay_fusions *const assay_all[] = {__VA_ARGS__};                             \
        *count = sizeof assay_all / sizeof assay_all[0];                                           \
        return assay_all;                                                                          \
    }                                                                                              \
    struct assay_fusions_end_with_a_semicolon

#ifdef __cplusplus
}
#endif
#endif
