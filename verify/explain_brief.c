#include "verify/explain_brief.h"

#include "fixtures/synth/normal.h"
#include "kernels/exec/stage.h"
#include "verify/fresh.h"

enum { ROWS = 3, LENGTH = 2, MANY = 18, RANK = 4 };

/* A great vector, an ordinary one and its negative; or rows of one drawn prompt, in no order. */
static assay_status take_given(const assay_explain_case *given, uint64_t seed, assay_arena *arena,
                               assay_explain_io *io, assay_error *error)
{
    static const assay_vector_of vector[ROWS] = {{false, 300.0}, {true, 1.0}, {true, -1.0}};
    static const int64_t at[ROWS][2] = {{0, 8}, {0, 3}, {0, 5}};
    if (assay_present(&given->io.vectors)) {
        return assay_explain_take_vectors(&given->io, vector, ROWS, arena, io, error);
    }
    const assay_status status = assay_explain_take_rows(given, at, ROWS, seed, arena, io, error);
    io->tokens.shape[0] = 1;
    io->lengths.shape[0] = 1;
    return status;
}

/* Drawn tokens around one placeholder; another prompt for another number. */
static assay_status take_prompt(int64_t vocab, uint64_t seed, uint64_t number, assay_arena *arena,
                                assay_explain_io *io, assay_error *error)
{
    int64_t *const prompt = assay_arena_take(arena, (LENGTH + 1) * sizeof *prompt);
    if (prompt == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a prompt");
    }
    for (uint64_t t = 0; t < LENGTH; t++) {
        prompt[t] = (int64_t)assay_draw_below(seed, assay_stream("verify/brief/prompt"),
                                              number * LENGTH + t, (uint64_t)vocab);
    }
    prompt[LENGTH] = 1;
    io->prompt = assay_vector(prompt, ASSAY_I64, LENGTH);
    io->placeholder = assay_vector(prompt + LENGTH, ASSAY_I64, 1);
    return ASSAY_OK;
}

static assay_status take_normal(uint64_t seed, const char *name, int rank, int64_t rows,
                                int64_t columns, double scale, assay_arena *arena,
                                assay_tensor *tensor, assay_error *error)
{
    const int64_t shape[2] = {rows, columns};
    const assay_status status = assay_buffer_make(arena, ASSAY_F32, rank, shape, tensor, error);
    const uint64_t stream = assay_stream(name);
    for (int64_t i = 0; i < assay_count(tensor) && status == ASSAY_OK; i++) {
        ((float *)tensor->data)[i] = (float)(scale * assay_draw_normal(seed, stream, (uint64_t)i));
    }
    return status;
}

/* With all that the types which are asked for name; what another one names counts for nothing. */
static assay_status take_adapter(int64_t d, uint64_t seed, assay_arena *arena,
                                 assay_adapter_params *adapter, assay_error *error)
{
    *adapter = (assay_adapter_params){.type = ASSAY_ADAPTER_IDENTITY};
    assay_status status = take_normal(seed, "verify/brief/mean", 1, d, 1, 0.5, arena,
                                      &adapter->mean, error);
    if (status == ASSAY_OK) {
        status = take_normal(seed, "verify/brief/bias", 1, d, 1, 0.25, arena, &adapter->bias,
                             error);
    }
    if (status == ASSAY_OK) {
        status = take_normal(seed, "verify/brief/u", 2, d, RANK, 0.25, arena, &adapter->u, error);
    }
    if (status == ASSAY_OK) {
        status = take_normal(seed, "verify/brief/v", 2, d, RANK, 0.25, arena, &adapter->v, error);
    }
    if (status == ASSAY_OK) {
        status = take_normal(seed, "verify/brief/scale", 1, 1, 1, 0.0, arena, &adapter->log_scale,
                             error);
        assay_put1(&adapter->log_scale, 0, 0.7);
    }
    return status;
}

