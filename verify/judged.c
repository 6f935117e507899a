#include "verify/judged.h"

#include <math.h>
#include <string.h>

static void take(assay_result *result, const assay_outcome *outcome)
{
    result->seconds = fmax(result->seconds, outcome->seconds);
    if (outcome->verdict == ASSAY_PASS || result->verdict != ASSAY_PASS) {
        return;
    }
    result->verdict = outcome->verdict;
    result->check = outcome->check;
    result->budget_used = outcome->verdict == ASSAY_SKIP ? 0.0 : INFINITY;
    memcpy(result->message, outcome->message, sizeof result->message);
}

assay_status assay_judged_prepare(const assay_judged *judged, const assay_subject *subject)
{
    assay_outcome outcome = {.verdict = ASSAY_PASS};
    const assay_status status =
        assay_session_prepare(judged->session, subject, &outcome, judged->error);
    outcome.seconds = 0.0; /* of a run, not of preparing one */
    if (status == ASSAY_OK) {
        take(judged->result, &outcome);
    }
    return status;
}

assay_status assay_judged_run(const assay_judged *judged, const void *io,
                              assay_placement placement)
{
    assay_outcome outcome = {.verdict = ASSAY_PASS};
    const assay_status status =
        assay_session_run(judged->session, io, placement, &outcome, judged->error);
    if (status == ASSAY_OK) {
        take(judged->result, &outcome);
    }
    return status;
}

assay_status assay_judged_release(const assay_judged *judged)
{
    assay_outcome outcome = {.verdict = ASSAY_PASS};
    const assay_status status =
        assay_session_release(judged->session, &outcome, judged->error);
    outcome.seconds = 0.0;
    if (status == ASSAY_OK) {
        take(judged->result, &outcome);
    }
    return status;
}
