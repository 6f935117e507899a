/* ref_sum_spread of four sums side by side: the same operations in the same order for each. */
#include "ref/sums.h"
#include "ref/wide.h"

#include <math.h>

enum { LANES = 16, STRETCHES = 4 }; /* as in sums.c */

/* fmax, element by element. */
REF_INLINE void wide_max(ref_wide *a, const ref_wide *b)
{
    const ref_wide_mask second = (*b > *a) | (*a != *a);
    *a = (ref_wide)((second & (ref_wide_mask)*b) | (~second & (ref_wide_mask)*a));
}

/* What one pass over the terms counts and sums. */
typedef struct wide_facts {
    ref_wide_mask seen, alike;
    ref_wide sum[4], squares[4], total;
} wide_facts;

/* Term k, in lane i. */
REF_INLINE void add_term(wide_facts *facts, const ref_wide *terms, int64_t k, int i)
{
    const ref_wide zero = {0.0};
    const ref_wide_mask used = terms[k] != zero;
    ref_wide size = terms[k];
    ref_wide_magnitude(&size);
    facts->seen -= used;
    facts->sum[i] += size;
    facts->squares[i] += terms[k] * terms[k];
    facts->total += terms[k];
    if (k >= 2) {
        facts->alike -= (terms[k] == terms[k - 2]) & used;
    }
}

REF_CLONES static void measure(const ref_wide *terms, int64_t count, wide_facts *measured)
{
    const ref_wide zero = {0.0};
    const ref_wide_mask none = {0};
    wide_facts facts = {none, none, {zero, zero, zero, zero}, {zero, zero, zero, zero}, zero};
    int64_t k = 0;
    for (; k + 4 <= count; k += 4) {
        for (int i = 0; i < 4; i++) {
            add_term(&facts, terms, k + i, i);
        }
    }
    for (; k < count; k++) {
        add_term(&facts, terms, k, 0);
    }
    *measured = facts;
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
    wide_facts facts;
    ref_wide square;
    ref_wide other;
    if (rounding->linear) {
        one_by_one(terms, count, rounding, quick, scratch, spread);
        return;
    }
    measure(terms, count, &facts);
    const ref_wide magnitude = facts.sum[0] + facts.sum[1] + facts.sum[2] + facts.sum[3];
    const ref_wide norm = facts.squares[0] + facts.squares[1] + facts.squares[2] +
                          facts.squares[3];
    if (one_signed(&facts.total, &magnitude)) {
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
        const ref_sum_facts own = {.used = (double)facts.seen[n], .magnitude = magnitude[n],
                                   .norm = norm[n], .square = square[n],
                                   .alike = (double)facts.alike[n]};
        spread[n] = ref_spread_of(&own, rounding);
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
    if (rounding->linear) {
        for (int n = 0; n < REF_WIDE; n++) {
            for (int64_t k = 0; k < count; k++) {
                scratch[k] = b[k][n];
            }
            spread[n] = ref_dot_spread(a, scratch, count, bias, rounding, quick, scratch);
        }
        return;
    }
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
