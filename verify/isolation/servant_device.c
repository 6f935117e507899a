/* A device kernel's operands: from their slabs to the device before a call, and back after it. The
 * checks of the parent then see them as they see any kernel's. */
#include <sys/mman.h>

#include "verify/isolation/servant.h"

/* What the contract keeps on the host, whatever a kernel's space (assay/accelerator.h). */
static bool stays_on_host(assay_op op, const assay_operand *weight)
{
    const bool sae = op == ASSAY_OP_sae_encode || op == ASSAY_OP_sae_decode ||
                     op == ASSAY_OP_sae_steer;
    return sae && strcmp(weight->name, "encoder") != 0 && strcmp(weight->name, "decoder") != 0;
}

bool assay_servant_wants_device(const assay_servant *servant)
{
    const assay_op op = servant->subject.op;
    const assay_kernel *const kernel =
        servant->table.kernel[assay_op_is_stage(op) && servant->table.kernel[op] == NULL
                                  ? ASSAY_OP_linear
                                  : op];
    return kernel != NULL && kernel->space != ASSAY_HOST;
}

/* A lost device ends the worker: what it said last is the verdict. */
static void say_lost(const assay_worker_device *device, const char *when, assay_outcome *outcome)
{
    outcome->verdict = ASSAY_CRASH;
    outcome->check = ASSAY_CHECK_LIFE;
    (void)snprintf(outcome->message, sizeof outcome->message, "%sthe device was lost: %.900s", when,
                   device->said.message);
}

static void say_status(assay_worker_device *device, assay_status status, const assay_error *why,
                       const char *when, assay_outcome *outcome)
{
    if (device->lost) {
        say_lost(device, when, outcome);
    } else if (status == ASSAY_NO_MEMORY) {
        outcome->verdict = ASSAY_SKIP;
        (void)snprintf(outcome->message, sizeof outcome->message, "%.900s", why->message);
    } else {
        outcome->verdict = ASSAY_FAIL;
        outcome->check = ASSAY_CHECK_STATUS;
        (void)snprintf(outcome->message, sizeof outcome->message, "%s%.900s", when, why->message);
    }
}

bool assay_servant_take_device(assay_servant *servant, assay_outcome *outcome)
{
    assay_worker_device *const device = &servant->on_device.device;
    if (assay_device_ready(device, servant->plugin.accelerator)) {
        if (!servant->on_device.bound) { /* a kernel is told once: to ask takes long */
            device->device.memory_bytes = assay_device_free(device);
        }
        servant->exec.device = device->device;
        servant->exec.stream = device->stream;
        return true;
    }
    if (device->lost) {
        say_lost(device, "", outcome);
    } else {
        outcome->verdict = ASSAY_SKIP;
        (void)snprintf(outcome->message, sizeof outcome->message, "%s", device->said.message);
    }
    return false;
}

/* The tensors of a table's operands, from host memory at base to a mirror of it. */
static void move(const assay_operand *table, void *block, assay_op op, bool weights,
                 const uint8_t *base, const assay_mirror *mirror)
{
    for (size_t i = 0; table[i].name != NULL; i++) {
        assay_tensor *const tensor = assay_operand_of(block, &table[i]);
        if (assay_present(tensor) && !(weights && stays_on_host(op, &table[i]))) {
            tensor->data = assay_mirror_of(mirror, base, tensor->data);
            tensor->space = ASSAY_CUDA;
        }
    }
}

static assay_status place(assay_servant *servant, const assay_view *view, const char *what,
                          assay_mirror *mirror, assay_error *error)
{
    assay_worker_device *const device = &servant->on_device.device;
    const assay_status status = assay_mirror_place(device, mirror, &view->layout, what, error);
    return status != ASSAY_OK ? status : assay_mirror_upload(device, mirror, view->base, error);
}

