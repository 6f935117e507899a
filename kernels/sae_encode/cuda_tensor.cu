/* sae_encode on compute capability 8.0 and later: kernels/hopper/run.h by mma.sync fed by cp.async.
 *
 * Not run on hardware; what is expected of it stands in kernels/tensor/product.h. */
#include "kernels/tensor/encode.h"
#include "kernels/tensor/product.h"
#include "kernels/hopper/run.h"

namespace assay_mma {
namespace {

assay_status supports(const assay_device *device, const assay_sae_encode_params *params,
                      const assay_sae_encode_io *, assay_error *error)
{
    const assay_status status = device_served(device, error);
#ifndef ASSAY_EMULATED
    enum { OLDEST = 80 };
    if (status == ASSAY_OK && device->compute < OLDEST) {
        return assay_fail(error, ASSAY_UNSUPPORTED,
                          "cuda_tensor needs compute capability 8.0 (bf16 tensor cores, cp.async); "
                          "CUDA device %d has %d.%d",
                          static_cast<int>(device->index), static_cast<int>(device->compute / 10),
                          static_cast<int>(device->compute % 10));
    }
#endif
    return status != ASSAY_OK ? status : weight_served("encoder", params->sae.encoder, error);
}

} // namespace

assay_kernel cuda_tensor_sae_encode()
{
#ifdef ASSAY_EMULATED
    const char *const backend = "emulated";
#else
    const char *const backend = "cuda";
#endif
    assay_kernel kernel =
        assay_kernel_of(ASSAY_OP_sae_encode, "cuda_tensor", backend,
                        "mma.sync and cp.async; entries are gathered from its registers");
    fill_encoder<Mma>(&kernel);
    kernel.run.sae_encode.supports = supports;
    return kernel;
}

} // namespace assay_mma
