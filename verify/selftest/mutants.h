/* The kill matrix: every mutant, what was to catch it, and what did.
 *
 * The mutants and their twins are a plug-in (verify/mutants/), judged as a user's plug-in would be:
 * same sessions, same cases, same checks. Mutants of the host's side (host_mutants.h) are judged in
 * this process by the bundles' tokenize, detokenize and explain cases. */
#ifndef VERIFY_SELFTEST_MUTANTS_H
#define VERIFY_SELFTEST_MUTANTS_H

#include "assay/result.h"
#include "verify/selftest/bundles.h"

enum { ASSAY_MUTANT_CASES = 24 }; /* killing cases that are named; all kills are counted */

typedef struct assay_mutant {
    const char *op;     /* as the table shows it */
    const char *name;   /* of the mutant's table */
    const char *twin;   /* of its right twin's */
    uint32_t checks;    /* bits 1 << assay_check: those that may catch it */
    const char *cases;  /* glob: tried first */
    const char *what;
    bool host;
} assay_mutant;

/* The plug-in of mutants and twins, beside this program. */
#define ASSAY_MUTANTS_PLUGIN "assay_mutants.so"

/* All mutants, the host's last. */
const assay_mutant *assay_mutants(size_t *count);

/* Why a mutant is still alive after a seed. */
typedef enum assay_mutant_end {
    ASSAY_MUTANT_KILLED = 0,
    ASSAY_MUTANT_SURVIVED,  /* every case passed */
    ASSAY_MUTANT_UNLISTED   /* a check caught it that was not listed: not counted as a kill */
} assay_mutant_end;

typedef struct assay_mutant_row {
    const assay_mutant *mutant;
    uint32_t seeds, killed;
    uint32_t by[ASSAY_CHECK_COUNT]; /* kills by each check */
    char cases[ASSAY_MUTANT_CASES][96];
    uint32_t case_kills[ASSAY_MUTANT_CASES];
    size_t case_count;
    uint64_t first_alive;           /* a seed it survived */
    char said[256];                 /* the verdict's words at a kill; how it survived otherwise */
} assay_mutant_row;

typedef struct assay_twin_row {
    const char *name, *op;
    uint32_t seeds, cases, skipped, failed;
    char said[320]; /* the first verdict against it, with its case and seed */
} assay_twin_row;

typedef struct assay_kill_matrix {
    uint64_t seed;
    uint32_t seeds;
    const char *glob; /* of the mutants judged; NULL: all */
    assay_mutant_row *row;
    size_t row_count;
    assay_twin_row *twin;
    size_t twin_count;
    double seconds;
} assay_kill_matrix;

/* Everything killed in every seed, every twin passed. */
bool assay_matrix_good(const assay_kill_matrix *matrix);
void assay_matrix_print(const assay_kill_matrix *matrix);
assay_status assay_matrix_write_json(const assay_kill_matrix *matrix, const char *path,
                                     assay_error *error);
assay_status assay_matrix_write_markdown(const assay_kill_matrix *matrix, const char *path,
                                         assay_error *error);

/* The verdict of one subject on one seed. */
typedef struct assay_mutant_outcome {
    assay_mutant_end end;
    assay_result last; /* the one that decided; strings live until the next is judged */
    uint32_t cases, skipped, failed;
} assay_mutant_outcome;

/* What judging needs, one for a thread: sessions of the plug-in, cases, bundles. */
typedef struct assay_mutant_bench assay_mutant_bench;

assay_status assay_mutant_bench_open(assay_mutant_bench **bench, assay_error *error);
void assay_mutant_bench_close(assay_mutant_bench **bench);
/* Judges a mutant until the first verdict against it. */
assay_status assay_mutant_judge(assay_mutant_bench *bench, const assay_mutant *mutant,
                                uint64_t seed, assay_mutant_outcome *outcome, assay_error *error);
/* Judges a twin on all its cases; end is SURVIVED when no verdict went against it. */
assay_status assay_twin_judge(assay_mutant_bench *bench, const char *name, uint64_t seed,
                              assay_mutant_outcome *outcome, assay_error *error);

#endif
