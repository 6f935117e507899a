/* Stages in a worker, over models it opens itself, give bit for bit what the composition gives when
 * it is called directly. */
#include "isolated.h"

#include "assay/philox.h"
#include "fixtures/io/model_file.h"
#include "kernels/registry.h"
#include "ref/oracle.h"
#include "verify/explain/host.h"
#include "verify/operands.h"

#define BUNDLE ASSAY_SOURCE_DIR "/fixtures/golden/tiny-3.0-transluce"

enum { BATCH = 2, LENGTH = 4, NEW = 6, LATENTS = 5 };

static const int64_t tokens[BATCH * LENGTH] = {1, 5, 9, 3, 2, 7, 0, 0};
static const int64_t lengths[BATCH] = {4, 2};
static const int64_t positions[2 * 2] = {0, 3, 1, 1};
static const int64_t placeholder[1] = {2};

typedef struct stage_case {
    assay_arena arena;
    assay_model_file model;
    assay_table table;
    uint64_t draws;
} stage_case;

static assay_tensor view(const int64_t *values, int64_t rows, int64_t columns)
{
    return assay_matrix((void *)(uintptr_t)values, ASSAY_I64, rows, columns);
}

static assay_tensor vector(const int64_t *values, int64_t n)
{
    return assay_vector((void *)(uintptr_t)values, ASSAY_I64, n);
}

static assay_tensor blank(stage_case *c, assay_dtype dtype, int64_t a, int64_t b, int64_t d)
{
    const int64_t shape[3] = {a, b, d};
    assay_tensor t;
    cr_assert_eq(assay_buffer_make(&c->arena, dtype, d == 0 ? 2 : 3, shape, &t, NULL), ASSAY_OK);
    assay_buffer_poison(&t);
    return t;
}

static assay_tensor random_reals(stage_case *c, assay_dtype dtype, int64_t rows, int64_t columns)
{
    assay_tensor t = blank(c, dtype, rows, columns, 0);
    for (int64_t i = 0; i < rows * columns; i++) {
        assay_store(dtype, t.data, (size_t)i, assay_philox_uniform(5, 2, c->draws++) - 0.5);
    }
    return t;
}

static void open_case(stage_case *c, const char *folder, const char *impl)
{
    assay_error error = {.message = ""};
    memset(c, 0, sizeof *c);
    cr_assert_eq(assay_model_open(folder, &c->model, &error), ASSAY_OK, "%s", error.message);
    if (strcmp(impl, "oracle") == 0) {
        c->table = assay_oracle;
    } else {
        cr_assert_eq(assay_table_find(impl, &c->table, &error), ASSAY_OK);
    }
}

static void close_case(stage_case *c)
{
    assay_model_close(&c->model);
    assay_arena_free(&c->arena);
}

static void run_in(assay_session *session, const assay_subject *subject, const void *io)
{
    assay_outcome outcome;
    assay_error error = {.message = ""};
    for (int placement = 0; placement < 2; placement++) {
        cr_assert_eq(assay_session_prepare(session, subject, &outcome, &error), ASSAY_OK, "%s",
                     error.message);
        cr_assert_eq(outcome.verdict, ASSAY_PASS, "%s", outcome.message);
        cr_assert_eq(assay_session_run(session, io, (assay_placement)placement, &outcome, &error),
                     ASSAY_OK, "%s", error.message);
        cr_assert_eq(outcome.verdict, ASSAY_PASS, "%s", outcome.message);
        cr_assert_eq(assay_session_release(session, &outcome, &error), ASSAY_OK);
        cr_assert_eq(outcome.verdict, ASSAY_PASS, "%s", outcome.message);
    }
}

static void same(const assay_tensor *a, const assay_tensor *b)
{
    cr_assert_eq(memcmp(a->data, b->data,
                        (size_t)assay_count(a) * assay_dtype_size(a->dtype)), 0);
}

static assay_exec exec_with(assay_error *error)
{
    memset(error, 0, sizeof *error);
    return (assay_exec){.device = assay_host_device(), .threads = 1, .error = error};
}

