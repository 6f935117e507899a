/* The three products of an f32 kernel, one for each form of packed weights. */
#ifndef KERNELS_SIMD_PRODUCTS_AVX512_H
#define KERNELS_SIMD_PRODUCTS_AVX512_H

#include "kernels/simd/pack_f32.h"
#include "kernels/simd/product_avx512.h"

AVX512_PRODUCT(avx512_product_f32, PANEL_F32)
AVX512_PRODUCT(avx512_product_f16, PANEL_F16)
AVX512_PRODUCT(avx512_product_bf16, PANEL_BF16)

#define AVX512_PRODUCT_OF(run_)                                                                    \
    {                                                                                              \
        .block_rows = AVX512_ROWS, .packed_bytes = simd_packed_f32_bytes, .pack = simd_pack_f32,   \
        .run = (run_)                                                                              \
    }

static const simd_product avx512_products[] = {
    [PANEL_F32] = AVX512_PRODUCT_OF(avx512_product_f32),
    [PANEL_F16] = AVX512_PRODUCT_OF(avx512_product_f16),
    [PANEL_BF16] = AVX512_PRODUCT_OF(avx512_product_bf16),
};

#endif
