/* ref_sum_spread of four sums side by side: the same operations in the same order for each. */
#include "ref/sums.h"
#include "ref/wide.h"

#include <math.h>

enum { LANES = 16, STRETCHES = 4 }; /* as in sums.c */

REF_INLINE void wide_max(ref_wide *a, const ref_wide *b)
{
    for (int i = 0; i < REF_WIDE; i++) {
        (*a)[i] = fmax((*a)[i], (*b)[i]);
    }
}

REF_CLONES static void measure(const ref_wide *terms, int64_t count, ref_wide used[1],
                               ref_wide magnitude[1], ref_wide square[1])
{
    const ref_wide zero = {0.0};
    ref_wide_mask seen[4] = {{0}};
    ref_wide sum[4] = {{0.0}};
    ref_wide squares[4] = {{0.0}};
    int64_t k = 0;
    for (; k + 4 <= count; k += 4) {
        for (int64_t i = 0; i < 4; i++) {
            ref_wide size = terms[k + i];
            ref_wide_magnitude(&size);
            seen[i] -= terms[k + i] != zero;
            sum[i] += size;
            squares[i] += terms[k + i] * terms[k + i];
        }
    }
    for (; k < count; k++) {
        ref_wide size = terms[k];
        ref_wide_magnitude(&size);
        seen[0] -= terms[k] != zero;
        sum[0] += size;
        squares[0] += terms[k] * terms[k];
    }
    for (int n = 0; n < REF_WIDE; n++) {
        (*used)[n] = (double)(seen[0][n] + seen[1][n] + seen[2][n] + seen[3][n]);
    }
    *magnitude = sum[0] + sum[1] + sum[2] + sum[3];
    *square = squares[0] + squares[1] + squares[2] + squares[3];
}

REF_CLONES static void count_alike(const ref_wide *terms, int64_t count, ref_wide alike[1],
                                   ref_wide total[1])
{
    const ref_wide zero = {0.0};
    ref_wide sum = {0.0};
    for (int64_t k = 0; k < count; k++) {
        sum += terms[k];
    }
    *total = sum;
    ref_wide_mask seen = {0};
    for (int64_t k = 0; k + 2 < count; k++) {
        seen -= (terms[k] == terms[k + 2]) & (terms[k] != zero);
    }
    for (int n = 0; n < REF_WIDE; n++) {
        (*alike)[n] = (double)seen[n];
    }
}

REF_CLONES static void sequential(const ref_wide *terms, int64_t count, ref_wide squares[1])
{
    const int64_t length = count / STRETCHES;
    const double m = (double)length;
    const double n = (double)count;
    ref_wide s[STRETCHES] = {{0.0}};
    ref_wide sum[STRETCHES] = {{0.0}};
    ref_wide square[STRETCHES] = {{0.0}};
    for (int64_t k = 0; k < length; k++) {
        for (int64_t i = 0; i < STRETCHES; i++) {
            s[i] += terms[i * length + k];
            sum[i] += s[i];
            square[i] += s[i] * s[i];
        }
    }
    ref_wide total = {0.0};
    ref_wide all_sums = {0.0};
    ref_wide all_squares = {0.0};
    for (int64_t i = 0; i < STRETCHES; i++) {
        all_squares += m * total * total + 2.0 * total * sum[i] + square[i];
        all_sums += m * total + sum[i];
        total += s[i];
    }
    for (int64_t k = STRETCHES * length; k < count; k++) {
        total += terms[k];
        all_sums += total;
        all_squares += total * total;
    }
    const ref_wide reversed = n * total * total - 2.0 * total * (all_sums - total) +
                              (all_squares - total * total);
    const ref_wide zero = {0.0};
    wide_max(&all_squares, &reversed);
    *squares = zero;
    wide_max(squares, &all_squares);
}

