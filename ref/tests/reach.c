/* Sums whose partial sums may leave the accumulator's range: whatever a right kernel gives in some
 * order must be accepted, and where no order leaves it an infinity must not be. */
#include <float.h>

#include "ref/tests/support.h"

static const assay_precision any_order = {.accumulate = {24, ASSAY_NEAREST, 1},
                                          .intermediate = ASSAY_F32, .output = ASSAY_F32};
static const assay_precision in_order = {.accumulate = {24, ASSAY_NEAREST, 1},
                                         .intermediate = ASSAY_F32, .output = ASSAY_F32,
                                         .order = ASSAY_ORDER_SEQUENTIAL};

enum { TERMS = 6 };

/* One sum of products with 1: its truth and budget, both at once. */
typedef struct judged {
    double y, budget;
} judged;

static judged judge(const double *terms, int64_t count, const assay_precision *contract)
{
    static const float ones[64] = {1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f};
    float x[64];
    judged result = {0.0, 0.0};
    double sigma = 0.0;
    assay_error error;
    for (int64_t k = 0; k < count; k++) {
        x[k] = (float)terms[k];
    }
    const assay_linear_params params = {.weight = assay_matrix((void *)(uintptr_t)ones, ASSAY_F32,
                                                               1, count)};
    const assay_linear_io io = {assay_matrix(x, ASSAY_F32, 1, count),
                                assay_matrix(&result.y, ASSAY_F64, 1, 1)};
    const assay_error_model model = {.bound = assay_matrix(&result.budget, ASSAY_F64, 1, 1),
                                     .sigma = assay_matrix(&sigma, ASSAY_F64, 1, 1)};
    cr_assert_eq(assay_ref_linear(&params, &io, NULL, contract, &model, &error), ASSAY_OK, "%s",
                 error.message);
    result.budget += 9.5 * sigma;
    return result;
}

/* What the comparators take: anything where the budget is infinite, else the truth's kind. */
static bool accepted(const judged *j, float got)
{
    if (isinf(j->budget)) {
        return true;
    }
    if (!isfinite(j->y)) {
        return isnan(j->y) ? isnan(got) : (double)got == j->y;
    }
    const bool beyond = fabs(j->y) - j->budget > (double)FLT_MAX;
    return beyond ? isinf(got) && (got > 0.0f) == (j->y > 0.0)
                  : fabs((double)got - j->y) <= j->budget;
}

static float chain(const float *t, int count)
{
    float sum = t[0];
    for (int k = 1; k < count; k++) {
        sum += t[k];
    }
    return sum;
}

static float tree(const float *t, int count)
{
    return count == 1 ? t[0] : tree(t, count / 2) + tree(t + count / 2, count - count / 2);
}

typedef struct seen {
    judged at;
    bool odd; /* some order gave something else than a number near the truth */
} seen;

static void every_order(float *t, int fixed, seen *s)
{
    if (fixed == TERMS) {
        const float got[] = {chain(t, TERMS), tree(t, TERMS)};
        for (int i = 0; i < 2; i++) {
            cr_assert(accepted(&s->at, got[i]),
                      "%g %g %g %g %g %g give %g, expected %g within %g", (double)t[0],
                      (double)t[1], (double)t[2], (double)t[3], (double)t[4], (double)t[5],
                      (double)got[i], s->at.y, s->at.budget);
            s->odd = s->odd || !isfinite(got[i]);
        }
        return;
    }
    for (int k = fixed; k < TERMS; k++) {
        const float kept = t[fixed];
        t[fixed] = t[k];
        t[k] = kept;
        every_order(t, fixed + 1, s);
        t[k] = t[fixed];
        t[fixed] = kept;
    }
}

/* Every order of sums of a few large terms; and what is left open, some order does overflow. */
Test(reach, what_any_order_gives_is_accepted_and_no_more_is_left_open)
{
    int open = 0;
    int closed = 0;
    for (uint64_t trial = 0; trial < 300; trial++) {
        double terms[TERMS];
        float t[TERMS];
        for (uint64_t k = 0; k < TERMS; k++) {
            const double drawn = assay_philox_uniform(7, trial, k) * 2.0 - 1.0;
            const bool special = assay_philox_uniform(8, trial, k) < 0.02;
            t[k] = special ? copysignf(INFINITY, (float)drawn) : (float)(drawn * 1.6e38);
            terms[k] = (double)t[k];
        }
        seen s = {judge(terms, TERMS, &any_order), false};
        every_order(t, 0, &s);
        if (isinf(s.at.budget)) {
            open++;
            cr_assert(s.odd, "trial %d is open, but every order gives a number", (int)trial);
        } else {
            closed++;
        }
    }
    cr_assert(open > 50 && closed > 50, "%d open, %d closed", open, closed);
}

Test(reach, a_sequential_order_is_judged_by_its_own_partial_sums)
{
    const double in_turn[] = {3e38, -3e38, 3e38, -3e38, 1.0, 2.0};
    const double at_once[] = {3e38, 3e38, -3e38, -3e38, 1.0, 2.0};
    cr_assert(isinf(judge(in_turn, 6, &any_order).budget));
    cr_assert(isfinite(judge(in_turn, 6, &in_order).budget));
    cr_assert(isinf(judge(at_once, 6, &in_order).budget));
}

Test(reach, far_below_the_range_nothing_is_open)
{
    const double terms[] = {8e37, 8e37, 8e37, -8e37, -8e37, 1.0};
    const judged j = judge(terms, 6, &any_order);
    cr_assert(isfinite(j.budget));
    cr_assert_not(accepted(&j, INFINITY));
    cr_assert_not(accepted(&j, NAN));
}

Test(reach, a_nan_is_a_nan_in_any_order_and_an_infinity_is_not)
{
    const double nan_too[] = {3e38, 3e38, (double)NAN, -3e38, -3e38};
    const double both[] = {(double)INFINITY, 3e38, -(double)INFINITY, 3e38};
    const double against[] = {(double)INFINITY, -3e38, -3e38};
    const double along[] = {(double)INFINITY, 3e38, 3e38, -1e38};
    const judged a = judge(nan_too, 5, &any_order);
    const judged b = judge(both, 4, &any_order);
    const judged c = judge(along, 4, &any_order);
    cr_assert_not(accepted(&a, 3e38f));
    cr_assert_not(accepted(&b, INFINITY));
    cr_assert_not(accepted(&c, NAN));
    cr_assert(isinf(judge(against, 3, &any_order).budget));
}
