/* swiglu: silu in f32, rounded between its steps as the contract says. */
#include "kernels/cuda/pairs.h"

namespace assay_cuda {
namespace {

/* exp(-g) overflows for g below -88, where silu(g) is still a normal number: there the exponential
 * is taken in two halves, neither of which underflows. */
__device__ __forceinline__ float silu(float gate)
{
    if (gate > -80.0f) {
        return gate / (1.0f + expf(-gate));
    }
    const float half = expf(0.5f * gate);
    return gate * half * half;
}

struct GatedProduct {
    template <typename T> __device__ __forceinline__ static float of(float gate, float up)
    {
        return rounded<T>(silu(gate)) * up;
    }
};

template <typename T>
assay_status run(const assay_exec *exec, const assay_swiglu_params *, const void *,
                 const assay_swiglu_io *io)
{
    return run_pairs<T, GatedProduct>(exec, {"gate", &io->gate}, {"up", &io->up}, io->y);
}

assay_status supports(const assay_device *device, const assay_swiglu_params *,
                      const assay_swiglu_io *, assay_error *error)
{
    return device_served(device, error);
}

template <typename T> assay_kernel describe_op()
{
    assay_kernel kernel =
        describe<T>(ASSAY_OP_swiglu, "silu by an f32 exponential", ASSAY_ORDER_SEQUENTIAL);
    kernel.run.swiglu.supports = supports;
    kernel.run.swiglu.run = run<T>;
    return kernel;
}

} // namespace

ASSAY_CUDA_KERNEL(swiglu)

} // namespace assay_cuda
