/* The smallest single-element fault that the verifier catches. */
#ifndef VERIFY_SELFTEST_SENSITIVITY_H
#define VERIFY_SELFTEST_SENSITIVITY_H

#include "verify/selftest/probe.h"

typedef enum assay_limit_state { ASSAY_LIMIT_NONE, ASSAY_LIMIT_MET, ASSAY_LIMIT_MISSED }
    assay_limit_state;

typedef struct assay_sensed {
    const char *contract;
    assay_op op;
    assay_dtype output; /* the narrowest type that the result passes, that ulps are of */
    char shape[64];
    double rms, ulp;         /* the smallest fault caught with probability 0.95 */
    assay_limit_state limit; /* METHOD's bound on looseness, at true shapes */
    char limit_text[112];
} assay_sensed;

/* True shapes, by op, each at a sample of what they give: sensed->shape says which.
 *   products  linear and sae_encode at 65,536 x 4,096 on zero-mean data
 *   sae       sae_decode and sae_steer, 4,096 wide with 65,536 latents, 91 of them active
 *   wide      the other ops at an 8B model's sizes */
assay_status assay_sense_products(const assay_kernel *kernel, uint64_t seed, assay_sensed *sensed,
                                  assay_error *error);
assay_status assay_sense_sae(const assay_kernel *kernel, uint64_t seed, assay_sensed *sensed,
                             assay_error *error);
assay_status assay_sense_wide(const assay_kernel *kernel, size_t nth, uint64_t seed,
                              assay_sensed *sensed, assay_error *error);
size_t assay_sense_wide_count(assay_op op); /* nth is below it */

/* What a kernel gave for a step, in every row and at most this many columns of each. */
enum { ASSAY_SENSE_COLUMNS = 256 };
assay_status assay_sense_columns(assay_measure *measure, const assay_kernel *kernel,
                                 const char *shape, uint64_t seed, assay_sensed *sensed,
                                 assay_error *error);
/* One place from each of `count` equal parts of 0 .. all-1, the first and the last among them;
 * ascending. The draws of the stream are number `first` and on. */
void assay_sense_strata(int64_t all, int64_t count, uint64_t seed, const char *stream,
                        uint64_t first, int64_t *list);
/* Room for the codes of rows, capacity in all. */
assay_status assay_sense_codes_make(assay_arena *arena, int64_t rows, int64_t capacity,
                                    assay_dtype value, assay_csr *codes, assay_error *error);

/* Fills both sizes, and whether the probe's limit is met where it has one. */
assay_status assay_sense(const assay_probe *probe, uint64_t seed, assay_sensed *sensed,
                         assay_error *error);

void assay_sensitivity_print(const assay_sensed *sensed, size_t count, FILE *out);
assay_status assay_sensitivity_write(const assay_sensed *sensed, size_t count, uint64_t seed,
                                     const char *command, const char *path, assay_error *error);
/* The table as Markdown; "-" is standard output. */
assay_status assay_sensitivity_write_markdown(const assay_sensed *sensed, size_t count,
                                              const char *command, const char *path,
                                              assay_error *error);

#endif