static void check_capture(assay_session *session, const char *impl)
{
    stage_case c;
    assay_error error;
    const assay_exec exec = exec_with(&error);
    open_case(&c, BUNDLE "/model", impl);
    const assay_dtype type = assay_table_activation(&c.table);
    const assay_capture_params params = {.model = c.model.model,
                                         .hook = {.kind = ASSAY_HOOK_OUTPUT, .layer = 1}};
    assay_capture_io io = {.tokens = view(tokens, BATCH, LENGTH),
                           .lengths = vector(lengths, BATCH),
                           .positions = view(positions, 2, 2),
                           .residual = blank(&c, type, 2, c.model.model.d_model, 0)};
    const assay_tensor direct = io.residual;
    assay_capture_stage *stage = NULL;
    cr_assert_eq(assay_capture_stage_open(&c.table, &exec, &params, &stage), ASSAY_OK);
    cr_assert_eq(assay_capture_stage_run(stage, &io), ASSAY_OK, "%s", error.message);
    assay_capture_stage_close(&stage);
    io.residual = blank(&c, type, 2, c.model.model.d_model, 0);
    const assay_stage_files files = {.model = BUNDLE "/model"};
    const assay_subject subject = {
        .impl = impl, .op = ASSAY_OP_capture, .params = &params, .files = &files};
    run_in(session, &subject, &io);
    same(&direct, &io.residual);
    close_case(&c);
}

static void check_logits(assay_session *session, const char *impl)
{
    stage_case c;
    assay_error error;
    const assay_exec exec = exec_with(&error);
    open_case(&c, BUNDLE "/model", impl);
    const assay_dtype type = assay_table_activation(&c.table);
    const assay_capture_params params = {.model = c.model.model};
    assay_logits_io io = {.tokens = view(tokens, BATCH, LENGTH),
                          .lengths = vector(lengths, BATCH),
                          .logits = blank(&c, type, 6, c.model.model.vocab, 0)};
    const assay_tensor direct = io.logits;
    assay_logits_stage *stage = NULL;
    cr_assert_eq(assay_logits_stage_open(&c.table, &exec, &params.model, &stage), ASSAY_OK);
    cr_assert_eq(assay_logits_stage_run(stage, &io), ASSAY_OK, "%s", error.message);
    assay_logits_stage_close(&stage);
    io.logits = blank(&c, type, 6, c.model.model.vocab, 0);
    const assay_stage_files files = {.model = BUNDLE "/model"};
    const assay_subject subject = {.impl = impl,
                                   .op = ASSAY_OP_capture,
                                   .logits = true,
                                   .params = &params,
                                   .files = &files};
    run_in(session, &subject, &io);
    same(&direct, &io.logits);
    close_case(&c);
}

static assay_steering steering_of(stage_case *c)
{
    const int64_t d = c->model.model.d_model;
    const assay_sae sae = {.d_in = d, .d_out = d, .d_sae = LATENTS,
                           .encoder = random_reals(c, ASSAY_F32, LATENTS, d),
                           .decoder = random_reals(c, ASSAY_F32, d, LATENTS),
                           .activation = ASSAY_RELU};
    return (assay_steering){.on = true,
                            .hook = {.kind = ASSAY_HOOK_INPUT, .layer = 1},
                            .steer = {sae, 3, ASSAY_STEER_ADD, 2.0}};
}

static void check_generate(assay_session *session, const char *impl)
{
    static const int64_t eos[] = {100000, 100001};
    stage_case c;
    assay_error error;
    const assay_exec exec = exec_with(&error);
    open_case(&c, BUNDLE "/model", impl);
    const assay_dtype type = assay_table_activation(&c.table);
    const assay_generate_params params = {.model = c.model.model,
                                          .max_new_tokens = NEW,
                                          .eos = eos,
                                          .eos_count = 2,
                                          .sampling = {.temperature = 0.7, .top_p = 1.0, .seed = 4},
                                          .steering = steering_of(&c)};
    assay_generate_io io = {.tokens = view(tokens, BATCH, LENGTH),
                            .lengths = vector(lengths, BATCH),
                            .new_tokens = blank(&c, ASSAY_I64, BATCH, NEW, 0),
                            .logits = blank(&c, type, BATCH, NEW, c.model.model.vocab)};
    const assay_generate_io direct = io;
    assay_generate_stage *stage = NULL;
    cr_assert_eq(assay_generate_stage_open(&c.table, &exec, &params, &stage), ASSAY_OK);
    cr_assert_eq(assay_generate_stage_run(stage, &io), ASSAY_OK, "%s", error.message);
    assay_generate_stage_close(&stage);
    io.new_tokens = blank(&c, ASSAY_I64, BATCH, NEW, 0);
    io.logits = blank(&c, type, BATCH, NEW, c.model.model.vocab);
    const assay_stage_files files = {.model = BUNDLE "/model"};
    const assay_subject subject = {
        .impl = impl, .op = ASSAY_OP_generate, .params = &params, .files = &files};
    run_in(session, &subject, &io);
    same(&direct.new_tokens, &io.new_tokens);
    same(&direct.logits, &io.logits);
    close_case(&c);
}

