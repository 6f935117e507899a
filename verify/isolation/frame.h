/* The structs of a call (exec and io), on pages that are there for the call alone: a kernel that
 * keeps the address of one, in prepare or a run, dies where it follows it later. Calls take turns
 * on two places. */
#ifndef VERIFY_ISOLATION_FRAME_H
#define VERIFY_ISOLATION_FRAME_H

#include "verify/operands.h"

typedef struct assay_frame {
    uint8_t *base; /* both places, with a guard page on either side; NULL: not yet there */
    uint64_t size, all; /* bytes of one place; of everything */
    unsigned turn;
    assay_exec *exec; /* of the call that is open */
    assay_op_io *io;
} assay_frame;

assay_status assay_frame_reserve(assay_frame *frame, assay_error *error);
/* Copies both to the next place; reserved before. io NULL: there is none. */
void assay_frame_open(assay_frame *frame, const assay_exec *exec, const assay_op_io *io);
/* Ends the call; the name of a struct that is not what it was, or NULL. */
const char *assay_frame_close(assay_frame *frame, const assay_exec *exec, const assay_op_io *io);
void assay_frame_release(assay_frame *frame);

#endif
