/* ref_sum_spread of four sums side by side, in one pass over their terms. */
#include "ref/sums.h"
#include "ref/wide.h"

#include <math.h>

enum { LANES = 16 }; /* as in sums.c */

/* fmax, element by element. */
REF_INLINE void wide_max(ref_wide *a, const ref_wide *b)
{
    const ref_wide_mask second = (*b > *a) | (*a != *a);
    *a = (ref_wide)((second & (ref_wide_mask)*b) | (~second & (ref_wide_mask)*a));
}

/* What one pass over the terms counts and sums. */
typedef struct wide_facts {
    ref_wide_mask seen, alike;
    ref_wide magnitude, norm, total;
    ref_wide square; /* S of the sequential, the reversed and the 16-lane order */
} wide_facts;

/* The same on its way: sums and squares of the partial sums, the last two terms. */
typedef struct wide_pass {
    wide_facts facts;
    ref_wide sums, squares, strided, last, before;
    ref_wide lane[LANES];
} wide_pass;

REF_INLINE void add_term(wide_pass *pass, const ref_wide *term, int lane)
{
    const ref_wide zero = {0.0};
    const ref_wide_mask used = *term != zero;
    ref_wide size = *term;
    ref_wide_magnitude(&size);
    pass->facts.seen -= used;
    pass->facts.alike -= (*term == pass->before) & used;
    pass->facts.magnitude += size;
    pass->facts.norm += *term * *term;
    pass->facts.total += *term;
    pass->sums += pass->facts.total;
    pass->squares += pass->facts.total * pass->facts.total;
    pass->lane[lane] += *term;
    pass->strided += pass->lane[lane] * pass->lane[lane];
    pass->before = pass->last;
    pass->last = *term;
}

/* A reversed partial sum is the total less a sequential one (sums.c). The lanes are added up one
 * after the other. */
REF_INLINE void end_pass(wide_pass *pass, int64_t count)
{
    const double n = (double)count;
    const ref_wide t = pass->facts.total;
    const ref_wide reversed = n * t * t - 2.0 * t * (pass->sums - t) + (pass->squares - t * t);
    ref_wide sum = {0.0};
    for (int i = 0; i < LANES; i++) {
        if (i >= count % LANES) {
            pass->strided += pass->lane[i] * pass->lane[i];
        }
        sum += pass->lane[i];
        pass->strided += sum * sum;
    }
    pass->facts.square = pass->squares;
    wide_max(&pass->facts.square, &reversed);
    wide_max(&pass->facts.square, &pass->strided);
}

/* Of the terms b, or a b unless a is NULL, and of more as one more unless NULL. */
REF_INLINE void gather(const double *a, const ref_wide *b, int64_t count, const double *more,
                       wide_facts *facts)
{
    const ref_wide none = {NAN, NAN, NAN, NAN};
    wide_pass pass;
    memset(&pass, 0, sizeof pass);
    pass.last = none;
    pass.before = none;
    int64_t k = 0;
    for (; k + LANES <= count; k += LANES) {
        for (int i = 0; i < LANES; i++) {
            const ref_wide term = a != NULL ? a[k + i] * b[k + i] : b[k + i];
            add_term(&pass, &term, i);
        }
    }
    for (; k < count; k++) {
        const ref_wide term = a != NULL ? a[k] * b[k] : b[k];
        add_term(&pass, &term, (int)(k % LANES));
    }
    if (more != NULL) {
        ref_wide term;
        ref_wide_all(&term, *more);
        add_term(&pass, &term, (int)(k % LANES));
    }
    end_pass(&pass, more != NULL ? count + 1 : count);
    *facts = pass.facts;
}

REF_CLONES static void gather_terms(const ref_wide *terms, int64_t count, wide_facts *facts)
{
    gather(NULL, terms, count, NULL, facts);
}

