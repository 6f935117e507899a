#include "bench/statistics/gate.h"

#include <math.h>
#include <stdlib.h>

#include "bench/statistics/multiple.h"
#include "bench/statistics/sign_tests.h"

assay_status assay_gate_plan_looks(size_t suspects, size_t pairs_max,
                                   const assay_gate_options *options, assay_gate_plan *plan,
                                   assay_error *error)
{
    *plan = (assay_gate_plan){.suspects = suspects, .looks = ASSAY_GATE_LOOKS};
    if (suspects == 0) {
        plan->looks = 0;
        return ASSAY_OK;
    }
    const size_t least = assay_pairs_needed(suspects, options->q);
    if (least == 0 || pairs_max < least) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "%zu pairs cannot confirm any of %zu suspects at a false-discovery rate "
                          "of %g; %zu are needed: allow more time or a higher rate",
                          pairs_max, suspects, options->q, least);
    }
    const size_t first = assay_pairs_needed(suspects * ASSAY_GATE_LOOKS, options->q);
    if (pairs_max < first + 2) {
        plan->looks = 1;
        plan->at[0] = pairs_max;
        return ASSAY_OK;
    }
    plan->at[0] = first;
    plan->at[1] = (size_t)sqrt((double)first * (double)pairs_max);
    plan->at[1] = plan->at[1] > first ? plan->at[1] : first + 1;
    plan->at[2] = pairs_max;
    return ASSAY_OK;
}

size_t assay_gate_next_look(const assay_gate_plan *plan, size_t pairs)
{
    size_t look = 0;
    while (look + 1 < plan->looks && plan->at[look] <= pairs) {
        look++;
    }
    return plan->at[look];
}

assay_status assay_gate_weigh(assay_gate_case *suspect, const assay_gate_plan *plan,
                              const assay_gate_options *options, assay_error *error)
{
    suspect->p = 1.0;
    suspect->settled = false;
    size_t taken = 0;
    for (size_t look = 0; look < plan->looks && suspect->pairs >= plan->at[look]; look++) {
        double p = 1.0;
        const assay_status status =
            assay_signed_rank_test(suspect->log_slowdown, plan->at[look], &p, error);
        if (status != ASSAY_OK) {
            return status;
        }
        suspect->p = fmin(suspect->p, p * (double)plan->looks);
        taken = look + 1;
    }
    if (suspect->pairs == 0) {
        return ASSAY_OK;
    }
    double centre = 0.0;
    double low = 0.0;
    double high = 0.0;
    const assay_status status = assay_signed_rank_interval(
        suspect->log_slowdown, suspect->pairs, options->confidence, &centre, &low, &high, error);
    if (status != ASSAY_OK) {
        return status;
    }
    suspect->slowdown = exp(centre);
    suspect->low = exp(low);
    suspect->high = exp(high);
    const double margin = log1p(options->margin);
    const bool confirmed =
        suspect->p * (double)plan->suspects <= options->q &&
        (centre > margin || (options->confirm_faster && centre < -margin));
    const bool refuted = high < margin && (!options->confirm_faster || low > -margin);
    suspect->settled =
        taken == plan->looks ||
        (taken > 0 && suspect->pairs == plan->at[taken - 1] && (confirmed || refuted));
    return ASSAY_OK;
}

static void judge(assay_gate_case *one, const assay_gate_options *options)
{
    one->change = ASSAY_UNSURE;
    if (one->suspicion == ASSAY_CLEARED) {
        one->slowdown = one->screened;
        one->low = one->screened_low;
        one->high = one->screened_high;
        const double most = 1.0 + options->effect;
        one->change = one->high <= most && one->low >= 1.0 / most ? ASSAY_SAME : ASSAY_UNSURE;
    } else if (one->suspicion == ASSAY_SUSPECT && one->pairs > 0) {
        const double most = 1.0 + options->margin;
        const bool significant = one->corrected_p <= options->q;
        if (significant && one->slowdown > most) {
            one->change = ASSAY_SLOWER;
        } else if (significant && one->slowdown < 1.0 / most) {
            one->change = ASSAY_FASTER;
        } else if (one->high <= most && one->low >= 1.0 / most) {
            one->change = ASSAY_SAME;
        }
    }
}

/* p values of the suspects alone are corrected: what was cleared cannot be discovered. */
static assay_status correct(assay_gate_case *cases, size_t count, size_t suspects,
                            assay_error *error)
{
    if (suspects == 0) {
        return ASSAY_OK;
    }
    double *p = calloc(suspects, sizeof *p);
    if (p == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory to correct %zu p values", suspects);
    }
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (cases[i].suspicion == ASSAY_SUSPECT) {
            p[used++] = fmin(cases[i].p, 1.0);
        }
    }
    const assay_status status = assay_correct(p, used, ASSAY_BENJAMINI_HOCHBERG, p, error);
    used = 0;
    for (size_t i = 0; i < count && status == ASSAY_OK; i++) {
        if (cases[i].suspicion == ASSAY_SUSPECT) {
            cases[i].corrected_p = p[used++];
        }
    }
    free(p);
    return status;
}

assay_status assay_gate_decide(assay_gate_case *cases, size_t count, const assay_gate_plan *plan,
                               const assay_gate_options *options, assay_gate_outcome *outcome,
                               assay_error *error)
{
    *outcome = (assay_gate_outcome){.cases = count};
    for (size_t i = 0; i < count; i++) {
        cases[i].p = 1.0;
        cases[i].corrected_p = 1.0;
        outcome->unmeasured += cases[i].suspicion == ASSAY_UNMEASURED;
        if (cases[i].suspicion == ASSAY_SUSPECT) {
            outcome->suspects++;
            const assay_status status = assay_gate_weigh(&cases[i], plan, options, error);
            if (status != ASSAY_OK) {
                return status;
            }
        }
    }
    if (outcome->unmeasured == count) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "the gate measured nothing: none of %zu cases has times on both sides",
                          count);
    }
    const assay_status status = correct(cases, count, outcome->suspects, error);
    for (size_t i = 0; i < count && status == ASSAY_OK; i++) {
        judge(&cases[i], options);
        outcome->slower += cases[i].change == ASSAY_SLOWER;
        outcome->faster += cases[i].change == ASSAY_FASTER;
        outcome->same += cases[i].change == ASSAY_SAME;
        outcome->unsure += cases[i].change == ASSAY_UNSURE;
    }
    return status;
}
