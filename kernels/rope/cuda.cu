/* rope: a block takes a row: cosines and sines of its angles once, then the pairs of all heads,
 * eight neighbours a thread. */
#include "kernels/cuda/upload.h"

#include <new>

namespace assay_cuda {
namespace {

enum { ANGLES = 512 }; /* that a block keeps at once */

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

/* Pairs i .. i+7 (at most `count`) of a head that begins at column `head`. A thread reads what it
 * writes over before it does: y may be x. */
template <typename T>
__device__ __forceinline__ void turn_octet(const Matrix &x, const Matrix &y, int64_t n,
                                           int64_t head, int64_t i, int64_t half, int64_t count,
                                           const float *cosine, const float *sine)
{
    float low[OCTET];
    float high[OCTET];
    load_octet(x, n, head + i, count, low);
    load_octet(x, n, head + half + i, count, high);
#pragma unroll
    for (int e = 0; e < OCTET; e++) {
        const float c = e < count ? cosine[e] : 0.0f;
        const float s = e < count ? sine[e] : 0.0f;
        const float y0 = rounded<T>(low[e] * c) - rounded<T>(high[e] * s);
        const float y1 = rounded<T>(high[e] * c) + rounded<T>(low[e] * s);
        low[e] = y0;
        high[e] = y1;
    }
    store_octet<T>(y, n, head + i, count, low);
    store_octet<T>(y, n, head + half + i, count, high);
}

template <typename T>
__global__ void __launch_bounds__(BLOCK, RESIDENT)
    rotate(Matrix x, Matrix position, Matrix frequency, Matrix y, int64_t width, int64_t head_dim)
{
    ASSAY_SHARED(float, cosine, ANGLES);
    ASSAY_SHARED(float, sine, ANGLES);
    const int64_t n = blockIdx.x;
    const int64_t half = head_dim / 2;
    for (int64_t first = 0; first < half; first += ANGLES) {
        const int64_t angles = least(ANGLES, half - first);
        for (int64_t i = threadIdx.x; i < angles; i += BLOCK) {
            turn<T>(load_index(position, n), load_wide(frequency, 0, first + i), &cosine[i],
                    &sine[i]);
        }
        __syncthreads();
        const int octets = static_cast<int>((angles + OCTET - 1) / OCTET);
        const int tasks = static_cast<int>(width / head_dim) * octets;
        for (int task = static_cast<int>(threadIdx.x); task < tasks; task += BLOCK) {
            const int i = task % octets * OCTET;
            turn_octet<T>(x, y, n, task / octets * head_dim, first + i, half, angles - i,
                          cosine + i, sine + i);
        }
        __syncthreads();
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
    return settle(exec, status, own, release_state<State>, state);
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
                 static_cast<const State *>(state)->frequency, matrix_of(io->y), io->x.shape[1],
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
    kernel.release = release_state<State>;
    return kernel;
}

} // namespace

ASSAY_CUDA_KERNEL(rope)

} // namespace assay_cuda
