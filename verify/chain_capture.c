#include "verify/chain_capture.h"

#include "kernels/exec/check.h"
#include "kernels/exec/prefill.h"
#include "verify/chain_inputs.h"
#include "verify/chain_key.h"

typedef struct capture_pass {
    const assay_capture_chain *chain;
    assay_chain_pass *pass;
    assay_hook stop;
    const int64_t *late; /* assay_capture_late */
    int64_t late_count;
} capture_pass;

static void show(const capture_pass *now, const assay_capture_tap *tap, const assay_tensor *rows)
{
    const size_t output = (size_t)(tap - now->chain->tap);
    assay_chain_tap(now->pass, output, rows, tap->pick, tap->rows, 0);
}

static void visit(void *context, assay_hook hook, const assay_tensor *rows)
{
    const capture_pass *const now = context;
    assay_perturbation *const perturbation = now->pass->perturbation;
    if (hook.kind == ASSAY_HOOK_INPUT && hook.layer == now->stop.layer && perturbation != NULL) {
        perturbation->wanted = now->late;
        perturbation->wanted_count = now->late_count;
    }
    for (size_t k = 0; k < now->chain->chain.output_count; k++) {
        const assay_capture_tap *const tap = &now->chain->tap[k];
        if (!tap->logits && tap->hook.kind == hook.kind &&
            (tap->hook.layer == hook.layer || hook.kind == ASSAY_HOOK_EMBED)) {
            show(now, tap, rows);
        }
    }
}

/* rows, the last layer's output, through the head: normed in place. */
static assay_status run_head(capture_pass *now, assay_forward *forward, bool logits,
                             const assay_tensor *rows)
{
    assay_head head = {.norm = {.kernel = NULL}};
    assay_arena arena = {0};
    assay_tensor y = {0};
    const assay_rmsnorm_io norm = {.x = *rows, .y = *rows};
    const int64_t shape[2] = {rows->shape[0], now->chain->model.vocab};
    assay_status status = assay_head_open(&head, forward, logits);
    if (status == ASSAY_OK) {
        status = assay_call_rmsnorm(&forward->runner, &head.norm, &norm);
    }
    if (status == ASSAY_OK) {
        visit(now, (assay_hook){.kind = ASSAY_HOOK_FINAL_NORM}, rows);
    }
    if (status == ASSAY_OK && logits) {
        status = assay_buffer_make(&arena, ASSAY_F64, 2, shape, &y, now->pass->exec.error);
        if (status == ASSAY_OK) {
            const assay_linear_io linear = {.x = *rows, .y = y};
            status = assay_call_linear(&forward->runner, &head.lm_head, &linear);
        }
        for (size_t k = 0; status == ASSAY_OK && k < now->chain->chain.output_count; k++) {
            if (now->chain->tap[k].logits) {
                show(now, &now->chain->tap[k], &y);
            }
        }
    }
    assay_head_close(&head, forward);
    assay_arena_free(&arena);
    return status;
}

static assay_status run_chain(const void *context, assay_chain_pass *pass)
{
    const assay_capture_chain *const chain = context;
    assay_error *const error = pass->exec.error;
    assay_arena arena = {0};
    assay_forward forward = {.row_capacity = 0};
    assay_prompts prompts = {.rows = 0};
    assay_tensor rows;
    bool normed = false;
    bool logits = false;
    const assay_hook stop = assay_capture_deepest(chain, &normed, &logits);
    capture_pass now = {.chain = chain, .pass = pass, .stop = stop};
    if (pass->perturbation != NULL) {
        pass->perturbation->given[0] = chain->model.embed.data;
    }
    assay_status status =
        assay_capture_late(chain, stop, &arena, &now.late, &now.late_count, error);
    if (status == ASSAY_OK) {
        status = assay_repeat(&arena, &chain->tokens, pass->replicas, &prompts.tokens, error);
    }
    if (status == ASSAY_OK) {
        status = assay_repeat(&arena, &chain->lengths, pass->replicas, &prompts.lengths, error);
    }
    if (status == ASSAY_OK) {
        status = assay_prompts_check(&prompts, &chain->model, error);
    }
    if (status == ASSAY_OK) {
        status = assay_forward_open(&forward, pass->table, &pass->exec, &chain->model, stop, NULL,
                                    false);
    }
    if (status == ASSAY_OK) {
        forward.visit = visit;
        forward.visit_context = &now;
        status = assay_forward_reserve(&forward, prompts.rows, prompts.lengths.shape[0],
                                       prompts.longest);
    }
    if (status == ASSAY_OK) {
        status = assay_prefill(&forward, &prompts, &rows);
    }
    if (status == ASSAY_OK && normed) {
        status = run_head(&now, &forward, logits, &rows);
    }
    assay_forward_close(&forward);
    assay_arena_free(&arena);
    return status;
}

