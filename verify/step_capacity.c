#include "verify/step_checks.h"

#include <math.h>

/* Whether two values of one latent can both be right: each within its budget of the truth. */
static bool both_right(double value, double other, double budget)
{
    return value == other || (isnan(value) && isnan(other)) || isinf(budget) ||
           fabs(value - other) <= 2.0 * budget;
}

/* Whether the offsets, and entries 0 .. count-1, are the first run's. */
static const char *differing(const assay_csr *got, const assay_csr *first,
                             const assay_codes_truth *truth, int64_t count)
{
    for (int64_t n = 0; n < got->row_offsets.shape[0]; n++) {
        if (assay_at1(&got->row_offsets, n) != assay_at1(&first->row_offsets, n)) {
            return "row_offsets";
        }
    }
    for (int64_t e = 0, row = 0; e < count; e++) {
        const int64_t latent = (int64_t)assay_at1(&first->latent, e);
        while (e >= (int64_t)assay_at1(&first->row_offsets, row + 1)) {
            row++;
        }
        if (assay_at1(&got->latent, e) != (double)latent) {
            return "the latents that fit";
        }
        if (!both_right(assay_at1(&got->value, e), assay_at1(&first->value, e),
                        truth->pre_budget[row * truth->sae->d_sae + latent])) {
            return "the values that fit";
        }
    }
    return NULL;
}

assay_status assay_check_capacity(assay_judgement *j)
{
    const assay_csr *const first = &j->first.sae_encode.codes;
    assay_any_io io;
    if (!assay_present(&first->row_offsets) || !assay_present(&first->latent)) {
        return ASSAY_OK;
    }
    const int64_t listed = (int64_t)assay_at1(&first->row_offsets, j->blocks.rows);
    if (listed < 2) {
        return ASSAY_OK;
    }
    assay_status status = assay_rows_again(j->step, &j->base, j->arena, &io, j->error);
    assay_csr *const codes = &io.sae_encode.codes;
    codes->latent.shape[0] = listed / 2;
    codes->value.shape[0] = listed / 2;
    if (status == ASSAY_OK) {
        status = assay_judgement_run(j, &io, ASSAY_PLACE_RIGHT);
    }
    /* Where a second run may differ, so may this one. */
    if (status == ASSAY_OK && j->result->verdict == ASSAY_PASS && !j->result->repeat_differs) {
        const char *const what = differing(codes, first, &j->truth.codes, listed / 2);
        if (what != NULL) {
            status = assay_judgement_settle(j);
        }
        if (what != NULL && !j->result->repeat_differs && j->result->verdict == ASSAY_PASS) {
            assay_judgement_fail(j, ASSAY_CHECK_STRUCTURE,
                                 "given room for %lld of %lld entries, %s differ",
                                 (long long)(listed / 2), (long long)listed, what);
        }
    }
    return status;
}
