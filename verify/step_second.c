/* The second run of a step, and the calls that it comes after: what a kernel keeps of one call, it
 * may not give to the next. */
#include <math.h>

#include "verify/step_checks.h"

/* Calls that only come before are left out where one takes longer than this. */
static const double quick_seconds = 0.05;

enum { SPARE_ENTRIES = 5 };

/* Cases of one op differ in their number of rows. */
static uint64_t draw(const assay_judgement *j, uint64_t purpose)
{
    const uint64_t which = (uint64_t)j->blocks.rows << 8 | purpose;
    return assay_philox(j->judge->seed, 0x7365636f6e64ull, which).word[0];
}

assay_subject assay_judgement_subject(const assay_judgement *j)
{
    return (assay_subject){.impl = j->judge->impl,
                           .op = j->step->op,
                           .params = j->step->params,
                           .weights = ASSAY_PLACE_RIGHT,
                           .company = ASSAY_COMPANY_AFTER};
}

/* Room behind the entries of codes to decode, as an encoder's buffers have it: no value there is a
 * number, no latent is one of the SAE's. */
static assay_status add_spare(assay_judgement *j, assay_any_io *io)
{
    if (j->step->op != ASSAY_OP_sae_decode) {
        return ASSAY_OK;
    }
    assay_tensor *const parts[2] = {&io->sae_decode.codes.latent, &io->sae_decode.codes.value};
    for (int i = 0; i < 2; i++) {
        const assay_tensor old = *parts[i];
        const int64_t count = assay_count(&old);
        const int64_t room[1] = {count + SPARE_ENTRIES};
        const assay_status status =
            assay_buffer_make(j->arena, old.dtype, 1, room, parts[i], j->error);
        if (status != ASSAY_OK) {
            return status;
        }
        memcpy(parts[i]->data, old.data, (size_t)count * assay_dtype_size(old.dtype));
        for (int64_t e = count; e < room[0]; e++) {
            assay_put1(parts[i], e, i == 1 ? NAN : e % 2 == 0 ? -1.0 : (double)INT32_MAX);
        }
    }
    return ASSAY_OK;
}

/* A call with one block of rows: what is sized by the first call after prepare is too small for the
 * next. */
static assay_status small_call(assay_judgement *j, int64_t *rows)
{
    const int64_t count = assay_rows_drawn(&j->blocks, draw(j, 1), rows);
    assay_any_io io;
    assay_status status =
        assay_rows_take(j->step, &j->base, rows, count, j->arena, &io, j->error);
    status = status == ASSAY_OK ? add_spare(j, &io) : status;
    if (status == ASSAY_OK) {
        assay_session_set_stale(j->judged.session, ASSAY_STALE_LOW);
        status = assay_judgement_run(j, &io, ASSAY_PLACE_LEFT);
    }
    if (status == ASSAY_OK && j->result->verdict == ASSAY_SKIP) {
        j->result->verdict = ASSAY_PASS; /* it may refuse so few: then nobody calls it so */
        j->result->message[0] = '\0';
        return ASSAY_OK;
    }
    return status == ASSAY_OK && j->result->verdict == ASSAY_PASS
               ? assay_judgement_rows(j, &io, rows, count, ASSAY_CHECK_BATCH,
                                      "a first call of few rows")
               : status;
}

/* Changes a number in the middle of every row of what the op computes with, caches too: by little,
 * as what is taken for the same may differ, or by much. */
static void disturb(const assay_judgement *j, assay_any_io *io)
{
    const double share = draw(j, 2) % 2 == 0 ? 0x1p-11 : 0.5;
    const assay_operand *operand = assay_operands(j->step->op);
    for (; operand->name != NULL; operand++) {
        const assay_tensor *const tensor = assay_operand_in(io, operand);
        if (!operand->input || operand->kind == ASSAY_OPERAND_EXACT || !assay_present(tensor) ||
            assay_count(tensor) == 0) {
            continue;
        }
        const int64_t width = tensor->shape[tensor->rank - 1];
        double most = 0.0;
        for (int64_t i = 0; i < assay_count(tensor); i++) {
            const double value = fabs(assay_buffer_get(tensor, i));
            most = isfinite(value) ? fmax(most, value) : most;
        }
        for (int64_t i = width / 2; i < assay_count(tensor); i += width) {
            const double value = assay_buffer_get(tensor, i);
            assay_store(tensor->dtype, tensor->data, (size_t)i,
                        value > 0.0 ? value - share * most : value + share * most);
        }
    }
}

/* The same call with inputs that are nearly the same, at the same addresses, by the subject and by
 * another state, which then goes: the outputs are nobody's business, but the next call's must not
 * be these. */
static assay_status disturbed_calls(assay_judgement *j, const int64_t *rows)
{
    assay_session *const session = j->judged.session;
    assay_any_io io;
    assay_status status =
        assay_rows_take(j->step, &j->base, rows, j->blocks.rows, j->arena, &io, j->error);
    status = status == ASSAY_OK ? add_spare(j, &io) : status;
    if (status == ASSAY_OK) {
        disturb(j, &io);
        assay_session_set_stale(session, ASSAY_STALE_LOW);
        status = assay_judged_run(&j->judged, &io, ASSAY_PLACE_LEFT);
    }
    if (status == ASSAY_OK && j->result->verdict == ASSAY_PASS) {
        assay_session_set_others(session, ASSAY_OTHERS_RUN);
        status = assay_judged_run(&j->judged, &io, ASSAY_PLACE_LEFT);
        assay_session_set_others(session, ASSAY_OTHERS_GO);
    }
    return status;
}

