/* What a failing case was made of, kept for its author: with
 * FOLDER/<op>-<impl>-<case>.safetensors alone the step can be computed again.
 *
 * Tensors: `params.<name>`, the op's weights as given (rope: inverse_frequency), `in.<operand>`, as
 * the kernel got it, and `got.<operand>`, what its first run wrote: of a FAIL of a later run (its
 * check is not value, exact, structure, active-set or distribution) that may be right. Then what it
 * was judged by, float64:
 *   judged element by element   expected.y, budget.y [rows, columns]
 *   sae_steer                   also expected.otherwise, budget.otherwise, where latents at the
 *                               activation's edge may be inactive
 *   sae_encode                  expected.pre, expected.score, budget.pre, budget.score
 *                               [rows, d_sae]
 *   sample                      expected.probability, budget.probability [rows, vocab],
 *                               expected.token [rows] i32, with a temperature expected.uniform
 *                               [rows], the number that draws it; with top_p below 1 the same, but
 *                               uniform, as `.below` and `.above`, where rounding moves the
 *                               nucleus: each is right
 * Of a case that is judged in part, or whose first run never ended, there is no expectation.
 * Metadata: verdict, check, message, op, impl, case, golden (the bundle), source (its folder or the
 * list), case_json (the case as written; of a sweep its one size), scalars (JSON: eps, temperature,
 * head_dim, ...), contract (JSON), seed, threads (exec.threads of the first run), and left_out:
 * tensors of more than 256 MiB, each with type and shape. */
#ifndef VERIFY_KEEP_H
#define VERIFY_KEEP_H

#include "verify/step_checks.h"

enum { ASSAY_KEPT_MAX = 32 };
#define ASSAY_KEPT_BYTES ((uint64_t)256 << 20)

typedef struct assay_kept {
    uint64_t most; /* bytes of a tensor that is kept */
    size_t count;
    struct assay_kept_tensor {
        char name[48];
        assay_tensor tensor; /* dense */
    } tensor[ASSAY_KEPT_MAX];
    char left_out[1024]; /* "params.encoder bf16 [65536, 4096]; ..." */
} assay_kept;

/* Absent tensors are left out; larger ones are named. One that is not dense is copied into the
 * arena (NULL: is left out). */
void assay_kept_add(assay_kept *kept, assay_arena *arena, const char *part, const char *name,
                    const assay_tensor *tensor);
/* Makes the folder where it is missing. Trouble is a line on stderr: a verdict stands without.
 * metadata: `count` pairs of key and value, those with a NULL value left out. */
void assay_kept_write(const char *folder, const assay_kept *kept, const assay_result *result,
                      const char *const metadata[][2], size_t count);

/* The numbers of an op's params and io that stand beside its tensors, as a JSON object. */
cJSON *assay_kept_scalars(assay_op op, const void *params, const void *io);

void assay_keep_step(const char *folder, const assay_judgement *judgement);

#endif
