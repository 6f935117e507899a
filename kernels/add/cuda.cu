/* add: one addition an element. */
#include "kernels/cuda/pairs.h"

namespace assay_cuda {
namespace {

template <typename T>
assay_status run(const assay_exec *exec, const assay_add_params *, const void *,
                 const assay_add_io *io)
{
    return run_pairs<T, Addition>(exec, {"a", &io->a}, {"b", &io->b}, io->y);
}

assay_status supports(const assay_device *device, const assay_add_params *, const assay_add_io *,
                      assay_error *error)
{
    return device_served(device, error);
}

template <typename T> assay_kernel describe_op()
{
    assay_kernel kernel =
        describe<T>(ASSAY_OP_add, "one addition an element", ASSAY_ORDER_SEQUENTIAL);
    kernel.run.add.supports = supports;
    kernel.run.add.run = run<T>;
    return kernel;
}

} // namespace

ASSAY_CUDA_KERNEL(add)

} // namespace assay_cuda
