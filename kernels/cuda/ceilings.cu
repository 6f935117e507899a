/* What a device's ceilings are measured by: sweeps through memory, and matrix units kept busy from
 * registers. */
#include "kernels/cuda/accelerator.h"

namespace assay_cuda {
namespace {

enum { SWEEP_BLOCKS_EACH = 8, UNROLLED = 4, TILES = 8, MULTIPLY_BLOCKS_EACH = 2 };
enum Unit { UNIT_BF16, UNIT_F16, UNIT_TF32, UNIT_I8, UNIT_E4M3, UNITS };

struct UnitFacts {
    assay_dtype type;
    int oldest;  /* compute capability x 10 */
    double each; /* operations of one instruction of a warp: 2 x 16 x 8 x its depth */
};
constexpr UnitFacts units[UNITS] = {{ASSAY_BF16, 80, 4096.0},
                                    {ASSAY_F16, 80, 4096.0},
                                    {ASSAY_TF32, 80, 2048.0},
                                    {ASSAY_I8, 80, 8192.0},
                                    {ASSAY_E4M3, 89, 8192.0}};

__global__ void __launch_bounds__(BLOCK) sweep_memory(uint4 *to, const uint4 *from, size_t count,
                                                      unsigned times)
{
    const size_t all = static_cast<size_t>(gridDim.x) * blockDim.x;
    const size_t here = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    uint4 sum = {0, 0, 0, 0};
    for (unsigned t = 0; t < times; t++) {
        size_t i = here;
        for (; i + (UNROLLED - 1) * all < count; i += UNROLLED * all) {
            uint4 read[UNROLLED];
#pragma unroll
            for (int k = 0; k < UNROLLED; k++) {
                read[k] = __ldcg(from + i + k * all);
            }
#pragma unroll
            for (int k = 0; k < UNROLLED; k++) {
                if (to != nullptr) {
                    to[i + k * all] = read[k];
                }
                sum = {sum.x ^ read[k].x, sum.y ^ read[k].y, sum.z ^ read[k].z, sum.w ^ read[k].w};
            }
        }
        for (; i < count; i += all) {
            const uint4 read = __ldcg(from + i);
            if (to != nullptr) {
                to[i] = read;
            }
            sum = {sum.x ^ read.x, sum.y ^ read.y, sum.z ^ read.z, sum.w ^ read.w};
        }
    }
    asm volatile("" ::"r"(sum.x), "r"(sum.y), "r"(sum.z), "r"(sum.w)); /* the reads are wanted */
}

#ifndef ASSAY_EMULATED
/* One instruction: 16 rows, 8 columns, 32 bytes deep; a and b lie in registers in its own order,
 * which of random numbers makes no difference. */
template <int unit>
__device__ void multiply_add(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2])
{
#define ASSAY_MMA(words, constraint, c0)                                                     \
    asm volatile("mma.sync.aligned." words " {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "              \
                 "{%0,%1,%2,%3};"                                                                  \
                 : "+" constraint((c0)[0]), "+" constraint((c0)[1]), "+" constraint((c0)[2]),      \
                   "+" constraint((c0)[3])                                                         \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]))
#if __CUDA_ARCH__ >= 800
    if constexpr (unit == UNIT_BF16) {
        ASSAY_MMA("m16n8k16.row.col.f32.bf16.bf16.f32", "f", c);
    } else if constexpr (unit == UNIT_F16) {
        ASSAY_MMA("m16n8k16.row.col.f32.f16.f16.f32", "f", c);
    } else if constexpr (unit == UNIT_TF32) {
        ASSAY_MMA("m16n8k8.row.col.f32.tf32.tf32.f32", "f", c);
    } else if constexpr (unit == UNIT_I8) {
        int (&whole)[4] = reinterpret_cast<int (&)[4]>(c);
        ASSAY_MMA("m16n8k32.row.col.s32.s8.s8.s32", "r", whole);
    }
#endif
#if __CUDA_ARCH__ >= 890
    if constexpr (unit == UNIT_E4M3) {
        ASSAY_MMA("m16n8k32.row.col.f32.e4m3.e4m3.f32", "f", c);
    }
#endif
#undef ASSAY_MMA
}