static bool is_quick(const assay_judgement *j)
{
    return j->result->seconds < quick_seconds && j->step->sample == NULL;
}

/* Before the first of them comes prepare, by as many threads. */
static assay_status earlier_calls(assay_judgement *j, int64_t *rows)
{
    assay_status status = ASSAY_OK;
    if (is_quick(j) && j->blocks.count > 1) {
        status = small_call(j, rows);
    }
    assay_rows_all(&j->blocks, rows);
    if (status == ASSAY_OK && j->result->verdict == ASSAY_PASS && is_quick(j)) {
        status = disturbed_calls(j, rows);
    }
    return status;
}

/* Prepares again with the weights against their left guard pages; not when that takes long. */
static assay_status move_weights(assay_judgement *j)
{
    assay_subject subject = assay_judgement_subject(j);
    subject.weights = ASSAY_PLACE_LEFT;
    subject.company = ASSAY_COMPANY_BEFORE;
    if (j->result->seconds >= ASSAY_SLOW_SECONDS || j->step->sample != NULL) {
        return ASSAY_OK;
    }
    const assay_status status = assay_judged_release(&j->judged);
    return status == ASSAY_OK && j->result->verdict == ASSAY_PASS
               ? assay_judged_prepare(&j->judged, &subject)
               : status;
}

/* The first call again, by other threads; states prepared after the subject's are gone. */
static assay_status first_by_others(assay_judgement *j, int64_t *rows)
{
    assay_session_set_others(j->judged.session, ASSAY_OTHERS_GO);
    const bool slow = j->result->seconds >= ASSAY_SLOW_SECONDS || j->step->sample != NULL;
    return slow || (j->step->brief && draw(j, 3) % 4 != 0) ? ASSAY_OK
                                                           : assay_check_threads(j, rows);
}

/* What the second run wrote, held against the first and, where it differs, against the truth. */
static assay_status judge_second(assay_judgement *j, const assay_any_io *io, int64_t *rows)
{
    j->result->repeated = true;
    assay_rows_all(&j->blocks, rows);
    for (int64_t n = 0; n < j->blocks.rows && !j->result->repeat_differs; n++) {
        j->result->repeat_differs = !assay_rows_equal(j->step->op, io, n, &j->first, n);
    }
    if (!j->result->repeat_differs) {
        return ASSAY_OK;
    }
    if (j->step->sample != NULL) {
        j->first = *io;
        return assay_judgement_sampled(j);
    }
    return assay_judgement_rows(j, io, rows, j->blocks.rows, ASSAY_CHECK_REPEAT, "a second run");
}

/* What is judged in part is poisoned again, since elements left unwritten would not be noticed
 * where no truth is. In half of the cases the workspace holds what the disturbed calls left. */
static assay_stale second_stale(const assay_judgement *j)
{
    return j->step->sample != NULL               ? ASSAY_FRESH
           : is_quick(j) && draw(j, 4) % 2 == 0 ? ASSAY_STALE_LEFT
                                                 : ASSAY_STALE_HIGH;
}

assay_status assay_judgement_second(assay_judgement *j)
{
    assay_session *const session = j->judged.session;
    assay_any_io io;
    int64_t *const rows =
        assay_arena_take(j->arena, (size_t)(j->blocks.rows + 1) * sizeof *rows);
    if (rows == NULL) {
        return assay_fail(j->error, ASSAY_NO_MEMORY, "out of memory for row numbers");
    }
    assay_status status = assay_rows_again(j->step, &j->base, j->arena, &io, j->error);
    status = status == ASSAY_OK ? add_spare(j, &io) : status;
    /* one other number of threads up to the second run: a team costs more than small calls */
    assay_session_set_threads(session, assay_judgement_other_threads(j));
    status = status == ASSAY_OK ? first_by_others(j, rows) : status;
    if (status == ASSAY_OK && j->result->verdict == ASSAY_PASS) {
        status = move_weights(j);
    }
    assay_session_set_threads(session, assay_judgement_other_threads(j));
    assay_session_set_silent(session, true);
    if (status == ASSAY_OK && j->result->verdict == ASSAY_PASS) {
        status = earlier_calls(j, rows);
    }
    assay_session_set_threads(session, 0);
    if (status == ASSAY_OK && j->result->verdict == ASSAY_PASS) {
        assay_session_set_stale(session, second_stale(j));
        status = assay_judgement_run(j, &io, ASSAY_PLACE_LEFT);
    }
    assay_session_set_stale(session, ASSAY_FRESH);
    assay_session_set_silent(session, false);
    return status == ASSAY_OK && j->result->verdict == ASSAY_PASS ? judge_second(j, &io, rows)
                                                                  : status;
}
