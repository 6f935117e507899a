/* Judging a part of a large output: which elements, their truth and budgets, and what that part can
 * miss.
 *
 * The truth of 64 rows against 65,536 latents of 4,096 numbers costs the oracle 17 G multiply-adds;
 * of one row for every latent, 1/64 of that. So columns are dealt to groups in turn, and each group
 * is judged in a few rows of its own: all groups together have every row, neighbouring columns are
 * judged in rows far apart, and a wrong row, column or tile of 16 x 16 is met by some of its
 * elements with certainty (with all columns taken). Only a single wrong element is seen with the
 * sampled fraction alone; what is not a number is looked for everywhere. */
#ifndef VERIFY_SAMPLED_H
#define VERIFY_SAMPLED_H

#include "verify/step.h"

/* rows: how many rows of each sampled column; columns: how many columns; 0: all. Where few columns
 * are asked for, each is judged in as many rows as it takes for every row to be judged. */
typedef struct assay_sample_size {
    int64_t rows, columns;
    bool whole_rows; /* topk ranks whole rows: `rows` of them, and all their columns */
} assay_sample_size;

typedef struct assay_sampled {
    int64_t rows, columns; /* of the whole output */
    int64_t groups; /* dealt ones, then rows beside the edges with the columns there */
    int64_t dealt;
    int64_t *row, *column;              /* the groups' lists one after another, each ascending */
    int64_t *row_start, *column_start;  /* [groups + 1] */
} assay_sampled;

/* Which elements of a [rows, columns] output: a function of the sizes and the seed. The first and
 * the last column and the columns beside the last edge of tiles of 16 to 256 are always among them,
 * the others are one from each of equal strata; and so are the corners that these columns make with
 * the rows that lie so. Lists are the arena's. */
assay_status assay_sampled_choose(const assay_sample_size *size, int64_t rows, int64_t columns,
                                  uint64_t seed, assay_arena *arena, assay_sampled *sampled,
                                  assay_error *error);
/* Marks the first and the last of `all` places and those beside the last edge of each tile. */
enum { ASSAY_SAMPLED_EDGES = 12 }; /* of them, at most */
void assay_sampled_mark_edges(int64_t all, uint8_t *marked);
/* Adds the corners to what was dealt: lists have room for as many edges. */
assay_status assay_sampled_add_corners(assay_sampled *sampled, assay_arena *arena,
                                       assay_error *error);
assay_subset assay_sampled_group(const assay_sampled *sampled, int64_t group);
int64_t assay_sampled_count(const assay_sampled *sampled);

/* What a kernel lists, of codes whose structure holds: a group for each row, its columns the listed
 * latents; every so many of them when there are more than `most`. Few latents are active, so what
 * is listed can be judged where all pre-activations cannot. No groups when nothing is listed. */
assay_status assay_sampled_listed(const assay_csr *codes, int64_t columns, int64_t most,
                                  assay_arena *arena, assay_sampled *sampled, assay_error *error);

/* The probability that a fault at a place chosen evenly meets the sample: one element, all of one
 * row, all of one column, one aligned tile of 16 x 16 elements. */
typedef struct assay_detection {
    double element, row, column, tile;
} assay_detection;
assay_status assay_sampled_detection(const assay_sampled *sampled, assay_detection *detection,
                                     assay_error *error);
/* One line of it, for the report. */
assay_status assay_sampled_text(const assay_sampled *sampled, char *text, size_t size,
                                assay_error *error);

/* Truth and budget (bound + lambda sigma of the contract) of a subset of an elementwise op's output
 * [row_count, column_count], for the inputs in seen; caches as the step gives them. */
assay_status assay_sampled_elements(const assay_step *step, const assay_any_io *seen,
                                    const assay_precision *contract, const assay_subset *subset,
                                    assay_arena *arena, double **truth, assay_budget *budget,
                                    assay_error *error);
/* The same of sae_encode's pre-activations; truth->sae is a view of the subset's latents, made in
 * *part. For topk the subset must have all columns. */
assay_status assay_sampled_codes(const assay_sae *sae, const assay_tensor *x,
                                 const assay_precision *contract, const assay_subset *subset,
                                 assay_arena *arena, assay_sae *part, assay_codes_truth *truth,
                                 assay_error *error);

/* The kernel's output in the subset, bit for bit. */
assay_status assay_sampled_gather(const assay_tensor *y, const assay_subset *subset,
                                  assay_arena *arena, assay_tensor *part, assay_error *error);
/* Codes whose structure holds: the entries of the subset, latents counted within it. */
assay_status assay_sampled_gather_codes(const assay_csr *codes, const assay_subset *subset,
                                        assay_arena *arena, assay_csr *part, assay_error *error);

#endif