REF_CLONES static void gather_products(const double *a, const ref_wide *b, int64_t count,
                                       const double *more, wide_facts *facts)
{
    gather(a, b, count, more, facts);
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

/* Of sums of one sign small terms may all be dropped. */
static bool one_signed(const wide_facts *facts, int n)
{
    const double size = facts->magnitude[n];
    return size > 0.0 && fabs(facts->total[n]) > (1.0 - 0x1p-30) * size;
}

static bool any_one_signed(const wide_facts *facts)
{
    bool found = false;
    for (int n = 0; n < REF_WIDE; n++) {
        found = found || one_signed(facts, n);
    }
    return found;
}

/* The n-th of four sums alone. */
static const double *take_one(const ref_wide *terms, int n, int64_t count, double *scratch)
{
    for (int64_t k = 0; k < count; k++) {
        scratch[k] = terms[k][n];
    }
    return scratch;
}

static void find_lost(const wide_facts *facts, const ref_wide *terms, int64_t count, double u,
                      double *scratch, double lost[REF_WIDE])
{
    for (int n = 0; n < REF_WIDE; n++) {
        lost[n] = one_signed(facts, n) ? ref_lost(take_one(terms, n, count, scratch), count,
                                                  facts->magnitude[n], u)
                                       : 0.0;
    }
}

static void spreads_of(const wide_facts *facts, const double lost[REF_WIDE],
                       const ref_rounding *rounding, ref_spread spread[REF_WIDE])
{
    for (int n = 0; n < REF_WIDE; n++) {
        const ref_sum_facts own = {.used = (double)facts->seen[n],
                                   .magnitude = facts->magnitude[n],
                                   .norm = facts->norm[n],
                                   .square = facts->square[n],
                                   .alike = (double)facts->alike[n],
                                   .lost = lost[n]};
        spread[n] = ref_spread_of(&own, rounding);
    }
}

/* Of accumulators that truncate. */
static void one_by_one(const ref_wide *terms, int64_t count, const ref_rounding *rounding,
                       double *scratch, ref_spread spread[REF_WIDE])
{
    for (int n = 0; n < REF_WIDE; n++) {
        (void)take_one(terms, n, count, scratch);
        spread[n] = ref_sum_spread(scratch, count, rounding);
    }
}

/* Of terms that were gathered: S of the pairwise order takes their place. */
static void finish(wide_facts *facts, ref_wide *terms, int64_t count, const ref_rounding *rounding,
                   double *scratch, ref_spread spread[REF_WIDE])
{
    double lost[REF_WIDE];
    ref_wide other;
    find_lost(facts, terms, count, rounding->u_sum, scratch, lost);
    if (!rounding->quick) {
        pairwise(terms, count, &other);
        wide_max(&facts->square, &other);
    }
    spreads_of(facts, lost, rounding, spread);
}

void ref_sum_spreads(ref_wide *terms, int64_t count, const ref_rounding *rounding, double *scratch,
                     ref_spread spread[REF_WIDE])
{
    wide_facts facts;
    if (rounding->linear) {
        one_by_one(terms, count, rounding, scratch, spread);
        return;
    }
    gather_terms(terms, count, &facts);
    finish(&facts, terms, count, rounding, scratch, spread);
}

REF_CLONES static void multiply(const double *a, const ref_wide *b, int64_t count, ref_wide *terms)
{
    for (int64_t k = 0; k < count; k++) {
        terms[k] = a[k] * b[k];
    }
}

void ref_dot_spreads(const double *a, const ref_wide *b, int64_t count, const double *bias,
                     const ref_rounding *rounding, ref_wide *terms, double *scratch,
                     ref_spread spread[REF_WIDE])
{
    wide_facts facts;
    if (rounding->linear) {
        for (int n = 0; n < REF_WIDE; n++) {
            spread[n] = ref_dot_spread(a, take_one(b, n, count, scratch), count, bias, rounding,
                                       scratch);
        }
        return;
    }
    gather_products(a, b, count, bias, &facts);
    if (rounding->quick && !any_one_signed(&facts)) {
        static const double none[REF_WIDE] = {0.0};
        spreads_of(&facts, none, rounding, spread);
        return;
    }
    multiply(a, b, count, terms);
    if (bias != NULL) {
        ref_wide_all(&terms[count], *bias);
    }
    finish(&facts, terms, bias != NULL ? count + 1 : count, rounding, scratch, spread);
}

void ref_interleave(const double *rows, int64_t stride, int64_t number, int64_t count, ref_wide *to)
{
    for (int64_t k = 0; k < count; k++) {
        for (int64_t n = 0; n < REF_WIDE; n++) {
            to[k][n] = n < number ? rows[n * stride + k] : 0.0;
        }
    }
}
