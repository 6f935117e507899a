#include "verify/isolation/servant.h"

#include <malloc.h>

#include "kernels/registry.h"
#include "ref/oracle.h"
#include "verify/isolation/modes.h"
#include "verify/simulate/simulate.h"

void assay_servant_open(assay_servant *servant, assay_control *control, int weights_file,
                        int operands_file)
{
    memset(servant, 0, sizeof *servant);
    servant->control = control;
    servant->weights_file = weights_file;
    servant->operands_file = operands_file;
    servant->device = assay_host_device();
}

void assay_servant_close(assay_servant *servant)
{
    assay_servant_close_stage(servant);
    assay_servant_release_step(servant);
    assay_servant_close_models(servant);
    assay_scratch_close(&servant->scratch);
    assay_frame_release(&servant->frame);
    assay_view_close(&servant->weights);
    assay_view_close(&servant->operands);
    assay_on_device *const on = &servant->on_device;
    assay_mirror_release(&on->device, &on->weights);
    assay_mirror_release(&on->device, &on->operands);
    assay_device_scratch_release(&on->device, &on->scratch);
    assay_device_close(&on->device);
    assay_plugin_close(&servant->plugin);
}

/* A kernel's words may hold anything: one clean line is made of them. */
void assay_clean(char message[ASSAY_MESSAGE_MAX])
{
    message[ASSAY_MESSAGE_MAX - 1] = '\0';
    for (char *c = message; *c != '\0'; c++) {
        *c = (unsigned char)*c < 0x20 || *c == 0x7f ? '?' : *c;
    }
}

static const char *status_name(assay_status status)
{
    switch (status) {
    case ASSAY_OK: return "ok";
    case ASSAY_UNSUPPORTED: return "unsupported";
    case ASSAY_BAD_ARGUMENT: return "bad argument";
    case ASSAY_BAD_INPUT: return "bad input";
    case ASSAY_IO: return "input/output error";
    case ASSAY_NO_MEMORY: return "no memory";
    case ASSAY_DEVICE: return "device fault";
    case ASSAY_INTERNAL: return "internal error";
    }
    return NULL;
}

void assay_outcome_of_status(assay_status status, const assay_error *said, assay_outcome *outcome)
{
    if (status == ASSAY_OK) {
        return;
    }
    char words[ASSAY_MESSAGE_MAX];
    memcpy(words, said->message, sizeof words);
    assay_clean(words);
    const char *const name = status_name(status);
    if (status == ASSAY_UNSUPPORTED) {
        outcome->verdict = ASSAY_SKIP;
        (void)snprintf(outcome->message, sizeof outcome->message, "%s",
                       words[0] != '\0' ? words : "unsupported; no reason was given");
        return;
    }
    outcome->verdict = ASSAY_FAIL;
    outcome->check = ASSAY_CHECK_STATUS;
    if (name == NULL) {
        (void)snprintf(outcome->message, sizeof outcome->message,
                       "returned %d, which is no status", (int)status);
    } else {
        (void)snprintf(outcome->message, sizeof outcome->message, "returned '%s': %.900s", name,
                       words[0] != '\0' ? words : "no reason was given");
    }
}

/* Offsets become addresses in the view. False when one lies outside its layout. */
static bool settle(const assay_view *view, assay_tensor *tensor)
{
    const uint64_t coded = (uint64_t)(uintptr_t)tensor->data;
    if (coded == 0) {
        return true;
    }
    if (coded - 1 > view->size) {
        return false;
    }
    tensor->data = view->base + (coded - 1);
    return true;
}

static bool settle_all(const assay_view *view, const assay_operand *table, void *block)
{
    bool good = true;
    for (size_t i = 0; table[i].name != NULL; i++) {
        good = settle(view, assay_operand_of(block, &table[i])) && good;
    }
    return good;
}

static bool settle_params(assay_servant *servant)
{
    assay_wire_subject *const subject = &servant->subject;
    bool good = settle_all(&servant->weights, assay_weights(subject->op), &subject->params);
    assay_bare bare = assay_bare_of(subject->op, &subject->params);
    if (bare.name != NULL) {
        good = settle(&servant->weights, &bare.vector) && good;
        memcpy((char *)&subject->params + bare.offset, &bare.vector.data,
               sizeof bare.vector.data);
    }
    return good;
}

static bool find_table(const assay_servant *servant, const char *impl, assay_table *table)
{
    if (strcmp(impl, assay_oracle.name) == 0) {
        *table = assay_oracle;
        return true;
    }
    if (assay_simulated_find(impl) != NULL) {
        *table = *assay_simulated_find(impl);
        return true;
    }
    return assay_plugin_table(&servant->plugin, impl, table) ||
           assay_table_find(impl, table, NULL) == ASSAY_OK;
}

static void release(assay_servant *servant)
{
    servant->control->phase = ASSAY_PHASE_RELEASE;
    assay_servant_close_stage(servant);
    assay_servant_release_step(servant);
    servant->control->phase = ASSAY_PHASE_IDLE;
    servant->subject_set = false;
}

/* The end of a subject: its leavings are looked for. */
static void finish(assay_servant *servant, assay_outcome *outcome)
{
    const bool any = servant->subject_set;
    release(servant);
    assay_servant_settle_device(servant, "in release: ", outcome);
    assay_servant_trim_device(servant);
    if (any) {
        assay_modes_check(&servant->modes, servant->exec.threads, &servant->rest, outcome);
        servant->surroundings_known = assay_surroundings_check(&servant->surroundings, outcome);
    }
}

