/* The emulated product itself: plain loops over the matrices as they were laid out. */
#include "kernels/cublas/emulate/describe.h"

#include <vector>

#include "assay/dtype.h"
#include "kernels/cuda/emulate/core.h"

namespace emulate_lt {

static float load(int32_t type, bool cut, const void *data, uint64_t i)
{
    switch (type) {
    case CUDA_R_16BF: return assay_bf16_to_f32(static_cast<const uint16_t *>(data)[i]);
    case CUDA_R_8F_E4M3: return assay_e4m3_to_f32(static_cast<const uint8_t *>(data)[i]);
    case CUDA_R_8I: return static_cast<float>(static_cast<const int8_t *>(data)[i]);
    default: break;
    }
    const float value = static_cast<const float *>(data)[i];
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits &= cut ? ~0x1fffu : ~0u;
    float kept;
    memcpy(&kept, &bits, sizeof kept);
    return value == value ? kept : value;
}

static float sum_plain(const float *a, const float *b, uint64_t count)
{
    float sum = 0.0f;
    for (uint64_t k = 0; k < count; k++) {
        sum += a[k] * b[k];
    }
    return sum;
}

static int32_t sum_whole(const float *a, const float *b, uint64_t count)
{
    uint32_t sum = 0; /* wraps, as the hardware's does */
    for (uint64_t k = 0; k < count; k++) {
        sum += static_cast<uint32_t>(static_cast<int32_t>(a[k]) * static_cast<int32_t>(b[k]));
    }
    return static_cast<int32_t>(sum);
}

static float sum_of(const Problem &p, const Algorithm &algorithm, const float *a, const float *b)
{
    const emulate::Core &core =
        p.a.type == CUDA_R_8F_E4M3 ? emulate::CORE_8_BIT : emulate::CORE_16_BIT;
    const bool plain = p.a.type == CUDA_R_32F && p.how.compute == CUBLAS_COMPUTE_32F;
    const uint64_t splits = (uint64_t)algorithm.splits;
    float total = 0.0f;
    for (uint64_t s = 0; s < splits; s++) {
        const uint64_t from = p.k * s / splits;
        const uint64_t count = p.k * (s + 1) / splits - from;
        const float part = plain ? sum_plain(a + from, b + from, count)
                                 : emulate::sum_by_core(a + from, b + from, count, core);
        total = s == 0 ? part : total + part;
    }
    return total;
}

static float bias_of(const Problem &p, uint64_t row)
{
    if (p.how.epilogue != CUBLASLT_EPILOGUE_BIAS) {
        return 0.0f;
    }
    const bool narrow = p.d.type == CUDA_R_16BF || p.a.type == CUDA_R_8F_E4M3;
    return load(narrow ? CUDA_R_16BF : CUDA_R_32F, false, p.how.bias, row);
}

/* What the sums of row m and column n are multiplied by. */
static float scale_of(const float *scale, int32_t mode, uint64_t i)
{
    return scale == nullptr                                     ? 1.0f
           : mode == CUBLASLT_MATMUL_MATRIX_SCALE_OUTER_VEC_32F ? scale[i]
                                                                : scale[0];
}

static void store(const Problem &p, float value, void *d, uint64_t at)
{
    if (p.d.type == CUDA_R_16BF) {
        static_cast<uint16_t *>(d)[at] = assay_f32_to_bf16(value);
    } else {
        static_cast<float *>(d)[at] = value;
    }
}

/* Lines of op(A) or op(B)^T, k running fastest. */
static std::vector<float> gather(const Layout &layout, bool k_is_rows, bool cut, const void *data,
                                 uint64_t lines, uint64_t k)
{
    std::vector<float> all(lines * k);
    const uint64_t ld = (uint64_t)layout.ld;
    for (uint64_t line = 0; line < lines; line++) {
        for (uint64_t i = 0; i < k; i++) {
            const uint64_t at = k_is_rows ? line * ld + i : i * ld + line;
            all[line * k + i] = load(layout.type, cut, data, at);
        }
    }
    return all;
}

void multiply(const Problem &p, const Algorithm &algorithm, float alpha, const void *a,
              const void *b, void *d)
{
    const bool cut = p.how.compute == CUBLAS_COMPUTE_32F_FAST_TF32;
    const std::vector<float> left =
        gather(p.a, p.how.transpose_a == CUBLAS_OP_T, cut, a, p.m, p.k);
    const std::vector<float> right =
        gather(p.b, p.how.transpose_b == CUBLAS_OP_N, cut, b, p.n, p.k);
    for (uint64_t n = 0; n < p.n; n++) {
        for (uint64_t m = 0; m < p.m; m++) {
            const float *const row = left.data() + m * p.k;
            const float *const column = right.data() + n * p.k;
            const uint64_t at = n * (uint64_t)p.d.ld + m;
            if (p.d.type == CUDA_R_32I) {
                static_cast<int32_t *>(d)[at] = sum_whole(row, column, p.k);
                continue;
            }
            const float scaled = alpha * scale_of(p.how.a_scale, p.how.a_mode, m) *
                                 scale_of(p.how.b_scale, p.how.b_mode, n);
            float value = scaled * sum_of(p, algorithm, row, column);
            value += bias_of(p, m);
            store(p, value, d, at);
        }
    }
}

} // namespace emulate_lt