static assay_status bind_weights(assay_servant *servant, assay_error *error)
{
    assay_on_device *const on = &servant->on_device;
    const assay_op op = servant->subject.op;
    if (on->bound) {
        return ASSAY_OK;
    }
    const assay_status status = place(servant, &servant->weights, "weights need",
                                      &on->weights, error);
    if (status == ASSAY_OK) {
        on->given = servant->subject.params;
        on->bound = true;
        move(assay_weights(op), &servant->subject.params, op, true, servant->weights.base,
             &on->weights);
    }
    return status;
}

bool assay_servant_bind(assay_servant *servant, assay_outcome *outcome)
{
    assay_on_device *const on = &servant->on_device;
    const assay_op op = servant->subject.op;
    assay_error error = {.message = ""};
    assay_status status = bind_weights(servant, &error);
    if (status == ASSAY_OK) {
        status = place(servant, &servant->operands, "operands need", &on->operands, &error);
    }
    if (status != ASSAY_OK) {
        (void)assay_device_settle(&on->device, NULL);
        say_status(&on->device, status, &error, "while operands were copied: ", outcome);
        return false;
    }
    move(assay_io_operands(op, false), &servant->io, op, false, servant->operands.base,
         &on->operands);
    return true;
}

assay_status assay_servant_bind_beside(assay_servant *servant, assay_error *error)
{
    assay_beside *const beside = &servant->beside;
    const assay_op op = servant->subject.op;
    const assay_view view = {.base = beside->base, .layout = servant->weights.layout};
    const assay_status status = place(servant, &view, "weights need", &beside->mirror, error);
    if (status == ASSAY_OK) {
        move(assay_weights(op), &beside->params, op, true, beside->base, &beside->mirror);
    }
    return status;
}

assay_status assay_servant_reserve_on_device(assay_servant *servant, uint64_t bytes,
                                             assay_error *error)
{
    assay_device_scratch *const scratch = &servant->on_device.scratch;
    const bool keeps = servant->fill == ASSAY_FILL_LEFT;
    const uint8_t fill = (uint8_t)(keeps ? ASSAY_FILL_LOW : servant->fill);
    const assay_status status = assay_device_scratch_reserve(&servant->on_device.device, scratch,
                                                             bytes, fill, keeps, error);
    servant->exec.workspace = scratch->start;
    servant->exec.workspace_bytes = scratch->bytes;
    return status;
}

void assay_servant_look_around(assay_servant *servant, uint64_t *before, uint64_t *behind)
{
    assay_error ignored;
    (void)assay_device_scratch_damage(&servant->on_device.device, &servant->on_device.scratch,
                                      before, behind, &ignored);
}

/* The operand that begins where a region does; aliases share the first one's name. */
static const char *name_of(const assay_operand *table, const void *block,
                           const assay_mirror *mirror, uint32_t region)
{
    const assay_region *const r = &mirror->layout.region[region];
    const uint8_t *const start = mirror->low[region] + (r->start - r->low);
    for (size_t i = 0; table[i].name != NULL; i++) {
        if (assay_operand_in(block, &table[i])->data == start) {
            return table[i].name;
        }
    }
    return "an operand that stays on the host";
}

static void say_trespass(const assay_trespass *trespass, const char *name, bool writable,
                         assay_outcome *outcome)
{
    const unsigned long long bytes = trespass->bytes;
    char *const text = outcome->message;
    const size_t size = sizeof outcome->message;
    outcome->verdict = ASSAY_FAIL;
    outcome->check = ASSAY_CHECK_GUARD;
    if (trespass->kind != ASSAY_TRESPASS_CHANGED) {
        (void)snprintf(text, size, "wrote %llu byte%s %s '%s' on the device", bytes,
                       bytes == 1 ? "" : "s",
                       trespass->kind == ASSAY_TRESPASS_BEFORE ? "before" : "past the end of",
                       name);
    } else if (writable) {
        outcome->check = ASSAY_CHECK_LATE_WRITE;
        (void)snprintf(text, size, "output '%s' was written after its stream had been waited for; "
                                   "enqueue everything on exec->stream", name);
    } else {
        outcome->check = ASSAY_CHECK_INPUT;
        (void)snprintf(text, size, "input '%s' was changed on the device", name);
    }
}