/* The first latent that is explained is added after a layer of the explainer. */
static assay_status take_steering(const assay_explain_judge *judge, assay_explain_case *read,
                                  assay_error *error)
{
    const assay_case_context *const context = judge->context;
    const assay_sae_file *sae = NULL;
    const cJSON *const features = cJSON_GetObjectItemCaseSensitive(context->c->params, "features");
    const assay_status status = assay_checkpoints_sae(context->checkpoints, context->c, &sae,
                                                      error);
    if (status == ASSAY_OK) {
        read->params.generate.steering = (assay_steering){
            .on = sae->sae.d_in == read->width && sae->sae.d_out == read->width,
            .hook = {.kind = ASSAY_HOOK_OUTPUT},
            .steer = {.sae = sae->sae,
                      .latent = (int64_t)cJSON_GetArrayItem(features, 0)->valuedouble,
                      .mode = ASSAY_STEER_ADD,
                      .amount = 30.0}};
    }
    return status;
}

/* What all have in common, with the rows and the prompt of that number. */
static assay_status begin(const assay_explain_judge *judge, uint64_t prompt,
                          assay_explain_case *read, assay_error *error)
{
    const assay_explain_case *const given = judge->read;
    assay_arena *const arena = judge->soft.arena;
    const uint64_t seed = judge->context->run->seed;
    *read = *given;
    read->rows = ROWS;
    read->steps = 1;
    read->params.generate.max_new_tokens = 1;
    read->params.generate.eos_count = 0;
    const assay_status status = take_given(given, seed, arena, &read->io, error);
    return status == ASSAY_OK ? take_prompt(given->params.generate.model.vocab, seed, prompt,
                                            arena, &read->io, error)
                              : status;
}

static assay_status finish(const assay_explain_judge *judge, assay_brief_explanation *brief,
                           assay_error *error)
{
    assay_arena *const arena = judge->soft.arena;
    const assay_status status = assay_explain_take_tokens(&brief->read, arena, error);
    return status == ASSAY_OK ? assay_explain_truth_make(judge->context, brief->how, &brief->read,
                                                         arena, &brief->truth, error)
                              : status;
}

/* Of given vectors: adapters that no bundle has, with a mean, then the case's with a steered
 * explainer, the last with another prompt. */
static assay_status make_given(const assay_explain_judge *judge, assay_brief_explanation *brief,
                               int *count, assay_error *error)
{
    static const struct {
        assay_adapter_type type;
        const char *how;
    } types[] = {{ASSAY_ADAPTER_SCALE_ONLY, "brief, scale only"},
                 {ASSAY_ADAPTER_LOW_RANK_ONLY, "brief, low rank only"}};
    assay_adapter_params adapter;
    assay_status status = take_adapter(judge->read->width, judge->context->run->seed,
                                       judge->soft.arena, &adapter, error);
    for (size_t i = 0; i < sizeof types / sizeof *types && status == ASSAY_OK; i++) {
        assay_brief_explanation *const one = &brief[(*count)++];
        one->how = types[i].how;
        one->many = i == 0;
        status = begin(judge, 0, &one->read, error);
        one->read.params.adapter = adapter;
        one->read.params.adapter.type = types[i].type;
        status = status == ASSAY_OK ? finish(judge, one, error) : status;
    }
    for (uint64_t prompt = 0; prompt < 2 && status == ASSAY_OK; prompt++) {
        assay_brief_explanation *const one = &brief[(*count)++];
        one->how = prompt == 0 ? "brief, steered" : "brief, steered, of another prompt";
        one->second = prompt > 0;
        status = begin(judge, prompt, &one->read, error);
        status = status == ASSAY_OK ? take_steering(judge, &one->read, error) : status;
        status = status == ASSAY_OK ? finish(judge, one, error) : status;
    }
    return status;
}

/* Of captured rows: at the places that no case captures at. */
static assay_status make_captured(const assay_explain_judge *judge,
                                  assay_brief_explanation *brief, int *count, assay_error *error)
{
    static const struct {
        assay_hook_kind kind;
        const char *how;
    } places[] = {{ASSAY_HOOK_ATTN_OUT, "brief, captured at attn_out"},
                  {ASSAY_HOOK_MLP_OUT, "brief, captured at mlp_out"}};
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < sizeof places / sizeof *places && status == ASSAY_OK; i++) {
        assay_brief_explanation *const one = &brief[(*count)++];
        one->how = places[i].how;
        status = begin(judge, 0, &one->read, error);
        one->read.params.capture.hook.kind = places[i].kind;
        one->read.params.capture.hook.layer = 0;
        status = status == ASSAY_OK ? finish(judge, one, error) : status;
    }
    return status;
}

