/* Runs: operands placed, the worker asked, what came back checked; and the end of a subject. */
#include "verify/isolation/session_parts.h"

#include <sys/syscall.h>
#include <unistd.h>

static bool has_late(assay_session *session)
{
    if (session->ran && session->late == NULL) {
        session->late = assay_placed_changed(&session->operands_placed, &session->operands,
                                             session->digest);
    }
    return session->late != NULL;
}

static void say_late(const assay_session *session, assay_outcome *outcome)
{
    outcome->verdict = ASSAY_FAIL;
    outcome->check = ASSAY_CHECK_LATE_WRITE;
    (void)snprintf(outcome->message, sizeof outcome->message,
                   "output '%s' was written after the call had returned", session->late);
}

static assay_status place_operands(assay_session *session, const void *io,
                                   assay_placement placement, assay_error *error)
{
    assay_placed *const placed = &session->operands_placed;
    const assay_operand *const table = assay_io_operands(session->op, session->logits);
    assay_op_io *const coded_io = &session->request.as.io;
    assay_status status = ASSAY_OK;
    memset(coded_io, 0, sizeof *coded_io);
    memcpy(coded_io, io, assay_op_io_size(session->op, session->logits));
    if (session->op == ASSAY_OP_generate) {
        coded_io->generate.stop = NULL;
    } else if (session->op == ASSAY_OP_explain) {
        coded_io->explain.stop = NULL;
    }
    assay_layout_begin(&placed->layout);
    for (size_t i = 0; status == ASSAY_OK && table[i].name != NULL; i++) {
        assay_tensor *const coded = assay_operand_of(coded_io, &table[i]);
        const assay_tensor given = *coded;
        const uint32_t alignment = assay_session_alignment(session, false, i);
        status = assay_placed_add(placed, table[i].name, &given, table[i].input, table[i].output,
                                  alignment, placement, &coded->data, error);
    }
    session->request.layout = placed->layout;
    session->request.threads = session->run_threads;
    return status == ASSAY_OK
               ? assay_placed_fill(placed, &session->operands, session->stale, error)
               : status;
}

/* What the parent can see for itself once the call has returned. */
static void check_run(assay_session *session, assay_outcome *outcome)
{
    *outcome = session->reply.outcome;
    memcpy(session->digest, session->reply.digest, sizeof session->digest);
    assay_placed_check(&session->operands_placed, &session->operands, outcome);
    if (outcome->verdict == ASSAY_PASS && has_late(session)) {
        say_late(session, outcome);
    }
}

void assay_session_set_threads(assay_session *session, int32_t threads)
{
    session->run_threads = threads;
}

void assay_session_set_stale(assay_session *session, bool stale)
{
    session->stale = stale;
}

assay_status assay_session_run(assay_session *session, const void *io, assay_placement placement,
                               assay_outcome *outcome, assay_error *error)
{
    memset(outcome, 0, sizeof *outcome);
    if (!session->active) {
        return assay_fail(error, ASSAY_INTERNAL, "a run without a subject");
    }
    if (session->fated) {
        *outcome = session->fate;
        return ASSAY_OK;
    }
    (void)has_late(session); /* the slab is about to be written anew */
    session->ran = false;
    const assay_status status = place_operands(session, io, placement, error);
    if (status != ASSAY_OK) {
        return status;
    }
    const bool answered =
        assay_session_ask(session, ASSAY_ASK_RUN, assay_op_io_size(session->op, session->logits),
                          &session->reply, sizeof session->reply, outcome);
    if (answered && session->reply.status != ASSAY_OK) {
        return assay_fail(error, session->reply.status, "%s", session->reply.outcome.message);
    }
    if (answered) {
        session->ran = true;
        check_run(session, outcome);
    } else {
        session->fated = true;
        session->fate = *outcome;
    }
    assay_placed_return(&session->operands_placed, &session->operands);
    return ASSAY_OK;
}

/* Threads that still work may still write: they are given time to. A worker in which they go on
 * ends, so that they meet nobody else's outputs, and the next wait is shorter. */
static void wait_for_threads(assay_session *session)
{
    const bool in_process = session->servant != NULL;
    const pid_t pid = in_process ? getpid() : session->worker->process.pid;
    const pid_t waiting = in_process ? (pid_t)syscall(SYS_gettid) : pid;
    if (assay_process_settle(pid, waiting, session->patience)) {
        session->patience = ASSAY_PATIENCE_MOST;
        return;
    }
    const double half = session->patience / 2.0;
    session->patience = half > ASSAY_PATIENCE_LEAST ? half : ASSAY_PATIENCE_LEAST;
    session->unsettled = true;
}

assay_status assay_session_release(assay_session *session, assay_outcome *outcome,
                                   assay_error *error)
{
    memset(outcome, 0, sizeof *outcome);
    (void)error;
    if (!session->active) {
        return ASSAY_OK;
    }
    session->active = false;
    if (session->servant == NULL && session->worker->process.pid == 0) {
        return ASSAY_OK; /* it died; its last run said so */
    }
    assay_layout_begin(&session->request.layout);
    session->unsettled = false;
    const bool answered = assay_session_ask(session, ASSAY_ASK_RELEASE, 0, &session->reply,
                                            sizeof session->reply, outcome);
    if (answered) {
        wait_for_threads(session);
    }
    if (answered && has_late(session)) {
        say_late(session, outcome);
    }
    if (session->unsettled) {
        assay_session_dismiss(session);
    }
    session->ran = false;
    return ASSAY_OK;
}
