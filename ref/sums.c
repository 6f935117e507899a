#include "ref/sums.h"

#include <math.h>

/* Partial sums of the lane-strided order; vector kernels keep 4 to 64. */
enum { LANES = 16 };

/* Sequential and reversed in one pass: a reversed partial sum is the total T less a sequential one,
 * so sum (T - s)^2 = n T^2 - 2 T sum s + sum s^2.
 * Four stretches run side by side, or each addition would wait for the one before it: a stretch
 * that starts at the sum A of those before it has sum (A + s)^2 = m A^2 + 2 A sum s + sum s^2. */
REF_CLONES static double sequential(const double *terms, int64_t count)
{
    enum { STRETCHES = 4 };
    const int64_t length = count / STRETCHES;
    double s[STRETCHES] = {0};
    double sum[STRETCHES] = {0};
    double square[STRETCHES] = {0};
    for (int64_t k = 0; k < length; k++) {
        for (int64_t i = 0; i < STRETCHES; i++) {
            s[i] += terms[i * length + k];
            sum[i] += s[i];
            square[i] += s[i] * s[i];
        }
    }
    double total = 0.0;
    double all_sums = 0.0;
    double all_squares = 0.0;
    const double m = (double)length;
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
    /* the reversed partial sums are T - s_0 .. T - s_(n-1), with s_0 = 0 and s_n = T */
    const double n = (double)count;
    const double reversed = n * total * total - 2.0 * total * (all_sums - total) +
                            (all_squares - total * total);
    return fmax(0.0, fmax(all_squares, reversed));
}

REF_CLONES static double lanes(const double *terms, int64_t count)
{
    double lane[LANES] = {0};
    double square[LANES] = {0};
    int64_t k = 0;
    for (; k + LANES <= count; k += LANES) {
        for (int64_t i = 0; i < LANES; i++) {
            lane[i] += terms[k + i];
            square[i] += lane[i] * lane[i];
        }
    }
    double total = 0.0;
    double all = 0.0;
    for (int64_t i = 0; i < LANES; i++) { /* the lanes' own sum, one after the other */
        lane[i] += k + i < count ? terms[k + i] : 0.0;
        total += lane[i];
        all += square[i] + lane[i] * lane[i] + total * total;
    }
    return all;
}

/* A balanced tree over neighbours, in place. */
static double pairwise(double *terms, int64_t count)
{
    double square = 0.0;
    for (int64_t width = count; width > 1; width = (width + 1) / 2) {
        for (int64_t i = 0; i < width / 2; i++) {
            terms[i] = terms[2 * i] + terms[2 * i + 1];
            square += terms[i] * terms[i];
        }
        if (width % 2 != 0) {
            terms[width / 2] = terms[width - 1];
        }
    }
    return square;
}

/* How many terms are not zero, sum |t| and sum t^2, in lanes for speed. */
REF_CLONES static void measure_terms(const double *terms, int64_t count, double *used,
                                     double *magnitude, double *square)
{
    double lane[3][4] = {{0}};
    int64_t k = 0;
    for (; k + 4 <= count; k += 4) {
        for (int64_t i = 0; i < 4; i++) {
            const double t = terms[k + i];
            lane[0][i] += t != 0.0 ? 1.0 : 0.0;
            lane[1][i] += fabs(t);
            lane[2][i] += t * t;
        }
    }
    for (; k < count; k++) {
        lane[0][0] += terms[k] != 0.0 ? 1.0 : 0.0;
        lane[1][0] += fabs(terms[k]);
        lane[2][0] += terms[k] * terms[k];
    }
    *used = lane[0][0] + lane[0][1] + lane[0][2] + lane[0][3];
    *magnitude = lane[1][0] + lane[1][1] + lane[1][2] + lane[1][3];
    *square = lane[2][0] + lane[2][1] + lane[2][2] + lane[2][3];
}

/* How many terms, zeros apart, equal the second one after them. */
REF_CLONES static double count_alike(const double *terms, int64_t count)
{
    int64_t alike = 0;
    for (int64_t k = 0; k + 2 < count; k++) {
        alike += terms[k] == terms[k + 2] && terms[k] != 0.0 ? 1 : 0;
    }
    return (double)alike;
}

double ref_lost(const double *terms, int64_t count, double magnitude, double u)
{
    double total = 0.0;
    double lost = 0.0;
    for (int64_t k = 0; k < count; k++) {
        total += terms[k];
        lost += fabs(terms[k]) <= 2.0 * u * magnitude ? terms[k] : 0.0;
    }
    return fabs(total) > (1.0 - 0x1p-30) * magnitude ? fabs(lost) : 0.0;
}

