/* A small case of every step op, in the caller's memory. */
#ifndef VERIFY_TESTS_OP_CASES_H
#define VERIFY_TESTS_OP_CASES_H

#include <criterion/criterion.h>

#include "assay/philox.h"
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

#endif
