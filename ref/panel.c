/* Products of rows with eight columns at a time, contracted (wide.h). */
#include "ref/panel.h"

#include <string.h>

#include "ref/wide.h"

/* Sums of so many products are added up: rounding errors grow with a sum's length. */
enum { STRETCH = 128, ROWS_MOST = 12 };

typedef double panel_row __attribute__((vector_size(64), aligned(8)));

REF_INLINE void add_stretch(const double *a, int64_t a_stride, int rows, const double *panel,
                            int64_t count, double *dot)
{
    panel_row sum[ROWS_MOST] = {{0.0}};
    for (int64_t k = 0; k < count; k++) {
        panel_row column;
        memcpy(&column, panel + k * REF_PANEL, sizeof column);
        for (int i = 0; i < rows; i++) {
            sum[i] += a[i * a_stride + k] * column;
        }
    }
    for (int i = 0; i < rows; i++) {
        panel_row total;
        memcpy(&total, dot + i * REF_PANEL, sizeof total);
        total += sum[i];
        memcpy(dot + i * REF_PANEL, &total, sizeof total);
    }
}

REF_INLINE int64_t some_rows(const double *a, int64_t a_stride, int64_t first, int64_t rows,
                             int together, const double *panel, int64_t count, double *dot)
{
    int64_t i = first;
    for (; i + together <= rows; i += together) {
        for (int64_t k = 0; k < count; k += STRETCH) {
            add_stretch(a + i * a_stride + k, a_stride, together, panel + k * REF_PANEL,
                        count - k < STRETCH ? count - k : STRETCH, dot + i * REF_PANEL);
        }
    }
    return i;
}

/* As many rows at once as registers hold sums of. */
REF_FMA_CLONES static void products(const double *a, int64_t a_stride, int64_t rows,
                                    const double *panel, int64_t count, double *dot)
{
    int64_t i = some_rows(a, a_stride, 0, rows, 6, panel, count, dot);
    i = some_rows(a, a_stride, i, rows, 3, panel, count, dot);
    (void)some_rows(a, a_stride, i, rows, 1, panel, count, dot);
}

#ifdef REF_512
REF_512 static void products_512(const double *a, int64_t a_stride, int64_t rows,
                                 const double *panel, int64_t count, double *dot)
{
    int64_t i = some_rows(a, a_stride, 0, rows, ROWS_MOST, panel, count, dot);
    i = some_rows(a, a_stride, i, rows, 4, panel, count, dot);
    (void)some_rows(a, a_stride, i, rows, 1, panel, count, dot);
}
#endif

void ref_panel_products(const double *a, int64_t a_stride, int64_t rows, const double *panel,
                        int64_t count, double *dot)
{
    memset(dot, 0, (size_t)(rows * REF_PANEL) * sizeof *dot);
#ifdef REF_512
    if (REF_HAS_512) {
        products_512(a, a_stride, rows, panel, count, dot);
        return;
    }
#endif
    products(a, a_stride, rows, panel, count, dot);
}

void ref_panel_pack(const double *rows, int64_t stride, int64_t number, int64_t count,
                    double *panel)
{
    for (int64_t k = 0; k < count; k++) {
        for (int64_t n = 0; n < REF_PANEL; n++) {
            panel[k * REF_PANEL + n] = n < number ? rows[n * stride + k] : 0.0;
        }
    }
}
