#include "verify/step_checks.h"

#include <math.h>

#include "verify/buffer.h"

/* Where a call takes longer than this, two rooms are tried. */
static const double quick_seconds = 0.02;

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

/* Whether the dense form is the first run's, whatever room the sparse one has. */
static bool dense_differs(const assay_sae_encode_io *got, const assay_sae_encode_io *first,
                          const assay_codes_truth *truth)
{
    bool differs = false;
    if (!assay_present(&got->dense) || !assay_present(&first->dense)) {
        return false;
    }
    for (int64_t i = 0; i < assay_count(&got->dense) && !differs; i++) {
        const double value = assay_buffer_get(&got->dense, i);
        const double other = assay_buffer_get(&first->dense, i);
        differs = (value == 0.0) != (other == 0.0) ||
                  !both_right(value, other, truth->pre_budget[i]);
    }
    return differs;
}

/* One run with room for so many entries. */
static assay_status run_with(assay_judgement *j, int64_t room, int64_t listed)
{
    const assay_csr *const first = &j->first.sae_encode.codes;
    assay_any_io io;
    assay_status status = assay_rows_again(j->step, &j->base, j->arena, &io, j->error);
    assay_csr *const codes = &io.sae_encode.codes;
    codes->latent.shape[0] = room;
    codes->value.shape[0] = room;
    if (status == ASSAY_OK) {
        status = assay_judgement_run(j, &io, ASSAY_PLACE_RIGHT);
    }
    /* Where a second run may differ, so may this one. */
    if (status == ASSAY_OK && j->result->verdict == ASSAY_PASS && !j->result->repeat_differs) {
        const char *what = differing(codes, first, &j->truth.codes, room);
        if (what == NULL && dense_differs(&io.sae_encode, &j->first.sae_encode, &j->truth.codes)) {
            what = "the dense values";
        }
        if (what != NULL) {
            status = assay_judgement_settle(j);
        }
        if (what != NULL && !j->result->repeat_differs && j->result->verdict == ASSAY_PASS) {
            assay_judgement_fail(j, ASSAY_CHECK_STRUCTURE,
                                 "given room for %lld of %lld entries, %s differ", (long long)room,
                                 (long long)listed, what);
        }
    }
    return status;
}

static bool is_new(const int64_t *rooms, int i)
{
    bool found = rooms[i] < 0;
    for (int k = 0; k < i; k++) {
        found = found || rooms[k] == rooms[i];
    }
    return !found;
}

/* Room for half of the entries, for none, for all of them but one, and for just all. */
assay_status assay_check_capacity(assay_judgement *j)
{
    enum { ROOMS = 4 };
    const assay_csr *const first = &j->first.sae_encode.codes;
    if (!assay_present(&first->row_offsets) || !assay_present(&first->latent)) {
        return ASSAY_OK;
    }
    const int64_t listed = (int64_t)assay_at1(&first->row_offsets, j->blocks.rows);
    const int64_t rooms[ROOMS] = {listed / 2, 0, listed - 1, listed};
    const int own = (int)((j->judge->seed + (uint64_t)j->blocks.rows) % ROOMS);
    assay_status status = ASSAY_OK;
    for (int i = 0; i < ROOMS && status == ASSAY_OK && j->result->verdict == ASSAY_PASS; i++) {
        const bool wanted = j->result->seconds < quick_seconds || i == 0 || i == own;
        if (wanted && is_new(rooms, i)) {
            status = run_with(j, rooms[i], listed);
        }
    }
    return status;
}
