/* Every op: what comes back from a worker is bit for bit what the kernel gives when it is called
 * directly, wherever the operands lie. */
#include "isolated.h"

#include "assay/philox.h"
#include "kernels/registry.h"
#include "verify/operands.h"

typedef struct op_case {
    assay_arena arena;
    assay_op op;
    assay_op_params params;
    assay_op_io io;
    uint64_t draws;
} op_case;

static assay_tensor filled(op_case *c, assay_dtype dtype, int32_t rank, const int64_t *shape,
                           double scale)
{
    assay_tensor t;
    cr_assert_eq(assay_buffer_make(&c->arena, dtype, rank, shape, &t, NULL), ASSAY_OK);
    for (int64_t i = 0; i < assay_count(&t); i++) {
        const double u = assay_philox_uniform(3, 1, c->draws++);
        assay_store(dtype, t.data, (size_t)i, scale * (2.0 * u - 1.0));
    }
    return t;
}

static assay_tensor reals(op_case *c, int64_t rows, int64_t columns)
{
    const int64_t shape[2] = {rows, columns};
    return filled(c, ASSAY_F32, 2, shape, 1.0);
}

static assay_tensor wide(op_case *c, int64_t n, double scale)
{
    return filled(c, ASSAY_F64, 1, &n, scale);
}

static assay_tensor ints(op_case *c, assay_dtype dtype, int64_t n, const int64_t *values)
{
    assay_tensor t;
    cr_assert_eq(assay_buffer_make(&c->arena, dtype, 1, &n, &t, NULL), ASSAY_OK);
    for (int64_t i = 0; i < n; i++) {
        assay_put1(&t, i, (double)values[i]);
    }
    return t;
}

enum { N = 3, D = 10, LATENTS = 21, CAPACITY = 100 };

/* A decoder seen through a transposed view, as published checkpoints have it. */
static assay_sae sae_of(op_case *c)
{
    assay_tensor decoder = reals(c, LATENTS, D);
    decoder.shape[0] = D;
    decoder.shape[1] = LATENTS;
    decoder.stride[0] = 1;
    decoder.stride[1] = D;
    return (assay_sae){.d_in = D,
                       .d_out = D,
                       .d_sae = LATENTS,
                       .encoder = reals(c, LATENTS, D),
                       .decoder = decoder,
                       .pre_bias = wide(c, D, 0.1),
                       .encode_bias = wide(c, LATENTS, 0.1),
                       .threshold = wide(c, LATENTS, 0.5),
                       .decode_bias = wide(c, D, 0.1),
                       .activation = ASSAY_JUMPRELU};
}

static const int64_t ids[] = {4, 0, 2};
static const int64_t offsets[] = {0, 2, 2, 3};
static const int64_t latents[] = {1, 20, 7};
static const int64_t zeros[] = {0, 0, 0};
static const int64_t places[] = {1, 2, 3};

static void make_embed(op_case *c)
{
    c->params.embed.table = reals(c, 5, D);
    c->io.embed = (assay_embed_io){.id = ints(c, ASSAY_I32, N, ids), .soft = reals(c, 1, D),
                                   .soft_at = ints(c, ASSAY_I64, 1, places), .y = reals(c, N, D)};
}

static void make_add(op_case *c)
{
    c->params.add.d = D;
    c->io.add = (assay_add_io){reals(c, N, D), reals(c, N, D), reals(c, N, D)};
}

static void make_rmsnorm(op_case *c)
{
    const int64_t d = D;
    c->params.rmsnorm = (assay_rmsnorm_params){filled(c, ASSAY_F32, 1, &d, 1.0), 1e-5};
    c->io.rmsnorm = (assay_rmsnorm_io){reals(c, N, D), reals(c, N, D)};
}

static void make_linear(op_case *c)
{
    c->params.linear.weight = reals(c, 7, D);
    c->io.linear = (assay_linear_io){reals(c, N, D), reals(c, N, 7)};
}

static void make_rope(op_case *c)
{
    c->params.rope = (assay_rope_params){4, wide(c, 2, 1.0).data};
    c->io.rope = (assay_rope_io){reals(c, N, 8), ints(c, ASSAY_I32, N, places), reals(c, N, 8)};
}

static void make_attention(op_case *c)
{
    const int64_t cache[3] = {1, 5, 4};
    c->params.attention = (assay_attention_params){2, 1, 4};
    c->io.attention = (assay_attention_io){.q = reals(c, N, 8), .k = reals(c, N, 4),
                                           .v = reals(c, N, 4),
                                           .sequence = ints(c, ASSAY_I32, N, zeros),
                                           .position = ints(c, ASSAY_I32, N, places),
                                           .k_cache = filled(c, ASSAY_F32, 3, cache, 1.0),
                                           .v_cache = filled(c, ASSAY_F32, 3, cache, 1.0),
                                           .max_position = 3, .y = reals(c, N, 8)};
}

