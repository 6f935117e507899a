/* Sparse codes. Structure first; then, row by row, the active set by margin: a latent that truth
 * and kernel disagree on is wrong only when the truth is further from the edge than the budget
 * (METHOD A.3); then every listed value against the truth's pre-activation at its own index. */
#include <math.h>
#include <stdlib.h>

#include "verify/buffer.h"
#include "verify/compare.h"

typedef struct code_row {
    int64_t row, begin, end; /* row: its name */
    const assay_subset *part;
    const double *pre, *score, *pre_budget, *score_budget;
    const uint8_t *truth; /* active by the truth */
    uint8_t *listed;      /* active by the kernel */
    double kth, next, lower, upper; /* topk: the k-th and the next score, and how far they move */
} code_row;

static void fail(assay_result *result, assay_check check, const char *format, ...)
    ASSAY_PRINTF(3, 4);

static void fail(assay_result *result, assay_check check, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    result->verdict = ASSAY_FAIL;
    result->check = check;
    result->budget_used = INFINITY;
    (void)vsnprintf(result->message, sizeof result->message, format, args);
    va_end(args);
}

bool assay_codes_structure(const assay_csr *got, const assay_codes_truth *truth,
                           assay_result *result)
{
    const int64_t capacity = got->latent.shape[0];
    if (assay_at1(&got->row_offsets, 0) != 0.0) {
        fail(result, ASSAY_CHECK_STRUCTURE, "row_offsets[0] is %g, not 0",
             assay_at1(&got->row_offsets, 0));
        return false;
    }
    for (int64_t row = 0; row < truth->rows; row++) {
        const int64_t begin = (int64_t)assay_at1(&got->row_offsets, row);
        const int64_t end = (int64_t)assay_at1(&got->row_offsets, row + 1);
        if (end < begin || end - begin > truth->sae->d_sae || end > capacity) {
            fail(result, ASSAY_CHECK_STRUCTURE,
                 "row %lld: row_offsets go from %lld to %lld (capacity %lld)",
                 (long long)row, (long long)begin, (long long)end, (long long)capacity);
            return false;
        }
        int64_t previous = -1;
        for (int64_t i = begin; i < end; i++) {
            const int64_t latent = (int64_t)assay_at1(&got->latent, i);
            if (latent <= previous || latent >= truth->sae->d_sae) {
                fail(result, ASSAY_CHECK_STRUCTURE,
                     "row %lld, entry %lld: latent %lld after %lld (d_sae %lld)",
                     (long long)row, (long long)(i - begin), (long long)latent,
                     (long long)previous, (long long)truth->sae->d_sae);
                return false;
            }
            previous = latent;
        }
    }
    return true;
}

/* How far latent j is from the edge that decides it, and the budget of that distance. */
static void margin_of(const assay_sae *sae, const code_row *row, int64_t j, double *distance,
                      double *budget)
{
    *budget = row->score_budget[j];
    switch (sae->activation) {
    case ASSAY_RELU: *distance = fabs(row->pre[j]); *budget = row->pre_budget[j]; break;
    case ASSAY_JUMPRELU:
        *distance = fabs(row->score[j] - assay_at1(&sae->threshold, j));
        break;
    case ASSAY_TOPK: {
        /* Two edges: rank, from the nearest score on its other side, then the kept value's sign,
         * which matters to what is not surely out by its rank. */
        const bool in = row->score[j] > row->next;
        const bool all = in && row->upper == -INFINITY; /* none is left out */
        *distance = in ? row->score[j] - row->next : row->kth - row->score[j];
        *budget += all ? 0.0 : in ? row->upper - row->next : row->kth - row->lower;
        if (row->pre[j] <= row->pre_budget[j] && (in || !(*distance > *budget))) {
            *distance = fabs(row->pre[j]);
            *budget = row->pre_budget[j];
        }
        break;
    }
    }
}

typedef struct code_tally {
    double difference2, expected2;
    uint64_t active, decided; /* latents that the truth lists, and those of them that are decided */
} code_tally;

