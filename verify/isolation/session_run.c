/* Runs: operands placed, the worker asked, what came back checked; and the end of a subject. */
#include "verify/isolation/session_parts.h"

#include <sys/syscall.h>
#include <unistd.h>

static bool has_late(assay_session *session)
{
    if (session->ran && session->late == NULL) {
        session->late = assay_placed_changed(&session->operands_placed, &session->operands, true,
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

static assay_fill fill_of(assay_stale stale)
{
    switch (stale) {
    case ASSAY_STALE_HIGH: return ASSAY_FILL_HIGH;
    case ASSAY_STALE_LOW: return ASSAY_FILL_LOW;
    case ASSAY_STALE_LEFT: return ASSAY_FILL_LEFT;
    case ASSAY_FRESH:
    case ASSAY_ZEROS: break;
    }
    return ASSAY_FILL_POISON;
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
    session->request.silent = session->silent;
    session->request.others = (uint8_t)session->others;
    session->request.fill = (uint8_t)fill_of(session->stale);
    if (status == ASSAY_OK) {
        status = assay_placed_fill(placed, &session->operands,
                                   session->stale != ASSAY_FRESH, error);
    }
    if (status == ASSAY_OK && session->stale == ASSAY_ZEROS) {
        assay_placed_zero(placed, &session->operands);
    }
    if (status == ASSAY_OK) {
        assay_layout_digest(&placed->layout, session->operands.base, false,
                            session->inputs_given);
    }
    return status;
}

/* What was read-only is not what it was. */
static void check_inputs(const assay_placed *placed, const assay_slab *slab,
                         const uint64_t given[ASSAY_REGIONS_MAX], assay_outcome *outcome)
{
    const char *const name = outcome->verdict == ASSAY_PASS
                                 ? assay_placed_changed(placed, slab, false, given)
                                 : NULL;
    if (name != NULL) {
        outcome->verdict = ASSAY_FAIL;
        outcome->check = ASSAY_CHECK_INPUT;
        (void)snprintf(outcome->message, sizeof outcome->message,
                       "input '%s' was changed, although its pages are read-only", name);
    }
}

/* What the parent can see for itself once the call has returned. */
static void check_run(assay_session *session, assay_outcome *outcome)
{
    *outcome = session->reply.outcome;
    memcpy(session->digest, session->reply.digest, sizeof session->digest);
    assay_placed_check(&session->operands_placed, &session->operands, outcome);
    check_inputs(&session->operands_placed, &session->operands, session->inputs_given, outcome);
    if (outcome->verdict == ASSAY_PASS && has_late(session)) {
        say_late(session, outcome);
    }
}

void assay_session_set_threads(assay_session *session, int32_t threads)
{
    session->run_threads = threads;
}

void assay_session_set_stale(assay_session *session, assay_stale stale)
{
    session->stale = stale;
}

void assay_session_set_silent(assay_session *session, bool silent)
{
    session->silent = silent;
}

void assay_session_set_others(assay_session *session, assay_others others)
{
    session->others = others;
}

/* A kernel that dies without exec.error most often wrote to it. */
static void say_silent(assay_outcome *outcome)
{
    const size_t size = strlen(outcome->message);
    (void)snprintf(outcome->message + size, sizeof outcome->message - size,
                   "; exec->error was NULL, as it may be");
}

/* A worker whose device is lost can do no more: the next subject gets another. */
static void bury_lost(assay_session *session, const assay_outcome *outcome)
{
    if (session->reply.lost) {
        session->fated = true;
        session->fate = *outcome;
        assay_session_dismiss(session);
    }
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
        bury_lost(session, outcome);
    } else {
        if (session->silent && outcome->verdict == ASSAY_CRASH) {
            say_silent(outcome);
        }
        session->fated = true;
        session->fate = *outcome;
    }
    assay_placed_return(&session->operands_placed, &session->operands);
    return ASSAY_OK;
}

static void say_leftover(assay_outcome *outcome, const char *what)
{
    if (outcome->verdict == ASSAY_PASS) {
        outcome->verdict = ASSAY_FAIL;
        outcome->check = ASSAY_CHECK_LEFTOVER;
        (void)snprintf(outcome->message, sizeof outcome->message, "%s", what);
    }
}

/* Threads that still work may still write: they are given time to. A worker in which they go on
 * ends, so that they meet nobody else's outputs, and the next wait is shorter. */
static void wait_for_threads(assay_session *session, assay_outcome *outcome)
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
    if (in_process || session->late != NULL) {
        return; /* other threads and children may be the program's own */
    }
    if (assay_process_has_children(pid)) {
        say_leftover(outcome, "left a child process behind; wait for it to end");
    } else if (assay_process_spins(pid, waiting)) {
        say_leftover(outcome, "left a thread behind that goes on computing; end it or let it wait");
    }
}

/* Lines now and then are tolerated, a flood is not. */
static void check_printed(const assay_session *session, assay_outcome *outcome)
{
    enum { PRINTED_MOST = 1 << 20 };
    const uint64_t printed = session->servant == NULL ? session->worker->process.printed : 0;
    char what[128];
    if (printed > PRINTED_MOST) {
        (void)snprintf(what, sizeof what, "printed %.1f MiB; a kernel does not print",
                       (double)printed / 0x1p20);
        say_leftover(outcome, what);
    }
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
    if (assay_session_ask(session, ASSAY_ASK_RELEASE, 0, &session->reply, sizeof session->reply,
                          outcome)) {
        *outcome = session->reply.outcome;
        check_inputs(&session->weights_placed, &session->weights, session->weights_given, outcome);
        wait_for_threads(session, outcome);
        check_printed(session, outcome);
        if (has_late(session)) {
            say_late(session, outcome);
        }
        assay_hung_forgive(&session->hung, session->worker->serves);
    }
    if (session->unsettled || session->reply.lost || outcome->check == ASSAY_CHECK_LEFTOVER) {
        assay_session_dismiss(session); /* what was left is not the next one's to bear */
    }
    session->ran = false;
    return ASSAY_OK;
}

bool assay_session_footprint(assay_session *session, assay_footprint *footprint)
{
    assay_outcome fate;
    if (session->servant != NULL || session->worker->process.pid <= 0) {
        return false;
    }
    *footprint = assay_process_footprint(session->worker->process.pid);
    if (!assay_session_ask(session, ASSAY_ASK_HEAP, 0, &session->reply, sizeof session->reply,
                           &fate)) {
        session->fated = true;
        session->fate = fate;
        return false;
    }
    footprint->heap = session->reply.count;
    return true;
}
