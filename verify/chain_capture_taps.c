/* What the taps of a capture chain need of its layers and rows. */
#include "verify/chain_capture.h"

assay_hook assay_capture_deepest(const assay_capture_chain *chain, bool *normed, bool *logits)
{
    static const int64_t order[] = {[ASSAY_HOOK_INPUT] = 1,   [ASSAY_HOOK_ATTN_OUT] = 2,
                                    [ASSAY_HOOK_MLP_IN] = 3,  [ASSAY_HOOK_MLP_OUT] = 4,
                                    [ASSAY_HOOK_OUTPUT] = 5,  [ASSAY_HOOK_EMBED] = 0,
                                    [ASSAY_HOOK_FINAL_NORM] = 5};
    assay_hook last = {.kind = ASSAY_HOOK_EMBED};
    int64_t rank = -1;
    *normed = false;
    *logits = false;
    for (size_t k = 0; k < chain->chain.output_count; k++) {
        const assay_capture_tap *const tap = &chain->tap[k];
        assay_hook hook = tap->hook;
        if (tap->logits || hook.kind == ASSAY_HOOK_FINAL_NORM) {
            *normed = true;
            *logits = *logits || tap->logits;
            hook = (assay_hook){.kind = ASSAY_HOOK_OUTPUT, .layer = chain->model.layers - 1};
        }
        const int64_t at = hook.kind == ASSAY_HOOK_EMBED ? 0 : 8 * hook.layer + order[hook.kind];
        if (at > rank) {
            rank = at;
            last = hook;
        }
    }
    return last;
}

/* Whether a tap lies beyond the input of the layer where the layers end. */
static bool is_late(const assay_capture_tap *tap, assay_hook stop)
{
    const assay_hook_kind kind = tap->hook.kind;
    return tap->logits || kind == ASSAY_HOOK_FINAL_NORM ||
           (kind != ASSAY_HOOK_INPUT && kind != ASSAY_HOOK_EMBED && tap->hook.layer == stop.layer);
}

assay_status assay_capture_late(const assay_capture_chain *chain, assay_hook stop,
                                assay_arena *arena, const int64_t **row, int64_t *count,
                                assay_error *error)
{
    bool *const wanted = assay_arena_take(arena, (size_t)chain->rows * sizeof *wanted);
    int64_t *const late = assay_arena_take(arena, (size_t)chain->rows * sizeof *late);
    *row = NULL;
    *count = 0;
    if (wanted == NULL || late == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for row numbers");
    }
    for (size_t k = 0; k < chain->chain.output_count; k++) {
        const assay_capture_tap *const tap = &chain->tap[k];
        const bool counts = is_late(tap, stop);
        if (counts && tap->pick == NULL) {
            return ASSAY_OK;
        }
        for (int64_t p = 0; counts && p < tap->rows; p++) {
            wanted[tap->pick[p]] = true;
        }
    }
    for (int64_t n = 0; n < chain->rows; n++) {
        if (wanted[n]) {
            late[(*count)++] = n;
        }
    }
    *row = late;
    return ASSAY_OK;
}
