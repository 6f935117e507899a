/* Subjects: found, their weights placed, handed to a worker. */
#include "verify/isolation/session_parts.h"

#include "kernels/registry.h"
#include "ref/oracle.h"
#include "verify/isolation/altered.h"
#include "verify/simulate/simulate.h"

/* What compositions give their kernels, whatever alignment those declare. */
enum { STAGE_ALIGNMENT = 256 };

/* Finds the kernel whose declared alignment counts (NULL for compositions), and whose worker is to
 * serve it. */
static assay_status find_kernel(assay_session *session, const assay_subject *subject,
                                const char **serves, assay_error *error)
{
    const assay_kernel *const *kernels = NULL;
    size_t count = 0;
    bool is_plugins = false;
    bool known = strcmp(subject->impl, assay_oracle.name) == 0;
    const assay_kernel *found = known ? assay_oracle.kernel[subject->op] : NULL;
    const assay_table *const simulated = assay_simulated_find(subject->impl);
    if (simulated != NULL) {
        known = true;
        found = simulated->kernel[subject->op];
    }
    assay_table table;
    if (!known && assay_table_find(subject->impl, &table, NULL) == ASSAY_OK) {
        known = true;
        found = table.kernel[subject->op];
    }
    assay_status status = ASSAY_OK;
    if (!known) {
        status = assay_session_kernels(session, &kernels, &count, error);
    }
    for (size_t i = 0; i < count; i++) {
        const bool named = strcmp(kernels[i]->name, subject->impl) == 0;
        is_plugins = is_plugins || named;
        found = named && kernels[i]->op == subject->op ? kernels[i] : found;
    }
    if (status != ASSAY_OK) {
        return status;
    }
    if (!known && !is_plugins) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "no implementation is named '%s'; assay list kernels names them",
                          subject->impl);
    }
    if (found == NULL && !assay_op_is_stage(subject->op)) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "'%s' has no kernel for %s", subject->impl,
                          assay_op_name(subject->op));
    }
    session->subject = subject->logits ? NULL : found; /* logits are composed in any case */
    *serves = is_plugins ? subject->impl : "";
    return ASSAY_OK;
}

uint32_t assay_session_alignment(const assay_session *session, bool weight, size_t i)
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
        const uint32_t alignment = assay_session_alignment(session, true, i);
        status = assay_placed_add(placed, table[i].name, &given, true, false, alignment,
                                  subject->weights, &coded->data, error);
    }
    const assay_bare bare = assay_bare_of(subject->op, subject->params);
    if (status == ASSAY_OK && bare.name != NULL) {
        void *coded = NULL;
        const uint32_t alignment = assay_session_alignment(session, true, 0);
        status = assay_placed_add(placed, bare.name, &bare.vector, true, false, alignment,
                                  subject->weights, &coded, error);
        memcpy((char *)params + bare.offset, &coded, sizeof coded);
    }
    if (status == ASSAY_OK) {
        status = assay_placed_fill(placed, &session->weights, false, error);
    }
    for (uint32_t i = 0; status == ASSAY_OK && subject->altered && i < placed->layout.count; i++) {
        assay_alter(&placed->tensor[i],
                    session->weights.base + placed->layout.region[i].start);
    }
    if (status == ASSAY_OK) {
        assay_layout_digest(&placed->layout, session->weights.base, false, session->weights_given);
    }
    return status;
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
    wire->threads = subject->threads > 0 ? subject->threads : session->threads;
    if (subject->script != NULL) {
        wire->script = *subject->script;
    }
    session->run_threads = 0;
    session->stale = ASSAY_FRESH;
    session->silent = false;
    session->others = ASSAY_OTHERS_STAY;
    wire->logits = subject->logits;
    wire->company = subject->company;
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
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "operation %d does not exist, or has no logits", (int)subject->op);
    }
    session->op = subject->op;
    session->logits = subject->logits;
    const char *serves = "";
    assay_status status = find_kernel(session, subject, &serves, error);
    status = status != ASSAY_OK ? status : assay_session_ensure(session, serves, error);
    status = status != ASSAY_OK ? status : put_subject(session, subject, error);
    if (status != ASSAY_OK) {
        return status;
    }
    session->fated = false;
    session->ran = false;
    session->late = NULL;
    session->worker->process.printed = 0;
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

