/* Greedy tokens, judged by the truth's margins (METHOD A.3). */
#include <math.h>

#include "verify/compare.h"

/* Whether no other token's logit is greater by more than both budgets. */
static bool is_acceptable(const double *logits, const double *budget, int64_t vocab, int64_t token)
{
    bool good = isfinite(logits[token]);
    for (int64_t v = 0; v < vocab && good; v++) {
        good = !(logits[v] - logits[token] > budget[v] + budget[token]);
    }
    return good;
}

void assay_compare_tokens(const int64_t *got, const int64_t *expected, int64_t row, int64_t steps,
                          const double *logits, const double *budget, int64_t vocab, bool moved,
                          assay_result *result)
{
    for (int64_t step = 0; step < steps; step++) {
        if (got[step] == expected[step]) {
            if (got[step] < 0) {
                return;
            }
            result->compared++;
            continue;
        }
        const int64_t token = got[step];
        if (token < 0 || token >= vocab || expected[step] < 0) {
            result->verdict = ASSAY_FAIL;
            result->check = ASSAY_CHECK_TOKENS;
            result->budget_used = INFINITY;
            (void)snprintf(result->message, sizeof result->message,
                           "sequence %lld, step %lld: got %lld, expected %lld: it ends at "
                           "another step",
                           (long long)row, (long long)step, (long long)token,
                           (long long)expected[step]);
            return;
        }
        const double *const l = logits + step * vocab;
        const double *const b = budget + step * vocab;
        const double gap = l[expected[step]] - l[token];
        const double allowed = b[expected[step]] + b[token];
        /* The other way round, the truth clearly prefers what was got: then it was not given what
         * the expectation was made from (another prompt, say). */
        const bool decided = moved && gap < 0.0 && is_acceptable(l, b, vocab, token);
        if (!(fabs(gap) <= allowed) && !decided) {
            result->verdict = ASSAY_FAIL;
            result->check = ASSAY_CHECK_TOKENS;
            result->budget_used = INFINITY;
            (void)snprintf(result->message, sizeof result->message,
                           "sequence %lld, step %lld: got token %lld, expected %lld, whose logit "
                           "is %s by %.4g (budget %.3g)",
                           (long long)row, (long long)step, (long long)token,
                           (long long)expected[step],
                           gap < 0.0 ? "less in the truth itself" : "greater", fabs(gap), allowed);
        } else {
            /* An undecided step, or one that the contract decides so: the rest was judged with the
             * expected tokens forced. */
            result->undecided++;
        }
        return;
    }
}
