/* Where the operands of a step lie: on the host, and for a device's kernels there once more. */
#include "bench/step_parts.h"

/* Room for codes at first, as a multiple of what a first call listed. */
static const double codes_spare = 1.5;

assay_status assay_step_place_weights(assay_bench_subject *s)
{
    s->given = s->params;
    if (s->gpu == NULL) {
        return ASSAY_OK;
    }
    s->given = &s->on_gpu.params;
    return assay_gpu_weights_place(s->gpu, &s->exec, s->kernel, s->params, &s->on_gpu);
}

assay_status assay_step_place_workspace(assay_bench_subject *s, size_t bytes, assay_error *error)
{
    s->workspace_bytes = bytes;
    s->exec.workspace_bytes = bytes;
    if (s->gpu != NULL) {
        const assay_status status = assay_gpu_weights_room(s->gpu, &s->exec, bytes, &s->on_gpu);
        s->exec.workspace = s->on_gpu.workspace;
        return status;
    }
    assay_block_drop(&s->workspace, s->workspace_room);
    s->workspace_room = bytes;
    s->workspace = bytes > 0 ? assay_block_take(bytes) : NULL;
    s->exec.workspace = s->workspace;
    return bytes > 0 && s->workspace == NULL
               ? assay_fail(error, ASSAY_NO_MEMORY, "no memory for a workspace of %zu bytes", bytes)
               : ASSAY_OK;
}

assay_status assay_step_place_outputs(const assay_bench_subject *s, assay_step_set *set,
                                      assay_error *error)
{
    return assay_step_outputs_place(s->kernel->op, s->codes_room, &set->io, &set->outputs, error);
}

assay_status assay_step_upload(const assay_bench_subject *s, assay_step_set *set)
{
    return s->gpu == NULL ? ASSAY_OK
                          : assay_gpu_operands_place(s->gpu, &s->exec, s->kernel, &set->io,
                                                     &set->on_gpu);
}

assay_status assay_step_fetch(assay_bench_subject *s, size_t set)
{
    return s->gpu == NULL ? ASSAY_OK
                          : assay_gpu_operands_fetch(s->kernel, &s->set[set].io,
                                                     &s->set[set].on_gpu);
}

assay_status assay_step_give(assay_bench_subject *s, size_t set)
{
    return s->gpu == NULL ? ASSAY_OK
                          : assay_gpu_operands_write_outputs(s->kernel->op, &s->set[set].io,
                                                             &s->set[set].on_gpu);
}

bool assay_step_fits(assay_bench_subject *s, size_t index)
{
    if (s->kernel->op != ASSAY_OP_sae_encode) {
        return true;
    }
    assay_step_set *const set = &s->set[index];
    if (assay_step_fetch(s, index) != ASSAY_OK) {
        return true; /* the device's error shows wherever it is waited for */
    }
    const assay_tensor *const offsets = &set->io.sae_encode.codes.row_offsets;
    const int64_t listed = (int64_t)assay_at1(offsets, offsets->shape[0] - 1);
    if (listed <= s->codes_room) {
        return true;
    }
    s->codes_room = (int64_t)(codes_spare * (double)listed) + 64;
    for (size_t i = 0; i < s->set_count; i++) {
        assay_error ignored;
        if (assay_step_place_outputs(s, &s->set[i], &ignored) != ASSAY_OK) {
            return true; /* it stays too small; the caller sees the same again */
        }
        assay_step_outputs_poison(s->kernel->op, &s->set[i].io);
        if (assay_step_upload(s, &s->set[i]) != ASSAY_OK) {
            return true;
        }
    }
    return false;
}
