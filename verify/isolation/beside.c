#include "verify/isolation/beside.h"

#include <sys/mman.h>

#include "verify/isolation/altered.h"

static uint64_t bytes_of(const assay_slab_layout *layout)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < layout->count; i++) {
        bytes += layout->region[i].high - layout->region[i].low;
    }
    return bytes;
}

/* The weights' regions once more, at other addresses, guarded alike. */
static bool copy_weights(const assay_view *view, assay_beside *beside)
{
    void *const base = mmap(NULL, view->layout.size, PROT_NONE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) {
        return false;
    }
    beside->base = base;
    beside->size = view->layout.size;
    for (uint32_t i = 0; i < view->layout.count; i++) {
        const assay_region *const r = &view->layout.region[i];
        if (mprotect(beside->base + r->low, r->high - r->low, PROT_READ | PROT_WRITE) != 0) {
            return false;
        }
        memcpy(beside->base + r->low, view->base + r->low, r->high - r->low);
    }
    return true;
}

/* Lets a tensor of the weights be the copy's, with other numbers. */
static void move(const assay_view *view, const assay_beside *beside, assay_tensor *tensor)
{
    if (tensor->data != NULL) {
        tensor->data = beside->base + ((uint8_t *)tensor->data - view->base);
        assay_alter(tensor, tensor->data);
    }
}

static bool lock_weights(const assay_view *view, const assay_beside *beside)
{
    bool good = true;
    for (uint32_t i = 0; i < view->layout.count; i++) {
        const assay_region *const r = &view->layout.region[i];
        good = mprotect(beside->base + r->low, r->high - r->low, PROT_READ) == 0 && good;
    }
    return good;
}

static bool make_params(assay_servant *servant, assay_beside *beside)
{
    const assay_op op = servant->subject.op;
    const assay_operand *const table = assay_weights(op);
    const assay_view *const view = &servant->weights;
    beside->params = servant->on_device.bound ? servant->on_device.given : servant->subject.params;
    if (!copy_weights(view, beside)) {
        return false;
    }
    for (size_t i = 0; table[i].name != NULL; i++) {
        move(view, beside, assay_operand_of(&beside->params, &table[i]));
    }
    assay_bare bare = assay_bare_of(op, &beside->params);
    if (bare.name != NULL) {
        move(view, beside, &bare.vector);
        memcpy((char *)&beside->params + bare.offset, &bare.vector.data, sizeof bare.vector.data);
    }
    return lock_weights(view, beside) &&
           (!assay_servant_wants_device(servant) ||
            assay_servant_bind_beside(servant, NULL) == ASSAY_OK);
}

/* More than one state is prepared in so many seconds, of so many bytes of weights. */
static const double moment = 0.002;
static const uint64_t many_bytes = 1u << 20;

static void prepare_states(assay_servant *servant, const assay_kernel *kernel, uint64_t bytes)
{
    assay_beside *const beside = &servant->beside;
    const double start = assay_now();
    do {
        if (!assay_servant_prepare(servant, kernel, &beside->params,
                                   &beside->state[beside->states])) {
            return;
        }
        beside->states++;
    } while (beside->states < ASSAY_BESIDE_MOST && bytes <= many_bytes &&
             assay_now() - start < moment);
}

void assay_beside_prepare(assay_servant *servant, const assay_kernel *kernel)
{
    assay_beside *const beside = &servant->beside;
    const uint64_t bytes = bytes_of(&servant->weights.layout);
    if (bytes > ASSAY_ALTERED_MOST || beside->base != NULL) {
        return;
    }
    servant->control->phase = ASSAY_PHASE_BESIDE;
    if (make_params(servant, beside)) {
        assay_error *const kept = servant->exec.error;
        assay_error said = {.message = ""};
        servant->exec.error = kept != NULL ? &said : NULL;
        prepare_states(servant, kernel, bytes);
        servant->exec.error = kept;
    }
    servant->control->phase = ASSAY_PHASE_IDLE;
    if (beside->states == 0) {
        assay_beside_release(servant);
    }
}

static void release_state(assay_servant *servant, const assay_kernel *kernel, void *state)
{
    if (kernel != NULL && kernel->release != NULL && state != NULL) {
        const uint32_t phase = servant->control->phase;
        servant->control->phase = ASSAY_PHASE_RELEASE;
        kernel->release(&servant->exec, state);
        servant->control->phase = phase;
    }
}

void assay_beside_release(assay_servant *servant)
{
    assay_beside *const beside = &servant->beside;
    const assay_kernel *const kernel =
        servant->subject_set ? servant->table.kernel[servant->subject.op] : NULL;
    for (int first = 1; first >= 0; first--) {
        for (int i = first; i < beside->states; i += 2) {
            release_state(servant, kernel, beside->state[i]);
        }
    }
    assay_mirror_release(&servant->on_device.device, &beside->mirror);
    if (beside->base != NULL) {
        (void)munmap(beside->base, beside->size);
    }
    *beside = (assay_beside){.base = NULL};
}
