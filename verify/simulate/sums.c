/* Sums as an accumulator makes them. Terms are exact in float64 (a product of two f32 numbers is),
 * a block's sum is exact as a pair of float64, and one rounding follows: through a value rounded to
 * odd, whose second rounding to 51 bits or fewer is then right. Accumulators of 24 bits to nearest,
 * one product at a time, are f32 arithmetic itself, and of 53 bits float64. */
#include <float.h>
#include <string.h>

#include "assay/philox.h"
#include "verify/simulate/arithmetic.h"
#include "verify/simulate/simulate.h"

static uint64_t global_seed;

void assay_simulated_seed(uint64_t seed)
{
    global_seed = seed;
}

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 31)) * 0x7fb5d329728ea185ull;
    x = (x ^ (x >> 27)) * 0x81dadef4bc2dd44dull;
    return x ^ (x >> 33);
}

sim_order sim_order_of(const simulated *s, const double *own, int64_t count)
{
    if (s->fixed) {
        return s->order;
    }
    uint64_t hash = global_seed + 0x9e3779b97f4a7c15ull;
    for (int64_t k = 0; k < count && k < 8; k++) {
        uint64_t bits;
        memcpy(&bits, &own[k], sizeof bits);
        hash = mix(hash + (bits & 0xfffffffffffffull)); /* the significand */
    }
    static const sim_order orders[] = {
        {SIM_FORWARD, SIM_CHAIN, 1, 0},     {SIM_REVERSED, SIM_CHAIN, 1, 0},
        {SIM_FORWARD, SIM_LANES, 4, 0},     {SIM_FORWARD, SIM_LANES, 8, 0},
        {SIM_FORWARD, SIM_LANES, 16, 0},    {SIM_FORWARD, SIM_LANES, 64, 0},
        {SIM_FORWARD, SIM_PAIRWISE, 1, 0},  {SIM_FORWARD, SIM_CHUNKS, 16, 0},
        {SIM_FORWARD, SIM_CHUNKS, 128, 0},  {SIM_SHUFFLED, SIM_CHAIN, 1, 0},
        {SIM_SHUFFLED, SIM_CHAIN, 1, 0},    {SIM_SHUFFLED, SIM_LANES, 8, 0}};
    const bool in_order = s->contract.order == ASSAY_ORDER_SEQUENTIAL;
    sim_order order = orders[in_order ? 0 : (hash >> 32) % (sizeof orders / sizeof *orders)];
    order.shuffle = hash;
    return order;
}

typedef struct rounder {
    int bits;
    bool truncate, flush;
} rounder;

static rounder rounder_of(const simulated *s)
{
    return (rounder){s->contract.accumulate.bits,
                     s->contract.accumulate.rounding == ASSAY_TRUNCATE,
                     (s->contract.flush & ASSAY_FLUSH_ACCUMULATE) != 0};
}

/* Below the least normal number the unit is fixed. */
static double round_small(const rounder *r, double value)
{
    const double unit = ldexp(1.0, -125 - r->bits);
    const double steps = value / unit;
    const double rounded = (r->truncate ? trunc(steps) : rint(steps)) * unit;
    return r->flush && fabs(rounded) < 0x1p-126 ? 0.0 : rounded;
}

/* hi + lo, |lo| at most half an ulp of hi, rounded once. */
static double round_pair(const rounder *r, double hi, double lo)
{
    uint64_t bits;
    if (!isfinite(hi)) {
        return hi;
    }
    memcpy(&bits, &hi, sizeof bits);
    if (lo != 0.0) {
        bits -= signbit(lo) != signbit(hi) ? 1u : 0u;
        bits |= 1u;
    }
    double odd;
    memcpy(&odd, &bits, sizeof odd);
    if (fabs(odd) < 0x1p-126) {
        return round_small(r, odd);
    }
    const int drop = 53 - r->bits;
    const uint64_t mask = ((uint64_t)1 << drop) - 1u;
    if (!r->truncate) {
        bits += (mask >> 1) + ((bits >> drop) & 1u);
    }
    bits &= ~mask;
    memcpy(&odd, &bits, sizeof odd);
    if (fabs(odd) > (double)FLT_MAX) {
        return copysign(r->truncate ? (double)FLT_MAX : (double)INFINITY, odd);
    }
    return odd;
}

