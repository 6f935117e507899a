/* Steps: supports, workspace, once for a subject prepare, run; release. A kernel may count on being
 * asked to prepare only after it has said that it supports the very operands, which are known at
 * the first run. */
#include "verify/isolation/beside.h"

#include "kernels/registry.h"
#include "verify/isolation/litter.h"

/* What takes longer to prepare is not prepared once more beside. */
static const double slow_prepare = 0.1;

/* Room that a kernel did not ask for: more is not another answer. */
enum { WORKSPACE_MORE = 4096 + 256 };

/* supports, workspace and prepare have the same place in every op's functions but other types. */
static assay_status ask_supports(const assay_kernel *kernel, const assay_exec *exec,
                                 const assay_op_params *params, const assay_op_io *io)
{
    const assay_status usable = assay_kernel_usable(kernel, &exec->device, exec->error);
    if (usable != ASSAY_OK) {
        return usable;
    }
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

static size_t ask_workspace(const assay_kernel *kernel, const assay_op_params *params,
                            const assay_op_io *io)
{
    switch (kernel->op) {
#define WORKSPACE_CASE(name)                                                                       \
    case ASSAY_OP_##name:                                                                          \
        return kernel->run.name.workspace == NULL                                                  \
                   ? 0                                                                             \
                   : kernel->run.name.workspace(&params->name, &io->name);
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

static assay_status framed_prepare(assay_servant *servant, const assay_kernel *kernel,
                                   const assay_op_params *params, void **state)
{
    if (!has_prepare(kernel)) {
        return ASSAY_OK; /* nobody's code sees the frame */
    }
    assay_frame_open(&servant->frame, &servant->exec, NULL);
    assay_litter(true);
    const assay_status status = ask_prepare(kernel, servant->frame.exec, params, state);
    assay_litter(false);
    (void)assay_frame_close(&servant->frame, &servant->exec, NULL);
    return status;
}

bool assay_servant_prepare(assay_servant *servant, const assay_kernel *kernel,
                           const assay_op_params *params, void **state)
{
    return ask_supports(kernel, &servant->exec, params, &servant->io) == ASSAY_OK &&
           framed_prepare(servant, kernel, params, state) == ASSAY_OK;
}

static assay_status reserve_workspace(assay_servant *servant, uint64_t bytes, assay_error *error)
{
    const bool more = servant->fill == ASSAY_FILL_LOW || servant->fill == ASSAY_FILL_LEFT;
    bytes += more && bytes < UINT64_MAX / 2 ? WORKSPACE_MORE : 0;
    if (assay_servant_wants_device(servant)) {
        return assay_servant_reserve_on_device(servant, bytes, error);
    }
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

/* Calls; the name of a struct of the harness's that the kernel changed, or NULL. */
static const char *call_framed(assay_servant *servant, const assay_kernel *kernel,
                               const assay_op_params *params, const void *state,
                               assay_status *status, double *seconds)
{
    assay_op_params given;
    memcpy(&given, params, sizeof given);
    assay_frame *const frame = &servant->frame;
    assay_frame_open(frame, &servant->exec, &servant->io);
    servant->control->phase = ASSAY_PHASE_RUN;
    const assay_worker_device *const device =
        kernel->space != ASSAY_HOST ? &servant->on_device.device : NULL;
    assay_litter(true);
    const double start = assay_now();
    *status = assay_step_call(kernel, frame->exec, params, state, frame->io);
    if (device != NULL) { /* its errors are asked for later */
        (void)device->accelerator->synchronise(device->device.index, device->stream, NULL);
    }
    *seconds = assay_now() - start;
    assay_litter(false);
    servant->control->phase = ASSAY_PHASE_IDLE;
    const char *const changed = assay_frame_close(frame, &servant->exec, &servant->io);
    return changed == NULL && memcmp(&given, params, sizeof given) != 0 ? "params" : changed;
}

static void call(assay_servant *servant, const assay_kernel *kernel, const assay_op_params *params,
                 const void *state, assay_outcome *outcome)
{
    assay_status status = ASSAY_OK;
    const char *const changed =
        call_framed(servant, kernel, params, state, &status, &outcome->seconds);
    uint64_t behind = 0;
    uint64_t before = 0;
    if (kernel->space != ASSAY_HOST) {
        assay_servant_look_around(servant, &before, &behind);
    } else {
        behind = assay_scratch_damage(&servant->scratch);
        before = assay_scratch_damage_before(&servant->scratch);
    }
    const uint64_t bytes = behind > 0 ? behind : before;
    assay_outcome_of_status(status, &servant->said, outcome);
    if (status == ASSAY_UNSUPPORTED) { /* supports is the place to say so: not a SKIP */
        outcome->verdict = ASSAY_FAIL;
        outcome->check = ASSAY_CHECK_STATUS;
        (void)snprintf(outcome->message, sizeof outcome->message,
                       "run returned 'unsupported' for a shape that the kernel supports");
    }
    if (changed != NULL) {
        outcome->verdict = ASSAY_FAIL;
        outcome->check = ASSAY_CHECK_INPUT;
        (void)snprintf(outcome->message, sizeof outcome->message,
                       "wrote to the harness's %s, which a kernel only reads", changed);
    }
    if (bytes > 0) {
        outcome->verdict = ASSAY_FAIL;
        outcome->check = ASSAY_CHECK_GUARD;
        (void)snprintf(outcome->message, sizeof outcome->message,
                       "wrote %llu byte%s %s its workspace of %llu", (unsigned long long)bytes,
                       bytes == 1 ? "" : "s", behind > 0 ? "past the end of" : "before",
                       (unsigned long long)servant->exec.workspace_bytes);
    }
}

static assay_status prepare(assay_servant *servant, const assay_kernel *kernel)
{
    const assay_company company = servant->prepare_seconds < slow_prepare
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
        framed_prepare(servant, kernel, &servant->subject.params, &servant->state);
    servant->prepare_seconds = assay_now() - start;
    servant->prepared = status == ASSAY_OK;
    if (status == ASSAY_OK && company == ASSAY_COMPANY_AFTER && has_prepare(kernel) &&
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
        *workspace = ask_workspace(kernel, &servant->subject.params, &servant->io);
    }
    if (status == ASSAY_OK && !servant->prepared) {
        status = prepare(servant, kernel);
    }
    if (status == ASSAY_OK && servant->others == ASSAY_OTHERS_GO) {
        assay_beside_release(servant);
    }
    servant->control->phase = ASSAY_PHASE_IDLE;
    if (status == ASSAY_NO_MEMORY && kernel->space != ASSAY_HOST) {
        assay_servant_say_full(servant, outcome);
        return false;
    }
    assay_outcome_of_status(status, &servant->said, outcome);
    return status == ASSAY_OK;
}

/* Where the subject's place is another state's, and there is none, nothing is to be done. */
static void call_one(assay_servant *servant, const assay_kernel *kernel, assay_outcome *outcome)
{
    if (servant->others != ASSAY_OTHERS_RUN) {
        call(servant, kernel, &servant->subject.params, servant->state, outcome);
    } else if (servant->beside.states > 0) {
        call(servant, kernel, &servant->beside.params, servant->beside.state[0], outcome);
    }
}

assay_status assay_servant_run_step(assay_servant *servant, assay_outcome *outcome,
                                    assay_error *error)
{
    const assay_kernel *const kernel = servant->table.kernel[servant->subject.op];
    size_t workspace = 0;
    const bool on_device = assay_servant_wants_device(servant);
    if (on_device && !(assay_servant_take_device(servant, outcome) &&
                       assay_servant_bind(servant, outcome))) {
        return ASSAY_OK;
    }
    const assay_status status = assay_frame_reserve(&servant->frame, error);
    if (status != ASSAY_OK) {
        return status;
    }
    servant->control->frame_low = (uint64_t)(uintptr_t)servant->frame.base;
    servant->control->frame_end = servant->control->frame_low + servant->frame.all;
    if (!make_ready(servant, kernel, &workspace, outcome)) {
        assay_servant_settle_device(servant, "in prepare: ", outcome);
        return ASSAY_OK;
    }
    if (on_device) {
        assay_servant_settle_device(servant, "in prepare: ", outcome);
        if (outcome->verdict != ASSAY_PASS) {
            return ASSAY_OK;
        }
    }
    assay_error refused = {.message = ""};
    if (reserve_workspace(servant, workspace, &refused) != ASSAY_OK) {
        /* A device has what it has; on the host, memory is a kernel's to ask for with measure. */
        outcome->verdict = on_device ? ASSAY_SKIP : ASSAY_FAIL;
        outcome->check = on_device ? ASSAY_CHECK_NONE : ASSAY_CHECK_STATUS;
        (void)snprintf(outcome->message, sizeof outcome->message,
                       "asked for a workspace of %zu bytes: %.900s", workspace, refused.message);
        return ASSAY_OK;
    }
    if (on_device) {
        assay_servant_hide(servant, true);
    }
    call_one(servant, kernel, outcome);
    if (on_device) {
        assay_servant_hide(servant, false);
        assay_servant_collect(servant, outcome);
    }
    return ASSAY_OK;
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
