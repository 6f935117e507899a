/* Steps: supports, workspace, once for a subject prepare, run; release. A kernel may count on being
 * asked to prepare only after it has said that it supports the very operands, which are known at
 * the first run. */
#include "verify/isolation/beside.h"

#include "kernels/registry.h"

/* What takes longer to prepare is not prepared once more beside. */
static const double slow_prepare = 0.1;

/* supports, workspace and prepare have the same place in every op's functions but other types. */
static assay_status ask_supports(const assay_kernel *kernel, const assay_exec *exec,
                                 const assay_op_params *params, const assay_op_io *io)
{
    switch (kernel->op) {
#define SUPPORTS_CASE(name)                                                                        \
    case ASSAY_OP_##name:                                                                          \
        return kernel->run.name.supports == NULL                                                   \
                   ? ASSAY_OK                                                                      \
                   : kernel->run.name.supports(&exec->device, &params->name, &io->name,            \
                                               exec->error);
        ASSAY_STEP_OPS(SUPPORTS_CASE)
#undef SUPPORTS_CASE
    default: return ASSAY_UNSUPPORTED;
    }
}

static size_t ask_workspace(const assay_servant *servant, const assay_kernel *kernel)
{
    switch (kernel->op) {
#define WORKSPACE_CASE(name)                                                                       \
    case ASSAY_OP_##name:                                                                          \
        return kernel->run.name.workspace == NULL                                                  \
                   ? 0                                                                             \
                   : kernel->run.name.workspace(&servant->subject.params.name, &servant->io.name);
        ASSAY_STEP_OPS(WORKSPACE_CASE)
#undef WORKSPACE_CASE
    default: return 0;
    }
}

static assay_status ask_prepare(const assay_kernel *kernel, const assay_exec *exec,
                                const assay_op_params *params, void **state)
{
    switch (kernel->op) {
#define PREPARE_CASE(name)                                                                         \
    case ASSAY_OP_##name:                                                                          \
        return kernel->run.name.prepare == NULL                                                    \
                   ? ASSAY_OK                                                                      \
                   : kernel->run.name.prepare(exec, &params->name, state);
        ASSAY_STEP_OPS(PREPARE_CASE)
#undef PREPARE_CASE
    default: return ASSAY_UNSUPPORTED;
    }
}

static bool has_prepare(const assay_kernel *kernel)
{
    switch (kernel->op) {
#define HAS_CASE(name)                                                                             \
    case ASSAY_OP_##name: return kernel->run.name.prepare != NULL;
        ASSAY_STEP_OPS(HAS_CASE)
#undef HAS_CASE
    default: return false;
    }
}

bool assay_servant_prepare(const assay_kernel *kernel, const assay_exec *exec,
                           const assay_op_params *params, const assay_op_io *io, void **state)
{
    return ask_supports(kernel, exec, params, io) == ASSAY_OK &&
           ask_prepare(kernel, exec, params, state) == ASSAY_OK;
}

static assay_status reserve_workspace(assay_servant *servant, uint64_t bytes, assay_error *error)
{
    const assay_status status =
        assay_scratch_reserve(&servant->scratch, bytes, servant->fill, error);
    const assay_scratch *const scratch = &servant->scratch;
    assay_control *const control = servant->control;
    control->scratch_low = (uint64_t)(uintptr_t)scratch->low;
    control->scratch_start = (uint64_t)(uintptr_t)scratch->start;
    control->scratch_bytes = scratch->bytes;
    control->scratch_end = control->scratch_low + scratch->room;
    servant->exec.workspace = scratch->start;
    servant->exec.workspace_bytes = scratch->bytes;
    return status;
}

