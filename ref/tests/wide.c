/* What is computed four at a time has the bits of what is computed one by one. */
#include <criterion/criterion.h>

#include "assay/philox.h"
#include "ref/sums.h"

enum { MOST = 700 };

static double draw(uint64_t stream, uint64_t index)
{
    const double value = assay_philox_uniform(11, stream, index) - 0.5;
    return index % 7 == 3 ? 0.0 : value * (index % 5 == 1 ? 1e6 : 1.0);
}

Test(wide, dots_are_the_dots)
{
    static const int64_t counts[] = {0, 1, 7, 8, 9, 64, 67, 192};
    enum { NUMBER = 11, STRIDE = 200 };
    static double b[NUMBER * STRIDE];
    double a[STRIDE];
    double dot[NUMBER];
    for (uint64_t i = 0; i < NUMBER * STRIDE; i++) {
        b[i] = draw(1, i);
    }
    for (uint64_t i = 0; i < STRIDE; i++) {
        a[i] = draw(2, i);
    }
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        for (int64_t number = 0; number <= NUMBER; number++) {
            ref_dots(a, b, STRIDE, number, counts[c], dot);
            for (int64_t n = 0; n < number; n++) {
                const double one = ref_dot(a, b + n * STRIDE, counts[c]);
                cr_assert_eq(memcmp(&one, &dot[n], sizeof one), 0, "count %d, number %d, n %d",
                             (int)counts[c], (int)number, (int)n);
            }
        }
    }
}

Test(wide, dots_of_rows_are_the_dots)
{
    static const int64_t counts[] = {0, 3, 8, 12, 67, 192};
    enum { ROWS = 7, NUMBER = 9, STRIDE = 200 };
    static double a[ROWS * STRIDE];
    static double b[NUMBER * STRIDE];
    double dot[ROWS * (NUMBER + 1)];
    for (uint64_t i = 0; i < NUMBER * STRIDE; i++) {
        b[i] = draw(3, i);
        a[i % (ROWS * STRIDE)] = draw(4, i);
    }
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        for (int64_t size = 0; size < (ROWS + 1) * (NUMBER + 1); size++) {
            const int64_t rows = size / (NUMBER + 1);
            const int64_t number = size % (NUMBER + 1);
            ref_dots_rows(a, STRIDE, rows, b, STRIDE, number, counts[c], dot, NUMBER + 1);
            for (int64_t at = 0; at < rows * number; at++) {
                const int64_t i = at / number;
                const int64_t n = at % number;
                const double one = ref_dot(a + i * STRIDE, b + n * STRIDE, counts[c]);
                cr_assert_eq(memcmp(&one, &dot[i * (NUMBER + 1) + n], sizeof one), 0,
                             "count %d, %d rows, number %d: %d, %d", (int)counts[c], (int)rows,
                             (int)number, (int)i, (int)n);
            }
        }
    }
}

static void expect_alike(const ref_spread *one, const ref_spread *other, int64_t count, int n)
{
    const double a[] = {one->bound, one->sigma, one->worst, one->norm, one->magnitude};
    const double b[] = {other->bound, other->sigma, other->worst, other->norm, other->magnitude};
    for (int i = 0; i < 5; i++) {
        cr_assert_leq(fabs(a[i] - b[i]), 1e-13 * a[i], "%d terms, sum %d, value %d: %g, %g",
                      (int)count, n, i, a[i], b[i]);
    }
}

/* A contract to nearest, and one whose accumulator truncates. */
static void check_spreads(const assay_accumulator *accumulate, bool quick)
{
    static ref_wide terms[MOST];
    static double scratch[MOST];
    static double one[MOST];
    assay_precision contract;
    ref_rounding rounding;
    memset(&contract, 0, sizeof contract);
    contract.multiply = ASSAY_F32;
    contract.intermediate = ASSAY_F32;
    contract.output = ASSAY_F32;
    contract.angle = ASSAY_F32;
    contract.accumulate = *accumulate;
    cr_assert_eq(ref_rounding_of(&contract, &rounding, NULL), ASSAY_OK);
    rounding.quick = quick;
    for (int64_t count = 0; count < MOST; count += count < 70 ? 1 : 97) {
        ref_spread spread[REF_WIDE];
        for (int64_t k = 0; k < count; k++) {
            for (int n = 0; n < REF_WIDE; n++) {
                terms[k][n] = draw((uint64_t)n, (uint64_t)k);
            }
        }
        ref_sum_spreads(terms, count, &rounding, scratch, spread);
        for (int n = 0; n < REF_WIDE; n++) {
            for (int64_t k = 0; k < count; k++) {
                one[k] = draw((uint64_t)n, (uint64_t)k);
            }
            const ref_spread alone = ref_sum_spread(one, count, &rounding);
            expect_alike(&alone, &spread[n], count, n);
        }
    }
}

Test(wide, spreads_are_the_spreads)
{
    const assay_accumulator nearest = {.bits = 24, .rounding = ASSAY_NEAREST, .block = 1};
    const assay_accumulator truncating = {.bits = 24, .rounding = ASSAY_TRUNCATE, .block = 4};
    check_spreads(&nearest, false);
    check_spreads(&nearest, true);
    check_spreads(&truncating, false);
}
