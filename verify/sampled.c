#include "verify/sampled.h"

#include <math.h>
#include <stdlib.h>

#include "fixtures/synth/normal.h"

enum { TILE = 16 };

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t *take_list(assay_arena *arena, int64_t count, assay_error *error)
{
    int64_t *const list = assay_arena_take(arena, (size_t)(count + 1) * sizeof *list);
    if (list == NULL) {
        (void)assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a sample of %lld places",
                         (long long)count);
    }
    return list;
}

/* marked[i] = 1 for `count` of `all` places, one from each of equal strata, and for the edges. */
static void mark_strata(int64_t all, int64_t count, uint64_t seed, uint64_t stream, uint8_t *marked)
{
    for (int64_t i = 0; i < count; i++) {
        const int64_t start = i * all / count;
        const int64_t width = (i + 1) * all / count - start;
        const uint64_t drawn = assay_draw_below(seed, stream, (uint64_t)i, (uint64_t)width);
        marked[start + (int64_t)drawn] = 1;
    }
    assay_sampled_mark_edges(all, marked);
}

/* The chosen places in ascending order; *chosen of them. */
static assay_status choose_places(int64_t all, int64_t count, uint64_t seed, const char *name,
                                  assay_arena *arena, int64_t **list, int64_t *chosen,
                                  assay_error *error)
{
    *list = take_list(arena, all, error);
    uint8_t *const marked = assay_arena_take(arena, (size_t)all);
    if (*list == NULL || marked == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a sample of %lld places",
                          (long long)all);
    }
    if (count < all) {
        mark_strata(all, count, seed, assay_stream(name), marked);
    }
    *chosen = 0;
    for (int64_t i = 0; i < all; i++) {
        if (count >= all || marked[i] != 0) {
            (*list)[(*chosen)++] = i;
        }
    }
    return ASSAY_OK;
}

static int64_t divisor(int64_t a, int64_t b)
{
    return b == 0 ? a : divisor(b, a % b);
}

static int ascending(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a;
    const int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Deals all rows to the groups. Steps of the golden ratio's part of the rows, made coprime to them:
 * any few groups in succession have rows that are spread evenly. */
static void deal_rows(assay_sampled *s, uint64_t seed)
{
    int64_t step = (int64_t)floor(0.618033988749895 * (double)s->rows);
    while (divisor(s->rows, step > 0 ? step : 1) != 1) {
        step++;
    }
    const int64_t first =
        (int64_t)assay_draw_below(seed, assay_stream("sampled/rows"), 0, (uint64_t)s->rows);
    int64_t at = 0;
    for (int64_t g = 0; g < s->groups; g++) {
        s->row_start[g] = at;
        for (int64_t t = g; t < s->rows; t += s->groups) {
            s->row[at++] = (first + t * (step > 0 ? step : 1)) % s->rows;
        }
        qsort(s->row + s->row_start[g], (size_t)(at - s->row_start[g]), sizeof *s->row, ascending);
    }
    s->row_start[s->groups] = at;
}

/* Column i of the chosen ones belongs to group i modulo the groups. */
static void deal_columns(assay_sampled *s, const int64_t *chosen, int64_t count)
{
    int64_t at = 0;
    for (int64_t g = 0; g < s->groups; g++) {
        s->column_start[g] = at;
        for (int64_t i = g; i < count; i += s->groups) {
            s->column[at++] = chosen[i];
        }
    }
    s->column_start[s->groups] = at;
}

assay_status assay_sampled_choose(const assay_sample_size *size, int64_t rows, int64_t columns,
                                  uint64_t seed, assay_arena *arena, assay_sampled *sampled,
                                  assay_error *error)
{
    memset(sampled, 0, sizeof *sampled);
    if (rows < 1 || columns < 1) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "nothing to sample in %lld x %lld elements",
                          (long long)rows, (long long)columns);
    }
    const int64_t each = size->rows > 0 ? least(size->rows, rows) : rows;
    const int64_t wide = size->columns > 0 && !size->whole_rows ? least(size->columns, columns)
                                                                 : columns;
    int64_t *chosen = NULL;
    int64_t count = 0;
    assay_status status = choose_places(columns, wide, seed, "sampled/columns", arena, &chosen,
                                        &count, error);
    if (status != ASSAY_OK) {
        return status;
    }
    sampled->rows = rows;
    sampled->columns = columns;
    sampled->groups = size->whole_rows ? 1 : least((rows + each - 1) / each, count);
    sampled->dealt = sampled->groups;
    enum { EDGES = ASSAY_SAMPLED_EDGES };
    sampled->row_start = take_list(arena, sampled->groups + EDGES + 1, error);
    sampled->column_start = take_list(arena, sampled->groups + EDGES + 1, error);
    sampled->row = take_list(arena, rows + EDGES, error);
    sampled->column = take_list(arena, count + (int64_t)EDGES * EDGES, error);
    if (sampled->row_start == NULL || sampled->column_start == NULL || sampled->row == NULL ||
        sampled->column == NULL) {
        return ASSAY_NO_MEMORY;
    }
    deal_columns(sampled, chosen, count);
    if (!size->whole_rows) {
        deal_rows(sampled, seed);
        return assay_sampled_add_corners(sampled, arena, error);
    }
    return choose_places(rows, each, seed, "sampled/rows", arena, &sampled->row,
                         &sampled->row_start[1], error);
}

