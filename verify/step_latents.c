/* Latents have no order: an SAE with its latents rotated gives the same codes, rotated. */
#include "verify/step_checks.h"

/* Row or column (axis) j of the made tensor is (j + shift) mod m of the given one. */
static assay_status rotate(assay_judgement *j, const assay_tensor *given, int32_t axis,
                           int64_t shift, assay_tensor *made)
{
    if (!assay_present(given)) {
        return ASSAY_OK;
    }
    const assay_status status =
        assay_buffer_convert(j->arena, given, given->dtype, made, j->error);
    const int64_t rows = given->shape[0];
    const int64_t columns = given->rank > 1 ? given->shape[1] : 1;
    const int64_t column_stride = given->rank > 1 ? given->stride[1] : 0;
    for (int64_t i = 0; status == ASSAY_OK && i < rows * columns; i++) {
        const int64_t r = axis == 0 ? (i / columns + shift) % rows : i / columns;
        const int64_t c = axis == 1 ? (i % columns + shift) % columns : i % columns;
        const int64_t at = r * given->stride[0] + c * column_stride;
        assay_store(made->dtype, made->data, (size_t)i,
                    assay_load(given->dtype, given->data, (size_t)at));
    }
    return status;
}

static assay_status rotate_sae(assay_judgement *j, int64_t shift, assay_sae *sae)
{
    const assay_sae given = *sae;
    const assay_tensor *const from[] = {&given.encoder, &given.encode_scale, &given.encode_bias,
                                        &given.gate,    &given.threshold,    &given.decode_scale};
    assay_tensor *const to[] = {&sae->encoder, &sae->encode_scale, &sae->encode_bias,
                                &sae->gate,    &sae->threshold,    &sae->decode_scale};
    assay_status status = rotate(j, &given.decoder, 1, shift, &sae->decoder);
    for (size_t i = 0; i < sizeof to / sizeof *to && status == ASSAY_OK; i++) {
        status = rotate(j, from[i], 0, shift, to[i]);
    }
    return status;
}

/* The truth with its latents in the same new order. */
static assay_status rotate_truth(assay_judgement *j, const assay_sae *sae, int64_t shift,
                                 assay_codes_truth *truth)
{
    *truth = j->truth.codes;
    truth->sae = sae;
    double **const parts[] = {&truth->pre, &truth->score, &truth->pre_budget,
                              &truth->score_budget};
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
        const double *const given = *parts[p];
        double *const made = assay_arena_take(
            j->arena, (size_t)(truth->rows * sae->d_sae) * sizeof *made + 1);
        if (made == NULL) {
            return assay_fail(j->error, ASSAY_NO_MEMORY, "out of memory for permuted latents");
        }
        for (int64_t i = 0; i < truth->rows * sae->d_sae; i++) {
            made[i] = given[i / sae->d_sae * sae->d_sae + (i + shift) % sae->d_sae];
        }
        *parts[p] = made;
    }
    return ASSAY_OK;
}

assay_status assay_check_latents(assay_judgement *j)
{
    assay_sae_encode_params params = *(const assay_sae_encode_params *)j->step->params;
    assay_sae *const sae = &params.sae;
    if (sae->d_sae < 2 || (double)sae->d_sae * (double)sae->d_in > ASSAY_SMALL_WORK) {
        return ASSAY_OK;
    }
    const int64_t shift = 1 + (int64_t)(j->judge->seed % (uint64_t)(sae->d_sae - 1));
    const assay_subject subject = {
        .impl = j->judge->impl, .op = j->step->op, .params = &params};
    assay_codes_truth truth;
    assay_any_io io;
    assay_status status = rotate_sae(j, shift, sae);
    if (status == ASSAY_OK) {
        status = rotate_truth(j, sae, shift, &truth);
    }
    if (status == ASSAY_OK) {
        status = assay_rows_again(j->step, &j->base, j->arena, &io, j->error);
    }
    if (status == ASSAY_OK) {
        io.sae_encode.dense.data = NULL; /* it need not be given: the codes are the same without */
        status = assay_judged_release(&j->judged);
    }
    if (status == ASSAY_OK && j->result->verdict == ASSAY_PASS) {
        status = assay_judged_prepare(&j->judged, &subject);
    }
    if (status == ASSAY_OK && j->result->verdict == ASSAY_PASS) {
        status = assay_judgement_run(j, &io, ASSAY_PLACE_RIGHT);
    }
    if (status != ASSAY_OK || j->result->verdict != ASSAY_PASS) {
        return status;
    }
    assay_result result = {.verdict = ASSAY_PASS};
    assay_compare_codes(&io.sae_encode.codes, &truth, true, &result);
    if (result.verdict == ASSAY_FAIL) {
        assay_judgement_fail(j, ASSAY_CHECK_LATENTS, "latents in another order: %.*s",
                             ASSAY_MESSAGE_MAX - 80, result.message);
    }
    return ASSAY_OK;
}
