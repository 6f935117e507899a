/* Verdicts of the same case in two files. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "assay/filter.h"
#include "reports/compare.h"

static int untyped(const void *a, const void *b)
{
    const results_verdict *const one = a;
    const results_verdict *const other = b;
    return assay_verdict_compare(one, other);
}

/* A bit: the error doubled, or came out of nothing. */
static bool grew(double from, double to)
{
    return to > 2.0 * from;
}

static compare_kind kind_of(const results_verdict *base, const results_verdict *now)
{
    const bool was_bad = assay_verdict_is_bad(base->verdict);
    const bool is_bad = assay_verdict_is_bad(now->verdict);
    if (was_bad != is_bad) {
        return is_bad ? COMPARE_WORSE : COMPARE_BETTER;
    }
    if (base->verdict != ASSAY_PASS || now->verdict != ASSAY_PASS) {
        return COMPARE_SAME;
    }
    /* the largest share of a budget is one element's luck; the norm is the whole tensor's */
    const bool norms = base->rel_l2 >= 0.0 && now->rel_l2 >= 0.0;
    const double from = norms ? base->rel_l2 : base->budget_used;
    const double to = norms ? now->rel_l2 : now->budget_used;
    return grew(from, to) ? COMPARE_WORSE : grew(to, from) ? COMPARE_BETTER : COMPARE_SAME;
}

/* Worse ones first, verdicts that turned bad before errors that grew. */
static int by_weight(const void *a, const void *b)
{
    const compare_accuracy *const x = a;
    const compare_accuracy *const y = b;
    const int kind = (int)(y->kind == COMPARE_WORSE) - (int)(x->kind == COMPARE_WORSE);
    const int bad =
        (int)assay_verdict_is_bad(y->now->verdict) - (int)assay_verdict_is_bad(x->now->verdict);
    return kind != 0 ? kind : bad != 0 ? bad : assay_verdict_compare(x->base, y->base);
}

static bool selected(const compare_options *o, const results_verdict *v)
{
    return assay_filter_matches(o->op, v->op) && assay_filter_matches(o->impl, v->impl) &&
           assay_filter_matches(o->case_id, v->case_id) &&
           (o->from == NULL || strcmp(o->from, v->impl) == 0);
}

assay_status compare_accuracies(comparison *c, assay_error *error)
{
    const assay_results *const base = &c->file[0].results;
    c->accuracy = calloc(base->verdict_count * c->file_count + 1, sizeof *c->accuracy);
    if (c->accuracy == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for the verdicts");
    }
    for (size_t file = 1; file < c->file_count; file++) {
        const assay_results *const other = &c->file[file].results;
        for (size_t i = 0; i < base->verdict_count && other->verdict_count > 0; i++) {
            results_verdict key = base->verdict[i];
            if (!selected(&c->options, &key)) {
                continue;
            }
            key.impl = c->options.to != NULL ? c->options.to : key.impl;
            const results_verdict *const now =
                bsearch(&key, other->verdict, other->verdict_count, sizeof key, untyped);
            const compare_kind kind = now != NULL ? kind_of(&base->verdict[i], now) : COMPARE_SAME;
            c->accuracy_same += now != NULL && kind == COMPARE_SAME;
            if (kind != COMPARE_SAME) {
                c->accuracy[c->accuracy_count++] =
                    (compare_accuracy){&base->verdict[i], now, file, kind};
            }
        }
    }
    qsort(c->accuracy, c->accuracy_count, sizeof *c->accuracy, by_weight);
    return ASSAY_OK;
}