/* True when something was found. */
static bool check(assay_servant *servant, const assay_mirror *mirror, const uint8_t *base,
                  const assay_operand *table, const void *block, assay_outcome *outcome)
{
    assay_worker_device *const device = &servant->on_device.device;
    assay_trespass trespass;
    assay_error error = {.message = ""};
    const assay_status status = assay_mirror_check(device, mirror, base, &trespass, &error);
    if (status != ASSAY_OK) {
        (void)assay_device_settle(device, &error);
        say_status(device, status, &error, "", outcome);
        return true;
    }
    if (trespass.kind == ASSAY_TRESPASS_NONE) {
        return false;
    }
    say_trespass(&trespass, name_of(table, block, mirror, trespass.region),
                 mirror->layout.region[trespass.region].writable != 0, outcome);
    return true;
}

void assay_servant_settle_device(assay_servant *servant, const char *when, assay_outcome *outcome)
{
    assay_worker_device *const device = &servant->on_device.device;
    assay_error error = {.message = ""};
    if (!device->open) {
        return;
    }
    const assay_status status = assay_device_settle(device, &error);
    if (device->lost) {
        say_lost(device, when, outcome);
    } else if (status != ASSAY_OK && outcome->verdict == ASSAY_PASS) {
        outcome->verdict = ASSAY_FAIL;
        outcome->check = ASSAY_CHECK_STATUS;
        (void)snprintf(outcome->message, sizeof outcome->message,
                       "%sleft an error on the device that it did not report: %.900s", when,
                       error.message);
    }
}

void assay_servant_collect(assay_servant *servant, assay_outcome *outcome)
{
    assay_on_device *const on = &servant->on_device;
    const assay_op op = servant->subject.op;
    assay_error error = {.message = ""};
    assay_servant_settle_device(servant, "", outcome);
    if (on->device.lost) {
        return;
    }
    assay_status status = assay_mirror_download(&on->device, &on->operands, servant->operands.base,
                                                &error);
    if (status == ASSAY_OK) {
        status = on->device.accelerator->synchronise_all(on->device.device.index, &error);
    }
    if (status != ASSAY_OK) {
        (void)assay_device_settle(&on->device, &error);
        say_status(&on->device, status, &error, "", outcome);
        return;
    }
    if (!check(servant, &on->operands, servant->operands.base, assay_io_operands(op, false),
               &servant->io, outcome)) {
        (void)check(servant, &on->weights, servant->weights.base, assay_weights(op),
                    &servant->subject.params, outcome);
    }
}

void assay_servant_say_full(const assay_servant *servant, assay_outcome *outcome)
{
    outcome->verdict = ASSAY_SKIP;
    (void)snprintf(outcome->message, sizeof outcome->message,
                   "in prepare: %.800s; %llu bytes of device memory are free",
                   servant->said.message,
                   (unsigned long long)assay_device_free(&servant->on_device.device));
}

void assay_servant_trim_device(assay_servant *servant)
{
    static const uint64_t large = 64u << 20;
    assay_on_device *const on = &servant->on_device;
    if (on->weights.size > large) {
        assay_mirror_release(&on->device, &on->weights);
    }
    if (on->operands.size > large) {
        assay_mirror_release(&on->device, &on->operands);
    }
    if (on->scratch.size > large) {
        assay_device_scratch_release(&on->device, &on->scratch);
    }
}

static void protect(const assay_view *view, bool hidden)
{
    for (uint32_t i = 0; i < view->layout.count; i++) {
        const assay_region *const r = &view->layout.region[i];
        const int access = r->writable != 0 ? PROT_READ | PROT_WRITE : PROT_READ;
        (void)mprotect(view->base + r->low, r->high - r->low, hidden ? PROT_NONE : access);
    }
}

void assay_servant_hide(assay_servant *servant, bool hidden)
{
    protect(&servant->operands, hidden);
}
