/* sae_encode on compute capability 9.0: kernels/fused/run.h by wgmma fed by TMA.
 *
 * Not run on hardware; what it aims for stands in kernels/hopper/product.h. */
#include "kernels/fused/encode.h"
#include "kernels/fused/run.h"
#include "kernels/hopper/product.h"

namespace {

struct Hopper {
    static constexpr const char *NAME = "hopper";
    static constexpr const char *BACKEND = "hopper";
    static constexpr const char *SUMMARY =
        "wgmma and TMA; entries are gathered from its registers";
    static constexpr const char *NEEDS = "compute capability 9.0 (wgmma)";

    static bool serves(int32_t compute) /* code for sm_90a runs there and nowhere else */
    {
        return compute == 90;
    }
};

} // namespace

assay_kernel assay_fused::hopper_sae_encode()
{
    return encoder_kernel<assay_hopper::Wgmma, Hopper>();
}