static void judge_set(const assay_sae *sae, const code_row *row, code_tally *tally,
                      assay_result *result)
{
    for (int64_t j = 0; j < sae->d_sae; j++) {
        double distance = 0.0;
        double budget = 0.0;
        tally->active += row->truth[j];
        if (isinf(row->pre_budget[j])) { /* nothing can be said of it */
            result->undecided++;
            continue;
        }
        if (isnan(row->pre[j])) {
            tally->decided++;
            if (row->listed[j] != row->truth[j]) {
                fail(result, ASSAY_CHECK_ACTIVE_SET,
                     "row %lld, latent %lld: pre-activation is NaN, expected %s",
                     (long long)row->row, (long long)j, row->truth[j] ? "listed" : "not listed");
            }
            continue;
        }
        margin_of(sae, row, j, &distance, &budget);
        /* a budget of 0 is an exact case: equality with the edge is decided too */
        const bool decided = distance > budget || budget == 0.0;
        result->undecided += !decided && (row->truth[j] || row->listed[j]);
        tally->decided += decided && row->truth[j];
        if (row->listed[j] == row->truth[j]) {
            continue;
        }
        const double used = budget > 0.0 ? distance / budget : INFINITY;
        if (decided) {
            fail(result, ASSAY_CHECK_ACTIVE_SET,
                 "row %lld, latent %lld: %s, but its pre-activation is %.9g, %.3g from the edge "
                 "(budget %.3g)",
                 (long long)row->row, (long long)assay_part_column(row->part, j),
                 row->listed[j] ? "listed though inactive" : "missing though active", row->pre[j],
                 distance, budget);
            return;
        }
        result->budget_used = fmax(result->budget_used, used);
    }
}

static void judge_values(const assay_csr *got, const code_row *row, code_tally *tally,
                         assay_result *result)
{
    for (int64_t i = row->begin; i < row->end; i++) {
        const int64_t j = (int64_t)assay_at1(&got->latent, i);
        const double value = assay_at1(&got->value, i);
        const double expected = row->pre[j];
        if (isinf(row->pre_budget[j])) {
            continue;
        }
        if (!isfinite(expected)) {
            if (isnan(expected) ? !isnan(value) : value != expected) {
                fail(result, ASSAY_CHECK_VALUE, "row %lld, latent %lld: got %g, expected %g",
                     (long long)row->row, (long long)assay_part_column(row->part, j), value,
                     expected);
            }
            continue;
        }
        const double difference = isfinite(value) ? fabs(value - expected) : INFINITY;
        const double budget = row->pre_budget[j];
        const double used = difference == 0.0 ? 0.0 : difference / budget;
        result->max_abs = fmax(result->max_abs, difference);
        tally->difference2 += difference * difference;
        tally->expected2 += expected * expected;
        result->compared++;
        if (!(used <= 1.0)) {
            fail(result, budget > 0.0 ? ASSAY_CHECK_VALUE : ASSAY_CHECK_EXACT,
                 "row %lld, latent %lld: got %.9g, expected %.9g, budget %.3g",
                 (long long)row->row, (long long)assay_part_column(row->part, j), value, expected,
                 budget);
            return;
        }
        result->budget_used = fmax(result->budget_used, used);
    }
}

static int descending(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    if (isnan(x) || isnan(y)) {
        return isnan(y) - isnan(x);
    }
    return (x < y) - (x > y);
}

/* The scores on both sides of the edge, and how far the budgets let them move. */
static bool find_edge(const assay_sae *sae, code_row *row)
{
    double *const sorted = malloc((size_t)sae->d_sae * sizeof *sorted);
    if (sorted == NULL) {
        return false;
    }
    memcpy(sorted, row->score, (size_t)sae->d_sae * sizeof *sorted);
    qsort(sorted, (size_t)sae->d_sae, sizeof *sorted, descending);
    row->kth = sae->k > 0 && sae->k <= sae->d_sae ? sorted[sae->k - 1] : -INFINITY;
    row->next = sae->k < sae->d_sae ? sorted[sae->k] : -INFINITY;
    row->lower = row->kth;
    row->upper = row->next;
    for (int64_t j = 0; j < sae->d_sae; j++) {
        const double score = row->score[j], budget = row->score_budget[j];
        /* a score without a budget may be anything, an infinite one included */
        const double least = isinf(budget) ? -INFINITY : score - budget;
        const double most = isinf(budget) ? INFINITY : score + budget;
        row->lower = score >= row->kth ? fmin(row->lower, least) : row->lower;
        row->upper = score <= row->next ? fmax(row->upper, most) : row->upper;
    }
    free(sorted);
    return true;
}

