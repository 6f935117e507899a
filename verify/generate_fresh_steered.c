/* Fresh generations that are steered. */
#include "verify/generate_fresh_parts.h"

enum { FEW = 3, MANY = 18, TOPK = 32 };

typedef enum steered_way { PLAIN, LONGER, SAMPLED, SET_BY_TOPK, SCALED_BY_TOPK } steered_way;

/* A TopK SAE of the same weights sets the latent; or scales it, where half of all latents are
 * active, this one among them at many places. */
static void take_topk(bool scaled, assay_sae_steer_params *steer)
{
    const int64_t half = steer->sae.d_sae / 2 + 1;
    steer->sae.activation = ASSAY_TOPK;
    steer->sae.k = scaled || half < TOPK ? half : TOPK;
    memset(&steer->sae.threshold, 0, sizeof steer->sae.threshold);
    steer->mode = scaled ? ASSAY_STEER_SCALE : ASSAY_STEER_SET;
    steer->amount = steer->amount == 0.0 ? 8.0 : steer->amount;
}

static assay_status make(const assay_case_context *context, const assay_generate_io *io,
                         steered_way way, const assay_sample_params *sampling, assay_arena *arena,
                         assay_fresh_generation *fresh, assay_error *error)
{
    assay_steering *const steering = &fresh->params.steering;
    fresh->params.max_new_tokens = way == LONGER ? MANY : FEW;
    steering->hook.layer = steering->hook.kind == ASSAY_HOOK_EMBED ? 0 : steering->hook.layer;
    steering->steer.mode = ASSAY_STEER_ADD;
    if (way == PLAIN) {
        steering->steer.amount *= -0.5;
    } else if (way == LONGER) {
        steering->positions = ASSAY_STEER_ALL;
    } else if (way == SAMPLED) {
        fresh->params.sampling = *sampling;
    } else {
        steering->positions = ASSAY_STEER_ALL;
        take_topk(way == SCALED_BY_TOPK, &steering->steer);
    }
    fresh->io = (assay_generate_io){.tokens = io->tokens, .lengths = io->lengths};
    fresh->io.tokens.shape[0] = 1;
    fresh->io.lengths.shape[0] = 1;
    const assay_status status = assay_fresh_take_tokens(fresh, arena, error);
    return status == ASSAY_OK ? assay_fresh_finish(context, arena, fresh, error) : status;
}

assay_status assay_fresh_make_steered(const assay_case_context *context,
                                      const assay_generate_params *params,
                                      const assay_generate_io *io,
                                      const assay_sample_params *sampling, assay_arena *arena,
                                      assay_fresh_generation fresh[ASSAY_FRESH_MOST], int *count,
                                      assay_error *error)
{
    static const struct {
        assay_hook_kind kind;
        steered_way way;
        const char *how;
    } places[] = {{ASSAY_HOOK_EMBED, SAMPLED, "steered at embed, sampling"},
                  {ASSAY_HOOK_INPUT, SCALED_BY_TOPK, "steered at input, scaled by a TopK SAE"},
                  {ASSAY_HOOK_ATTN_OUT, LONGER, "steered at attn_out, of many new tokens"},
                  {ASSAY_HOOK_MLP_OUT, SET_BY_TOPK, "steered at mlp_out by a TopK SAE"},
                  {ASSAY_HOOK_OUTPUT, PLAIN, "steered at output by another amount"}};
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < sizeof places / sizeof *places && status == ASSAY_OK; i++) {
        if (places[i].kind != params->steering.hook.kind) {
            assay_fresh_generation *const one = &fresh[(*count)++];
            one->how = places[i].how;
            one->params.steering.hook.kind = places[i].kind;
            status = make(context, io, places[i].way, sampling, arena, one, error);
        }
    }
    return status;
}
