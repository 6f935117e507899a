/* One step judged: the runs, and what each must show. */
#include <math.h>

#include "verify/keep.h"
#include "verify/step_checks.h"

/* Of exactly the operands as placed: the same for every kernel of a contract. */
static assay_status take_truth(assay_judgement *j)
{
    assay_shared_truth *const shared = j->step->shared;
    if (shared != NULL && shared->filled) {
        j->truth = shared->truth;
        return ASSAY_OK;
    }
    const assay_status status = assay_step_truth_make(
        &j->judge->kernel->precision, j->step, &j->base, shared != NULL ? &shared->arena : j->arena,
        &j->truth, j->result, j->error);
    if (shared != NULL) {
        shared->filled = status == ASSAY_OK && j->result->verdict == ASSAY_PASS;
        shared->truth = j->truth;
    }
    return status;
}

/* The run as given, operands against their right guard pages. */
static assay_status first_run(assay_judgement *j)
{
    assay_status status =
        assay_rows_again(j->step, &j->base, j->arena, &j->first, j->error);
    if (status == ASSAY_OK) {
        status = assay_judgement_run(j, &j->first, ASSAY_PLACE_RIGHT);
    }
    if (status != ASSAY_OK || j->result->verdict != ASSAY_PASS) {
        return status;
    }
    if (j->step->sample != NULL) {
        return assay_judgement_sampled(j);
    }
    status = take_truth(j);
    if (status == ASSAY_OK && j->result->verdict == ASSAY_PASS) {
        assay_step_compare(j->step, &j->truth, &j->first, j->result);
    }
    return status;
}

static assay_status judge_prepared(assay_judgement *j)
{
    assay_status status = first_run(j);
    if (j->step->part != NULL) {
        return status; /* cheap: there are many */
    }
    if (status == ASSAY_OK && j->result->verdict == ASSAY_PASS) {
        status = assay_judgement_second(j);
    }
    if (status == ASSAY_OK && j->result->verdict == ASSAY_PASS &&
        j->result->seconds < ASSAY_SLOW_SECONDS && j->step->sample == NULL) {
        status = assay_step_checks(j);
    }
    return status;
}

/* Places operands, prepares, judges, releases. */
static assay_status judge_step(assay_judgement *j)
{
    const assay_judge *const judge = j->judge;
    const assay_subject subject = assay_judgement_subject(j);
    assay_result altered = {.verdict = ASSAY_PASS};
    assay_status status =
        assay_step_place(judge->kernel, j->step, j->arena, &j->base, j->error);
    if (status == ASSAY_OK) {
        status = assay_blocks_of(j->step->op, &j->base, j->arena, &j->blocks, j->error);
    }
    if (status == ASSAY_OK) {
        status = assay_judgement_altered(j, &altered);
    }
    if (altered.verdict == ASSAY_TIMEOUT) { /* once is long enough */
        assay_judgement_take_altered(j, &altered);
    }
    if (status == ASSAY_OK && j->result->verdict == ASSAY_PASS) {
        status = assay_judged_prepare(&j->judged, &subject);
    }
    if (status != ASSAY_OK || j->result->verdict != ASSAY_PASS) {
        return status;
    }
    status = judge_prepared(j);
    const assay_status released = assay_judged_release(&j->judged);
    assay_judgement_take_altered(j, &altered);
    return status != ASSAY_OK ? status : released;
}

/* What is wrong with a part of a sweep is said with it. That it shows nothing is no trouble. */
static void name_part(const assay_step *step, assay_result *result)
{
    char said[ASSAY_MESSAGE_MAX];
    memcpy(said, result->message, sizeof said);
    (void)snprintf(result->message, sizeof result->message, "at %.*s: %.*s", ASSAY_MESSAGE_MAX / 2,
                   step->part, ASSAY_MESSAGE_MAX / 2 - 8, said);
}

void assay_step_judge(const assay_judge *judge, const assay_step *step, assay_result *result)
{
    assay_arena arena = {0};
    assay_error error = {.message = "no reason was given"};
    assay_judgement j = {
        .judge = judge, .step = step, .arena = &arena, .result = result, .error = &error};
    j.judged = (assay_judged){judge->session, result, &error};
    result->verdict = ASSAY_PASS;
    result->cosine = 1.0;
    const assay_status status = judge_step(&j);
    if (status != ASSAY_OK) {
        assay_result_refuse(result, status, &error);
    }
    const bool partly = step->part != NULL;
    if (partly && result->verdict != ASSAY_PASS) {
        name_part(step, result);
    }
    if (judge->keep != NULL && assay_verdict_is_bad(result->verdict) &&
        !(partly && result->verdict == ASSAY_VOID)) {
        assay_keep_step(judge->keep, &j);
    }
    assay_arena_free(&arena);
}
