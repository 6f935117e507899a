#include "verify/fresh.h"

#include "fixtures/synth/normal.h"

static int64_t weights_of(const assay_model *model)
{
    const int64_t heads = 2 * (model->heads + model->kv_heads) * model->head_dim;
    return model->layers * model->d_model * (heads + 3 * model->d_ff) +
           model->vocab * model->d_model;
}

static bool alike(const cJSON *a, const cJSON *b)
{
    const bool texts = cJSON_IsString(a) && cJSON_IsString(b);
    return texts ? strcmp(a->valuestring, b->valuestring) == 0 : (a == NULL) == (b == NULL);
}

bool assay_fresh_small(const assay_model *model)
{
    return weights_of(model) <= ASSAY_FRESH_WEIGHTS;
}

assay_status assay_fresh_model(const assay_case_context *context, assay_drawn_kind kind,
                               assay_drawn_model *drawn, assay_error *error)
{
    char name[256];
    (void)snprintf(name, sizeof name, "%.120s/%.120s", context->bundle->name, context->c->id);
    return assay_drawn_model_make(kind, context->run->seed, name, drawn, error);
}

bool assay_fresh_wanted(const assay_case_context *context, const char *key)
{
    const assay_bundle *const bundle = context->bundle;
    const cJSON *const own = cJSON_GetObjectItemCaseSensitive(context->c->params, key);
    const assay_bundle_case *c = NULL;
    for (size_t i = 0; i < bundle->case_count && c == NULL; i++) {
        const assay_bundle_case *const one = &bundle->cases[i];
        const bool same = strcmp(one->op, context->c->op) == 0 &&
                          strcmp(one->precision, "f64") == 0 &&
                          alike(cJSON_GetObjectItemCaseSensitive(one->params, key), own);
        c = same ? one : NULL;
    }
    return !context->run->quick && c == context->c;
}

assay_status assay_fresh_key(const assay_case_context *context, const char *how,
                             assay_arena *arena, const char **key, assay_error *error)
{
    enum { SIZE = 320 };
    char *const made = assay_arena_take(arena, SIZE);
    *key = made;
    if (made == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a chain");
    }
    (void)snprintf(made, SIZE, "%.200s: %s: %llu", context->c->id, how,
                   (unsigned long long)context->run->seed);
    return ASSAY_OK;
}

assay_status assay_fresh_case(const assay_case_context *context, const assay_chain *chain,
                              size_t output, assay_arena *arena, assay_chain_case *chain_case,
                              assay_error *error)
{
    *chain_case = (assay_chain_case){
        .chain = chain, .output = output, .arena = arena, .scales = context->scales};
    return assay_scales_truth(context->scales, chain, output, NULL, &chain_case->given, error);
}

assay_status assay_fresh_prompts(int64_t vocab, int64_t first, uint64_t seed, assay_arena *arena,
                                 assay_tensor *tokens, assay_tensor *lengths, assay_error *error)
{
    /* a to k: drawn tokens, the same where the letter is; 0, < and F: token 0, last and first. */
    static const char *const prompts[ASSAY_FRESH_PROMPTS] = {
        "abcdefghi", "abcdefghi", "abcdefkjihg", "abcdefkj", "<", "0ab0c0", "FFaFbF", "ccccccc",
        "<d<ef<"};
    const int64_t shape[2] = {ASSAY_FRESH_PROMPTS, ASSAY_FRESH_LENGTH + 1};
    const uint64_t stream = assay_stream("verify/fresh/prompts");
    assay_status status = assay_buffer_make(arena, ASSAY_I64, 2, shape, tokens, error);
    if (status == ASSAY_OK) {
        status = assay_buffer_make(arena, ASSAY_I64, 1, shape, lengths, error);
    }
    for (int64_t b = 0; b < ASSAY_FRESH_PROMPTS && status == ASSAY_OK; b++) {
        const int64_t length = (int64_t)strlen(prompts[b]);
        ((int64_t *)lengths->data)[b] = length;
        for (int64_t t = 0; t < shape[1]; t++) {
            const char letter = t < length ? prompts[b][t] : '-';
            ((int64_t *)tokens->data)[b * shape[1] + t] =
                letter == '-'   ? -1
                : letter == '0' ? 0
                : letter == '<' ? vocab - 1
                : letter == 'F' ? first
                                : (int64_t)assay_draw_below(seed, stream, (uint64_t)letter,
                                                            (uint64_t)vocab);
        }
    }
    return status;
}