static inline double two_sum(double a, double b, double *error)
{
    const double sum = a + b;
    const double from_b = sum - a;
    *error = (a - (sum - from_b)) + (b - from_b);
    return sum;
}

static double add_narrow(const rounder *r, double sum, double hi, double lo)
{
    double error;
    double rest;
    const double first = two_sum(sum, hi, &error);
    if (!isfinite(first)) {
        return first;
    }
    const double whole = two_sum(first, error + lo, &rest);
    return round_pair(r, whole, rest);
}

static inline float add_f32(const rounder *r, float sum, float hi, float lo)
{
    (void)r, (void)lo;
    return sum + hi;
}

static inline double add_f64(const rounder *r, double sum, double hi, double lo)
{
    (void)r, (void)lo;
    return sum + hi;
}

/* The four shapes over count steps, in any arithmetic, from start on. `hi` is used as scratch by
 * the tree. */
#define SIM_SUM(name, number, add)                                                                 \
    static number name(const rounder *r, number *hi, const number *lo, int64_t count,              \
                       number start, const sim_order *order)                                       \
    {                                                                                              \
        number lane[64] = {order->shape == SIM_LANES ? start : 0};                                 \
        number total = order->shape == SIM_LANES ? 0 : start;                                      \
        const int64_t width = order->width;                                                        \
        int64_t k = 0;                                                                             \
        switch (order->shape) {                                                                    \
        case SIM_CHAIN:                                                                            \
            for (; k < count; k++) {                                                               \
                total = add(r, total, hi[k], lo[k]);                                               \
            }                                                                                      \
            break;                                                                                 \
        case SIM_LANES:                                                                            \
            for (; k + width <= count; k += width) {                                               \
                for (int64_t l = 0; l < width; l++) {                                              \
                    lane[l] = add(r, lane[l], hi[k + l], lo[k + l]);                               \
                }                                                                                  \
            }                                                                                      \
            for (int64_t l = 0; l < width; l++) {                                                  \
                lane[l] = k + l < count ? add(r, lane[l], hi[k + l], lo[k + l]) : lane[l];         \
                total = add(r, total, lane[l], 0);                                                 \
            }                                                                                      \
            break;                                                                                 \
        case SIM_CHUNKS:                                                                           \
            while (k < count) {                                                                    \
                const int64_t end = k + width < count ? k + width : count;                         \
                number part = 0;                                                                   \
                for (; k < end; k++) {                                                             \
                    part = add(r, part, hi[k], lo[k]);                                             \
                }                                                                                  \
                total = add(r, total, part, 0);                                                    \
            }                                                                                      \
            break;                                                                                 \
        case SIM_PAIRWISE:                                                                         \
            for (; k < count; k++) {                                                               \
                hi[k] = add(r, 0, hi[k], lo[k]);                                                   \
            }                                                                                      \
            for (int64_t left = count; left > 1; left = (left + 1) / 2) {                          \
                for (int64_t i = 0; i < left / 2; i++) {                                           \
                    hi[i] = add(r, hi[2 * i], hi[2 * i + 1], 0);                                   \
                }                                                                                  \
                hi[left / 2] = left % 2 != 0 ? hi[left - 1] : hi[left / 2];                        \
            }                                                                                      \
            total = count > 0 ? add(r, start, hi[0], 0) : start;                                   \
            break;                                                                                 \
        }                                                                                          \
        return total;                                                                              \
    }

SIM_SUM(sum_f32, float, add_f32)
SIM_SUM(sum_f64, double, add_f64)
SIM_SUM(sum_narrow, double, add_narrow)

static void arrange(double *terms, int64_t count, const sim_order *order)
{
    if (order->arrangement == SIM_REVERSED) {
        for (int64_t k = 0; k < count / 2; k++) {
            const double kept = terms[k];
            terms[k] = terms[count - 1 - k];
            terms[count - 1 - k] = kept;
        }
    }
    uint64_t state = order->shuffle | 1u;
    for (int64_t k = count - 1; order->arrangement == SIM_SHUFFLED && k > 0; k--) {
        state = state * 6364136223846793005ull + 1442695040888963407ull;
        const int64_t other = (int64_t)((state >> 32) * (uint64_t)(k + 1) >> 32);
        const double kept = terms[k];
        terms[k] = terms[other];
        terms[other] = kept;
    }
}

