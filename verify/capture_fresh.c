#include "verify/capture_fresh.h"

#include "kernels/exec/stage.h"
#include "verify/fresh.h"

static const char how[] = "of fresh prompts";

assay_status assay_fresh_capture_make(const assay_case_context *context, const assay_model *model,
                                      const assay_tensor *tokens, assay_arena *arena,
                                      assay_fresh_capture *fresh, assay_error *error)
{
    *fresh = (assay_fresh_capture){.wanted = assay_fresh_wanted(context, "model", model)};
    if (!fresh->wanted) {
        return ASSAY_OK;
    }
    fresh->params.model = *model;
    fresh->params.hook = (assay_hook){.kind = ASSAY_HOOK_OUTPUT, .layer = model->layers - 1};
    const char *key = NULL;
    assay_status status = assay_fresh_prompts(model->vocab, (int64_t)assay_at2(tokens, 0, 0),
                                              context->run->seed, arena, &fresh->tokens,
                                              &fresh->lengths, error);
    if (status == ASSAY_OK) {
        status = assay_fresh_key(context, how, arena, &key, error);
    }
    if (status == ASSAY_OK) {
        status = assay_capture_chain_set(&fresh->params, &fresh->tokens, &fresh->lengths, key,
                                         context->run->seed, arena, &fresh->chain, error);
    }
    return status == ASSAY_OK ? assay_fresh_case(context, &fresh->chain.chain, 0, arena,
                                                 &fresh->chain_case, error)
                              : status;
}

assay_status assay_fresh_capture_judge(assay_fresh_capture *fresh, const assay_judged *judged,
                                       const assay_subject *subject, const assay_table *table)
{
    const int64_t shape[2] = {fresh->chain.rows, fresh->params.model.d_model};
    assay_arena *const arena = fresh->chain_case.arena;
    assay_subject own = *subject;
    assay_budget budget;
    assay_again again = {judged, how, arena, NULL, &budget, "row"};
    assay_capture_io io = {.tokens = fresh->tokens, .lengths = fresh->lengths};
    bool ran = false;
    own.params = &fresh->params;
    assay_status status = assay_chain_case_budget(&fresh->chain_case, table, &budget,
                                                  judged->error);
    again.expected = fresh->chain_case.expected;
    if (status == ASSAY_OK) {
        status = assay_buffer_make(arena, assay_table_activation(table), 2, shape, &io.residual,
                                   judged->error);
    }
    if (status == ASSAY_OK) {
        status = assay_again_prepare(&again, &own, &ran);
    }
    if (status == ASSAY_OK && ran) {
        status = assay_again_run(&again, &io, ASSAY_PLACE_LEFT, &ran);
    }
    return status == ASSAY_OK && ran ? assay_again_compare(&again, &io.residual, NULL) : status;
}
