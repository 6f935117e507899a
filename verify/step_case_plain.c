/* Steps of the model itself. Weights given as tensors of the case are exact in f32 by GOLDEN's rule
 * that inputs are exact in the case's storage type. */
#include "verify/step_case.h"

/* The op's own shape check wants every operand to be there, so y is placed for it and taken away.
 */
#define CHECKED(op, params)                                                                        \
    if (status == ASSAY_OK) {                                                                      \
        status = assay_buffer_make(b->arena, ASSAY_F64, 2, io->y.shape, &io->y, error);            \
    }                                                                                              \
    if (status == ASSAY_OK) {                                                                      \
        assay_error detail;                                                                        \
        status = assay_ref_##op##_check(params, io, &detail) == ASSAY_OK                           \
                     ? ASSAY_OK                                                                    \
                     : assay_case_fail(context, error, "%.400s", detail.message);                  \
        io->y.data = NULL;                                                                         \
    }                                                                                              \
    return status

static assay_status build_rmsnorm(const assay_case_context *context, assay_step_case *b,
                                  assay_error *error)
{
    assay_rmsnorm_io *const io = &b->io.rmsnorm;
    assay_rmsnorm_params *const params = &b->params.rmsnorm;
    assay_status status = assay_step_case_take(context, b, "x", true, ASSAY_NONE, 2, &io->x, error);
    if (status == ASSAY_OK) {
        status =
            assay_step_case_take(context, b, "weight", true, ASSAY_F32, 1, &params->weight, error);
    }
    if (status == ASSAY_OK) {
        status = assay_case_real(context, "eps", &params->eps, error);
    }
    if (status == ASSAY_OK) {
        io->y = assay_matrix(NULL, ASSAY_F32, io->x.shape[0], io->x.shape[1]);
    }
    CHECKED(rmsnorm, params);
}

static assay_status build_linear(const assay_case_context *context, assay_step_case *b,
                                 assay_error *error)
{
    assay_linear_io *const io = &b->io.linear;
    assay_linear_params *const params = &b->params.linear;
    assay_status status = assay_step_case_take(context, b, "x", true, ASSAY_NONE, 2, &io->x, error);
    if (status == ASSAY_OK) {
        status =
            assay_step_case_take(context, b, "weight", true, ASSAY_F32, 2, &params->weight, error);
    }
    if (status == ASSAY_OK) {
        status =
            assay_step_case_take(context, b, "bias", false, ASSAY_F32, 1, &params->bias, error);
    }
    if (status == ASSAY_OK) {
        io->y = assay_matrix(NULL, ASSAY_F32, io->x.shape[0], params->weight.shape[0]);
    }
    CHECKED(linear, params);
}

/* swiglu and add: two operands of one shape. */
static assay_status build_pair(const assay_case_context *context, assay_step_case *b,
                               const char *first, const char *second, assay_tensor *one,
                               assay_tensor *two, assay_tensor *y, assay_error *error)
{
    assay_status status = assay_step_case_take(context, b, first, true, ASSAY_NONE, 2, one, error);
    if (status == ASSAY_OK) {
        status = assay_step_case_take(context, b, second, true, ASSAY_NONE, 2, two, error);
    }
    if (status == ASSAY_OK) {
        *y = assay_matrix(NULL, ASSAY_F32, one->shape[0], one->shape[1]);
    }
    return status;
}

static assay_status build_swiglu(const assay_case_context *context, assay_step_case *b,
                                 assay_error *error)
{
    assay_swiglu_io *const io = &b->io.swiglu;
    assay_status status = build_pair(context, b, "gate", "up", &io->gate, &io->up, &io->y, error);
    b->params.swiglu.d = io->gate.shape[1];
    CHECKED(swiglu, &b->params.swiglu);
}

static assay_status build_add(const assay_case_context *context, assay_step_case *b,
                              assay_error *error)
{
    assay_add_io *const io = &b->io.add;
    assay_status status = build_pair(context, b, "a", "b", &io->a, &io->b, &io->y, error);
    b->params.add.d = io->a.shape[1];
    CHECKED(add, &b->params.add);
}