assay_status assay_brief_make(const assay_explain_judge *judge,
                              assay_brief_explanation brief[ASSAY_BRIEF_MOST], int *count,
                              assay_error *error)
{
    const assay_case_context *const context = judge->context;
    const assay_model *const model = &judge->read->params.generate.model;
    *count = 0;
    memset(brief, 0, ASSAY_BRIEF_MOST * sizeof *brief);
    if (!assay_fresh_wanted(context, "features") || !assay_fresh_small(model)) {
        return ASSAY_OK;
    }
    return assay_present(&judge->read->io.vectors) ? make_given(judge, brief, count, error)
                                                   : make_captured(judge, brief, count, error);
}

/* `count` rows, the same again and again: row r is row r % ROWS of the truth. */
static assay_status repeat_rows(int64_t count, assay_arena *arena, assay_explain_io *io,
                                int64_t from[MANY], assay_error *error)
{
    const bool vectors = assay_present(&io->vectors);
    assay_tensor *const rows = vectors ? &io->vectors : &io->positions;
    const assay_tensor given = *rows;
    const int64_t shape[2] = {count, given.shape[1]};
    const assay_status status = assay_buffer_make(arena, given.dtype, 2, shape, rows, error);
    for (int64_t i = 0; i < count * shape[1] && status == ASSAY_OK; i++) {
        from[i / shape[1]] = i / shape[1] % ROWS;
        assay_put2(rows, i / shape[1], i % shape[1],
                   assay_at2(&given, i / shape[1] % ROWS, i % shape[1]));
    }
    return status;
}

static assay_status ask(const assay_brief_explanation *brief, assay_asked_generation *asked,
                        const assay_again *rows)
{
    assay_error *const error = asked->again.judged->error;
    const assay_result *const result = asked->again.judged->result;
    const bool logits = assay_stage_can_force(asked->fused);
    assay_explain_io io = brief->read.io;
    const int64_t count = brief->many ? MANY : ROWS;
    int64_t from[MANY];
    bool ran = false;
    memset(&io.forced, 0, sizeof io.forced);
    assay_status status = repeat_rows(count, rows->arena, &io, from, error);
    if (status == ASSAY_OK) {
        status = assay_explain_case_outputs(&brief->read, count,
                                            assay_table_activation(asked->table), logits,
                                            rows->arena, &io, error);
    }
    if (status == ASSAY_OK) {
        status = assay_again_run(&asked->again, &io, ASSAY_PLACE_RIGHT, &ran);
    }
    if (status == ASSAY_OK && ran) {
        status = assay_again_compare(rows, &io.soft, from);
    }
    if (status == ASSAY_OK && ran && result->verdict == ASSAY_PASS && logits) {
        status = assay_again_compare(&asked->again, &io.logits, from);
    }
    for (int64_t r = 0; r < count && status == ASSAY_OK && ran; r++) {
        const int64_t *const expected = (const int64_t *)brief->read.io.forced.data + from[r];
        assay_generate_compare_row(asked, &io.new_tokens, r, expected, from[r], 1);
    }
    return status;
}

assay_status assay_brief_judge(assay_brief_explanation *brief, const assay_judged *judged,
                               const assay_table *table, const assay_kernel *fused,
                               const assay_subject *subject)
{
    assay_explain_truth *const truth = &brief->truth;
    const assay_generate_io forced = {.forced = brief->read.io.forced};
    assay_subject own = *subject;
    assay_stage_files files = *subject->files;
    assay_budget soft;
    assay_budget logits;
    bool ran = brief->second;
    files.stops = false;
    own.files = &files;
    own.params = &brief->read.params;
    assay_status status = assay_chain_case_budget(&truth->soft, table, &soft, judged->error);
    if (status == ASSAY_OK) {
        status = assay_chain_case_budget(&truth->logits, table, &logits, judged->error);
    }
    assay_asked_generation asked = {
        .again = {judged, brief->how, truth->soft.arena, truth->logits.expected, &logits, "step"},
        .params = &brief->read.params.generate,
        .io = &forced,
        .table = table,
        .fused = fused,
        .moved = truth->logits.expected != truth->logits.given};
    assay_again rows = asked.again;
    rows.expected = truth->soft.expected;
    rows.budget = &soft;
    rows.row_name = "vector";
    if (status == ASSAY_OK && !brief->second) {
        status = assay_again_prepare(&asked.again, &own, &ran);
    }
    return status == ASSAY_OK && ran ? ask(brief, &asked, &rows) : status;
}
