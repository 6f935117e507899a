/* Products of a panel with up to 32 rows by AMX: two tiles of 16 rows times two of 16 outputs in
 * four tiles of sums, 32 numbers of K a step. Rows are packed as tiles: [16 rows][32 bf16], K after
 * K, zeros beyond K and beyond the rows. Compiled with AMX and AVX-512. The same with bytes, signed
 * rows times unsigned weights, 64 of K a step: the sums are 32-bit integers in the place of f32. */
#ifndef KERNELS_SIMD_PRODUCT_AMX_H
#define KERNELS_SIMD_PRODUCT_AMX_H

#include <immintrin.h>

#include "kernels/simd/rows.h"

enum {
    AMX_ROWS = 16,
    AMX_TILES = 8,
    AMX_TILE_BYTES = PANEL_TILE_BYTES
};

/* The layout LDTILECFG reads. */
typedef struct amx_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} amx_config;
_Static_assert(sizeof(amx_config) == SIMD_LINE, "as the processor has it");

static void amx_enter(void)
{
    amx_config config;
    memset(&config, 0, sizeof config);
    config.palette = 1;
    for (int i = 0; i < AMX_TILES; i++) {
        config.row_bytes[i] = SIMD_LINE;
        config.rows[i] = AMX_ROWS;
    }
    /* All of it must be in memory: gcc's intrinsic says that it reads 8 bytes. */
    __asm__ volatile("" : : "r"(&config) : "memory");
    _tile_loadconfig(&config);
}

/* Given back, so that the system need not save the tiles. */
static void amx_leave(void)
{
    _tile_release();
}

static inline size_t amx_packed_bytes(const simd_panels *p, int64_t rows)
{
    return simd_round_up((size_t)rows, AMX_ROWS) * (size_t)p->steps * 2 * sizeof(uint16_t);
}

static inline void amx_pack(const simd_panels *p, const void *x, int64_t stride, int64_t rows,
                            void *packed)
{
    const int64_t width = SIMD_LINE / (int64_t)sizeof(uint16_t);
    const int64_t tiles = p->steps / PANEL_TILE_STEPS;
    const int64_t padded = (int64_t)simd_round_up((size_t)rows, AMX_ROWS);
    for (int64_t r = 0; r < padded; r++) {
        unsigned char *const row_tiles =
            (unsigned char *)packed + r / AMX_ROWS * tiles * AMX_TILE_BYTES +
            r % AMX_ROWS * SIMD_LINE;
        for (int64_t t = 0; t < tiles; t++) {
            uint16_t *const to = (uint16_t *)(void *)(row_tiles + t * AMX_TILE_BYTES);
            const int64_t left = r < rows ? p->depth - t * width : 0;
            const int64_t count = left < 0 ? 0 : scalar_min(left, width);
            if (count > 0) {
                memcpy(to, (const uint16_t *)x + r * stride + t * width,
                       (size_t)count * sizeof *to);
            }
            memset(to + count, 0, (size_t)(width - count) * sizeof *to);
        }
    }
}

/* With a constant number of lines these are instructions in a row: a loop of them fills the window
 * in which the processor looks for the next tiles' loads. */
static inline __attribute__((always_inline)) void amx_look_ahead(const unsigned char *from,
                                                                 int lines)
{
#pragma GCC unroll 32
    for (int i = 0; i < lines; i++) {
        _mm_prefetch((const char *)from + i * SIMD_LINE, _MM_HINT_T1);
    }
}

#define AMX_MULTIPLY(bytes, sums, rows, weights)                                                   \
    do {                                                                                           \
        if (bytes) {                                                                               \
            _tile_dpbsud(sums, rows, weights);                                                     \
        } else {                                                                                   \
            _tile_dpbf16ps(sums, rows, weights);                                                   \
        }                                                                                          \
    } while (0)

/* Where the second tile of weights begins, and how far apart their steps are. */
static inline size_t amx_second(const bool bytes)
{
    return bytes ? SIMD_LINE : AMX_TILE_BYTES;
}

static inline size_t amx_stride(const bool bytes)
{
    return bytes ? 2 * SIMD_LINE : SIMD_LINE;
}

/* 17 to 32 rows. Sums that wait for each other take 52 cycles, four of them in turn 64: no tile
 * waits for itself. What comes next is asked for behind the tiles' loads, which would wait for the
 * same buffers. */
