/* Stages judged through a session: what capture, logits, generate and explain have in common. */
#ifndef VERIFY_STAGE_JUDGE_H
#define VERIFY_STAGE_JUDGE_H

#include "verify/buffer.h"
#include "verify/cases.h"
#include "verify/compare.h"
#include "verify/judged.h"

/* The contracts that a stage of a table computes under. A composition has its steps' own; a fused
 * kernel states one, which then stands for every step: the result is made in *room, which must live
 * as long. Activations have the type assay_table_activation gives for it. */
typedef struct assay_stage_contracts {
    assay_table table;
    assay_kernel kernel[ASSAY_OP_COUNT];
} assay_stage_contracts;
const assay_table *assay_stage_contracts_of(const assay_table *table, assay_op stage,
                                            assay_stage_contracts *room);

/* Whether a stage can be judged with the expected tokens forced: a composition can do everything, a
 * fused kernel (or NULL) says what it can. */
bool assay_stage_can_force(const assay_kernel *fused);

/* Whether a run took so long that the stage is not run in more ways. */
bool assay_stage_is_slow(const assay_result *result);
/* Whether a stage is run in ways whose truth is the oracle's: not a slow one, nor the oracle itself
 * where it is spared. */
bool assay_stage_asked_more(const assay_verify_run *run, const assay_table *table,
                            const assay_result *result);

typedef struct assay_stage {
    assay_subject subject;
    const void *io;   /* the op's io */
    size_t output_at; /* where in it the tensor lies that is judged element by element */
    const char *row_name;
} assay_stage;

/* Runs a prepared stage once more with its operands against the other guard pages and with other
 * tokens in the padding, which nothing may read. Not bit-identical is reported; out of its budget
 * is a FAIL: NEIGHBOURS where there was padding to change, else REPEAT. output holds the first
 * run. */
assay_status assay_stage_repeat(const assay_judged *judged, const assay_stage *stage,
                                const double *expected, const assay_budget *budget,
                                assay_arena *arena);

#endif