template <int unit>
__global__ void __launch_bounds__(BLOCK, MULTIPLY_BLOCKS_EACH)
    keep_multiplying(float *to, const unsigned *from, unsigned rounds)
{
    enum { WORDS = 4 + 2 * TILES };
    const unsigned here = blockIdx.x * blockDim.x + threadIdx.x;
    unsigned a[4];
    unsigned b[TILES][2];
    float c[TILES][4] = {};
    const unsigned start = here * WORDS % (ASSAY_MULTIPLY_NUMBERS / 4 - WORDS);
#pragma unroll
    for (int k = 0; k < 4; k++) {
        a[k] = from[start + k];
    }
#pragma unroll
    for (int k = 0; k < 2 * TILES; k++) {
        b[k / 2][k % 2] = from[start + 4 + k];
    }
    for (unsigned r = 0; r < rounds; r++) {
#pragma unroll
        for (int t = 0; t < TILES; t++) {
            multiply_add<unit>(c[t], a, b[t]);
        }
    }
    float sum = 0.0f;
#pragma unroll
    for (int k = 0; k < 4 * TILES; k++) {
        sum += c[k / 4][k % 4];
    }
    to[here % (ASSAY_MULTIPLY_NUMBERS / 4)] = sum;
}

template <int unit>
assay_status run_unit(const assay_exec *exec, int count, void *to, const void *from,
                      unsigned rounds)
{
    ASSAY_LAUNCH(exec, keep_multiplying<unit>,
                 (Dimensions{static_cast<unsigned>(count * MULTIPLY_BLOCKS_EACH), BLOCK, 0}),
                 static_cast<float *>(to), static_cast<const unsigned *>(from), rounds);
    return ASSAY_OK;
}
#endif

} // namespace

assay_status load_ceilings(const assay_exec *exec)
{
    assay_status status = load_code(exec, sweep_memory);
#ifndef ASSAY_EMULATED
    status = status == ASSAY_OK ? load_code(exec, keep_multiplying<UNIT_BF16>) : status;
    status = status == ASSAY_OK ? load_code(exec, keep_multiplying<UNIT_F16>) : status;
    status = status == ASSAY_OK ? load_code(exec, keep_multiplying<UNIT_TF32>) : status;
    status = status == ASSAY_OK ? load_code(exec, keep_multiplying<UNIT_I8>) : status;
    status = status == ASSAY_OK ? load_code(exec, keep_multiplying<UNIT_E4M3>) : status;
#endif
    return status;
}

assay_status sweep(int32_t device, void *stream, void *to, const void *from, size_t bytes,
                   uint32_t times, assay_error *error)
{
    assay_exec exec = exec_of(device, error);
    int count = 0;
    exec.stream = stream;
    const assay_status status = multiprocessors(&exec, &count);
    if (status != ASSAY_OK) {
        return status;
    }
    ASSAY_LAUNCH(&exec, sweep_memory,
                 (Dimensions{static_cast<unsigned>(count * SWEEP_BLOCKS_EACH), BLOCK, 0}),
                 static_cast<uint4 *>(to), static_cast<const uint4 *>(from), bytes / sizeof(uint4),
                 times);
    return ASSAY_OK;
}

assay_status multiply(int32_t device, void *stream, assay_dtype type, void *to, const void *from,
                      uint32_t rounds, double *operations, assay_error *error)
{
    assay_exec exec = exec_of(device, error);
    int count = 0;
    int unit = 0;
    exec.stream = stream;
    *operations = 0.0;
    assay_status status = multiprocessors(&exec, &count);
    while (unit < UNITS && units[unit].type != type) {
        unit++;
    }
    cudaDeviceProp properties = {};
    if (status == ASSAY_OK) {
        ASSAY_CUDA_TRY(&exec, cudaGetDeviceProperties(&properties, device));
    }
    if (status != ASSAY_OK) {
        return status;
    }
    if (unit == UNITS || properties.major * 10 + properties.minor < units[unit].oldest) {
        return assay_fail(error, ASSAY_UNSUPPORTED, "no matrix units for %s here",
                          assay_dtype_name(type));
    }
    *operations = units[unit].each * TILES * WARPS * MULTIPLY_BLOCKS_EACH * count * rounds;
#ifdef ASSAY_EMULATED
    (void)to;
    (void)from;
    return assay_fail(error, ASSAY_UNSUPPORTED, "matrix units are not emulated");
#else
    switch (unit) {
    case UNIT_BF16: return run_unit<UNIT_BF16>(&exec, count, to, from, rounds);
    case UNIT_F16: return run_unit<UNIT_F16>(&exec, count, to, from, rounds);
    case UNIT_TF32: return run_unit<UNIT_TF32>(&exec, count, to, from, rounds);
    case UNIT_I8: return run_unit<UNIT_I8>(&exec, count, to, from, rounds);
    default: return run_unit<UNIT_E4M3>(&exec, count, to, from, rounds);
    }
#endif
}

} // namespace assay_cuda
