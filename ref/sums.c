#include "ref/sums.h"

#include <math.h>

enum { LANES = 16 };

double ref_dot(const double *a, const double *b, int64_t count)
{
    double lane[8] = {0};
    int64_t k = 0;
    for (; k + 8 <= count; k += 8) {
        for (int64_t i = 0; i < 8; i++) {
            lane[i] += a[k + i] * b[k + i];
        }
    }
    double tail = 0.0;
    for (; k < count; k++) {
        tail += a[k] * b[k];
    }
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) +
           ((lane[1] + lane[5]) + (lane[3] + lane[7])) + tail;
}

typedef struct partials {
    double square;   /* largest sum of squared partial sums */
    double absolute; /* largest sum of absolute partial sums */
} partials;

static void raise_to(partials *largest, double square, double absolute)
{
    largest->square = fmax(largest->square, square);
    largest->absolute = fmax(largest->absolute, absolute);
}

/* Sequential and reversed in one pass: a reversed partial sum is the total less a sequential one,
 * so sum (T - s)^2 = n T^2 - 2 T sum s + sum s^2. For the absolute values Cauchy's inequality stands
 * in: sum |T - s| <= sqrt(n sum (T - s)^2). */
static void sequential(const double *terms, int64_t count, partials *largest)
{
    double s = 0.0;
    double sum = 0.0;
    double square = 0.0;
    double absolute = 0.0;
    for (int64_t k = 0; k < count; k++) {
        s += terms[k];
        sum += s;
        square += s * s;
        absolute += fabs(s);
    }
    /* the reversed partial sums are T - s_0 .. T - s_(n-1), with s_0 = 0 and s_n = T */
    const double n = (double)count;
    const double reversed = n * s * s - 2.0 * s * (sum - s) + (square - s * s);
    raise_to(largest, square, absolute);
    raise_to(largest, reversed, sqrt(n * fmax(reversed, 0.0)));
}

static void lanes(const double *terms, int64_t count, partials *largest)
{
    double lane[LANES] = {0};
    double square[LANES] = {0};
    double absolute[LANES] = {0};
    int64_t k = 0;
    for (; k + LANES <= count; k += LANES) {
        for (int64_t i = 0; i < LANES; i++) {
            lane[i] += terms[k + i];
            square[i] += lane[i] * lane[i];
            absolute[i] += fabs(lane[i]);
        }
    }
    double total = 0.0;
    double all_square = 0.0;
    double all_absolute = 0.0;
    for (int64_t i = 0; i < LANES; i++) { /* the lanes' own sum, one after the other */
        lane[i] += k + i < count ? terms[k + i] : 0.0;
        total += lane[i];
        all_square += square[i] + lane[i] * lane[i] + total * total;
        all_absolute += absolute[i] + fabs(lane[i]) + fabs(total);
    }
    raise_to(largest, all_square, all_absolute);
}

/* A balanced tree over neighbours, in place. */
static void pairwise(double *terms, int64_t count, partials *largest)
{
    double square = 0.0;
    double absolute = 0.0;
    for (int64_t width = count; width > 1; width = (width + 1) / 2) {
        for (int64_t i = 0; i < width / 2; i++) {
            terms[i] = terms[2 * i] + terms[2 * i + 1];
            square += terms[i] * terms[i];
            absolute += fabs(terms[i]);
        }
        if (width % 2 != 0) {
            terms[width / 2] = terms[width - 1];
        }
    }
    raise_to(largest, square, absolute);
}

ref_spread ref_sum_spread(double *terms, int64_t count, const ref_rounding *rounding, bool quick)
{
    double used = 0.0;
    double magnitude = 0.0;
    double norm = 0.0;
    for (int64_t k = 0; k < count; k++) {
        used += terms[k] != 0.0 ? 1.0 : 0.0;
        magnitude += fabs(terms[k]);
        norm += terms[k] * terms[k];
    }
    partials largest = {0.0, 0.0};
    sequential(terms, count, &largest);
    lanes(terms, count, &largest);
    if (!quick) {
        pairwise(terms, count, &largest);
    }
    const double u = rounding->u_sum;
    const double floor = used * rounding->product_floor;
    const double steps = fmax(used - 1.0, 0.0) + (rounding->product ? 1.0 : 0.0);
    ref_spread spread = {0.0, 0.0, u * steps * magnitude + floor, sqrt(norm)};
    if (rounding->linear) {
        spread.bound = fmin(u * (largest.absolute + magnitude) + floor, spread.worst);
        spread.worst = spread.bound;
        return spread;
    }
    const double sigma = u * sqrt(largest.square + (rounding->product ? norm : 0.0));
    spread.bound = floor;
    ref_settle(spread.worst - floor, sigma, &spread.bound, &spread.sigma);
    return spread;
}

ref_spread ref_dot_spread(const double *a, const double *b, int64_t count, const double *bias,
                          const ref_rounding *rounding, bool quick, double *scratch)
{
    for (int64_t k = 0; k < count; k++) {
        scratch[k] = a[k] * b[k];
    }
    if (bias != NULL) {
        scratch[count] = *bias;
    }
    return ref_sum_spread(scratch, bias != NULL ? count + 1 : count, rounding, quick);
}

bool ref_quick(int64_t rows, int64_t columns, int64_t depth)
{
    return (double)rows * (double)columns * (double)depth > 0x1p27;
}

void ref_settle(double linear, double quadrature, double *bound, double *sigma)
{
    if (linear <= REF_LAMBDA * quadrature) {
        *bound += linear;
    } else {
        *sigma = hypot(*sigma, quadrature);
    }
}