static inline __attribute__((always_inline)) void
amx_two(const bool bytes, const unsigned char *panel, const unsigned char *x, int64_t tiles,
        float *dots, const unsigned char *coming, const int lines)
{
    const size_t second = (size_t)tiles * AMX_TILE_BYTES;
    const size_t out = PANEL_WIDTH * sizeof(float);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int64_t t = 0; t < tiles; t++) {
        _tile_loadd(6, panel, amx_stride(bytes));
        _tile_loadd(4, x, SIMD_LINE);
        _tile_loadd(7, panel + amx_second(bytes), amx_stride(bytes));
        AMX_MULTIPLY(bytes, 0, 4, 6);
        _tile_loadd(5, x + second, SIMD_LINE);
        AMX_MULTIPLY(bytes, 1, 4, 7);
        amx_look_ahead(coming, lines);
        AMX_MULTIPLY(bytes, 2, 5, 6);
        AMX_MULTIPLY(bytes, 3, 5, 7);
        coming += lines * SIMD_LINE;
        panel += PANEL_TILE_PAIR_BYTES;
        x += AMX_TILE_BYTES;
    }
    _tile_stored(0, dots, out);
    _tile_stored(1, dots + PANEL_HALF, out);
    _tile_stored(2, dots + AMX_ROWS * PANEL_WIDTH, out);
    _tile_stored(3, dots + AMX_ROWS * PANEL_WIDTH + PANEL_HALF, out);
}

/* Up to 16 rows: the weights' stream is what it waits for. */
static inline __attribute__((always_inline)) void
amx_one(const bool bytes, const unsigned char *panel, const unsigned char *x, int64_t tiles,
        float *dots, const unsigned char *coming, const int lines)
{
    const size_t out = PANEL_WIDTH * sizeof(float);
    _tile_zero(0);
    _tile_zero(1);
    for (int64_t t = 0; t < tiles; t++) {
        _tile_loadd(6, panel, amx_stride(bytes));
        _tile_loadd(4, x, SIMD_LINE);
        _tile_loadd(7, panel + amx_second(bytes), amx_stride(bytes));
        AMX_MULTIPLY(bytes, 0, 4, 6);
        amx_look_ahead(coming, lines);
        AMX_MULTIPLY(bytes, 1, 4, 7);
        coming += lines * SIMD_LINE;
        panel += PANEL_TILE_PAIR_BYTES;
        x += AMX_TILE_BYTES;
    }
    _tile_stored(0, dots, out);
    _tile_stored(1, dots + PANEL_HALF, out);
}

#define AMX_CASE(product, lines)                                                                   \
    case lines:                                                                                    \
        product(bytes, panel, packed, tiles, dots, ahead->from, lines);                            \
        break;

/* A step asks for 32 lines when a panel passes once, for as many over the passes else (rows.h). */
#define AMX_PANEL(name, product)                                                                   \
    static inline __attribute__((always_inline)) void name(                                        \
        const bool bytes, const unsigned char *panel, const void *packed, int64_t tiles,           \
        float *dots, const simd_ahead *ahead)                                                      \
    {                                                                                              \
        const size_t bite = ahead->bytes / (size_t)(tiles > 0 ? tiles : 1);                        \
        const int lines = (int)((bite + SIMD_LINE - 1) / SIMD_LINE);                               \
        switch (lines) {                                                                           \
            AMX_CASE(product, 0) AMX_CASE(product, 3) AMX_CASE(product, 4) AMX_CASE(product, 5)    \
            AMX_CASE(product, 6) AMX_CASE(product, 7) AMX_CASE(product, 8) AMX_CASE(product, 11)   \
            AMX_CASE(product, 32)                                                                  \
        default: product(bytes, panel, packed, tiles, dots, ahead->from, lines); break;            \
        }                                                                                          \
    }

AMX_PANEL(amx_panel_one, amx_one)
AMX_PANEL(amx_panel_two, amx_two)

static inline __attribute__((always_inline)) void
amx_panel(const bool bytes, const simd_panels *p, const unsigned char *panel, const void *packed,
          int64_t rows, float *dots, const simd_ahead *ahead)
{
    const int64_t tiles = p->steps / PANEL_TILE_STEPS;
    if (rows > AMX_ROWS) {
        amx_panel_two(bytes, panel, packed, tiles, dots, ahead);
    } else {
        amx_panel_one(bytes, panel, packed, tiles, dots, ahead);
    }
}

static inline void amx_product(const simd_panels *p, const unsigned char *panel, const void *packed,
                               int64_t rows, float *dots, const simd_ahead *ahead)
{
    amx_panel(false, p, panel, packed, rows, dots, ahead);
}

#define AMX_PRODUCT                                                                                \
    {                                                                                              \
        .block_rows = 2 * AMX_ROWS, .packed_bytes = amx_packed_bytes, .pack = amx_pack,            \
        .run = amx_product, .enter = amx_enter, .leave = amx_leave                                 \
    }

#endif
