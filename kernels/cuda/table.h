/* What a CUDA library's module exports: under each of its names its own kernels, and for the ops
 * that it has none for those of another of its names, or else the CUDA kernels, so that stages are
 * composed under that name. A kernel keeps its contract and its backend. */
#ifndef KERNELS_CUDA_TABLE_H
#define KERNELS_CUDA_TABLE_H

#include <cstring>
#include <vector>

#include "kernels/cuda/contract.h"

namespace assay_cuda {

struct TableName {
    const char *name;
    const char *base; /* whose kernels of this module come before CUDA's; NULL: nobody's */
    assay_dtype type; /* of activations, and so of CUDA's kernels; NONE: there are none */
};

inline const assay_kernel *find_own(const std::vector<assay_kernel> &own, assay_op op,
                                    const char *name)
{
    for (const assay_kernel &kernel : own) {
        if (name != nullptr && kernel.op == op && strcmp(kernel.name, name) == 0) {
            return &kernel;
        }
    }
    return nullptr;
}

/* All kernels of the names. */
template <size_t N>
std::vector<assay_kernel> fill_tables(const TableName (&names)[N],
                                      const std::vector<assay_kernel> &own)
{
    std::vector<assay_kernel> all;
    for (const TableName &to : names) {
        const auto add = [&](assay_op op, assay_kernel (*cuda)(assay_dtype)) {
            const assay_kernel *found = find_own(own, op, to.name);
            found = found != nullptr ? found : find_own(own, op, to.base);
            if (found == nullptr && to.type == ASSAY_NONE) {
                return;
            }
            all.push_back(found != nullptr ? *found : cuda(to.type));
            all.back().name = to.name;
        };
#define ASSAY_CUDA_ADD(op) add(ASSAY_OP_##op, cuda_##op);
        ASSAY_CUDA_OPS(ASSAY_CUDA_ADD)
#undef ASSAY_CUDA_ADD
    }
    return all;
}

/* As a module exports them; `all` lives as long. */
inline const assay_kernel *const *export_kernels(const std::vector<assay_kernel> &all,
                                                 std::vector<const assay_kernel *> *pointers,
                                                 size_t *count)
{
    pointers->clear();
    for (const assay_kernel &kernel : all) {
        pointers->push_back(&kernel);
    }
    *count = pointers->size();
    return pointers->data();
}

} // namespace assay_cuda

#endif
