/* Sampling: what is chosen, and what it can miss. */
#include <string.h>

#include "verify/tests/sampled_choose.h"

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

Test(sampled, every_row_is_met_and_so_are_outer_columns_the_last_tiles_edge_and_corners)
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
            const int64_t low[3] = {0, rows - 1, (rows - 1) / 16 * 16};
            const int64_t right[3] = {0, columns - 1, (columns - 1) / 64 * 64};
            for (int w = 0; w < 9; w++) {
                cr_assert_eq(met[low[w / 3] * columns + right[w % 3]], 1, "corner %d", w);
            }
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
