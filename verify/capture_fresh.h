/* A capture of prompts that no bundle has, at the end of the layers of a drawn model (fresh.h): of
 * all rows, of a wide batch, of many positions, of one position of one prompt. */
#ifndef VERIFY_CAPTURE_FRESH_H
#define VERIFY_CAPTURE_FRESH_H

#include "verify/again.h"
#include "verify/chain_capture.h"
#include "verify/drawn_model.h"
#include "verify/stage_judge.h"

typedef struct assay_fresh_capture {
    bool wanted;
    assay_drawn_model model;
    assay_capture_params params;
    assay_tensor tokens, lengths;
    assay_capture_chain chain;
    assay_chain_case chain_case;
} assay_fresh_capture;

/* model: the case's; a drawn one is wide where that one is tied. fresh must not move, and lives as
 * long as the arena; its model is to be released. */
assay_status assay_fresh_capture_make(const assay_case_context *context, const assay_model *model,
                                      assay_arena *arena, assay_fresh_capture *fresh,
                                      assay_error *error);

/* Leaves the subject prepared in another way. table: the contracts of its steps. */
assay_status assay_fresh_capture_judge(assay_fresh_capture *fresh, const assay_judged *judged,
                                       const assay_subject *subject, const assay_table *table);

#endif