static const char *name_of(const cJSON *object, const char *key)
{
    const cJSON *const item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(item) ? item->valuestring : "";
}

/* Whether both cases run the same model on the same prompts. */
static bool same_prompts(const assay_bundle_case *a, const assay_bundle_case *b)
{
    return strcmp(name_of(a->params, "model"), name_of(b->params, "model")) == 0 &&
           strcmp(name_of(a->in, "tokens"), name_of(b->in, "tokens")) == 0 &&
           strcmp(name_of(a->in, "lengths"), name_of(b->in, "lengths")) == 0;
}

/* What makes an output: the same for cases that only expect it in another precision. */
static char *output_key(assay_arena *arena, const assay_bundle_case *c, bool logits)
{
    static const char *const params[] = {"hook"};
    static const char *const inputs[] = {"positions"};
    const assay_key_part part[] = {{c->params, params, 1}, {c->in, inputs, 1}};
    return assay_chain_key(arena, logits ? "logits" : "residual", part, logits ? 0 : 2);
}

/* The rows that positions name; all when absent. */
static assay_status pick_rows(const assay_capture_chain *chain, const assay_tensor *positions,
                              assay_arena *arena, assay_capture_tap *tap, assay_error *error)
{
    const assay_prompts prompts = {.lengths = chain->lengths};
    tap->rows = chain->rows;
    if (!assay_present(positions)) {
        return ASSAY_OK;
    }
    const assay_status status = assay_check_pairs("positions", positions, &chain->lengths, error);
    if (status != ASSAY_OK) {
        return status;
    }
    tap->rows = positions->shape[0];
    tap->pick = assay_arena_take(arena, (size_t)tap->rows * sizeof *tap->pick);
    return tap->pick == NULL ? assay_fail(error, ASSAY_NO_MEMORY, "out of memory for row numbers")
                             : assay_prompts_rows(&prompts, positions, tap->pick, error);
}

/* A tap for case c unless there is one already. What is wrong with another case is left for when
 * that one is judged. */
static assay_status add_tap(const assay_case_context *context, const assay_bundle_case *c,
                            assay_arena *arena, assay_capture_chain *chain,
                            assay_chain_output *outputs, assay_error *error)
{
    assay_capture_tap tap = {.logits = strcmp(c->op, "logits") == 0};
    assay_tensor positions = {0};
    const char *const key = output_key(arena, c, tap.logits);
    const bool own = c == context->c;
    if (key == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a chain");
    }
    for (size_t k = 0; k < chain->chain.output_count; k++) {
        if (strcmp(outputs[k].key, key) == 0) {
            chain->own = own ? k : chain->own;
            return ASSAY_OK;
        }
    }
    assay_status status = ASSAY_OK;
    if (!tap.logits) {
        status = assay_hook_parse(name_of(c->params, "hook"), &chain->model, &tap.hook, error);
        if (status == ASSAY_OK) {
            status = assay_bundle_tensor(context->bundle, c->in, c->id, "positions", false,
                                         &positions, error);
        }
    }
    if (status == ASSAY_OK) {
        status = pick_rows(chain, &positions, arena, &tap, error);
    }
    if (status == ASSAY_OK) {
        const size_t k = chain->chain.output_count++;
        chain->tap[k] = tap;
        outputs[k] = (assay_chain_output){
            key, tap.rows, tap.logits ? chain->model.vocab : chain->model.d_model};
        chain->own = own ? k : chain->own;
    }
    return own ? status : ASSAY_OK;
}

