/* Subjects and their runs: operands placed, the servant asked, what came back checked. */
#include "verify/isolation/session_parts.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "kernels/registry.h"
#include "ref/oracle.h"

/* What compositions give their kernels, whatever alignment those declare. */
enum { STAGE_ALIGNMENT = 256 };

static const double patience_most = 0.3;
static const double patience_least = 0.01;

/* Finds the kernel whose declared alignment counts: NULL for compositions. */
static assay_status find_kernel(assay_session *session, const assay_subject *subject,
                                assay_error *error)
{
    const assay_kernel *const *kernels = NULL;
    size_t count = 0;
    bool known = strcmp(subject->impl, assay_oracle.name) == 0;
    const assay_kernel *found = known ? assay_oracle.kernel[subject->op] : NULL;
    assay_table table;
    if (!known && assay_table_find(subject->impl, &table, NULL) == ASSAY_OK) {
        known = true;
        found = table.kernel[subject->op];
    }
    const assay_status status = assay_session_kernels(session, &kernels, &count, error);
    if (status != ASSAY_OK) {
        return status;
    }
    for (size_t i = 0; i < count; i++) {
        const bool named = strcmp(kernels[i]->name, subject->impl) == 0;
        known = known || named;
        found = named && kernels[i]->op == subject->op ? kernels[i] : found;
    }
    if (!known) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "no implementation is named '%s'; assay list kernels names them",
                          subject->impl);
    }
    if (found == NULL && !assay_op_is_stage(subject->op)) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "'%s' has no kernel for %s", subject->impl,
                          assay_op_name(subject->op));
    }
    session->subject = found;
    return ASSAY_OK;
}

static uint32_t declared(const assay_session *session, bool weight, size_t i)
{
    const bool stage = assay_op_is_stage(session->op);
    if (stage && (weight || session->subject == NULL)) {
        return STAGE_ALIGNMENT;
    }
    const size_t at = weight ? i : assay_io_index(session->op, i);
    return at < ASSAY_OPERANDS_MAX ? session->subject->alignment[at] : 0;
}

static assay_status place_weights(assay_session *session, const assay_subject *subject,
                                  assay_op_params *params, assay_error *error)
{
    assay_placed *const placed = &session->weights_placed;
    const assay_operand *const table = assay_weights(subject->op);
    assay_status status = ASSAY_OK;
    assay_layout_begin(&placed->layout);
    for (size_t i = 0; status == ASSAY_OK && table[i].name != NULL; i++) {
        assay_tensor *const coded = assay_operand_of(params, &table[i]);
        const assay_tensor given = *coded;
        status = assay_placed_add(placed, table[i].name, &given, true, false,
                                  declared(session, true, i), subject->weights, &coded->data,
                                  error);
    }
    const assay_bare bare = assay_bare_of(subject->op, subject->params);
    if (status == ASSAY_OK && bare.name != NULL) {
        void *coded = NULL;
        status = assay_placed_add(placed, bare.name, &bare.vector, true, false,
                                  declared(session, true, 0), subject->weights, &coded, error);
        memcpy((char *)params + bare.offset, &coded, sizeof coded);
    }
    return status == ASSAY_OK ? assay_placed_fill(placed, &session->weights, error) : status;
}

/* Models do not travel: their pointers mean nothing elsewhere. */
static void drop_models(assay_op op, assay_op_params *params)
{
    if (op == ASSAY_OP_capture) {
        memset(&params->capture.model, 0, sizeof params->capture.model);
    } else if (op == ASSAY_OP_generate) {
        memset(&params->generate.model, 0, sizeof params->generate.model);
    } else if (op == ASSAY_OP_explain) {
        memset(&params->explain.capture.model, 0, sizeof params->explain.capture.model);
        memset(&params->explain.generate.model, 0, sizeof params->explain.generate.model);
    }
}

static assay_status put_path(const char *path, char coded[PATH_MAX], assay_error *error)
{
    coded[0] = '\0';
    if (path != NULL && (size_t)snprintf(coded, PATH_MAX, "%s", path) >= PATH_MAX) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "a model's path is longer than %d bytes",
                          PATH_MAX - 1);
    }
    return ASSAY_OK;
}