int64_t sim_scratch(int64_t count)
{
    return 3 * count + 8;
}

/* What the terms of a sum are. */
typedef enum kind { TERMS, PRODUCTS, SQUARES } kind;

/* Whether a term takes more bits than the accumulator has, and is rounded before it is added. */
static bool rounds_terms(const simulated *s, kind of)
{
    const int bits = s->contract.accumulate.bits;
    const int operand = assay_dtype_bits(of == PRODUCTS ? s->contract.multiply : sim_work_type(s));
    return of != TERMS && s->contract.accumulate.block <= 1 &&
           (operand == 0 || 2 * operand > bits);
}

/* Sums terms[0 .. count) in place, from start on; the two stretches behind it are scratch. */
static double sum_arranged(const simulated *s, const sim_order *order, double *terms,
                           int64_t count, double start, kind of)
{
    const rounder r = rounder_of(s);
    const int64_t block = s->contract.accumulate.block > 1 ? s->contract.accumulate.block : 1;
    double *const hi = terms + count;
    double *const lo = hi + count;
    arrange(terms, count, order);
    if (r.bits > 24) {
        return sum_f64(&r, terms, terms, count, start, order);
    }
    if (r.bits == 24 && !r.truncate && !r.flush && block == 1) {
        float *const narrow = (float *)(void *)hi;
        for (int64_t k = 0; k < count; k++) {
            narrow[k] = (float)terms[k];
        }
        return (double)sum_f32(&r, narrow, narrow, count, (float)start, order);
    }
    const bool rounds = rounds_terms(s, of);
    int64_t steps = 0;
    for (int64_t k = 0; k < count; k += block, steps++) {
        hi[steps] = rounds ? round_pair(&r, terms[k], 0.0) : terms[k];
        lo[steps] = 0.0;
        for (int64_t i = k + 1; i < k + block && i < count; i++) {
            double error;
            hi[steps] = two_sum(hi[steps], terms[i], &error);
            lo[steps] += error;
        }
    }
    return sum_narrow(&r, hi, lo, steps, round_pair(&r, start, 0.0), order);
}

static double dot_from(const simulated *s, const sim_order *order, const double *a,
                       const double *b, int64_t count, double start, kind of, double *scratch)
{
    for (int64_t k = 0; k < count; k++) {
        scratch[k] = a[k] * b[k];
    }
    return sum_arranged(s, order, scratch, count, start, of);
}

double sim_dot(const simulated *s, const sim_order *order, const double *a, const double *b,
               int64_t count, double *scratch)
{
    return dot_from(s, order, a, b, count, 0.0, PRODUCTS, scratch);
}

double sim_squares(const simulated *s, const sim_order *order, const double *x, int64_t count,
                   double *scratch)
{
    return dot_from(s, order, x, x, count, 0.0, SQUARES, scratch);
}

double sim_dot_biased(const simulated *s, const sim_order *order, const double *a, const double *b,
                      int64_t count, double bias, double *scratch)
{
    switch (order->shuffle % 3) {
    case 0: return sim_work(s, sim_dot(s, order, a, b, count, scratch) + bias);
    case 1: return sim_accumulate(s, sim_dot(s, order, a, b, count, scratch), bias);
    default: return dot_from(s, order, a, b, count, bias, PRODUCTS, scratch);
    }
}

double sim_sum(const simulated *s, const sim_order *order, const double *terms, int64_t count,
               double *scratch)
{
    memcpy(scratch, terms, (size_t)count * sizeof *scratch);
    return sum_arranged(s, order, scratch, count, 0.0, TERMS);
}

double sim_accumulate(const simulated *s, double sum, double term)
{
    const rounder r = rounder_of(s);
    return r.bits > 24 ? sum + term : add_narrow(&r, sum, term, 0.0);
}
