#include "verify/generate_case.h"

enum { NEW_TOKENS_MAX = 1 << 20 };

static assay_status read_eos(const assay_case_context *context, assay_generate_case *read,
                             assay_error *error)
{
    const assay_status status = assay_case_eos(context, "model", read->eos, ASSAY_GENERATE_EOS_MAX,
                                               &read->params.eos_count, error);
    read->params.eos = read->eos;
    return status;
}

static assay_status read_steering(const assay_case_context *context, assay_generate_case *read,
                                  assay_error *error)
{
    assay_steering *const steering = &read->params.steering;
    const char *hook = NULL;
    const char *positions = "all";
    assay_status status = assay_case_steer(context, &steering->steer, error);
    if (status == ASSAY_OK) {
        status = assay_case_text(context, "hook", &hook, error);
    }
    if (status == ASSAY_OK) {
        status = assay_hook_parse(hook, &read->params.model, &steering->hook, error);
    }
    if (status == ASSAY_OK) {
        status = assay_case_option(context, "positions", &positions, error);
    }
    if (status == ASSAY_OK && strcmp(positions, "all") != 0 && strcmp(positions, "prompt") != 0) {
        status = assay_case_fail(context, error, "positions '%s': expected all or prompt",
                                 positions);
    }
    steering->positions =
        strcmp(positions, "prompt") == 0 ? ASSAY_STEER_PROMPT : ASSAY_STEER_ALL;
    steering->on = true;
    return status;
}

static assay_status read_tensors(const assay_case_context *context, assay_generate_case *read,
                                 assay_tensor *logits, assay_error *error)
{
    assay_generate_io *const io = &read->io;
    const struct {
        const char *role;
        assay_tensor *tensor;
    } in[] = {{"tokens", &io->tokens}, {"lengths", &io->lengths}, {"soft", &io->soft},
              {"soft_at", &io->soft_at}};
    assay_status status = ASSAY_OK;
    for (int i = 0; i < 4 && status == ASSAY_OK; i++) {
        const bool required = i < 2 || (i == 3 && assay_present(&io->soft));
        status = assay_case_in(context, in[i].role, required, in[i].tensor, error);
    }
    if (status == ASSAY_OK) {
        status = assay_case_out(context, "new_tokens", true, &io->forced, error);
    }
    return status == ASSAY_OK ? assay_case_out(context, "logits", false, logits, error) : status;
}

assay_status assay_generate_case_read(const assay_case_context *context, bool steered,
                                      assay_generate_case *read, assay_tensor *logits,
                                      assay_error *error)
{
    const assay_model_file *model = NULL;
    assay_status status =
        assay_checkpoints_model(context->checkpoints, context->c, "model", &model, error);
    if (status == ASSAY_OK) {
        read->params.model = model->model;
        status = assay_case_int(context, "max_new_tokens", 1, NEW_TOKENS_MAX,
                                &read->params.max_new_tokens, error);
    }
    if (status == ASSAY_OK) {
        status = read_eos(context, read, error);
    }
    if (status == ASSAY_OK) {
        status = assay_case_greedy(context, error);
    }
    if (status == ASSAY_OK && steered) {
        status = read_steering(context, read, error);
    }
    if (status == ASSAY_OK) {
        status = read_tensors(context, read, logits, error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    read->params.sampling.top_p = 1.0;
    read->batch = read->io.tokens.rank == 2 ? read->io.tokens.shape[0] : 0;
    read->steps = read->params.max_new_tokens;
    read->vocab = read->params.model.vocab;
    const assay_tensor *const forced = &read->io.forced;
    if (forced->rank != 2 || forced->dtype != ASSAY_I64 || forced->shape[0] != read->batch ||
        forced->shape[1] != read->steps) {
        return assay_case_fail(context, error, "new_tokens: expected int64 [%lld, %lld]",
                               (long long)read->batch, (long long)read->steps);
    }
    status = assay_case_generation(&read->params, &read->io, error);
    if (status == ASSAY_OK) {
        status = assay_case_ended(context, forced, error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    if (assay_present(logits) &&
        (logits->rank != 3 || logits->shape[0] != read->batch ||
         logits->shape[1] != read->steps || logits->shape[2] != read->vocab)) {
        return assay_case_fail(context, error, "logits: expected [%lld, %lld, %lld]",
                               (long long)read->batch, (long long)read->steps,
                               (long long)read->vocab);
    }
    return ASSAY_OK;
}
