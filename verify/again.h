/* A stage asked in other ways for what its case has a truth of already: prompts in another order,
 * repeated, cut short (what follows does not change what is before), soft tokens in another order,
 * fewer new tokens. The oracle computes nothing anew: truth and budgets are rows of the case's.
 * Witness cases (bf16, f32) are not asked again: their truth's are. */
#ifndef VERIFY_AGAIN_H
#define VERIFY_AGAIN_H

#include "verify/buffer.h"
#include "verify/compare.h"
#include "verify/judged.h"

enum {
    ASSAY_AGAIN_PROMPTS = 10, /* so many in a batch */
    ASSAY_AGAIN_THREADS = 3,  /* exec.threads where another number than the session's is tried */
    ASSAY_AGAIN_TOKENS = 256  /* batches of more are not asked for again */
};

typedef struct assay_again {
    const assay_judged *judged;
    const char *how; /* the message of a verdict begins with it */
    assay_arena *arena;
    const double *expected;     /* of the case, [budget->rows, budget->columns] */
    const assay_budget *budget;
    const char *row_name;
} assay_again;

/* Each leaves result as it is where its verdict is not PASS. ran: false where the kernel does not
 * support this call, which is no fault. prepare releases first what is prepared. */
assay_status assay_again_prepare(const assay_again *again, const assay_subject *subject, bool *ran);
assay_status assay_again_run(const assay_again *again, const void *io, assay_placement placement,
                             bool *ran);

/* Row i of got must be row from[i] of the case, or zeros where from[i] is -1; from NULL: row i. */
assay_status assay_again_compare(const assay_again *again, const assay_tensor *got,
                                 const int64_t *from);

/* Takes a part's verdict into the result when it is not PASS. */
void assay_again_merge(const assay_again *again, const assay_result *part);

/* The rows of a ragged batch in another: ASSAY_AGAIN_PROMPTS of its prompts, the last first and
 * again from there, right-padded with -1, which is no token, by one column more than before. */
typedef struct assay_other_batch {
    assay_tensor tokens, lengths;
    int64_t *prompt; /* [ASSAY_AGAIN_PROMPTS] which of the case's */
    int64_t *start;  /* [prompts of the case] its first row, of all valid rows */
} assay_other_batch;

/* cut: prompts are shortened, some to one token. */
assay_status assay_again_batch(const assay_tensor *tokens, const assay_tensor *lengths, bool cut,
                               assay_arena *arena, assay_other_batch *batch, assay_error *error);

#endif