static void call(assay_servant *servant, const assay_kernel *kernel, assay_outcome *outcome)
{
    servant->control->phase = ASSAY_PHASE_RUN;
    const double start = assay_now();
    const assay_status status = assay_step_call(kernel, &servant->exec, &servant->subject.params,
                                                servant->state, &servant->io);
    outcome->seconds = assay_now() - start;
    servant->control->phase = ASSAY_PHASE_IDLE;
    const uint64_t behind = assay_scratch_damage(&servant->scratch);
    const uint64_t before = assay_scratch_damage_before(&servant->scratch);
    const uint64_t bytes = behind > 0 ? behind : before;
    assay_outcome_of_status(status, &servant->said, outcome);
    if (status == ASSAY_UNSUPPORTED) { /* supports is the place to say so: not a SKIP */
        outcome->verdict = ASSAY_FAIL;
        outcome->check = ASSAY_CHECK_STATUS;
        (void)snprintf(outcome->message, sizeof outcome->message,
                       "run returned 'unsupported' for a shape that the kernel supports");
    }
    if (bytes > 0) {
        outcome->verdict = ASSAY_FAIL;
        outcome->check = ASSAY_CHECK_GUARD;
        (void)snprintf(outcome->message, sizeof outcome->message,
                       "wrote %llu byte%s %s its workspace of %llu", (unsigned long long)bytes,
                       bytes == 1 ? "" : "s", behind > 0 ? "past the end of" : "before",
                       (unsigned long long)servant->scratch.bytes);
    }
}

static assay_status prepare(assay_servant *servant, const assay_kernel *kernel)
{
    const assay_company company = has_prepare(kernel) && servant->prepare_seconds < slow_prepare
                                      ? servant->subject.company
                                      : ASSAY_COMPANY_NONE;
    servant->exec.workspace = NULL;
    servant->exec.workspace_bytes = 0;
    if (company == ASSAY_COMPANY_BEFORE) {
        assay_beside_prepare(servant, kernel);
    }
    servant->control->phase = ASSAY_PHASE_PREPARE;
    const double start = assay_now();
    const assay_status status =
        ask_prepare(kernel, &servant->exec, &servant->subject.params, &servant->state);
    servant->prepare_seconds = assay_now() - start;
    servant->prepared = status == ASSAY_OK;
    servant->runs = 0;
    if (status == ASSAY_OK && company == ASSAY_COMPANY_AFTER &&
        servant->prepare_seconds < slow_prepare) {
        assay_beside_prepare(servant, kernel);
    }
    return status;
}

/* Asks the kernel to prepare unless it has; false when it cannot go on. */
static bool make_ready(assay_servant *servant, const assay_kernel *kernel, size_t *workspace,
                       assay_outcome *outcome)
{
    servant->control->phase = ASSAY_PHASE_PREPARE;
    assay_status status =
        ask_supports(kernel, &servant->exec, &servant->subject.params, &servant->io);
    if (status == ASSAY_OK) {
        *workspace = ask_workspace(servant, kernel);
    }
    if (status == ASSAY_OK && !servant->prepared) {
        status = prepare(servant, kernel);
    }
    if (status == ASSAY_OK && servant->subject.company == ASSAY_COMPANY_BEFORE &&
        servant->runs > 0) {
        assay_beside_release(servant);
    }
    servant->runs++;
    servant->control->phase = ASSAY_PHASE_IDLE;
    assay_outcome_of_status(status, &servant->said, outcome);
    return status == ASSAY_OK;
}

void assay_servant_run_step(assay_servant *servant, assay_outcome *outcome)
{
    const assay_kernel *const kernel = servant->table.kernel[servant->subject.op];
    size_t workspace = 0;
    if (kernel->space != ASSAY_HOST) {
        outcome->verdict = ASSAY_SKIP;
        (void)snprintf(outcome->message, sizeof outcome->message,
                       "its operands must be in device memory, which this build does not give");
        return;
    }
    if (!make_ready(servant, kernel, &workspace, outcome)) {
        return;
    }
    assay_error refused = {.message = ""};
    if (reserve_workspace(servant, workspace, &refused) != ASSAY_OK) {
        outcome->verdict = ASSAY_FAIL;
        outcome->check = ASSAY_CHECK_STATUS;
        (void)snprintf(outcome->message, sizeof outcome->message,
                       "asked for a workspace of %zu bytes: %.900s", workspace, refused.message);
        return;
    }
    call(servant, kernel, outcome);
}

void assay_servant_release_step(assay_servant *servant)
{
    const assay_kernel *const kernel =
        servant->subject_set ? servant->table.kernel[servant->subject.op] : NULL;
    if (servant->prepared && kernel != NULL && kernel->release != NULL &&
        servant->state != NULL) {
        kernel->release(&servant->exec, servant->state);
    }
    assay_beside_release(servant);
    servant->prepared = false;
    servant->state = NULL;
}
