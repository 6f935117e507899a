/* Rows taken from a step's operands are the same rows, whatever names rows by number. */
#include <criterion/criterion.h>

#include "verify/rows.h"

Test(rows, soft_tokens_follow_their_rows)
{
    assay_arena arena = {0};
    assay_error error = {.message = ""};
    float table[4] = {0, 1, 2, 3};
    int64_t id[3] = {1, 2, 3};
    float soft[2] = {10, 20};
    int64_t soft_at[2] = {2, 0};
    const assay_embed_params params = {assay_matrix(table, ASSAY_F32, 4, 1)};
    assay_any_io base = {.embed = {.id = assay_vector(id, ASSAY_I64, 3),
                                   .soft = assay_matrix(soft, ASSAY_F32, 2, 1),
                                   .soft_at = assay_vector(soft_at, ASSAY_I64, 2),
                                   .y = assay_matrix(table, ASSAY_F32, 3, 1)}};
    const assay_step step = {.op = ASSAY_OP_embed, .params = &params, .io = &base};
    const int64_t from[4] = {2, 1, 2, 0};
    assay_any_io io;
    cr_assert_eq(assay_rows_take(&step, &base, from, 4, &arena, &io, &error), ASSAY_OK);
    cr_assert_eq(io.embed.y.shape[0], 4);
    cr_assert_eq(io.embed.soft.shape[0], 3);
    const double places[3] = {0, 2, 3};
    const double values[3] = {10, 10, 20};
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(assay_at1(&io.embed.soft_at, i), places[i]);
        cr_assert_eq(assay_at2(&io.embed.soft, i, 0), values[i]);
    }
    cr_assert_eq(assay_at1(&io.embed.id, 3), 1.0);
    assay_arena_free(&arena);
}

Test(rows, codes_are_taken_whole_and_empty_rows_stay_empty)
{
    assay_arena arena = {0};
    assay_error error = {.message = ""};
    int64_t offsets[4] = {0, 2, 2, 3};
    int32_t latent[3] = {5, 9, 7};
    float value[3] = {1, 2, 3};
    float y[6] = {0};
    const assay_sae_decode_params params = {.sae = {.d_sae = 10}};
    assay_any_io base = {.sae_decode = {.codes = {assay_vector(offsets, ASSAY_I64, 4),
                                                  assay_vector(latent, ASSAY_I32, 3),
                                                  assay_vector(value, ASSAY_F32, 3)},
                                        .y = assay_matrix(y, ASSAY_F32, 3, 2)}};
    const assay_step step = {.op = ASSAY_OP_sae_decode, .params = &params, .io = &base};
    const int64_t from[3] = {2, 1, 0};
    assay_any_io io;
    cr_assert_eq(assay_rows_take(&step, &base, from, 3, &arena, &io, &error), ASSAY_OK);
    const double expected_offsets[4] = {0, 1, 1, 3};
    const double expected_latent[3] = {7, 5, 9};
    for (int i = 0; i < 4; i++) {
        cr_assert_eq(assay_at1(&io.sae_decode.codes.row_offsets, i), expected_offsets[i]);
    }
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(assay_at1(&io.sae_decode.codes.latent, i), expected_latent[i]);
    }
    assay_arena_free(&arena);
}

Test(rows, rows_of_one_sequence_are_a_block)
{
    assay_arena arena = {0};
    assay_error error = {.message = ""};
    float q[5] = {0};
    int32_t sequence[5] = {3, 3, 0, 1, 1};
    const assay_any_io io = {.attention = {.q = assay_matrix(q, ASSAY_F32, 5, 1),
                                           .sequence = assay_vector(sequence, ASSAY_I32, 5)}};
    assay_blocks blocks;
    cr_assert_eq(assay_blocks_of(ASSAY_OP_attention, &io, &arena, &blocks, &error), ASSAY_OK);
    cr_assert_eq(blocks.count, 3);
    const int64_t start[4] = {0, 2, 3, 5};
    for (int i = 0; i < 4; i++) {
        cr_assert_eq(blocks.start[i], start[i]);
    }
    assay_arena_free(&arena);
}

Test(rows, equality_is_of_bits_but_any_nan_is_any_other)
{
    float one[4] = {1.0f, 0.0f, 2.0f, 3.0f};
    float two[4] = {1.0f, 0.0f, 2.0f, 3.0f};
    const uint32_t nan_bits[2] = {0x7fc00001u, 0xffc00002u};
    memcpy(&one[1], &nan_bits[0], 4);
    memcpy(&two[1], &nan_bits[1], 4);
    assay_any_io a = {.linear = {.y = assay_matrix(one, ASSAY_F32, 2, 2)}};
    assay_any_io b = {.linear = {.y = assay_matrix(two, ASSAY_F32, 2, 2)}};
    cr_assert(assay_rows_equal(ASSAY_OP_linear, &a, 0, &b, 0));
    cr_assert(assay_rows_equal(ASSAY_OP_linear, &a, 1, &b, 1));
    cr_assert_not(assay_rows_equal(ASSAY_OP_linear, &a, 0, &b, 1));
    two[2] = 0x1.000002p1f;
    cr_assert_not(assay_rows_equal(ASSAY_OP_linear, &a, 1, &b, 1));
}