assay_status assay_sampled_listed(const assay_csr *codes, int64_t columns, int64_t most,
                                  assay_arena *arena, assay_sampled *sampled, assay_error *error)
{
    const int64_t rows = codes->row_offsets.shape[0] - 1;
    const int64_t entries = (int64_t)assay_at1(&codes->row_offsets, rows);
    const int64_t stride = entries > most ? (entries + most - 1) / most : 1;
    memset(sampled, 0, sizeof *sampled);
    sampled->rows = rows;
    sampled->columns = columns;
    sampled->row = take_list(arena, rows, error);
    sampled->row_start = take_list(arena, rows + 1, error);
    sampled->column = take_list(arena, entries / stride + 1, error);
    sampled->column_start = take_list(arena, rows + 1, error);
    if (sampled->row == NULL || sampled->row_start == NULL || sampled->column == NULL ||
        sampled->column_start == NULL) {
        return ASSAY_NO_MEMORY;
    }
    int64_t at = 0;
    for (int64_t row = 0; row < rows; row++) {
        const int64_t end = (int64_t)assay_at1(&codes->row_offsets, row + 1);
        const int64_t begin = (int64_t)assay_at1(&codes->row_offsets, row);
        const int64_t before = at;
        for (int64_t e = (begin + stride - 1) / stride * stride; e < end; e += stride) {
            sampled->column[at++] = (int64_t)assay_at1(&codes->latent, e);
        }
        if (at > before) {
            sampled->row[sampled->groups++] = row;
            sampled->row_start[sampled->groups] = sampled->groups;
            sampled->column_start[sampled->groups] = at;
        }
    }
    return ASSAY_OK;
}

assay_subset assay_sampled_group(const assay_sampled *s, int64_t group)
{
    const assay_subset subset = {
        .rows = s->row + s->row_start[group],
        .row_count = s->row_start[group + 1] - s->row_start[group],
        .columns = s->column + s->column_start[group],
        .column_count = s->column_start[group + 1] - s->column_start[group],
    };
    return subset;
}

int64_t assay_sampled_count(const assay_sampled *sampled)
{
    int64_t count = 0;
    for (int64_t g = 0; g < sampled->groups; g++) {
        const assay_subset subset = assay_sampled_group(sampled, g);
        count += subset.row_count * subset.column_count;
    }
    return count;
}

/* met[t] = 1 for every tile that a group's rows and columns have in common. */
static void mark_tiles(const assay_sampled *sampled, int64_t across, uint8_t *met)
{
    for (int64_t g = 0; g < sampled->groups; g++) {
        const assay_subset subset = assay_sampled_group(sampled, g);
        int64_t last = -1;
        for (int64_t i = 0; i < subset.row_count; i++) {
            const int64_t down = subset.rows[i] / TILE;
            for (int64_t j = 0; down != last && j < subset.column_count; j++) {
                met[down * across + subset.columns[j] / TILE] = 1;
            }
            last = down;
        }
    }
}

assay_status assay_sampled_detection(const assay_sampled *sampled, assay_detection *detection,
                                     assay_error *error)
{
    const int64_t across = (sampled->columns + TILE - 1) / TILE;
    const int64_t tiles = (sampled->rows + TILE - 1) / TILE * across;
    uint8_t *const met = calloc((size_t)tiles, 1);
    if (met == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for %lld tiles", (long long)tiles);
    }
    mark_tiles(sampled, across, met);
    int64_t found = 0;
    for (int64_t t = 0; t < tiles; t++) {
        found += met[t];
    }
    free(met);
    /* rows and columns are each in one dealt group only */
    const double rows = (double)sampled->row_start[sampled->dealt];
    const double columns = (double)sampled->column_start[sampled->dealt];
    detection->element = (double)assay_sampled_count(sampled) /
                         ((double)sampled->rows * (double)sampled->columns);
    detection->row = rows / (double)sampled->rows;
    detection->column = columns / (double)sampled->columns;
    detection->tile = (double)found / (double)tiles;
    return ASSAY_OK;
}

assay_status assay_sampled_text(const assay_sampled *sampled, char *text, size_t size,
                                assay_error *error)
{
    assay_detection seen;
    const assay_status status = assay_sampled_detection(sampled, &seen, error);
    if (status == ASSAY_OK) {
        (void)snprintf(text, size,
                       "%lld of %lld elements sampled (%.3g%%): a fault is met with probability "
                       "%.3g when it is one element, %.3g one row, %.3g one column, %.3g one "
                       "16x16 tile",
                       (long long)assay_sampled_count(sampled),
                       (long long)(sampled->rows * sampled->columns), 100.0 * seen.element,
                       seen.element, seen.row, seen.column, seen.tile);
    }
    return status;
}
