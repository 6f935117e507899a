#include "verify/compare.h"

#include <math.h>

#include "verify/buffer.h"

double assay_lambda(void)
{
    return sqrt(2.0 * log(2.0 * ASSAY_CAMPAIGN_ELEMENTS / ASSAY_CAMPAIGN_FAILURE));
}

/* Two float64 computations agree to ASSAY_WITNESS_AGREEMENT of the row's RMS; below that no budget
 * may fall when the expectation came from another program. */
void assay_floor_by_agreement(const double *expected, assay_budget *budget)
{
    for (int64_t row = 0; row < budget->rows; row++) {
        double square = 0.0;
        int64_t finite = 0;
        for (int64_t i = row * budget->columns; i < (row + 1) * budget->columns; i++) {
            if (isfinite(expected[i])) {
                square += expected[i] * expected[i];
                finite++;
            }
        }
        const double rms = finite > 0 ? sqrt(square / (double)finite) : 0.0;
        for (int64_t i = row * budget->columns; i < (row + 1) * budget->columns; i++) {
            budget->value[i] = fmax(budget->value[i], ASSAY_WITNESS_AGREEMENT * rms);
        }
    }
}

/* Not finite: the kinds must agree. Either sign of NaN will do; an infinity must have the sign. */
static bool same_kind(double got, double expected)
{
    if (isnan(expected)) {
        return isnan(got);
    }
    return isinf(got) && signbit(got) == signbit(expected);
}

typedef struct tally {
    double dot, got2, expected2, difference2;
    int64_t unwritten;
    int64_t worst;
    double worst_used;
} tally;

/* Beyond the greatest number of its type by more than its budget: infinite, then. */
static double in_range(assay_dtype type, double expected, double budget)
{
    static const double never = 60000.0; /* below every type's greatest */
    const double least = fabs(expected) - budget;
    return least > never && isinf(assay_round_to(type, least)) ? copysign(INFINITY, expected)
                                                               : expected;
}

static void tally_element(tally *t, assay_dtype type, double got, double truth, double budget,
                          int64_t i, assay_result *result)
{
    const double expected = in_range(type, truth, budget);
    if (!isfinite(expected)) {
        const bool either = isnan(budget) && (isnan(expected) ? got == 0.0 : isnan(got));
        const double used = isinf(budget) || either || same_kind(got, expected) ? 0.0 : INFINITY;
        if (used > t->worst_used) {
            t->worst_used = used;
            t->worst = i;
        }
        return;
    }
    const double difference = isfinite(got) ? fabs(got - expected) : INFINITY;
    double used = INFINITY;
    if (difference == 0.0 || isnan(budget)) { /* which only what is not finite has a use for */
        used = 0.0;
    } else if (budget > 0.0) {
        used = difference / budget;
    }
    if (used > t->worst_used) {
        t->worst_used = used;
        t->worst = i;
    }
    result->max_abs = fmax(result->max_abs, difference);
    if (isfinite(got) && difference > 0.0) {
        result->ulp = fmax(result->ulp, difference / assay_spacing(type, expected));
    }
    if (isfinite(got)) {
        t->dot += got * expected;
        t->got2 += got * got;
        t->difference2 += difference * difference;
    }
    t->expected2 += expected * expected;
}

/* How many elements inform, and how many are not zero. */
static int64_t count_informing(const double *expected, const assay_budget *budget, int64_t *wanted)
{
    int64_t informing = 0;
    int64_t candidates = 0;
    for (int64_t i = 0; i < budget->rows * budget->columns; i++) {
        const bool finite = isfinite(expected[i]);
        candidates += expected[i] != 0.0;
        informing += finite ? expected[i] != 0.0 && budget->value[i] < fabs(expected[i])
                            : !isinf(budget->value[i]);
    }
    *wanted = budget->evidence < candidates / 2 ? budget->evidence : candidates / 2;
    *wanted = *wanted > 1 ? *wanted : 1;
    return informing;
}

bool assay_elements_decidable(const double *expected, const assay_budget *budget)
{
    int64_t wanted = 0;
    return count_informing(expected, budget, &wanted) >= wanted;
}