static char *name_chain(assay_arena *arena, const assay_bundle_case *c)
{
    static const char *const params[] = {"model"};
    static const char *const inputs[] = {"tokens", "lengths"};
    const assay_key_part part[] = {{c->params, params, 1}, {c->in, inputs, 2}};
    return assay_chain_key(arena, "capture", part, 2);
}

static bool is_peer(const assay_case_context *context, size_t i)
{
    const assay_bundle_case *const c = &context->bundle->cases[i];
    return (strcmp(c->op, "capture") == 0 || strcmp(c->op, "logits") == 0) &&
           same_prompts(c, context->c) && (context->selected == NULL || context->selected[i]);
}

/* A chain without outputs yet, with room for so many. */
static assay_status open_chain(const assay_model *model, const assay_tensor *tokens,
                               const assay_tensor *lengths, const char *key, uint64_t seed,
                               size_t most, assay_arena *arena, assay_capture_chain *chain,
                               assay_chain_output **outputs, assay_error *error)
{
    assay_prompts prompts = {.tokens = *tokens, .lengths = *lengths};
    const assay_status checked = assay_prompts_check(&prompts, model, error);
    if (checked != ASSAY_OK) {
        return checked;
    }
    *outputs = assay_arena_take(arena, most * sizeof **outputs);
    *chain = (assay_capture_chain){
        .chain = {.run = run_chain, .context = chain, .key = key, .output = *outputs, .seed = seed},
        .model = *model,
        .tokens = *tokens,
        .lengths = *lengths,
        .rows = prompts.rows,
        .tap = assay_arena_take(arena, most * sizeof *chain->tap)};
    return key != NULL && *outputs != NULL && chain->tap != NULL
               ? ASSAY_OK
               : assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a chain");
}

assay_status assay_capture_chain_make(const assay_case_context *context,
                                      const assay_model *model, const assay_tensor *tokens,
                                      const assay_tensor *lengths, assay_arena *arena,
                                      assay_capture_chain *chain, assay_error *error)
{
    const size_t most = context->bundle->case_count;
    assay_chain_output *outputs = NULL;
    assay_status status =
        open_chain(model, tokens, lengths, name_chain(arena, context->c), context->run->seed,
                   most + 1, arena, chain, &outputs, error);
    if (status == ASSAY_OK) {
        status = add_tap(context, context->c, arena, chain, outputs, error);
    }
    for (size_t i = 0; i < most && status == ASSAY_OK; i++) {
        if (is_peer(context, i)) {
            status = add_tap(context, &context->bundle->cases[i], arena, chain, outputs, error);
        }
    }
    if (status != ASSAY_OK) {
        return status;
    }
    bool logits = false;
    for (size_t k = 0; k < chain->chain.output_count; k++) {
        logits = logits || chain->tap[k].logits;
    }
    chain->chain.bytes = assay_activation_bytes(model, chain->rows, 0, logits ? chain->rows : 0);
    return ASSAY_OK;
}

assay_status assay_capture_chain_set(const assay_capture_params *params,
                                     const assay_tensor *tokens, const assay_tensor *lengths,
                                     const char *key, uint64_t seed, assay_arena *arena,
                                     assay_capture_chain *chain, assay_error *error)
{
    const assay_model *const model = &params->model;
    assay_chain_output *output = NULL;
    const assay_status status =
        open_chain(model, tokens, lengths, key, seed, 1, arena, chain, &output, error);
    if (status == ASSAY_OK) {
        chain->tap[0] = (assay_capture_tap){.hook = params->hook, .rows = chain->rows};
        output[0] = (assay_chain_output){"residual", chain->rows, model->d_model};
        chain->chain.output_count = 1;
        chain->chain.bytes = assay_activation_bytes(model, chain->rows, 0, 0);
    }
    return status;
}
