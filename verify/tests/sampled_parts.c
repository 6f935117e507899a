/* Sampling: a part's truth is the whole's, and what is gathered is what the part names. */
#include <string.h>

#include "fixtures/io/json_file.h"
#include "fixtures/synth/cases.h"
#include "verify/tests/sampled_choose.h"

static assay_generated_case build(const char *text, cJSON **json)
{
    assay_generated_case built;
    assay_error error;
    cr_assert_eq(assay_json_parse("test", text, strlen(text), json, &error), ASSAY_OK);
    cr_assert_eq(assay_generated_case_build(*json, 1, ASSAY_F32, &built, &error), ASSAY_OK, "%s",
                 error.message);
    return built;
}

static const assay_precision contract = {.multiply = ASSAY_F32,
                                         .accumulate = {.bits = 24, .block = 1},
                                         .intermediate = ASSAY_F32,
                                         .output = ASSAY_F32};

/* The step's truth by groups against its truth in one piece: equal, element by element. */
static void expect_parts_of_whole(const assay_step *step, const assay_any_io *seen, int64_t rows,
                                  int64_t columns)
{
    assay_arena arena = {0};
    assay_error error;
    double *whole = NULL;
    double *part = NULL;
    assay_budget all, some;
    const assay_sampled once = choose(rows, columns, (assay_sample_size){0, 0, false}, 1, &arena);
    const assay_subset everything = assay_sampled_group(&once, 0);
    cr_assert_eq(assay_sampled_elements(step, seen, &contract, &everything, &arena, &whole, &all,
                                        &error), ASSAY_OK, "%s", error.message);
    const assay_sampled sampled = choose(rows, columns, (assay_sample_size){2, 9, false}, 5,
                                         &arena);
    cr_assert(sampled.groups > 1);
    for (int64_t g = 0; g < sampled.groups; g++) {
        const assay_subset subset = assay_sampled_group(&sampled, g);
        cr_assert_eq(assay_sampled_elements(step, seen, &contract, &subset, &arena, &part, &some,
                                            &error), ASSAY_OK, "%s", error.message);
        for (int64_t i = 0; i < some.rows; i++) {
            for (int64_t j = 0; j < some.columns; j++) {
                const int64_t at = subset.rows[i] * columns + subset.columns[j];
                cr_assert_eq(part[i * some.columns + j], whole[at]);
                cr_assert_eq(some.value[i * some.columns + j], all.value[at]);
                cr_assert_gt(all.value[at], 0.0);
            }
        }
    }
    assay_arena_free(&arena);
}

Test(sampled_parts, the_truth_of_a_part_is_that_of_the_whole)
{
    cJSON *json = NULL;
    assay_any_io seen;
    memset(&seen, 0, sizeof seen);
    assay_generated_case built = build("{\"id\": \"x\", \"op\": \"linear\", \"shape\": "
                                       "{\"n\": 6, \"k\": 33, \"o\": 40}}", &json);
    seen.linear = built.as.linear.io;
    const assay_step linear = {.op = ASSAY_OP_linear, .params = &built.as.linear.params,
                               .io = &built.as.linear.io};
    expect_parts_of_whole(&linear, &seen, 6, 40);
    assay_generated_case_free(&built);
    cJSON_Delete(json);

    built = build("{\"id\": \"x\", \"op\": \"attention\", \"shape\": {\"heads\": 4,"
                  " \"kv_heads\": 2, \"head_dim\": 8}, \"sequences\": [[3, 2], [0, 3]]}", &json);
    seen.attention = built.as.attention.io;
    const assay_step attention = {.op = ASSAY_OP_attention, .params = &built.as.attention.params,
                                  .io = &built.as.attention.io};
    expect_parts_of_whole(&attention, &seen, 5, 32);
    assay_generated_case_free(&built);
    cJSON_Delete(json);
}

