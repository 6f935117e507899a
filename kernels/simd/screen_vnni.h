/* 8-bit products of screening by VPDPBUSD. Compiled with AVX-512 and AVX512_VNNI. */
#ifndef KERNELS_SIMD_SCREEN_VNNI_H
#define KERNELS_SIMD_SCREEN_VNNI_H

#include "kernels/simd/product_avx512.h"
#include "kernels/simd/screen.h"

AVX512_PRODUCT(screen_vnni_product, PANEL_BYTES)

/* Rows packed step by step: word s * rows + r is bytes 4s to 4s + 3 of row r. */
static size_t screen_vnni_bytes(const simd_panels *p, int64_t rows)
{
    return (size_t)(p->steps * rows) * SCREEN_FOUR;
}

static void screen_vnni_pack(const simd_panels *p, const void *x, int64_t stride, int64_t rows,
                             void *packed)
{
    const unsigned char *const from = x;
    unsigned char *to = packed;
    for (int64_t s = 0; s < p->steps; s++) {
        for (int64_t r = 0; r < rows; r++) {
            memcpy(to, from + r * stride + s * SCREEN_FOUR, SCREEN_FOUR);
            to += SCREEN_FOUR;
        }
    }
}

static const simd_product screen_vnni = {.block_rows = AVX512_ROWS,
                                         .packed_bytes = screen_vnni_bytes,
                                         .pack = screen_vnni_pack,
                                         .run = screen_vnni_product};

#endif
