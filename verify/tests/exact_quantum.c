/* The grain of operands: large 16-bit ones are looked at by their words, others by their elements,
 * and both find the same. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "verify/exact_quantum.h"

enum { COUNT = 1 << 19 };

static const assay_precision bf16_products = {.multiply = ASSAY_BF16,
                                              .accumulate = {.bits = 24, .block = 1},
                                              .output = ASSAY_F32};

/* Multiples of 2^-6 up to 1 in magnitude, among them 2^-6 itself. */
static double grain_of_64(int64_t i)
{
    return (double)(i % 129 - 64) / 64.0;
}

/* odd goes to one place, unless it is 0. */
static assay_quantum quantum_of(assay_dtype dtype, int64_t step, double odd)
{
    assay_tensor tensor = assay_vector(calloc(COUNT * (size_t)step, 8), dtype, COUNT);
    tensor.stride[0] = step;
    for (int64_t i = 0; i < COUNT; i++) {
        assay_put1(&tensor, i, i == COUNT - 7 && odd != 0.0 ? odd : grain_of_64(i));
    }
    assay_quantum q = {3, true};
    assay_quantum_multiply(&q, &tensor, &bf16_products, ASSAY_NONE);
    free(tensor.data);
    return q;
}

Test(exact_quantum, words_and_elements_find_the_same_grain)
{
    const assay_dtype types[] = {ASSAY_BF16, ASSAY_F16, ASSAY_F32, ASSAY_F64};
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        for (int64_t step = 1; step <= 2; step++) {
            const assay_quantum q = quantum_of(types[t], step, 0.0);
            cr_assert(q.exact, "%s, step %d", assay_dtype_name(types[t]), (int)step);
            cr_assert_eq(q.exponent, 3 - 6, "%s, step %d", assay_dtype_name(types[t]), (int)step);
        }
    }
}

Test(exact_quantum, one_finer_element_lowers_the_grain_and_too_fine_a_one_ends_it)
{
    for (int64_t step = 1; step <= 2; step++) {
        cr_assert_eq(quantum_of(ASSAY_BF16, step, 0x1p-9).exponent, 3 - 9);
        cr_assert(quantum_of(ASSAY_BF16, step, 0x1p-20).exact);
        cr_assert_not(quantum_of(ASSAY_BF16, step, 0x1p-21).exact);
        cr_assert_not(quantum_of(ASSAY_BF16, step, 0x1p-130).exact, "a subnormal");
        cr_assert_not(quantum_of(ASSAY_BF16, step, (double)INFINITY).exact);
        cr_assert_not(quantum_of(ASSAY_BF16, step, (double)NAN).exact);
    }
}

Test(exact_quantum, what_the_multiply_type_cannot_hold_ends_it)
{
    for (int64_t step = 1; step <= 2; step++) {
        cr_assert(quantum_of(ASSAY_F16, step, 0x1.fep0).exact);
        cr_assert_not(quantum_of(ASSAY_F16, step, 0x1.ffp0).exact, "nine bits, bf16 has eight");
    }
}

Test(exact_quantum, an_addend_counts_only_when_it_is_finer)
{
    const double coarse[2] = {4.0, 8.0};
    const double fine[2] = {0.25, 8.0};
    assay_tensor addend = {0};
    assay_quantum q = {0, true};
    assay_quantum_add(&q, &addend, &bf16_products);
    cr_assert_eq(q.exponent, 0, "an absent one changes nothing");
    double values[2];
    addend = assay_vector(values, ASSAY_F64, 2);
    memcpy(values, coarse, sizeof values);
    assay_quantum_add(&q, &addend, &bf16_products);
    cr_assert_eq(q.exponent, 0);
    memcpy(values, fine, sizeof values);
    assay_quantum_add(&q, &addend, &bf16_products);
    cr_assert_eq(q.exponent, -2);
    cr_assert(q.exact);
}