static assay_status put_subject(assay_session *session, const assay_subject *subject,
                                assay_error *error)
{
    assay_wire_subject *const wire = &session->request.as.subject;
    memset(wire, 0, sizeof *wire);
    wire->op = subject->op;
    wire->threads = session->threads;
    wire->logits = subject->logits;
    (void)snprintf(wire->impl, sizeof wire->impl, "%s", subject->impl);
    memcpy(&wire->params, subject->params, assay_op_params_size(subject->op));
    drop_models(subject->op, &wire->params);
    assay_status status = place_weights(session, subject, &wire->params, error);
    if (status == ASSAY_OK && subject->files != NULL) {
        wire->stops = subject->files->stops;
        status = put_path(subject->files->model, wire->model, error);
        status = status != ASSAY_OK ? status
                                    : put_path(subject->files->explainer, wire->explainer, error);
    }
    session->request.layout = session->weights_placed.layout;
    return status;
}

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

/* Ends the present subject, if there is one, without judging it. */
static void drop_subject(assay_session *session)
{
    assay_outcome ignored;
    assay_error error;
    if (session->active) {
        (void)assay_session_release(session, &ignored, &error);
    }
}

assay_status assay_session_prepare(assay_session *session, const assay_subject *subject,
                                   assay_outcome *outcome, assay_error *error)
{
    memset(outcome, 0, sizeof *outcome);
    drop_subject(session);
    if ((unsigned)subject->op >= ASSAY_OP_COUNT ||
        (subject->logits && subject->op != ASSAY_OP_capture)) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "operation %d does not exist, or has no logits",
                          (int)subject->op);
    }
    session->op = subject->op;
    session->logits = subject->logits;
    assay_status status = assay_session_ensure(session, error);
    status = status != ASSAY_OK ? status : find_kernel(session, subject, error);
    status = status != ASSAY_OK ? status : put_subject(session, subject, error);
    if (status != ASSAY_OK) {
        return status;
    }
    session->fated = false;
    session->ran = false;
    session->late = NULL;
    const bool answered =
        assay_session_ask(session, ASSAY_ASK_PREPARE, sizeof session->request.as.subject,
                          &session->reply, sizeof session->reply, outcome);
    if (answered && session->reply.status != ASSAY_OK) {
        return assay_fail(error, session->reply.status, "%s", session->reply.outcome.message);
    }
    if (answered) {
        *outcome = session->reply.outcome;
    }
    session->active = true;
    session->fated = outcome->verdict != ASSAY_PASS;
    session->fate = *outcome;
    return ASSAY_OK;
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
        status = assay_placed_add(placed, table[i].name, &given, table[i].input, table[i].output,
                                  declared(session, false, i), placement, &coded->data, error);
    }
    session->request.layout = placed->layout;
    return status == ASSAY_OK ? assay_placed_fill(placed, &session->operands, error) : status;
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

/* Threads that still work may still write: they are given time to. One that never stops costs less
 * and less of it. */
static void wait_for_threads(assay_session *session)
{
    const pid_t pid = session->servant != NULL ? getpid() : session->process.pid;
    const pid_t waiting = session->servant != NULL ? (pid_t)syscall(SYS_gettid) : pid;
    const double start = assay_now();
    assay_process_settle(pid, waiting, session->patience);
    const bool settled = assay_now() - start < session->patience;
    session->patience = settled                             ? patience_most
                        : session->patience / 2 > patience_least ? session->patience / 2
                                                                 : patience_least;
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
    if (session->servant == NULL && session->process.pid == 0) {
        return ASSAY_OK; /* it died; its last run said so */
    }
    assay_layout_begin(&session->request.layout);
    const bool answered = assay_session_ask(session, ASSAY_ASK_RELEASE, 0, &session->reply,
                                            sizeof session->reply, outcome);
    if (session->ran) {
        if (answered) {
            wait_for_threads(session);
        }
        if (has_late(session) && answered) {
            say_late(session, outcome);
        }
    } else if (session->late != NULL && answered) {
        say_late(session, outcome);
    }
    session->ran = false;
    return ASSAY_OK;
}
