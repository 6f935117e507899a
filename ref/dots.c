/* Dot products in one fixed order, and many of them at once, contracted (wide.h). */
#include "ref/sums.h"

typedef struct dot_lanes {
    ref_wide low, high; /* lanes 0 to 3, 4 to 7 */
} dot_lanes;

REF_INLINE void dot_step(dot_lanes *lane, const double *a, const double *b)
{
    ref_wide x;
    ref_wide y;
    ref_wide_load(&x, a);
    ref_wide_load(&y, b);
    lane->low += x * y;
    ref_wide_load(&x, a + REF_WIDE);
    ref_wide_load(&y, b + REF_WIDE);
    lane->high += x * y;
}

REF_INLINE double dot_end(const dot_lanes *lane, const double *a, const double *b, int64_t k,
                          int64_t count)
{
    const ref_wide pair = lane->low + lane->high;
    double tail = 0.0;
    for (; k < count; k++) {
        tail += a[k] * b[k];
    }
    return (pair[0] + pair[2]) + (pair[1] + pair[3]) + tail;
}

REF_CLONES double ref_dot(const double *a, const double *b, int64_t count)
{
    dot_lanes lane = {{0.0}, {0.0}};
    int64_t k = 0;
    for (; k + 8 <= count; k += 8) {
        dot_step(&lane, a + k, b + k);
    }
    return dot_end(&lane, a, b, k, count);
}

/* Four at a time, since the additions of one wait for each other. */
REF_CLONES void ref_dots(const double *a, const double *b, int64_t stride, int64_t number,
                         int64_t count, double *dot)
{
    int64_t n = 0;
    for (; n + 4 <= number; n += 4) {
        const double *const b0 = b + n * stride;
        const double *const b1 = b0 + stride;
        const double *const b2 = b1 + stride;
        const double *const b3 = b2 + stride;
        dot_lanes l0 = {{0.0}, {0.0}};
        dot_lanes l1 = l0;
        dot_lanes l2 = l0;
        dot_lanes l3 = l0;
        int64_t k = 0;
        for (; k + 8 <= count; k += 8) {
            dot_step(&l0, a + k, b0 + k);
            dot_step(&l1, a + k, b1 + k);
            dot_step(&l2, a + k, b2 + k);
            dot_step(&l3, a + k, b3 + k);
        }
        dot[n] = dot_end(&l0, a, b0, k, count);
        dot[n + 1] = dot_end(&l1, a, b1, k, count);
        dot[n + 2] = dot_end(&l2, a, b2, k, count);
        dot[n + 3] = dot_end(&l3, a, b3, k, count);
    }
    for (; n < number; n++) {
        dot[n] = ref_dot(a, b + n * stride, count);
    }
}

enum { TILE_ROWS = 3, TILE = 4 };

/* Lanes 0 to 3, or from `half` on 4 to 7, of a tile of sums: as many as registers hold. */
REF_INLINE void tile_half(const double *a, int64_t a_stride, const double *b, int64_t b_stride,
                          int64_t whole, int64_t half, ref_wide lane[TILE_ROWS][TILE])
{
    ref_wide sum[TILE_ROWS][TILE] = {{{0.0}}};
    for (int64_t k = half; k < whole; k += 8) {
        ref_wide x[TILE_ROWS];
        for (int i = 0; i < TILE_ROWS; i++) {
            ref_wide_load(&x[i], a + i * a_stride + k);
        }
        for (int n = 0; n < TILE; n++) {
            ref_wide y;
            ref_wide_load(&y, b + n * b_stride + k);
            for (int i = 0; i < TILE_ROWS; i++) {
                sum[i][n] += x[i] * y;
            }
        }
    }
    memcpy(lane, sum, sizeof sum);
}

REF_CLONES static void dot_tile(const double *a, int64_t a_stride, const double *b,
                                int64_t b_stride, int64_t count, double *dot, int64_t dot_stride)
{
    const int64_t whole = count / 8 * 8;
    ref_wide low[TILE_ROWS][TILE];
    ref_wide high[TILE_ROWS][TILE];
    tile_half(a, a_stride, b, b_stride, whole, 0, low);
    tile_half(a, a_stride, b, b_stride, whole, REF_WIDE, high);
    for (int i = 0; i < TILE_ROWS; i++) {
        for (int n = 0; n < TILE; n++) {
            const dot_lanes lane = {low[i][n], high[i][n]};
            dot[i * dot_stride + n] =
                dot_end(&lane, a + i * a_stride, b + n * b_stride, whole, count);
        }
    }
}

void ref_dots_rows(const double *a, int64_t a_stride, int64_t rows, const double *b,
                   int64_t b_stride, int64_t number, int64_t count, double *dot,
                   int64_t dot_stride)
{
    const int64_t tiled = number / TILE * TILE;
    int64_t i = 0;
    for (; i + TILE_ROWS <= rows; i += TILE_ROWS) {
        double *const to = dot + i * dot_stride;
        for (int64_t n = 0; n < tiled; n += TILE) {
            dot_tile(a + i * a_stride, a_stride, b + n * b_stride, b_stride, count, to + n,
                     dot_stride);
        }
        for (int64_t r = 0; r < TILE_ROWS; r++) {
            ref_dots(a + (i + r) * a_stride, b + tiled * b_stride, b_stride, number - tiled, count,
                     to + r * dot_stride + tiled);
        }
    }
    for (; i < rows; i++) {
        ref_dots(a + i * a_stride, b, b_stride, number, count, dot + i * dot_stride);
    }
}
