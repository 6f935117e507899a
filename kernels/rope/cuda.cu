/* rope: a block takes a row (kernels/cuda/rotate.h). */
#include "kernels/cuda/rotate.h"

#include <new>

namespace assay_cuda {
namespace {

template <typename T>
__global__ void __launch_bounds__(BLOCK, RESIDENT)
    rotate(Matrix x, Matrix position, Matrix frequency, Matrix y, int64_t width, int64_t head_dim)
{
    ASSAY_SHARED(float, cosine, ANGLES);
    ASSAY_SHARED(float, sine, ANGLES);
    const int64_t n = blockIdx.x;
    turn_row<T>(x, n, y, n, load_index(position, n), frequency, width, head_dim, cosine, sine);
}

assay_status prepare(const assay_exec *exec, const assay_rope_params *params, void **state)
{
    RopeState *const own = new (std::nothrow) RopeState();
    if (own == nullptr) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "rope: no memory");
    }
    const assay_tensor frequency =
        assay_vector(const_cast<double *>(params->inverse_frequency), ASSAY_F64,
                     params->head_dim / 2);
    const assay_status status =
        upload(exec, "inverse_frequency", frequency, true, &own->uploads, &own->frequency);
    return settle(exec, status, own, release_state<RopeState>, state);
}

template <typename T>
assay_status run(const assay_exec *exec, const assay_rope_params *params, const void *state,
                 const assay_rope_io *io)
{
    const Operand typed[] = {{"x", &io->x}, {"y", &io->y}};
    const Operand others[] = {{"position", &io->position}};
    const assay_status status = expect(exec, Flow<T>::type, typed, others);
    if (status != ASSAY_OK) {
        return status;
    }
    const int64_t rows = io->x.shape[0];
    const Dimensions size = {dim3(static_cast<unsigned>(rows)), dim3(BLOCK), 0};
    ASSAY_LAUNCH(exec, rotate<T>, size, matrix_of(io->x), matrix_of(io->position),
                 static_cast<const RopeState *>(state)->frequency, matrix_of(io->y), io->x.shape[1],
                 params->head_dim);
    return ASSAY_OK;
}

assay_status supports(const assay_device *device, const assay_rope_params *, const assay_rope_io *,
                      assay_error *error)
{
    return device_served(device, error);
}

template <typename T> assay_kernel describe_op()
{
    const bool whole = Flow<T>::type == ASSAY_F32;
    assay_kernel kernel = describe<T>(
        ASSAY_OP_rope, whole ? "rotate-half, angles in f64" : "rotate-half, angles in f32",
        ASSAY_ORDER_SEQUENTIAL, whole ? ASSAY_F64 : ASSAY_F32);
    kernel.run.rope.supports = supports;
    kernel.run.rope.prepare = prepare;
    kernel.run.rope.run = run<T>;
    kernel.release = release_state<RopeState>;
    return kernel;
}

} // namespace

ASSAY_CUDA_KERNEL(rope)

} // namespace assay_cuda