static assay_status build_embed(const assay_case_context *context, assay_step_case *b,
                                assay_error *error)
{
    assay_embed_io *const io = &b->io.embed;
    assay_status status = assay_step_case_take(context, b, "table", true, ASSAY_F32, 2,
                                               &b->params.embed.table, error);
    if (status == ASSAY_OK) {
        status = assay_step_case_take(context, b, "id", true, ASSAY_I64, 1, &io->id, error);
    }
    if (status == ASSAY_OK) {
        status = assay_step_case_take(context, b, "soft", false, ASSAY_NONE, 2, &io->soft, error);
    }
    if (status == ASSAY_OK) {
        status = assay_step_case_take(context, b, "soft_at", assay_present(&io->soft), ASSAY_I64, 1,
                                      &io->soft_at, error);
    }
    if (status == ASSAY_OK) {
        io->y = assay_matrix(NULL, ASSAY_F32, io->id.shape[0], b->params.embed.table.shape[1]);
    }
    CHECKED(embed, &b->params.embed);
}

static assay_status build_rope(const assay_case_context *context, assay_step_case *b,
                               assay_error *error)
{
    assay_rope_io *const io = &b->io.rope;
    assay_tensor frequency;
    assay_status status = assay_step_case_take(context, b, "x", true, ASSAY_NONE, 2, &io->x, error);
    if (status == ASSAY_OK) {
        status =
            assay_step_case_take(context, b, "position", true, ASSAY_I32, 1, &io->position, error);
    }
    if (status == ASSAY_OK) {
        status = assay_step_case_take(context, b, "inverse_frequency", true, ASSAY_F64, 1,
                                      &frequency, error);
    }
    if (status == ASSAY_OK) {
        status = assay_case_int(context, "head_dim", 2, 65536, &b->params.rope.head_dim, error);
    }
    if (status == ASSAY_OK && frequency.shape[0] != b->params.rope.head_dim / 2) {
        status =
            assay_case_fail(context, error, "inverse_frequency has %lld values, head_dim is %lld",
                            (long long)frequency.shape[0], (long long)b->params.rope.head_dim);
    }
    if (status == ASSAY_OK) {
        b->params.rope.inverse_frequency = frequency.data;
        io->y = assay_matrix(NULL, ASSAY_F32, io->x.shape[0], io->x.shape[1]);
    }
    CHECKED(rope, &b->params.rope);
}

/* Without caches in the case, the call is a whole prefill: empty caches of the size it needs, NaN
 * throughout, so that a row read before it was written shows. */
static assay_status empty_cache(const assay_case_context *context, assay_step_case *b,
                                const assay_tensor *rows, const assay_attention_io *io,
                                assay_tensor *cache, assay_error *error)
{
    int64_t sequences = 0;
    for (int64_t n = 0; n < io->sequence.shape[0]; n++) {
        const int64_t s = (int64_t)assay_at1(&io->sequence, n);
        sequences = s >= sequences ? s + 1 : sequences;
    }
    const int64_t count = io->q.shape[0];
    if (io->max_position >= count || sequences > count) {
        return assay_case_fail(context, error,
                               "position %lld of sequence %lld in a call of %lld rows: give "
                               "k_cache and v_cache, or number both from 0",
                               (long long)io->max_position, (long long)sequences - 1,
                               (long long)count);
    }
    const int64_t shape[3] = {sequences, io->max_position + 1, rows->shape[1]};
    const assay_status status = assay_buffer_make(b->arena, ASSAY_F64, 3, shape, cache, error);
    if (status == ASSAY_OK) {
        assay_buffer_poison(cache);
    }
    return status;
}

