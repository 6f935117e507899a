/* What the module exports: every op in every mode, those that are no products by the CUDA kernels
 * of the mode's activations. */
#include "kernels/cublas/list.h"
#include "kernels/cuda/table.h"

ASSAY_PLUGIN_EXPORT const assay_kernel *const *assay_plugin_kernels(size_t *count);
const assay_kernel *const *assay_plugin_kernels(size_t *count)
{
    using namespace assay_cublas;
    static const TableName names[] = {{F32Mode::name, nullptr, F32Mode::io},
                                      {Tf32Mode::name, nullptr, Tf32Mode::io},
                                      {Bf16Mode::name, nullptr, Bf16Mode::io},
                                      {Fp8Mode::name, nullptr, Fp8Mode::io},
                                      {Fp8RowsMode::name, Bf16Mode::name, Fp8RowsMode::io},
                                      {Int8Mode::name, Bf16Mode::name, Int8Mode::io},
                                      {Int8WeightsMode::name, Bf16Mode::name,
                                       Int8WeightsMode::io}};
#define MAKE(mode, op) describe_##op<mode>(),
    static const std::vector<assay_kernel> all = fill_tables(names, {ASSAY_CUBLAS_KERNELS(MAKE)});
#undef MAKE
    static std::vector<const assay_kernel *> pointers;
    return export_kernels(all, &pointers, count);
}
