/* What a failing case was made of, kept for its author: FOLDER/<op>-<impl>-<case>.safetensors holds
 * `in.<operand>`, `got.<operand>`, and for outputs judged element by element `expected.y` and
 * `budget.y` (float64); of sae_encode `expected.pre`, `expected.score`, `budget.pre` and
 * `budget.score` [rows, d_sae]. Metadata: the verdict, its message and the seed. */
#ifndef VERIFY_KEEP_H
#define VERIFY_KEEP_H

#include "verify/step_checks.h"

enum { ASSAY_KEPT_MAX = 32 };

typedef struct assay_kept {
    size_t count;
    struct assay_kept_tensor {
        char name[48];
        assay_tensor tensor; /* dense */
    } tensor[ASSAY_KEPT_MAX];
} assay_kept;

/* Absent tensors are left out. */
void assay_kept_add(assay_kept *kept, const char *part, const char *name,
                    const assay_tensor *tensor);
/* Makes the folder where it is missing. Trouble is a line on stderr: a verdict stands without. */
void assay_kept_write(const char *folder, const assay_kept *kept, const assay_result *result);

void assay_keep_step(const char *folder, const assay_judgement *judgement);

#endif