static void make_swiglu(op_case *c)
{
    c->params.swiglu.d = D;
    c->io.swiglu = (assay_swiglu_io){reals(c, N, D), reals(c, N, D), reals(c, N, D)};
}

static void make_sae_encode(op_case *c)
{
    const int64_t capacity = CAPACITY;
    c->params.sae_encode.sae = sae_of(c);
    c->io.sae_encode = (assay_sae_encode_io){
        .x = reals(c, N, D),
        .codes = {ints(c, ASSAY_I64, N + 1, offsets), filled(c, ASSAY_I32, 1, &capacity, 0.0),
                  filled(c, ASSAY_F32, 1, &capacity, 0.0)},
        .dense = reals(c, N, LATENTS)};
}

static void make_sae_decode(op_case *c)
{
    const int64_t n = 3;
    c->params.sae_decode.sae = sae_of(c);
    c->io.sae_decode = (assay_sae_decode_io){
        .codes = {ints(c, ASSAY_I64, N + 1, offsets), ints(c, ASSAY_I32, 3, latents),
                  filled(c, ASSAY_F32, 1, &n, 1.0)},
        .y = reals(c, N, D)};
}

static void make_sae_steer(op_case *c)
{
    c->params.sae_steer = (assay_sae_steer_params){sae_of(c), 3, ASSAY_STEER_SET, 2.0};
    c->io.sae_steer = (assay_sae_steer_io){reals(c, N, D), reals(c, N, D)};
}

static void make_adapter(op_case *c)
{
    const int64_t d = D;
    c->params.adapter = (assay_adapter_params){.type = ASSAY_ADAPTER_LOW_RANK_ONLY,
                                               .normalize_input = true,
                                               .mean = filled(c, ASSAY_F32, 1, &d, 0.1),
                                               .bias = filled(c, ASSAY_F32, 1, &d, 0.1),
                                               .u = reals(c, D, 2),
                                               .v = reals(c, D, 2)};
    c->io.adapter = (assay_adapter_io){reals(c, N, D), reals(c, N, D)};
}

static void make_sample(op_case *c)
{
    c->params.sample = (assay_sample_params){.temperature = 1.0, .top_p = 1.0, .seed = 9};
    c->io.sample = (assay_sample_io){.logits = reals(c, N, D), .stream = ints(c, ASSAY_I64, N, ids),
                                     .step = 2, .token = ints(c, ASSAY_I32, N, zeros),
                                     .probability = reals(c, N, D)};
}

/* supports, prepare, workspace, run, release, without any harness. */
#define CALL_DIRECTLY(name)                                                                        \
    case ASSAY_OP_##name: {                                                                        \
        const assay_##name##_functions *const f = &kernel->run.name;                               \
        void *state = NULL;                                                                        \
        if (f->prepare != NULL) {                                                                  \
            cr_assert_eq(f->prepare(&exec, &c->params.name, &state), ASSAY_OK);                    \
        }                                                                                          \
        exec.workspace_bytes =                                                                     \
            f->workspace != NULL ? f->workspace(&c->params.name, &c->io.name) : 0;                 \
        exec.workspace = aligned_alloc(256, exec.workspace_bytes / 256 * 256 + 256);               \
        cr_assert_eq(f->run(&exec, &c->params.name, state, &c->io.name), ASSAY_OK, "%s",           \
                     error.message);                                                               \
        free(exec.workspace);                                                                      \
        if (kernel->release != NULL && state != NULL) {                                            \
            kernel->release(&exec, state);                                                         \
        }                                                                                          \
        break;                                                                                     \
    }

static void call_directly(op_case *c)
{
    assay_error error = {.message = ""};
    assay_exec exec = {.device = assay_host_device(), .threads = 1, .error = &error};
    const assay_kernel *const kernel = assay_kernel_find(c->op, "scalar");
    switch (c->op) {
        ASSAY_STEP_OPS(CALL_DIRECTLY)
    default: break;
    }
}

/* Outputs are poisoned first, so that what neither way writes is alike too. */
static void poison_outputs(op_case *c)
{
    const assay_operand *const table = assay_operands(c->op);
    for (size_t i = 0; table[i].name != NULL; i++) {
        const assay_tensor *const t = assay_operand_of(&c->io, &table[i]);
        if (table[i].output && !table[i].input && assay_present(t)) {
            assay_buffer_poison(t);
        }
    }
}

static void make_case(op_case *c, assay_op op)
{
    *c = (op_case){.op = op};
    switch (op) {
#define MAKE(name) case ASSAY_OP_##name: make_##name(c); break;
        ASSAY_STEP_OPS(MAKE)
    default: break;
    }
    poison_outputs(c);
}

