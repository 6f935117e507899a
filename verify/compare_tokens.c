/* Greedy tokens, judged by the truth's margins (METHOD A.3). */
#include <math.h>

#include "verify/compare.h"

/* The token whose logit is greater by the most, both budgets subtracted; -1: none is. */
static int64_t preferred_to(const double *logits, const double *budget, int64_t vocab,
                            int64_t token)
{
    int64_t found = -1;
    double most = 0.0;
    for (int64_t v = 0; v < vocab; v++) {
        const double clear = logits[v] - logits[token] - (budget[v] + budget[token]);
        if (clear > most) {
            found = v;
            most = clear;
        }
    }
    return found;
}

static void refuse(assay_result *result)
{
    result->verdict = ASSAY_FAIL;
    result->check = ASSAY_CHECK_TOKENS;
    result->budget_used = INFINITY;
}

/* Whether the contract itself does not clearly prefer another token. */
static bool is_acceptable(const double *logits, const double *budget, int64_t vocab, int64_t token,
                          int64_t row, int64_t step, assay_result *result)
{
    const int64_t other = preferred_to(logits, budget, vocab, token);
    if (other >= 0) {
        refuse(result);
        (void)snprintf(result->message, sizeof result->message,
                       "sequence %lld, step %lld: got token %lld, but on the contract's own "
                       "operands the logit of %lld is greater by %.4g (budget %.3g)",
                       (long long)row, (long long)step, (long long)token, (long long)other,
                       logits[other] - logits[token], budget[other] + budget[token]);
    }
    return other < 0;
}

/* A step at which got and expected part: undecided, or decided so by the contract; else wrong. */
static void judge_parting(int64_t token, int64_t expected, const double *logits,
                          const double *budget, bool moved, int64_t row, int64_t step,
                          assay_result *result)
{
    const double gap = logits[expected] - logits[token];
    const double allowed = budget[expected] + budget[token];
    if (fabs(gap) <= allowed || (moved && gap < 0.0)) {
        result->undecided++; /* the rest was judged with the expected tokens forced */
        return;
    }
    /* Where the truth clearly prefers what was got, it was not given what the expectation was made
     * from (another prompt, say). */
    refuse(result);
    (void)snprintf(result->message, sizeof result->message,
                   "sequence %lld, step %lld: got token %lld, expected %lld, whose logit is %s by "
                   "%.4g (budget %.3g)",
                   (long long)row, (long long)step, (long long)token, (long long)expected,
                   gap < 0.0 ? "less in the truth itself" : "greater", fabs(gap), allowed);
}

void assay_compare_tokens(const int64_t *got, const int64_t *expected, int64_t row, int64_t steps,
                          const double *logits, const double *budget, int64_t vocab, bool moved,
                          assay_result *result)
{
    for (int64_t step = 0; step < steps; step++) {
        const int64_t token = got[step];
        const double *const l = logits + step * vocab;
        const double *const b = budget + step * vocab;
        const bool same = token == expected[step];
        if (same && token < 0) {
            return;
        }
        if (token < 0 || token >= vocab || expected[step] < 0) {
            refuse(result);
            (void)snprintf(result->message, sizeof result->message,
                           "sequence %lld, step %lld: got %lld, expected %lld: it ends at "
                           "another step",
                           (long long)row, (long long)step, (long long)token,
                           (long long)expected[step]);
            return;
        }
        if (moved && !is_acceptable(l, b, vocab, token, row, step, result)) {
            return;
        }
        if (!same) {
            judge_parting(token, expected[step], l, b, moved, row, step, result);
            return;
        }
        result->compared++;
    }
}
