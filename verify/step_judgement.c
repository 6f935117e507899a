/* One run of a judgement, and rows of it judged. */
#include "verify/step_checks.h"

#include <math.h>

void assay_judgement_fail(assay_judgement *j, assay_check check, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    j->result->verdict = ASSAY_FAIL;
    j->result->check = check;
    (void)vsnprintf(j->result->message, sizeof j->result->message, format, args);
    va_end(args);
}

/* Bit for bit the same, but that a NaN is any NaN: of a signalling one a processor's load or
 * conversion makes a quiet one. */
static bool is_copy(assay_dtype dtype, const char *got, const char *row, int64_t width)
{
    const size_t size = assay_dtype_size(dtype);
    bool same = memcmp(got, row, (size_t)width * size) == 0;
    int64_t i = 0;
    while (!same && i < width &&
           (memcmp(got + (size_t)i * size, row + (size_t)i * size, size) == 0 ||
            (isnan(assay_load(dtype, got, (size_t)i)) &&
             isnan(assay_load(dtype, row, (size_t)i))))) {
        i++;
    }
    return same || i == width;
}

/* The caches hold the call's k and v, copied exactly, and elsewhere what they held. */
static void check_caches(assay_judgement *j, const assay_attention_io *io,
                         const assay_attention_io *before)
{
    const assay_tensor *const caches[2] = {&io->k_cache, &io->v_cache};
    const assay_tensor *const old[2] = {&before->k_cache, &before->v_cache};
    const assay_tensor *const rows[2] = {&io->k, &io->v};
    for (int which = 0; which < 2; which++) {
        const int64_t capacity = caches[which]->shape[1];
        const size_t row = (size_t)rows[which]->shape[1] * assay_dtype_size(caches[which]->dtype);
        char *const wanted = old[which]->data; /* a copy of its own: may be changed */
        for (int64_t n = 0; n < rows[which]->shape[0]; n++) {
            const int64_t at = (int64_t)assay_at1(&io->sequence, n) * capacity +
                               (int64_t)assay_at1(&io->position, n);
            const char *const given = (const char *)rows[which]->data + (size_t)n * row;
            const char *const got = (const char *)caches[which]->data + (size_t)at * row;
            const bool copied =
                is_copy(caches[which]->dtype, got, given, rows[which]->shape[1]);
            memcpy(wanted + (size_t)at * row, copied ? got : given, row);
        }
        for (int64_t at = 0; at < caches[which]->shape[0] * capacity; at++) {
            if (memcmp((const char *)caches[which]->data + (size_t)at * row,
                       wanted + (size_t)at * row, row) != 0) {
                assay_judgement_fail(j, ASSAY_CHECK_CACHE,
                                     "%c_cache[%lld, %lld] is not what was to be stored there",
                                     which == 0 ? 'k' : 'v', (long long)(at / capacity),
                                     (long long)(at % capacity));
                return;
            }
        }
    }
}

assay_status assay_judgement_run(assay_judgement *j, assay_any_io *io, assay_placement placement)
{
    assay_any_io before;
    assay_status status = ASSAY_OK;
    const bool caches = j->step->op == ASSAY_OP_attention;
    if (caches) {
        status = assay_rows_again(j->step, io, j->arena, &before, j->error);
    }
    if (status == ASSAY_OK) {
        status = assay_judged_run(&j->judged, io, placement);
    }
    if (status == ASSAY_OK && caches && j->result->verdict == ASSAY_PASS) {
        check_caches(j, &io->attention, &before.attention);
    }
    return status;
}

assay_status assay_judgement_rows(assay_judgement *j, const assay_any_io *io, const int64_t *from,
                                  int64_t count, assay_check check, const char *what)
{
    assay_step_truth part;
    assay_result result = {.verdict = ASSAY_PASS};
    const assay_status status = assay_step_truth_rows(j->step->op, &j->truth, from, count,
                                                      j->arena, &part, j->error);
    if (status != ASSAY_OK) {
        return status;
    }
    assay_step_compare(j->step, &part, io, &result);
    j->result->budget_used = fmax(j->result->budget_used, result.budget_used);
    if (result.verdict == ASSAY_FAIL) {
        assay_judgement_fail(j, check, "%s: %.*s", what, ASSAY_MESSAGE_MAX - 80, result.message);
    }
    return ASSAY_OK;
}
