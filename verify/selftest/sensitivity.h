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

/* linear and sae_encode at 65,536 x 4,096 on zero-mean data, at a sample of rows and columns. */
assay_status assay_sense_true(const char *contract, const assay_kernel *kernel, uint64_t seed,
                              assay_sensed *sensed, assay_error *error);

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
