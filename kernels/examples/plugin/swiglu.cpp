// swiglu in f32, in C++17: a descriptor is a value, its members are assigned.
#include "assay/plugin.h"

#include <cmath>

namespace {

assay_status run(const assay_exec *, const assay_swiglu_params *, const void *,
                 const assay_swiglu_io *io)
{
    const auto *const gate = static_cast<const float *>(io->gate.data);
    const auto *const up = static_cast<const float *>(io->up.data);
    auto *const y = static_cast<float *>(io->y.data);
    const int64_t count = assay_count(&io->y);
    for (int64_t i = 0; i < count; i++) {
        y[i] = gate[i] / (1.0f + std::exp(-gate[i])) * up[i];
    }
    return ASSAY_OK;
}

assay_kernel describe()
{
    assay_kernel kernel = assay_kernel_of(ASSAY_OP_swiglu, "example", "c++", "plain C++ in f32");
    kernel.precision.multiply = ASSAY_F32;
    kernel.precision.accumulate.bits = 24;
    kernel.precision.accumulate.block = 1;
    kernel.precision.intermediate = ASSAY_F32;
    kernel.precision.output = ASSAY_F32;
    kernel.run.swiglu.run = run;
    return kernel;
}

} // namespace

extern "C" const assay_kernel swiglu_example;
const assay_kernel swiglu_example = describe();
