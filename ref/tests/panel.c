/* Products with a panel are the sums that they stand for, and the same bits in any company. */
#include <criterion/criterion.h>
#include <math.h>

#include "assay/philox.h"
#include "ref/panel.h"

enum { ROWS = 29, COLUMNS = REF_PANEL, DEPTH = 300, STRIDE = 304 };

static double a[ROWS * STRIDE], columns[COLUMNS * STRIDE];

static void draw_operands(void)
{
    for (uint64_t i = 0; i < ROWS * STRIDE; i++) {
        a[i] = assay_philox_uniform(5, 1, i) - 0.5;
    }
    for (uint64_t i = 0; i < COLUMNS * STRIDE; i++) {
        columns[i] = assay_philox_uniform(5, 2, i) - 0.5;
    }
}

Test(panel, products_are_the_sums)
{
    static const int64_t depths[] = {0, 1, 2, 127, 128, 129, DEPTH};
    static double panel[DEPTH * REF_PANEL], dot[ROWS * REF_PANEL];
    draw_operands();
    for (size_t d = 0; d < sizeof depths / sizeof depths[0]; d++) {
        for (int64_t number = 1; number <= COLUMNS; number++) {
            ref_panel_pack(columns, STRIDE, number, depths[d], panel);
            ref_panel_products(a, STRIDE, ROWS, panel, depths[d], dot);
            for (int64_t i = 0; i < ROWS * REF_PANEL; i++) {
                const int64_t row = i / REF_PANEL;
                const int64_t column = i % REF_PANEL;
                long double sum = 0.0L;
                long double size = 0.0L;
                for (int64_t k = 0; column < number && k < depths[d]; k++) {
                    const long double term = (long double)a[row * STRIDE + k] *
                                             (long double)columns[column * STRIDE + k];
                    sum += term;
                    size += fabsl(term);
                }
                cr_assert_leq(fabsl((long double)dot[i] - sum), 140.0L * 0x1p-53L * size,
                              "depth %d, row %d, column %d", (int)depths[d], (int)row, (int)column);
            }
        }
    }
}

Test(panel, company_makes_no_difference)
{
    static double panel[DEPTH * REF_PANEL], alone[DEPTH * REF_PANEL];
    static double dot[ROWS * REF_PANEL], one[REF_PANEL];
    draw_operands();
    ref_panel_pack(columns, STRIDE, COLUMNS, DEPTH, panel);
    for (int64_t rows = 1; rows <= ROWS; rows++) {
        ref_panel_products(a, STRIDE, rows, panel, DEPTH, dot);
        for (int64_t i = 0; i < rows * REF_PANEL; i++) {
            ref_panel_pack(columns + i % REF_PANEL * STRIDE, STRIDE, 1, DEPTH, alone);
            ref_panel_products(a + i / REF_PANEL * STRIDE, STRIDE, 1, alone, DEPTH, one);
            cr_assert_eq(memcmp(one, &dot[i], sizeof *one), 0, "row %d of %d, column %d",
                         (int)(i / REF_PANEL), (int)rows, (int)(i % REF_PANEL));
        }
    }
}