static assay_status prepare(assay_servant *servant, const assay_request *request,
                            assay_outcome *outcome, assay_error *error)
{
    servant->surroundings_known = servant->surroundings_known && !servant->subject_set;
    release(servant);
    if (servant->plugin.accelerator != NULL) {
        /* What the device's library makes of its process is none of a kernel's leavings. */
        servant->on_device.device.number = request->device;
        (void)assay_device_ready(&servant->on_device.device, servant->plugin.accelerator);
    }
    if (!servant->surroundings_known) {
        assay_surroundings_read(&servant->surroundings);
    }
    servant->surroundings_known = false;
    servant->subject = request->as.subject;
    assay_wire_subject *const subject = &servant->subject;
    subject->impl[sizeof subject->impl - 1] = '\0';
    if (!find_table(servant, subject->impl, &servant->table)) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "no implementation is named '%s'",
                          subject->impl);
    }
    assay_status status = assay_view_map(&servant->weights, servant->weights_file,
                                         &request->layout, error);
    if (status != ASSAY_OK) {
        return status;
    }
    if (!settle_params(servant)) {
        return assay_fail(error, ASSAY_INTERNAL, "a weight lies outside its slab");
    }
    servant->control->weights = (uint64_t)(uintptr_t)servant->weights.base;
    servant->exec = (assay_exec){.device = servant->device,
                                 .threads = subject->threads,
                                 .error = &servant->said};
    memset(&servant->said, 0, sizeof servant->said);
    servant->subject_set = true;
    servant->on_device.bound = false;
    servant->modes = assay_modes_read(&servant->rest);
    if (assay_op_is_stage(subject->op)) {
        status = assay_servant_open_stage(servant, outcome, error);
        assay_modes_check(&servant->modes, subject->threads, &servant->rest, outcome);
    } else if (servant->table.kernel[subject->op] == NULL) {
        status = assay_fail(error, ASSAY_BAD_ARGUMENT, "'%s' has no kernel for %s", subject->impl,
                            assay_op_name(subject->op));
    }
    return status;
}

static assay_status run(assay_servant *servant, const assay_request *request, assay_reply *reply,
                        assay_error *error)
{
    const assay_wire_subject *const subject = &servant->subject;
    if (!servant->subject_set) {
        return assay_fail(error, ASSAY_INTERNAL, "run without a subject");
    }
    assay_status status = assay_view_map(&servant->operands, servant->operands_file,
                                         &request->layout, error);
    if (status != ASSAY_OK) {
        return status;
    }
    servant->io = request->as.io;
    servant->exec.threads = request->threads > 0 ? request->threads : subject->threads;
    servant->exec.error = request->silent ? NULL : &servant->said;
    servant->fill = (assay_fill)request->fill;
    servant->others = (assay_others)request->others;
    servant->control->operands = (uint64_t)(uintptr_t)servant->operands.base;
    if (!settle_all(&servant->operands, assay_io_operands(subject->op, subject->logits),
                    &servant->io)) {
        return assay_fail(error, ASSAY_INTERNAL, "an operand lies outside its slab");
    }
    memset(&servant->said, 0, sizeof servant->said);
    const assay_modes before = assay_modes_read(&servant->rest);
    if (assay_op_is_stage(subject->op)) {
        status = assay_servant_run_stage(servant, &reply->outcome, error);
    } else {
        status = assay_servant_run_step(servant, &reply->outcome, error);
    }
    assay_modes_check(&before, servant->exec.threads, &servant->rest, &reply->outcome);
    assay_layout_digest(&request->layout, servant->operands.base, true, reply->digest);
    return status;
}

static assay_status load(assay_servant *servant, assay_request *request, assay_reply *reply,
                         assay_error *error)
{
    request->as.plugin[sizeof request->as.plugin - 1] = '\0';
    servant->surroundings_known = false;
    servant->control->phase = ASSAY_PHASE_LOAD;
    const assay_status status = assay_plugin_open(request->as.plugin, &servant->plugin, error);
    servant->control->phase = ASSAY_PHASE_IDLE;
    reply->count = servant->plugin.count;
    return status;
}

/* What malloc has given out, in all its arenas and beside them. */
static uint64_t heap_in_use(void)
{
    const struct mallinfo2 heap = mallinfo2();
    return (uint64_t)heap.uordblks + (uint64_t)heap.hblkhd;
}

void assay_servant_answer(assay_servant *servant, assay_request *request, assay_reply *reply)
{
    assay_error error = {.message = ""};
    memset(reply, 0, sizeof *reply);
    reply->magic = ASSAY_WIRE_MAGIC;
    reply->version = ASSAY_WIRE_VERSION;
    reply->sequence = request->sequence;
    switch (request->kind) {
    case ASSAY_ASK_LOAD: reply->status = load(servant, request, reply, &error); break;
    case ASSAY_ASK_PREPARE:
        reply->status = prepare(servant, request, &reply->outcome, &error);
        break;
    case ASSAY_ASK_RUN: reply->status = run(servant, request, reply, &error); break;
    case ASSAY_ASK_RELEASE: finish(servant, &reply->outcome); break;
    case ASSAY_ASK_HEAP: reply->count = heap_in_use(); break;
    default: reply->status = assay_fail(&error, ASSAY_INTERNAL, "no such request"); break;
    }
    reply->lost = servant->on_device.device.lost;
    if (reply->status != ASSAY_OK) {
        assay_clean(error.message);
        memcpy(reply->outcome.message, error.message, sizeof error.message);
    }
}
