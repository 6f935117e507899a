/* sae_encode on compute capability 8.0 and later: kernels/fused/run.h by mma.sync fed by cp.async.
 *
 * Not run on hardware; what is expected of it stands in kernels/tensor/product.h. */
#include "kernels/fused/encode.h"
#include "kernels/fused/run.h"
#include "kernels/tensor/product.h"

namespace {

struct CudaTensor {
    static constexpr const char *NAME = "cuda_tensor";
    static constexpr const char *BACKEND = "cuda";
    static constexpr const char *SUMMARY =
        "mma.sync and cp.async; entries are gathered from its registers";
    static constexpr const char *NEEDS =
        "compute capability 8.0 (bf16 tensor cores, cp.async)";

    static bool serves(int32_t compute) { return compute >= 80; }
};

} // namespace

assay_kernel assay_fused::cuda_tensor_sae_encode()
{
    return encoder_kernel<assay_mma::Mma, CudaTensor>();
}