ref_spread ref_spread_of(const ref_sum_facts *facts, const ref_rounding *rounding)
{
    const double u = rounding->u_sum;
    const double floor = facts->used * rounding->product_floor;
    /* the first term is no step, unless it does not fit */
    const double steps =
        fmax(facts->used - 1.0 + (rounding->wide ? 1.0 : 0.0), 0.0) + facts->extra;
    ref_spread spread = {.worst = u * steps * facts->magnitude + floor, .norm = sqrt(facts->norm),
                         .magnitude = facts->magnitude};
    const double sigma = u * sqrt(facts->square + (rounding->product ? facts->norm : 0.0));
    spread.bound = floor;
    if (rounding->linear && !rounding->certain) {
        const double products = rounding->product ? u * facts->magnitude : 0.0;
        spread.bound += fmin(facts->absolute + products, spread.worst - floor);
        spread.worst = spread.bound;
    } else if (4.0 * facts->alike > facts->used && !rounding->certain) {
        const double products = rounding->product ? u * facts->magnitude : 0.0;
        const double steps_taken = facts->used + 32.0; /* 16 lanes begin and end */
        const double absolute = u * sqrt(steps_taken * facts->square);
        spread.bound += fmin(absolute + products, spread.worst - floor);
    } else {
        ref_settle(rounding, spread.worst - floor, sigma, &spread.bound, &spread.sigma);
        if (spread.sigma > 0.0 && facts->lost != 0.0) {
            spread.bound += fmin(facts->lost, spread.worst - floor);
        }
    }
    return spread;
}

/* biased: the last term is a bias. */
static ref_spread sum_spread(double *terms, int64_t count, bool biased,
                             const ref_rounding *rounding)
{
    ref_sum_facts facts = {.used = 0.0};
    measure_terms(terms, count, &facts.used, &facts.magnitude, &facts.norm);
    facts.alike = count_alike(terms, count);
    if (rounding->linear) {
        const int64_t products = biased ? count - 1 : count;
        const double bias = biased ? terms[products] : 0.0;
        facts.absolute = rounding->u_sum * ref_absolute_sums(terms, products, bias, rounding);
        facts.extra = bias != 0.0 && ref_is_narrow(rounding) ? 1.0 : 0.0;
    } else {
        facts.lost = ref_lost(terms, count, facts.magnitude, rounding->u_sum);
        facts.square = fmax(sequential(terms, count), lanes(terms, count));
        facts.square = rounding->quick ? facts.square : fmax(facts.square, pairwise(terms, count));
    }
    return ref_spread_of(&facts, rounding);
}

ref_spread ref_sum_spread(double *terms, int64_t count, const ref_rounding *rounding)
{
    return sum_spread(terms, count, false, rounding);
}

ref_spread ref_dot_spread(const double *a, const double *b, int64_t count, const double *bias,
                          const ref_rounding *rounding, double *scratch)
{
    for (int64_t k = 0; k < count; k++) {
        scratch[k] = a[k] * b[k];
    }
    if (bias != NULL) {
        scratch[count] = *bias;
    }
    return sum_spread(scratch, bias != NULL ? count + 1 : count, bias != NULL, rounding);
}

void ref_be_quick(ref_rounding *rounding, int64_t rows, int64_t columns, int64_t depth)
{
    const double terms = (double)rows * (double)columns * (double)depth;
    rounding->quick = rounding->quick || terms > 0x1p27;
}

/* hypot, whose first call for a budget has nothing to add to. */
static double in_quadrature(double sigma, double more)
{
    return sigma == 0.0 ? fabs(more) : hypot(sigma, more);
}

void ref_settle(const ref_rounding *rounding, double linear, double quadrature, double *bound,
                double *sigma)
{
    if (rounding->certain || linear <= REF_LAMBDA * quadrature) {
        *bound += linear;
    } else {
        *sigma = in_quadrature(*sigma, quadrature);
    }
}

void ref_independent(const ref_rounding *rounding, double root, int64_t count, double *bound,
                     double *sigma)
{
    if (rounding->certain) { /* Cauchy's inequality: sum |e| is at most sqrt(n sum e^2) */
        *bound += sqrt((double)count) * root;
    } else {
        *sigma = in_quadrature(*sigma, root);
    }
}