/* Row r, nothing listed. flags: [2, d_sae]. */
static code_row row_of(const assay_codes_truth *truth, int64_t r, uint8_t *flags)
{
    const int64_t at = r * truth->sae->d_sae;
    const code_row row = {.row = assay_part_row(truth->part, r),
                          .part = truth->part,
                          .pre = truth->pre + at,
                          .score = truth->score + at,
                          .pre_budget = truth->pre_budget + at,
                          .score_budget = truth->score_budget + at,
                          .truth = flags,
                          .listed = flags + truth->sae->d_sae};
    assay_ref_sae_select(truth->sae, row.pre, row.score, flags);
    memset(row.listed, 0, (size_t)truth->sae->d_sae);
    return row;
}

static bool judge_row(const assay_csr *got, const assay_codes_truth *truth, int64_t r,
                      uint8_t *flags, code_tally *tally, assay_result *result)
{
    const assay_sae *const sae = truth->sae;
    code_row row = row_of(truth, r, flags);
    row.begin = (int64_t)assay_at1(&got->row_offsets, r);
    row.end = (int64_t)assay_at1(&got->row_offsets, r + 1);
    for (int64_t i = row.begin; i < row.end; i++) {
        row.listed[(int64_t)assay_at1(&got->latent, i)] = 1;
    }
    if (sae->activation == ASSAY_TOPK) {
        if (row.end - row.begin > sae->k) {
            fail(result, ASSAY_CHECK_ACTIVE_SET, "row %lld: %lld latents listed, k is %lld",
                 (long long)row.row, (long long)(row.end - row.begin), (long long)sae->k);
            return false;
        }
        if (!find_edge(sae, &row)) {
            return false;
        }
    }
    judge_set(sae, &row, tally, result);
    judge_values(got, &row, tally, result);
    return result->verdict != ASSAY_FAIL;
}

static bool enough(const code_tally *tally)
{
    return 8 * tally->decided >= tally->active;
}

bool assay_codes_decidable(const assay_codes_truth *truth)
{
    const size_t latents = (size_t)truth->sae->d_sae;
    uint8_t *const flags = malloc(latents * 2);
    code_tally tally = {.active = 0};
    for (int64_t r = 0; flags != NULL && r < truth->rows; r++) {
        assay_result ignored = {.verdict = ASSAY_PASS};
        code_row row = row_of(truth, r, flags);
        memcpy(row.listed, row.truth, latents);
        if (truth->sae->activation != ASSAY_TOPK || find_edge(truth->sae, &row)) {
            judge_set(truth->sae, &row, &tally, &ignored);
        }
    }
    free(flags);
    return enough(&tally);
}

void assay_compare_codes(const assay_csr *got, const assay_codes_truth *truth, bool allow_void,
                         assay_result *result)
{
    const assay_sae *const sae = truth->sae;
    uint8_t *const flags = malloc((size_t)sae->d_sae * 2);
    code_tally tally = {.active = 0};
    result->verdict = ASSAY_PASS;
    if (flags == NULL) {
        fail(result, ASSAY_CHECK_STATUS, "out of memory for %lld latents", (long long)sae->d_sae);
        return;
    }
    if (assay_codes_structure(got, truth, result)) {
        for (int64_t r = 0; r < truth->rows; r++) {
            if (!judge_row(got, truth, r, flags, &tally, result)) {
                break;
            }
        }
    }
    free(flags);
    result->rel_l2 = tally.expected2 > 0.0 ? sqrt(tally.difference2 / tally.expected2) : 0.0;
    result->cosine = 1.0;
    if (result->verdict == ASSAY_PASS && !allow_void && !enough(&tally)) {
        result->verdict = ASSAY_VOID;
        (void)snprintf(result->message, sizeof result->message,
                       "only %llu of %llu active latents are further from their edge than the "
                       "error that the contract allows them: nothing was shown",
                       (unsigned long long)tally.decided, (unsigned long long)tally.active);
    }
}