/* Four lanes of the sixteen at a time, so that they stay in registers. */
REF_CLONES static void lanes(const ref_wide *terms, int64_t count, ref_wide squares[1])
{
    enum { TOGETHER = 4 };
    ref_wide lane[LANES] = {{0.0}};
    ref_wide square[LANES] = {{0.0}};
    const int64_t whole = count / LANES * LANES;
    for (int64_t first = 0; first < LANES; first += TOGETHER) {
        ref_wide s[TOGETHER] = {{0.0}};
        ref_wide q[TOGETHER] = {{0.0}};
        for (int64_t k = first; k < whole; k += LANES) {
            for (int64_t i = 0; i < TOGETHER; i++) {
                s[i] += terms[k + i];
                q[i] += s[i] * s[i];
            }
        }
        memcpy(lane + first, s, sizeof s);
        memcpy(square + first, q, sizeof q);
    }
    const ref_wide zero = {0.0};
    ref_wide total = {0.0};
    ref_wide all = {0.0};
    for (int64_t i = 0; i < LANES; i++) {
        lane[i] += whole + i < count ? terms[whole + i] : zero;
        total += lane[i];
        all += square[i] + lane[i] * lane[i] + total * total;
    }
    *squares = all;
}

REF_CLONES static void pairwise(ref_wide *terms, int64_t count, ref_wide squares[1])
{
    ref_wide square = {0.0};
    for (int64_t width = count; width > 1; width = (width + 1) / 2) {
        for (int64_t i = 0; i < width / 2; i++) {
            terms[i] = terms[2 * i] + terms[2 * i + 1];
            square += terms[i] * terms[i];
        }
        if (width % 2 != 0) {
            terms[width / 2] = terms[width - 1];
        }
    }
    *squares = square;
}

/* Sums of one sign: small terms may all be dropped. */
static bool one_signed(const ref_wide *total, const ref_wide *magnitude)
{
    bool found = false;
    for (int n = 0; n < REF_WIDE; n++) {
        const double size = (*magnitude)[n];
        found = found || (size > 0.0 && fabs((*total)[n]) > (1.0 - 0x1p-30) * size);
    }
    return found;
}

/* Accumulators that truncate, and sums of one sign, go one by one. */
static void one_by_one(const ref_wide *terms, int64_t count, const ref_rounding *rounding,
                       bool quick, double *scratch, ref_spread spread[REF_WIDE])
{
    for (int n = 0; n < REF_WIDE; n++) {
        for (int64_t k = 0; k < count; k++) {
            scratch[k] = terms[k][n];
        }
        spread[n] = ref_sum_spread(scratch, count, rounding, quick);
    }
}

void ref_sum_spreads(ref_wide *terms, int64_t count, const ref_rounding *rounding, bool quick,
                     double *scratch, ref_spread spread[REF_WIDE])
{
    ref_wide used;
    ref_wide magnitude;
    ref_wide norm;
    ref_wide square;
    ref_wide other;
    ref_wide alike;
    ref_wide total;
    if (rounding->linear) {
        one_by_one(terms, count, rounding, quick, scratch, spread);
        return;
    }
    measure(terms, count, &used, &magnitude, &norm);
    count_alike(terms, count, &alike, &total);
    if (one_signed(&total, &magnitude)) {
        one_by_one(terms, count, rounding, quick, scratch, spread);
        return;
    }
    sequential(terms, count, &square);
    lanes(terms, count, &other);
    wide_max(&square, &other);
    if (!quick) {
        pairwise(terms, count, &other);
        wide_max(&square, &other);
    }
    for (int n = 0; n < REF_WIDE; n++) {
        const ref_sum_facts facts = {.used = used[n], .magnitude = magnitude[n], .norm = norm[n],
                                     .square = square[n], .alike = alike[n]};
        spread[n] = ref_spread_of(&facts, rounding);
    }
}

REF_CLONES static void multiply(const double *a, const ref_wide *b, int64_t count, ref_wide *terms)
{
    for (int64_t k = 0; k < count; k++) {
        terms[k] = a[k] * b[k];
    }
}

void ref_dot_spreads(const double *a, const ref_wide *b, int64_t count, const double *bias,
                     const ref_rounding *rounding, bool quick, ref_wide *terms, double *scratch,
                     ref_spread spread[REF_WIDE])
{
    multiply(a, b, count, terms);
    if (bias != NULL) {
        ref_wide_all(&terms[count], *bias);
    }
    ref_sum_spreads(terms, bias != NULL ? count + 1 : count, rounding, quick, scratch, spread);
}

void ref_interleave(const double *rows, int64_t stride, int64_t number, int64_t count, ref_wide *to)
{
    for (int64_t k = 0; k < count; k++) {
        for (int64_t n = 0; n < REF_WIDE; n++) {
            to[k][n] = n < number ? rows[n * stride + k] : 0.0;
        }
    }
}
