/* rope: a thread takes one pair of one row and turns it in every head. */
#include "kernels/cuda/upload.h"

#include <new>

namespace assay_cuda {
namespace {

struct State {
    Uploads uploads;
    Matrix frequency;
};

/* Cosine and sine as the contract has them: of an f64 angle, or of the product of two f32. */
template <typename T>
__device__ __forceinline__ void turn(int64_t position, double frequency, float *cosine, float *sine)
{
    if (Flow<T>::type == ASSAY_F32) {
        const double angle = static_cast<double>(position) * frequency;
        *cosine = static_cast<float>(cos(angle));
        *sine = static_cast<float>(sin(angle));
        return;
    }
    const float angle = static_cast<float>(position) * static_cast<float>(frequency);
    *cosine = rounded<T>(cosf(angle));
    *sine = rounded<T>(sinf(angle));
}

template <typename T>
__global__ void rotate(Matrix x, Matrix position, Matrix frequency, Matrix y, int64_t rows,
                       int64_t width, int64_t head_dim)
{
    const int64_t half = head_dim / 2;
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t task = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
         task < rows * half; task += step) {
        const int64_t n = task / half;
        const int64_t i = task % half;
        float cosine = 0.0f;
        float sine = 0.0f;
        turn<T>(load_index(position, n), load_wide(frequency, 0, i), &cosine, &sine);
        for (int64_t low = i; low < width; low += head_dim) {
            const float x0 = load(x, n, low);
            const float x1 = load(x, n, low + half);
            const float y0 = rounded<T>(x0 * cosine) - rounded<T>(x1 * sine);
            const float y1 = rounded<T>(x1 * cosine) + rounded<T>(x0 * sine);
            store(y, n, low, y0);
            store(y, n, low + half, y1);
        }
    }
}

void release(const assay_exec *, void *state)
{
    State *const own = static_cast<State *>(state);
    if (own != nullptr) {
        release_uploads(&own->uploads);
        delete own;
    }
}

assay_status prepare(const assay_exec *exec, const assay_rope_params *params, void **state)
{
    State *const own = new (std::nothrow) State();
    if (own == nullptr) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "rope: no memory");
    }
    const assay_tensor frequency =
        assay_vector(const_cast<double *>(params->inverse_frequency), ASSAY_F64,
                     params->head_dim / 2);
    const assay_status status =
        upload(exec, "inverse_frequency", frequency, true, &own->uploads, &own->frequency);
    return settle(exec, status, own, release, state);
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
    const Dimensions size = {grid_stride(rows * (params->head_dim / 2)), dim3(BLOCK), 0};
    ASSAY_LAUNCH(exec, rotate<T>, size, matrix_of(io->x), matrix_of(io->position),
                 static_cast<const State *>(state)->frequency, matrix_of(io->y), rows,
                 io->x.shape[1], params->head_dim);
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
    kernel.release = release;
    return kernel;
}

} // namespace

ASSAY_CUDA_KERNEL(rope)

} // namespace assay_cuda