static void run_in(assay_session *session, op_case *c, assay_placement placement)
{
    assay_outcome outcome;
    assay_error error = {.message = ""};
    const assay_subject subject = {
        .impl = "scalar", .op = c->op, .params = &c->params, .weights = placement};
    cr_assert_eq(assay_session_prepare(session, &subject, &outcome, &error), ASSAY_OK, "%s",
                 error.message);
    cr_assert_eq(assay_session_run(session, &c->io, placement, &outcome, &error), ASSAY_OK, "%s",
                 error.message);
    cr_assert_eq(outcome.verdict, ASSAY_PASS, "%s: %s", assay_op_name(c->op), outcome.message);
    cr_assert_gt(outcome.seconds, 0.0);
    cr_assert_eq(assay_session_release(session, &outcome, &error), ASSAY_OK);
    cr_assert_eq(outcome.verdict, ASSAY_PASS, "%s: %s", assay_op_name(c->op), outcome.message);
}

static void same_everywhere(assay_session *session, assay_placement placement)
{
    for (int op = 0; op < ASSAY_OP_COUNT; op++) {
        if (assay_op_is_stage((assay_op)op)) {
            continue;
        }
        op_case direct;
        op_case served;
        make_case(&direct, (assay_op)op);
        make_case(&served, (assay_op)op);
        call_directly(&direct);
        run_in(session, &served, placement);
        const assay_operand *const table = assay_operands((assay_op)op);
        for (size_t i = 0; table[i].name != NULL; i++) {
            const assay_tensor *const a = assay_operand_of(&direct.io, &table[i]);
            const assay_tensor *const b = assay_operand_of(&served.io, &table[i]);
            cr_assert_eq(assay_present(a), assay_present(b));
            cr_assert(!assay_present(a) ||
                          memcmp(a->data, b->data,
                                 (size_t)assay_count(a) * assay_dtype_size(a->dtype)) == 0,
                      "%s: '%s' differs", assay_op_name((assay_op)op), table[i].name);
        }
        assay_arena_free(&direct.arena);
        assay_arena_free(&served.arena);
    }
}

Test(ops, come_back_from_a_worker_as_they_are, .timeout = 60)
{
    assay_session *session = open_session((assay_session_options){.threads = 1});
    same_everywhere(session, ASSAY_PLACE_RIGHT);
    same_everywhere(session, ASSAY_PLACE_LEFT);
    assay_session_close(&session);
}

Test(ops, come_back_in_process_as_they_are)
{
    assay_session *session =
        open_session((assay_session_options){.in_process = true, .threads = 1});
    same_everywhere(session, ASSAY_PLACE_RIGHT);
    same_everywhere(session, ASSAY_PLACE_LEFT);
    assay_session_close(&session);
}

Test(ops, weights_and_operands_of_size_zero_pass)
{
    assay_session *session = open_session((assay_session_options){.threads = 1});
    assay_outcome outcome;
    assay_error error = {.message = ""};
    float memory[4] = {1, 2, 3, 4};
    const assay_add_params params = {.d = 4};
    const assay_add_io io = {assay_matrix(memory, ASSAY_F32, 0, 4),
                             assay_matrix(memory, ASSAY_F32, 0, 4),
                             assay_matrix(memory + 2, ASSAY_F32, 0, 4)};
    const assay_subject subject = {.impl = "scalar", .op = ASSAY_OP_add, .params = &params};
    cr_assert_eq(assay_session_prepare(session, &subject, &outcome, &error), ASSAY_OK);
    for (int placement = 0; placement < 2; placement++) {
        cr_assert_eq(assay_session_run(session, &io, (assay_placement)placement, &outcome, &error),
                     ASSAY_OK, "%s", error.message);
        cr_assert_eq(outcome.verdict, ASSAY_PASS, "%s", outcome.message);
    }
    cr_assert_eq(memory[2], 3.0f);
    assay_session_close(&session);
}

Test(ops, an_output_may_share_its_memory_with_an_input)
{
    assay_session *session = open_session((assay_session_options){.threads = 1});
    assay_outcome outcome;
    assay_error error = {.message = ""};
    float a[4] = {1, 2, 3, 4};
    float b[4] = {10, 20, 30, 40};
    const assay_add_params params = {.d = 4};
    const assay_add_io io = {assay_matrix(a, ASSAY_F32, 1, 4), assay_matrix(b, ASSAY_F32, 1, 4),
                             assay_matrix(a, ASSAY_F32, 1, 4)};
    const assay_subject subject = {.impl = "scalar", .op = ASSAY_OP_add, .params = &params};
    cr_assert_eq(assay_session_prepare(session, &subject, &outcome, &error), ASSAY_OK);
    cr_assert_eq(assay_session_run(session, &io, ASSAY_PLACE_RIGHT, &outcome, &error), ASSAY_OK);
    cr_assert_eq(outcome.verdict, ASSAY_PASS, "%s", outcome.message);
    cr_assert_eq(a[3], 44.0f);
    assay_session_close(&session);
}