static assay_status take_caches(const assay_case_context *context, assay_step_case *b,
                                assay_error *error)
{
    assay_attention_io *const io = &b->io.attention;
    static const char *const names[2] = {"k_cache", "v_cache"};
    assay_tensor *const caches[2] = {&io->k_cache, &io->v_cache};
    const assay_tensor *const rows[2] = {&io->k, &io->v};
    for (int i = 0; i < 2; i++) {
        assay_status status =
            assay_step_case_take(context, b, names[i], false, ASSAY_NONE, 3, caches[i], error);
        if (status == ASSAY_OK && !assay_present(caches[i])) {
            status = empty_cache(context, b, rows[i], io, caches[i], error);
        }
        if (status != ASSAY_OK) {
            return status;
        }
    }
    return ASSAY_OK;
}

static assay_status build_attention(const assay_case_context *context, assay_step_case *b,
                                    assay_error *error)
{
    assay_attention_io *const io = &b->io.attention;
    assay_attention_params *const params = &b->params.attention;
    static const char *const sizes[3] = {"heads", "kv_heads", "head_dim"};
    int64_t *const values[3] = {&params->heads, &params->kv_heads, &params->head_dim};
    static const char *const rows[3] = {"q", "k", "v"};
    assay_tensor *const operands[3] = {&io->q, &io->k, &io->v};
    static const char *const indices[2] = {"sequence", "position"};
    assay_tensor *const places[2] = {&io->sequence, &io->position};
    assay_status status = ASSAY_OK;
    for (int i = 0; i < 3 && status == ASSAY_OK; i++) {
        status = assay_case_int(context, sizes[i], 1, 65536, values[i], error);
        if (status == ASSAY_OK) {
            status =
                assay_step_case_take(context, b, rows[i], true, ASSAY_NONE, 2, operands[i], error);
        }
    }
    for (int i = 0; i < 2 && status == ASSAY_OK; i++) {
        status = assay_step_case_take(context, b, indices[i], true, ASSAY_I32, 1, places[i], error);
    }
    if (status == ASSAY_OK && io->position.shape[0] != io->sequence.shape[0]) {
        return assay_case_fail(context, error, "sequence has %lld values, position %lld",
                               (long long)io->sequence.shape[0], (long long)io->position.shape[0]);
    }
    for (int64_t n = 0; status == ASSAY_OK && n < io->position.shape[0]; n++) {
        const int64_t p = (int64_t)assay_at1(&io->position, n);
        if (p < 0 || p > INT32_MAX / 2 || assay_at1(&io->sequence, n) < 0.0) {
            status = assay_case_fail(context, error, "row %lld: position %lld of sequence %g",
                                     (long long)n, (long long)p, assay_at1(&io->sequence, n));
        }
        io->max_position = p > io->max_position ? p : io->max_position;
    }
    if (status == ASSAY_OK) {
        status = take_caches(context, b, error);
    }
    if (status == ASSAY_OK) {
        io->y = assay_matrix(NULL, ASSAY_F32, io->q.shape[0], io->q.shape[1]);
    }
    CHECKED(attention, params);
}

assay_status assay_step_case_plain(const assay_case_context *context, assay_op op,
                                   assay_step_case *b, assay_error *error)
{
    assay_status status = ASSAY_OK;
    switch (op) {
    case ASSAY_OP_embed: status = build_embed(context, b, error); break;
    case ASSAY_OP_rope: status = build_rope(context, b, error); break;
    case ASSAY_OP_attention: status = build_attention(context, b, error); break;
    case ASSAY_OP_rmsnorm: status = build_rmsnorm(context, b, error); break;
    case ASSAY_OP_linear: status = build_linear(context, b, error); break;
    case ASSAY_OP_swiglu: status = build_swiglu(context, b, error); break;
    case ASSAY_OP_add: status = build_add(context, b, error); break;
    default:
        return assay_case_fail(context, error, "op '%s' has no golden form", assay_op_name(op));
    }
    if (status == ASSAY_OK) {
        status = assay_step_case_check(context, op, b, error);
    }
    return status == ASSAY_OK ? assay_case_out(context, "y", true, &b->expected, error) : status;
}
