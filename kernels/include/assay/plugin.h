/* What a plug-in's author writes beside the kernels themselves.
 *
 *   #include "assay/plugin.h"
 *
 *   static const assay_kernel linear_mine = {
 *       ASSAY_KERNEL_HEAD(linear, "mine", "avx512", "dot products in 16 lanes"),
 *       .precision = {.multiply = ASSAY_F32, .accumulate = {.bits = 24, .block = 1},
 *                     .intermediate = ASSAY_F32, .output = ASSAY_F32},
 *       .run.linear = {.run = run},
 *   };
 *   ASSAY_PLUGIN(&linear_mine);
 *
 * C++17 has no designated initialisers: there a descriptor starts as
 * assay_kernel_of(ASSAY_OP_linear, "mine", "avx512", "...") and its members are assigned. */
#ifndef ASSAY_PLUGIN_H
#define ASSAY_PLUGIN_H

#include "assay/kernel.h"

#ifdef __cplusplus
#define ASSAY_PLUGIN_LINKAGE extern "C"
#else
#define ASSAY_PLUGIN_LINKAGE extern
#endif

/* Seen from outside, also where everything else is hidden (-fvisibility=hidden). */
#if defined(__GNUC__)
#define ASSAY_PLUGIN_EXPORT ASSAY_PLUGIN_LINKAGE __attribute__((visibility("default")))
#else
#define ASSAY_PLUGIN_EXPORT ASSAY_PLUGIN_LINKAGE
#endif

/* The name of the one function that a plug-in exports. */
#define ASSAY_PLUGIN_SYMBOL "assay_plugin_kernels"

/* Once in a plug-in, at file scope, with a semicolon: the addresses of its descriptors. */
#define ASSAY_PLUGIN(...)                                                                          \
    ASSAY_PLUGIN_EXPORT const assay_kernel *const *assay_plugin_kernels(size_t *count);            \
    const assay_kernel *const *assay_plugin_kernels(size_t *count)                                 \
    {                                                                                              \
        static const assay_kernel *const kernels[] = {__VA_ARGS__};                                \
        *count = sizeof kernels / sizeof kernels[0];                                               \
        return kernels;                                                                            \
    }                                                                                              \
    struct assay_plugin_ends_with_a_semicolon

/* The head of a descriptor, for designated initialisers; operands in host memory. */
#define ASSAY_KERNEL_HEAD(op_, name_, backend_, summary_)                                          \
    .abi = ASSAY_ABI, .size = (uint32_t)sizeof(assay_kernel), .op = ASSAY_OP_##op_,                \
    .name = (name_), .backend = (backend_), .summary = (summary_), .space = ASSAY_HOST

#ifdef __cplusplus
extern "C" {
#endif

/* The same as a value. The strings must live as long as the plug-in. */
static inline assay_kernel assay_kernel_of(assay_op op, const char *name, const char *backend,
                                           const char *summary)
{
    assay_kernel kernel;
    memset(&kernel, 0, sizeof kernel);
    kernel.abi = ASSAY_ABI;
    kernel.size = (uint32_t)sizeof kernel;
    kernel.op = op;
    kernel.name = name;
    kernel.backend = backend;
    kernel.summary = summary;
    kernel.space = ASSAY_HOST;
    return kernel;
}

#ifdef __cplusplus
}
#endif
#endif
