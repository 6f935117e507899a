/* Sums as a tensor core takes them: so many products exactly, then cut off. */
#ifndef KERNELS_CUDA_EMULATE_CORE_H
#define KERNELS_CUDA_EMULATE_CORE_H

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace emulate {

/* Products that are added exactly before the sum is cut off, the bits that it keeps, and after how
 * many blocks it goes to an f32 beside it (0: never). */
struct Core {
    int block, bits, blocks_kept;
};
constexpr Core CORE_16_BIT = {8, 24, 0};
constexpr Core CORE_8_BIT = {32, 14, 4};

/* Towards zero: to so many bits, and to what an f32 holds. */
inline double cut_off(double value, int bits)
{
    if (!std::isfinite(value) || value == 0.0) {
        return value;
    }
    int exponent = 0;
    (void)std::frexp(value, &exponent);
    const double unit = std::ldexp(1.0, std::max(exponent - bits, -149));
    const double most = 0x1.fffffep127;
    const double kept = std::trunc(value / unit) * unit;
    return kept > most ? most : kept < -most ? -most : kept;
}

/* sum + a . b as one instruction takes it. */
inline float add_products(float sum, const float *a, const float *b, int count,
                          const Core &core = CORE_16_BIT)
{
    double total = static_cast<double>(sum);
    for (int k = 0; k < count; k += core.block) {
        for (int i = k; i < k + core.block; i++) {
            total += static_cast<double>(a[i]) * static_cast<double>(b[i]);
        }
        total = cut_off(total, core.bits);
    }
    return static_cast<float>(total);
}

inline float sum_by_core(const float *a, const float *b, uint64_t count, const Core &core)
{
    double sum = 0.0;
    float total = 0.0f;
    int blocks = 0;
    for (uint64_t k = 0; k < count; k += static_cast<uint64_t>(core.block)) {
        for (uint64_t i = k; i < count && i < k + static_cast<uint64_t>(core.block); i++) {
            sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
        }
        sum = cut_off(sum, core.bits);
        if (++blocks == core.blocks_kept) {
            total += static_cast<float>(sum);
            sum = 0.0;
            blocks = 0;
        }
    }
    return core.blocks_kept > 0 ? total + static_cast<float>(sum) : static_cast<float>(sum);
}

} // namespace emulate

#endif
