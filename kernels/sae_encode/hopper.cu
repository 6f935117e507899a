/* sae_encode on compute capability 9.0: kernels/hopper/run.h by wgmma fed by TMA.
 *
 * Not run on hardware; what it aims for stands in kernels/hopper/product.h. */
#include "kernels/hopper/encode.h"
#include "kernels/hopper/product.h"
#include "kernels/hopper/run.h"

namespace assay_hopper {
namespace {

assay_status supports(const assay_device *device, const assay_sae_encode_params *params,
                      const assay_sae_encode_io *, assay_error *error)
{
    const assay_status status = device_served(device, error);
#ifndef ASSAY_EMULATED
    enum { COMPUTE = 90 }; /* code for sm_90a runs there and nowhere else */
    if (status == ASSAY_OK && device->compute != COMPUTE) {
        return assay_fail(error, ASSAY_UNSUPPORTED,
                          "hopper needs compute capability 9.0 (wgmma); CUDA device %d has %d.%d",
                          static_cast<int>(device->index), static_cast<int>(device->compute / 10),
                          static_cast<int>(device->compute % 10));
    }
#endif
    return status != ASSAY_OK ? status : weight_served("encoder", params->sae.encoder, error);
}

} // namespace

assay_kernel hopper_sae_encode()
{
#ifdef ASSAY_EMULATED
    const char *const backend = "emulated";
#else
    const char *const backend = "hopper";
#endif
    assay_kernel kernel =
        assay_kernel_of(ASSAY_OP_sae_encode, "hopper", backend,
                        "wgmma and TMA; entries are gathered from its registers");
    fill_encoder<Wgmma>(&kernel);
    kernel.run.sae_encode.supports = supports;
    return kernel;
}

} // namespace assay_hopper
