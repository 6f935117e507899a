/* Steps work row by row; these make a step's inputs of other rows of the same operands: permuted,
 * some of them, repeated. Rows that belong together (attention: those of one sequence) are a block
 * and stay so. */
#ifndef VERIFY_ROWS_H
#define VERIFY_ROWS_H

#include "verify/step.h"

/* Blocks of rows: block b is rows start[b] .. start[b + 1] - 1. */
typedef struct assay_blocks {
    int64_t count, rows;
    int64_t *start; /* [count + 1] */
} assay_blocks;

assay_status assay_blocks_of(assay_op op, const assay_any_io *io, assay_arena *arena,
                             assay_blocks *blocks, assay_error *error);

/* The rows of one block, chosen by a number: how many there are. There is one at least. */
int64_t assay_rows_drawn(const assay_blocks *blocks, uint64_t bits, int64_t *rows);

/* Every row in its order: rows[n] = n. */
void assay_rows_all(const assay_blocks *blocks, int64_t *rows);

/* Inputs of rows from[0 .. count - 1] of base (operands as placed); outputs of their shapes,
 * without content; caches whole, as they were. */
assay_status assay_rows_take(const assay_step *step, const assay_any_io *base, const int64_t *from,
                             int64_t count, assay_arena *arena, assay_any_io *io,
                             assay_error *error);

/* The same inputs once more, outputs of their own. */
assay_status assay_rows_again(const assay_step *step, const assay_any_io *base,
                              assay_arena *arena, assay_any_io *io, assay_error *error);

/* Whether row a of one run's outputs and row b of another's are the same bit for bit (any NaN is
 * the same as any other). */
bool assay_rows_equal(assay_op op, const assay_any_io *one, int64_t a, const assay_any_io *other,
                      int64_t b);

#endif
