/* Sampling: what is chosen, what it can miss, and that a part's truth is the whole's. */
#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

#include "fixtures/io/json_file.h"
#include "fixtures/synth/cases.h"
#include "verify/sampled.h"

static assay_sampled choose(int64_t rows, int64_t columns, assay_sample_size size, uint64_t seed,
                            assay_arena *arena)
{
    assay_sampled sampled;
    assay_error error;
    cr_assert_eq(assay_sampled_choose(&size, rows, columns, seed, arena, &sampled, &error),
                 ASSAY_OK, "%s", error.message);
    return sampled;
}

/* Marks every sampled element; fails when one is named twice or is out of range. */
static uint8_t *mark(const assay_sampled *sampled)
{
    uint8_t *const met = calloc((size_t)(sampled->rows * sampled->columns), 1);
    for (int64_t g = 0; g < sampled->groups; g++) {
        const assay_subset subset = assay_sampled_group(sampled, g);
        cr_assert(subset.row_count > 0 && subset.column_count > 0);
        for (int64_t i = 0; i < subset.row_count; i++) {
            cr_assert(subset.rows[i] >= 0 && subset.rows[i] < sampled->rows);
            cr_assert(i == 0 || subset.rows[i - 1] < subset.rows[i]);
            for (int64_t j = 0; j < subset.column_count; j++) {
                cr_assert(subset.columns[j] >= 0 && subset.columns[j] < sampled->columns);
                cr_assert(j == 0 || subset.columns[j - 1] < subset.columns[j]);
                uint8_t *const at = &met[subset.rows[i] * sampled->columns + subset.columns[j]];
                cr_assert_eq(*at, 0, "twice");
                *at = 1;
            }
        }
    }
    return met;
}

static const int64_t shapes[][2] = {{1, 1}, {1, 300}, {64, 512}, {65, 513}, {7, 16}, {300, 5},
                                    {16, 1000}};
static const assay_sample_size sizes[] = {{0, 0, false}, {1, 0, false}, {2, 0, false},
                                          {3, 40, false}, {0, 17, false}, {1, 1, false},
                                          {1000, 100000, false}};

Test(sampled, every_row_is_met_and_so_are_the_outer_columns_and_the_last_tiles_edge)
{
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            assay_arena arena = {0};
            const int64_t rows = shapes[s][0];
            const int64_t columns = shapes[s][1];
            const assay_sampled sampled = choose(rows, columns, sizes[k], 3, &arena);
            uint8_t *const met = mark(&sampled);
            int64_t count = 0;
            for (int64_t i = 0; i < rows; i++) {
                int64_t in_row = 0;
                for (int64_t j = 0; j < columns; j++) {
                    in_row += met[i * columns + j];
                }
                cr_assert(in_row > 0, "row %d of %dx%d", (int)i, (int)rows, (int)columns);
                count += in_row;
            }
            cr_assert_eq(count, assay_sampled_count(&sampled));
            const int64_t wanted[3] = {0, columns - 1, (columns - 1) / 16 * 16};
            for (int w = 0; w < 3; w++) {
                int64_t in_column = 0;
                for (int64_t i = 0; i < rows; i++) {
                    in_column += met[i * columns + wanted[w]];
                }
                cr_assert(in_column > 0, "column %d", (int)wanted[w]);
            }
            free(met);
            assay_arena_free(&arena);
        }
    }
}

/* Brute force over all places of a fault. */
Test(sampled, detection_probabilities_are_those_of_planted_faults)
{
    assay_arena arena = {0};
    assay_error error;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        const assay_sampled sampled = choose(65, 513, sizes[k], 9, &arena);
        uint8_t *const met = mark(&sampled);
        assay_detection seen;
        cr_assert_eq(assay_sampled_detection(&sampled, &seen, &error), ASSAY_OK);
        int64_t tiles = 0, found = 0, columns = 0;
        for (int64_t i = 0; i < 65; i += 16) {
            for (int64_t j = 0; j < 513; j += 16) {
                bool hit = false;
                for (int64_t r = i; r < i + 16 && r < 65; r++) {
                    for (int64_t c = j; c < j + 16 && c < 513; c++) {
                        hit = hit || met[r * 513 + c] != 0;
                    }
                }
                tiles++;
                found += hit;
            }
        }
        for (int64_t j = 0; j < 513; j++) {
            bool hit = false;
            for (int64_t i = 0; i < 65; i++) {
                hit = hit || met[i * 513 + j] != 0;
            }
            columns += hit;
        }
        cr_expect_float_eq(seen.tile, (double)found / (double)tiles, 1e-12);
        cr_expect_float_eq(seen.column, (double)columns / 513.0, 1e-12);
        cr_expect_eq(seen.row, 1.0);
        cr_expect_float_eq(seen.element, (double)assay_sampled_count(&sampled) / (65.0 * 513.0),
                           1e-12);
        free(met);
    }
    assay_arena_free(&arena);
}