void assay_compare_elements(const assay_tensor *got, const double *expected,
                            const assay_budget *budget, const char *row_name, bool allow_void,
                            assay_result *result)
{
    const int64_t count = budget->rows * budget->columns;
    tally t = {.worst = 0, .worst_used = 0.0};
    int64_t wanted = 0;
    const int64_t informing = count_informing(expected, budget, &wanted);
    for (int64_t i = 0; i < count; i++) {
        result->undecided += !isfinite(budget->value[i]) &&
                                     (isinf(budget->value[i]) || isfinite(expected[i]))
                                 ? 1u : 0u;
        if (assay_buffer_is_poison(got, i)) {
            t.worst = t.unwritten++ == 0 ? i : t.worst;
            t.worst_used = INFINITY;
            continue;
        }
        tally_element(&t, got->dtype, assay_buffer_get(got, i), expected[i], budget->value[i], i,
                      result);
    }
    result->compared += (uint64_t)count;
    result->budget_used = t.worst_used;
    result->rel_l2 = t.expected2 > 0.0 ? sqrt(t.difference2 / t.expected2)
                                       : (t.difference2 > 0.0 ? INFINITY : 0.0);
    result->cosine = t.got2 > 0.0 && t.expected2 > 0.0 ? t.dot / sqrt(t.got2 * t.expected2) : 1.0;
    const bool any = count > 0;
    const int64_t row = any ? assay_part_row(budget->part, t.worst / budget->columns) : 0;
    const int64_t column = any ? assay_part_column(budget->part, t.worst % budget->columns) : 0;
    if (t.unwritten > 0) {
        result->verdict = ASSAY_FAIL;
        result->check = ASSAY_CHECK_WRITTEN;
        (void)snprintf(
            result->message, sizeof result->message,
            "%lld of %lld elements were never written, the first at %s %lld, column %lld",
            (long long)t.unwritten, (long long)count, row_name, (long long)row, (long long)column);
    } else if (!(t.worst_used <= 1.0)) {
        result->verdict = ASSAY_FAIL;
        result->check = budget->value[t.worst] > 0.0 || !isfinite(expected[t.worst])
                            ? ASSAY_CHECK_VALUE
                            : ASSAY_CHECK_EXACT;
        (void)snprintf(result->message, sizeof result->message,
                       "%s %lld, column %lld: got %.9g, expected %.9g, budget %.3g", row_name,
                       (long long)row, (long long)column, assay_buffer_get(got, t.worst),
                       in_range(got->dtype, expected[t.worst], budget->value[t.worst]),
                       budget->value[t.worst]);
    } else if (informing < wanted && !allow_void) {
        result->verdict = ASSAY_VOID;
        (void)snprintf(result->message, sizeof result->message,
                       "%lld of %lld expected elements are not zero and beyond the error that the "
                       "contract allows them, %lld must be: nothing was shown",
                       (long long)informing, (long long)count, (long long)wanted);
    } else {
        result->verdict = ASSAY_PASS;
    }
}

static int severity(assay_verdict verdict)
{
    static const int order[] = {[ASSAY_PASS] = 0, [ASSAY_SKIP] = 1,    [ASSAY_VOID] = 2,
                                [ASSAY_FAIL] = 3, [ASSAY_TIMEOUT] = 4, [ASSAY_CRASH] = 5};
    return order[verdict];
}

void assay_result_merge(assay_result *into, const assay_result *part)
{
    into->max_abs = fmax(into->max_abs, part->max_abs);
    into->rel_l2 = fmax(into->rel_l2, part->rel_l2);
    into->cosine = fmin(into->cosine, part->cosine);
    into->undecided += part->undecided;
    into->compared += part->compared;
    into->budget_used = fmax(into->budget_used, part->budget_used);
    into->ulp = fmax(into->ulp, part->ulp);
    if (severity(part->verdict) > severity(into->verdict)) {
        into->verdict = part->verdict;
        into->check = part->check;
        memcpy(into->message, part->message, sizeof into->message);
    }
}

void assay_result_blame_bundle(assay_result *result, const char *what, const assay_result *found)
{
    result->verdict = ASSAY_VOID;
    result->check = found->check;
    result->budget_used = 0.0;
    (void)snprintf(result->message, sizeof result->message,
                   "bundle %.100s: the oracle disagrees with the golden %s, by which no kernel is "
                   "judged then: %.*s", result->golden != NULL ? result->golden : "?", what,
                   ASSAY_MESSAGE_MAX - 240, found->message);
}

void assay_result_refuse(assay_result *result, assay_status status, const assay_error *error)
{
    result->verdict = status == ASSAY_UNSUPPORTED ? ASSAY_SKIP : ASSAY_FAIL;
    result->check = status == ASSAY_UNSUPPORTED ? ASSAY_CHECK_NONE : ASSAY_CHECK_STATUS;
    result->budget_used = status == ASSAY_UNSUPPORTED ? 0.0 : INFINITY;
    memcpy(result->message, error->message, sizeof result->message);
}
