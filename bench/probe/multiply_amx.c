/* Multiply-adds by AMX tiles: 16 rows of 64 bytes each. Four sums take turns, so that none waits
 * for itself (a tile product has 16 cycles and its result comes after 52). */
#include "bench/probe/loops.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#define TARGET_BF16 __attribute__((target("amx-tile,amx-bf16")))
#define TARGET_INT8 __attribute__((target("amx-tile,amx-int8")))
#define TARGET __attribute__((target("amx-tile")))

enum { ROWS = 16, ROW_BYTES = 64, TILES = 8, SUMS = 4, TILE_BYTES = ROWS * ROW_BYTES };

/* The layout LDTILECFG reads. */
typedef struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} tile_config;
_Static_assert(sizeof(tile_config) == 64, "as the processor has it");

TARGET static void begin(const void *operands)
{
    tile_config config;
    memset(&config, 0, sizeof config);
    config.palette = 1;
    for (int i = 0; i < TILES; i++) {
        config.row_bytes[i] = ROW_BYTES;
        config.rows[i] = ROWS;
    }
    /* All of it must be in memory: gcc's intrinsic says that it reads 8 bytes. */
    __asm__ volatile("" : : "r"(&config) : "memory");
    _tile_loadconfig(&config);
    const char *const p = operands;
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    _tile_loadd(4, p, ROW_BYTES);
    _tile_loadd(5, p + TILE_BYTES, ROW_BYTES);
    _tile_loadd(6, p + (size_t)2 * TILE_BYTES, ROW_BYTES);
    _tile_loadd(7, p + (size_t)3 * TILE_BYTES, ROW_BYTES);
}

/* One number of each sum; the tiles are given back, so that the system need not save them. */
TARGET static double end(void)
{
    _Alignas(64) int32_t tile[SUMS][TILE_BYTES / sizeof(int32_t)];
    _tile_stored(0, tile[0], ROW_BYTES);
    _tile_stored(1, tile[1], ROW_BYTES);
    _tile_stored(2, tile[2], ROW_BYTES);
    _tile_stored(3, tile[3], ROW_BYTES);
    _tile_release();
    return (double)tile[0][0] + (double)tile[1][0] + (double)tile[2][0] + (double)tile[3][0];
}

TARGET_BF16 static double bf16(const void *operands, size_t iterations)
{
    begin(operands);
    for (size_t i = 0; i < iterations; i++) {
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    return end();
}

TARGET_INT8 static double int8(const void *operands, size_t iterations)
{
    begin(operands);
    for (size_t i = 0; i < iterations; i++) {
        _tile_dpbusd(0, 4, 6);
        _tile_dpbusd(1, 4, 7);
        _tile_dpbusd(2, 5, 6);
        _tile_dpbusd(3, 5, 7);
    }
    return end();
}

/* A product of tiles: 16 x 16 sums of 64 bytes' worth of multiply-adds each. */
const assay_multiply_loop assay_multiply_amx[] = {
    {"bf16", "amx_bf16", ASSAY_FEATURE_AMX_BF16, 2.0 * SUMS * ROWS * ROWS * (ROW_BYTES / 2), bf16},
    {"int8", "amx_int8", ASSAY_FEATURE_AMX_INT8, 2.0 * SUMS * ROWS * ROWS * ROW_BYTES, int8},
    {NULL, NULL, 0, 0, NULL},
};
#endif