/* With stop strings: some row must end by one, else the test would see nothing of them. */
static void check_explain(assay_session *session, const char *impl, bool stops)
{
    enum { VECTORS = 3, LONG = 40 };
    stage_case c;
    assay_error error;
    const assay_exec exec = exec_with(&error);
    open_case(&c, BUNDLE "/explainer", impl);
    const assay_dtype type = assay_table_activation(&c.table);
    const int64_t d = c.model.model.d_model;
    const assay_explain_params params = {
        .adapter = {.type = ASSAY_ADAPTER_FULL_RANK,
                    .weight = random_reals(&c, ASSAY_F32, d, d),
                    .bias = assay_vector(random_reals(&c, ASSAY_F32, 1, d).data, ASSAY_F32, d)},
        .generate = {.model = c.model.model,
                     .max_new_tokens = LONG,
                     .sampling = {.temperature = 1.0, .top_p = 1.0, .seed = 11}}};
    assay_explain_io io = {.vectors = random_reals(&c, ASSAY_F64, VECTORS, d),
                           .prompt = vector(tokens, LENGTH),
                           .placeholder = vector(placeholder, 1),
                           .soft = blank(&c, type, VECTORS, d, 0),
                           .new_tokens = blank(&c, ASSAY_I64, VECTORS, LONG, 0)};
    const assay_explain_io direct = io;
    assay_tokenizer *tokenizer = NULL;
    cr_assert_eq(assay_tokenizer_open(BUNDLE "/explainer", &tokenizer, &error), ASSAY_OK);
    assay_stop stop = {.tokenizer = tokenizer};
    stop.strings = assay_style_stops(ASSAY_STYLE_TRANSLUCE, &stop.count);
    if (stops) {
        io.stop = assay_stop_check;
        io.stop_context = &stop;
    }
    assay_explain_stage *stage = NULL;
    cr_assert_eq(assay_explain_stage_open(&c.table, &exec, &params, &stage), ASSAY_OK);
    cr_assert_eq(assay_explain_stage_run(stage, &io), ASSAY_OK, "%s", error.message);
    assay_explain_stage_close(&stage);
    io.stop = NULL;
    io.soft = blank(&c, type, VECTORS, d, 0);
    io.new_tokens = blank(&c, ASSAY_I64, VECTORS, LONG, 0);
    const assay_stage_files files = {.explainer = BUNDLE "/explainer", .stops = stops};
    const assay_subject subject = {
        .impl = impl, .op = ASSAY_OP_explain, .params = &params, .files = &files};
    run_in(session, &subject, &io);
    same(&direct.soft, &io.soft);
    same(&direct.new_tokens, &io.new_tokens);
    bool ended = false;
    for (int64_t i = 0; i < assay_count(&io.new_tokens); i++) {
        ended = ended || ((const int64_t *)io.new_tokens.data)[i] == -1;
    }
    cr_assert_eq(ended, stops, "stop strings end a row, and nothing else does");
    assay_tokenizer_close(&tokenizer);
    close_case(&c);
}

Test(stages, come_back_from_a_worker_as_they_are, .timeout = 120)
{
    static const char *const impls[] = {"scalar", "scalar_bf16", "oracle"};
    assay_session *session = open_session((assay_session_options){.threads = 1});
    for (int i = 0; i < 3; i++) {
        check_capture(session, impls[i]);
        check_logits(session, impls[i]);
        check_generate(session, impls[i]);
    }
    check_explain(session, "scalar", false);
    check_explain(session, "scalar", true);
    assay_session_close(&session);
}

Test(stages, a_missing_model_is_the_harnesss_trouble_not_the_kernels)
{
    assay_session *session = open_session((assay_session_options){.threads = 1});
    const assay_capture_params params = {.hook = {.kind = ASSAY_HOOK_EMBED}};
    const assay_stage_files files = {.model = BUNDLE "/nobody"};
    const assay_subject subject = {
        .impl = "scalar", .op = ASSAY_OP_capture, .params = &params, .files = &files};
    assay_outcome outcome;
    assay_error error = {.message = ""};
    cr_assert_neq(assay_session_prepare(session, &subject, &outcome, &error), ASSAY_OK);
    cr_assert_not_null(strstr(error.message, "nobody"), "%s", error.message);
    assay_session_close(&session);
}
