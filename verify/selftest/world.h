/* What deliberate faults do to explanations of the small trained world, and what sees them: a
 * measure of `assay evaluate` whose 95% interval lies apart from the right backend's, or a verdict
 * of `assay verify` on the world's golden cases. */
#ifndef VERIFY_SELFTEST_WORLD_H
#define VERIFY_SELFTEST_WORLD_H

#include "verify/evaluate/measure.h"
#include "verify/scales.h"

/* One backend (verify/mutants/world.h). */
typedef struct assay_fault_row {
    const char *name, *op, *what; /* name without w_; op NULL: nothing is wrong */
    assay_evaluation *evaluation; /* [pairs] */
    uint32_t *seen;               /* [pairs]: bits 1 << measure, of those that see it */
    /* By the verifier: PASS on all cases, or the first verdict that is bad. */
    assay_verdict verdict;
    assay_check check;
    char case_id[96], said[256];
    uint32_t cases;
} assay_fault_row;

typedef struct assay_fault_table {
    assay_world world;
    bool verified; /* the world has golden cases */
    uint64_t seed; /* of the bootstraps and of the verifier */
    const char *glob; /* of the faults; NULL: all */
    assay_fault_row right;
    assay_fault_row *row;
    size_t count;
    double seconds;
} assay_fault_table;

/* Measured and judged; the table holds its world, seed and glob. progress: a line on stderr. */
assay_status assay_fault_table_fill(assay_fault_table *table, bool progress, assay_error *error);
void assay_fault_table_free(assay_fault_table *table);

bool assay_fault_is_seen(const assay_fault_table *table, const assay_fault_row *row);
/* Every fault is seen, and nothing speaks against the right backend. */
bool assay_fault_table_good(const assay_fault_table *table);

/* The world's golden cases, judged for one table at a time. */
typedef struct assay_fault_judge assay_fault_judge;

/* *judge stays NULL for a world without golden cases. */
assay_status assay_fault_judge_open(const char *folder, assay_fault_judge **judge,
                                    assay_error *error);
void assay_fault_judge_close(assay_fault_judge **judge);
/* Until the first verdict against it, which goes into row. */
assay_status assay_fault_judge_run(assay_fault_judge *judge, const assay_table *table,
                                   assay_session *session, uint64_t seed, assay_fault_row *row,
                                   assay_error *error);

void assay_fault_table_print(const assay_fault_table *table);
assay_status assay_fault_table_write_json(const assay_fault_table *table, const char *path,
                                          assay_error *error);
assay_status assay_fault_table_write_markdown(const assay_fault_table *table, const char *path,
                                              assay_error *error);

#endif
