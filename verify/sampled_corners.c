/* The corners of a sampled output: rows beside an edge in the columns beside one. What is wrong in
 * the last tile of a large output is wrong there, and rows dealt to columns need not meet it. */
#include "verify/sampled.h"

enum { TILE = 16, LARGEST_TILE = 256 };

void assay_sampled_mark_edges(int64_t all, uint8_t *marked)
{
    marked[0] = 1;
    marked[all - 1] = 1;
    for (int64_t tile = TILE; tile <= LARGEST_TILE; tile *= 2) {
        const int64_t edge = (all - 1) / tile * tile; /* where the last tile starts */
        marked[edge] = 1;
        marked[edge > 0 ? edge - 1 : 0] = 1;
    }
}

/* The edges of `all` places in ascending order; returns how many. */
static int64_t list_edges(int64_t all, uint8_t *marked, int64_t edge[ASSAY_SAMPLED_EDGES])
{
    int64_t count = 0;
    memset(marked, 0, (size_t)all);
    assay_sampled_mark_edges(all, marked);
    for (int64_t i = 0; i < all; i++) {
        if (marked[i] != 0) {
            edge[count++] = i;
        }
    }
    return count;
}

static bool has(const int64_t *list, int64_t count, int64_t value)
{
    int64_t i = 0;
    while (i < count && list[i] != value) {
        i++;
    }
    return i < count;
}

/* The dealt group that a row is of. */
static assay_subset group_of(const assay_sampled *s, int64_t row)
{
    int64_t g = 0;
    while (g < s->dealt - 1 && !has(s->row + s->row_start[g],
                                    s->row_start[g + 1] - s->row_start[g], row)) {
        g++;
    }
    return assay_sampled_group(s, g);
}

/* A group of one row, and those of the columns that are not dealt to it. */
static void add_row(assay_sampled *s, int64_t row, const int64_t *columns, int64_t count)
{
    const assay_subset dealt = group_of(s, row);
    const int64_t first = s->column_start[s->groups];
    int64_t at = first;
    for (int64_t i = 0; i < count; i++) {
        if (!has(dealt.columns, dealt.column_count, columns[i])) {
            s->column[at++] = columns[i];
        }
    }
    if (at > first) {
        s->row[s->row_start[s->groups]] = row;
        s->row_start[s->groups + 1] = s->row_start[s->groups] + 1;
        s->column_start[++s->groups] = at;
    }
}

assay_status assay_sampled_add_corners(assay_sampled *sampled, assay_arena *arena,
                                       assay_error *error)
{
    int64_t rows[ASSAY_SAMPLED_EDGES];
    int64_t columns[ASSAY_SAMPLED_EDGES];
    const int64_t most = sampled->rows > sampled->columns ? sampled->rows : sampled->columns;
    uint8_t *const marked = assay_arena_take(arena, (size_t)most);
    if (marked == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for the corners of a sample");
    }
    const int64_t down = list_edges(sampled->rows, marked, rows);
    const int64_t across = list_edges(sampled->columns, marked, columns);
    for (int64_t i = 0; i < down; i++) {
        add_row(sampled, rows[i], columns, across);
    }
    return ASSAY_OK;
}