Test(sampled_parts, pre_activations_of_a_part_are_those_of_the_whole)
{
    cJSON *json = NULL;
    assay_arena arena = {0};
    assay_error error;
    assay_generated_case built =
        build("{\"id\": \"x\", \"op\": \"sae_encode\", \"shape\": {\"n\": 7, \"d\": 16, \"m\": 60},"
              " \"activation\": \"jumprelu\", \"vectors\": true, \"plant\": [\"zero-norm\"]}",
              &json);
    const assay_sae *const sae = &built.as.sae_encode.params.sae;
    const assay_tensor *const x = &built.as.sae_encode.io.x;
    assay_sae view, whole_view;
    assay_codes_truth whole, part;
    const assay_sampled once = choose(7, 60, (assay_sample_size){0, 0, false}, 1, &arena);
    const assay_sampled sampled = choose(7, 60, (assay_sample_size){2, 12, false}, 1, &arena);
    assay_subset subset = assay_sampled_group(&once, 0);
    cr_assert_eq(assay_sampled_codes(sae, x, &contract, &subset, &arena, &whole_view, &whole,
                                     &error), ASSAY_OK, "%s", error.message);
    for (int64_t g = 0; g < sampled.groups; g++) {
        subset = assay_sampled_group(&sampled, g);
        cr_assert_eq(assay_sampled_codes(sae, x, &contract, &subset, &arena, &view, &part, &error),
                     ASSAY_OK, "%s", error.message);
        cr_assert_eq(view.d_sae, subset.column_count);
        for (int64_t i = 0; i < subset.row_count; i++) {
            for (int64_t j = 0; j < subset.column_count; j++) {
                const int64_t at = subset.rows[i] * 60 + subset.columns[j];
                cr_assert_eq(part.score[i * view.d_sae + j], whole.score[at]);
                cr_assert_eq(part.pre_budget[i * view.d_sae + j], whole.pre_budget[at]);
                cr_assert_eq(assay_at1(&view.threshold, j),
                             assay_at1(&sae->threshold, subset.columns[j]));
            }
        }
    }
    assay_generated_case_free(&built);
    cJSON_Delete(json);
    assay_arena_free(&arena);
}

Test(sampled_parts, gathered_codes_are_the_entries_of_the_subset)
{
    int64_t offsets[] = {0, 3, 3, 7};
    int32_t latent[] = {1, 5, 9, 0, 5, 6, 9};
    float value[] = {10, 11, 12, 13, 14, 15, 16};
    const assay_csr codes = {assay_vector(offsets, ASSAY_I64, 4),
                             assay_vector(latent, ASSAY_I32, 7),
                             assay_vector(value, ASSAY_F32, 7)};
    const int64_t rows[] = {1, 2};
    const int64_t columns[] = {0, 4, 5, 9};
    const assay_subset subset = {rows, 2, columns, 4};
    assay_arena arena = {0};
    assay_error error;
    assay_csr part;
    cr_assert_eq(assay_sampled_gather_codes(&codes, &subset, &arena, &part, &error), ASSAY_OK);
    static const double wanted_latent[] = {0, 2, 3};
    static const double wanted_value[] = {13, 14, 16};
    cr_assert_eq(part.latent.shape[0], 3);
    cr_assert_eq(assay_at1(&part.row_offsets, 1), 0);
    cr_assert_eq(assay_at1(&part.row_offsets, 2), 3);
    for (int64_t e = 0; e < 3; e++) {
        cr_assert_eq(assay_at1(&part.latent, e), wanted_latent[e]);
        cr_assert_eq(assay_at1(&part.value, e), wanted_value[e]);
    }
    assay_tensor dense;
    float y[3 * 10];
    for (int i = 0; i < 30; i++) {
        y[i] = (float)i;
    }
    const assay_tensor whole = assay_matrix(y, ASSAY_F32, 3, 10);
    cr_assert_eq(assay_sampled_gather(&whole, &subset, &arena, &dense, &error), ASSAY_OK);
    cr_assert_eq(assay_at2(&dense, 1, 3), 29);
    cr_assert_eq(assay_at2(&dense, 0, 1), 14);
    assay_arena_free(&arena);
}

Test(sampled_parts, what_is_listed_is_taken_row_by_row_and_thinned_when_it_is_much)
{
    int64_t offsets[] = {0, 3, 3, 7};
    int32_t latent[] = {1, 5, 9, 0, 5, 6, 9};
    float value[7] = {0};
    const assay_csr codes = {assay_vector(offsets, ASSAY_I64, 4),
                             assay_vector(latent, ASSAY_I32, 7),
                             assay_vector(value, ASSAY_F32, 7)};
    assay_arena arena = {0};
    assay_error error;
    assay_sampled listed;
    cr_assert_eq(assay_sampled_listed(&codes, 10, 100, &arena, &listed, &error), ASSAY_OK);
    cr_assert_eq(listed.groups, 2);
    cr_assert_eq(assay_sampled_count(&listed), 7);
    const assay_subset second = assay_sampled_group(&listed, 1);
    cr_assert(second.row_count == 1 && second.rows[0] == 2);
    cr_assert(second.column_count == 4 && second.columns[3] == 9);
    cr_assert_eq(assay_sampled_listed(&codes, 10, 3, &arena, &listed, &error), ASSAY_OK);
    cr_assert_leq(assay_sampled_count(&listed), 3);
    cr_assert_eq(assay_sampled_group(&listed, 0).columns[0], 1);
    offsets[1] = offsets[2] = offsets[3] = 0;
    cr_assert_eq(assay_sampled_listed(&codes, 10, 3, &arena, &listed, &error), ASSAY_OK);
    cr_assert_eq(listed.groups, 0);
    assay_arena_free(&arena);
}