Test(sampled, one_row_of_every_column_meets_every_wrong_row_and_column_and_whole_tile)
{
    static const int64_t rows[] = {16, 17, 64, 65, 100, 1024};
    assay_error error;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (uint64_t seed = 0; seed < 8; seed++) {
            assay_arena arena = {0};
            const assay_sampled sampled =
                choose(rows[i], 4096, (assay_sample_size){1, 0, false}, seed, &arena);
            assay_detection seen;
            cr_assert_eq(assay_sampled_detection(&sampled, &seen, &error), ASSAY_OK);
            cr_expect_eq(seen.row, 1.0);
            cr_expect_eq(seen.column, 1.0);
            /* Tiles of one row (of 17 and 65) and tiles among more than 64 rows may be missed. */
            const bool certain = rows[i] % 16 == 0 && rows[i] <= 64;
            cr_expect(!certain || seen.tile == 1.0, "%d rows: %g", (int)rows[i], seen.tile);
            cr_expect(seen.tile > 256.0 / (256.0 + (double)rows[i]), "%d rows: %g", (int)rows[i],
                      seen.tile);
            assay_arena_free(&arena);
        }
    }
}

Test(sampled, the_seed_moves_the_sample_and_nothing_else_does)
{
    assay_arena arena = {0};
    const assay_sample_size size = {2, 100, false};
    const assay_sampled a = choose(64, 5000, size, 1, &arena);
    const assay_sampled b = choose(64, 5000, size, 1, &arena);
    const assay_sampled c = choose(64, 5000, size, 2, &arena);
    const size_t columns = (size_t)a.column_start[a.groups] * sizeof *a.column;
    cr_assert_eq(memcmp(a.column, b.column, columns), 0);
    cr_assert_eq(memcmp(a.row, b.row, 64 * sizeof *a.row), 0);
    cr_assert_neq(memcmp(a.column, c.column, columns), 0);
    cr_assert_neq(memcmp(a.row, c.row, 64 * sizeof *a.row), 0);
    assay_arena_free(&arena);
}

Test(sampled, whole_rows_are_whole_and_nothing_to_sample_is_an_error)
{
    assay_arena arena = {0};
    assay_error error;
    const assay_sampled sampled = choose(50, 77, (assay_sample_size){3, 10, true}, 1, &arena);
    assay_detection seen;
    cr_assert_eq(sampled.groups, 1);
    cr_assert_eq(assay_sampled_group(&sampled, 0).column_count, 77);
    const int64_t rows = assay_sampled_group(&sampled, 0).row_count;
    cr_assert(rows >= 3 && rows < 20);
    cr_assert_eq(assay_sampled_detection(&sampled, &seen, &error), ASSAY_OK);
    cr_expect_float_eq(seen.row, (double)rows / 50.0, 1e-12);
    assay_sampled none;
    const assay_sample_size size = {1, 1, false};
    cr_assert_eq(assay_sampled_choose(&size, 0, 5, 1, &arena, &none, &error), ASSAY_BAD_ARGUMENT);
    assay_arena_free(&arena);
}

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

Test(sampled, the_truth_of_a_part_is_that_of_the_whole)
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

Test(sampled, pre_activations_of_a_part_are_those_of_the_whole)
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

Test(sampled, gathered_codes_are_the_entries_of_the_subset)
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

Test(sampled, what_is_listed_is_taken_row_by_row_and_thinned_when_it_is_much)
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
