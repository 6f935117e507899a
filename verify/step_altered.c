/* Other weights in the places of a step's own, before it is prepared: what is known again by its
 * address, or by a few of its numbers, is then known wrongly. */
#include "verify/isolation/altered.h"
#include "verify/operands.h"
#include "verify/step_checks.h"

/* One block of rows: the numbers it gives are nobody's business. */
static assay_status run_some(assay_judgement *j, const assay_judged *judged)
{
    const uint64_t bits = assay_philox(j->judge->seed, 0x616c7465726564ull, 0).word[0];
    int64_t *const rows =
        assay_arena_take(j->arena, (size_t)(j->blocks.rows + 1) * sizeof *rows);
    assay_any_io io;
    if (rows == NULL) {
        return assay_fail(j->error, ASSAY_NO_MEMORY, "out of memory for row numbers");
    }
    const int64_t count = assay_rows_drawn(&j->blocks, bits, rows);
    const assay_status status =
        assay_rows_take(j->step, &j->base, rows, count, j->arena, &io, j->error);
    return status == ASSAY_OK ? assay_judged_run(judged, &io, ASSAY_PLACE_RIGHT) : status;
}

assay_status assay_judgement_altered(assay_judgement *j, assay_result *result)
{
    const assay_judged judged = {j->judge->session, result, j->error};
    assay_subject subject = assay_judgement_subject(j);
    subject.company = ASSAY_COMPANY_NONE;
    subject.altered = true;
    if (j->step->sample != NULL || j->blocks.count == 0 ||
        assay_params_bytes(j->step->op, j->step->params) > ASSAY_ALTERED_MOST) {
        return ASSAY_OK;
    }
    assay_status status = assay_judged_prepare(&judged, &subject);
    if (status == ASSAY_OK && result->verdict == ASSAY_PASS) {
        status = run_some(j, &judged);
    }
    const assay_status released = assay_judged_release(&judged);
    return status == ASSAY_OK ? released : status;
}

void assay_judgement_take_altered(const assay_judgement *j, const assay_result *other)
{
    assay_result *const result = j->result;
    const bool refused = other->verdict == ASSAY_SKIP || other->check == ASSAY_CHECK_STATUS;
    if (other->verdict != ASSAY_PASS && !refused && result->verdict == ASSAY_PASS) {
        result->verdict = other->verdict;
        result->check = other->check;
        result->budget_used = other->budget_used;
        (void)snprintf(result->message, sizeof result->message, "with other weights: %.*s",
                       ASSAY_MESSAGE_MAX - 40, other->message);
    }
}
