/* What the module exports: every op that cuDNN has a graph for in both contracts, and of bf16 the
 * others too, by the CUDA kernels. Those have no f16. */
#include "kernels/cuda/table.h"
#include "kernels/cudnn/context.h"

ASSAY_PLUGIN_EXPORT const assay_kernel *const *assay_plugin_kernels(size_t *count);
const assay_kernel *const *assay_plugin_kernels(size_t *count)
{
    using namespace assay_cudnn;
    static const TableName names[] = {{Bf16Flow::name, nullptr, Bf16Flow::io},
                                      {F16Flow::name, nullptr, ASSAY_NONE}};
#define MAKE(op) describe_##op<Bf16Flow>(), describe_##op<F16Flow>(),
    static const std::vector<assay_kernel> all = fill_tables(names, {ASSAY_CUDNN_OPS(MAKE)});
#undef MAKE
    static std::vector<const assay_kernel *> pointers;
    return export_kernels(all, &pointers, count);
}
