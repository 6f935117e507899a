/* Truncating and narrow accumulators: each step errs by up to u|s_k| to one side, so the errors add
 * up and what is needed is A = sum |s_k| over the steps, one for every `block` terms.
 *
 * A sum that ends with its bias b takes one step more, |T + b|; one that begins with it has
 * c = b + s_k in place of s_k, and A is the larger of the two. Of an accumulator narrower than b
 * its rounding is a step too, |b|.
 *
 * An accumulator whose order is sequential has known partial sums: A is theirs. Of any other order
 * A is the largest of
 *   - sequential, reversed and 16-lane order, in blocks of neighbours;
 *   - orders not tried. For a random one the partial sums are a bridge from 0 to the total T (from
 *     c to c + T) with independent steps of variance v = sum (t - T/n)^2 / n. Its mean absolute
 *     height is at most |T|/2 + 0.33 sqrt(n v), and concentrates: the L1 norm of a Brownian bridge
 *     exceeds its mean by x sqrt(n v) with probability at most exp(-6 x^2), its variance as a
 *     linear functional being at most 1/12 (Borell; Tsirelson, Ibragimov and Sudakov):
 *     exp(-lambda^2/2) is x = lambda/sqrt(12). So
 *     A <= steps ((|c| + |c + T|)/2 + (0.33 + lambda/sqrt(12)) sqrt(n v)).
 *     16 lanes of single terms leave a block unfilled each, and are added up.
 * The caller caps A by the worst case. */
#include "ref/sums.h"

#include <stdlib.h>

enum { LANES = 16 };

static double block_sum(const double *terms, int64_t count, int64_t block, int64_t step)
{
    double sum = 0.0;
    for (int64_t k = step * block; k < (step + 1) * block && k < count; k++) {
        sum += terms[k];
    }
    return sum;
}

/* sum |s| of the steps in order; of the reversed order when total is the sum of all. The sum begins
 * with start. */
static void ordered(const double *terms, int64_t count, int64_t block, double start, double total,
                    double *forward, double *reversed)
{
    const int64_t steps = (count + block - 1) / block;
    double sum = 0.0;
    *forward = 0.0;
    *reversed = 0.0;
    for (int64_t step = 0; step < steps; step++) {
        *reversed += fabs(start + (total - sum));
        sum += block_sum(terms, count, block, step);
        *forward += fabs(start + sum);
    }
}

/* Lane i takes blocks i, i + 16, ...; the lanes are then added in turn. */
static double in_lanes(const double *terms, int64_t count, int64_t block, double start)
{
    const int64_t steps = (count + block - 1) / block;
    double lane[LANES] = {start};
    double all = 0.0;
    for (int64_t step = 0; step < steps; step++) {
        lane[step % LANES] += block_sum(terms, count, block, step);
        all += fabs(lane[step % LANES]);
    }
    double total = 0.0;
    for (int64_t i = 0; i < LANES && i < steps; i++) {
        total += lane[i];
        all += fabs(total);
    }
    return all;
}

/* A of a sum that begins with start, without what that takes itself. */
static double from(double start, const double *terms, int64_t count, const ref_rounding *rounding)
{
    const int64_t block = rounding->block;
    const double n = (double)count;
    double total = 0.0;
    double square = 0.0;
    for (int64_t k = 0; k < count; k++) {
        total += terms[k];
        square += terms[k] * terms[k];
    }
    double forward;
    double reversed;
    ordered(terms, count, block, start, total, &forward, &reversed);
    if (rounding->sequential || count == 0) {
        return forward;
    }
    const double height = 0.33 + REF_LAMBDA / sqrt(12.0);
    const double spread = sqrt(fmax(0.0, square - total * total / n)); /* sqrt(n v) */
    const double steps = fmin(n, ceil(n / (double)block) + 2.0 * LANES);
    const double middle = 0.5 * (fabs(start) + fabs(start + total));
    const double random = steps * (middle + height * spread);
    return fmax(fmax(forward, reversed), fmax(in_lanes(terms, count, block, start), random));
}

double ref_absolute_sums(const double *terms, int64_t count, double bias,
                         const ref_rounding *rounding)
{
    const double plain = from(0.0, terms, count, rounding);
    if (bias == 0.0) {
        return plain;
    }
    double total = bias;
    for (int64_t k = 0; k < count; k++) {
        total += terms[k];
    }
    const double own = ref_is_narrow(rounding) ? fabs(bias) : 0.0;
    return own + fmax(plain + fabs(total), from(bias, terms, count, rounding));
}
