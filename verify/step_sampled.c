/* A step whose output is too large for the oracle: truth and budgets of a part of it, and every
 * element looked at for having been written. */
#include <math.h>

#include "verify/sampled.h"
#include "verify/step_checks.h"

static assay_status compare_elements(assay_judgement *j, const assay_subset *subset,
                                     assay_arena *arena, assay_result *part)
{
    const assay_tensor *const y = assay_operand_in(&j->first, assay_judged_output(j->step->op));
    double *truth = NULL;
    assay_budget budget;
    assay_tensor got;
    assay_status status = assay_sampled_elements(j->step, &j->base, &j->judge->kernel->precision,
                                                 subset, arena, &truth, &budget, j->error);
    if (status == ASSAY_OK) {
        status = assay_sampled_gather(y, subset, arena, &got, j->error);
    }
    if (status == ASSAY_OK) {
        assay_compare_elements(&got, truth, &budget, "sampled row", true, part);
    }
    return status;
}

static assay_status compare_codes(assay_judgement *j, const assay_subset *subset,
                                  assay_arena *arena, assay_result *part)
{
    const assay_sae_encode_params *const params = j->step->params;
    assay_codes_truth truth;
    assay_sae sae;
    assay_csr got;
    assay_status status =
        assay_sampled_codes(&params->sae, &j->base.sae_encode.x, &j->judge->kernel->precision,
                            subset, arena, &sae, &truth, j->error);
    if (status == ASSAY_OK) {
        status = assay_sampled_gather_codes(&j->first.sae_encode.codes, subset, arena, &got,
                                            j->error);
    }
    if (status == ASSAY_OK) {
        assay_compare_codes(&got, &truth, true, part);
    }
    return status;
}

/* Every element written, and finite: true shapes are made of finite numbers. */
static void look_everywhere(const assay_tensor *y, assay_result *result)
{
    for (int64_t i = 0; i < assay_count(y); i++) {
        const bool poison = assay_buffer_is_poison(y, i);
        if (poison || !isfinite(assay_buffer_get(y, i))) {
            const int64_t columns = y->rank > 1 ? y->shape[1] : 1;
            result->verdict = ASSAY_FAIL;
            result->check = poison ? ASSAY_CHECK_WRITTEN : ASSAY_CHECK_VALUE;
            result->budget_used = INFINITY;
            (void)snprintf(result->message, sizeof result->message, "row %lld, column %lld: %s",
                           (long long)(i / columns), (long long)(i % columns),
                           poison ? "never written" : "not a finite number");
            return;
        }
    }
}

static assay_status compare_groups(assay_judgement *j, const assay_sampled *sampled)
{
    assay_status status = ASSAY_OK;
    for (int64_t g = 0; g < sampled->groups && status == ASSAY_OK; g++) {
        const assay_subset subset = assay_sampled_group(sampled, g);
        assay_arena arena = {0};
        assay_result part = {.verdict = ASSAY_PASS, .cosine = 1.0};
        status = j->step->op == ASSAY_OP_sae_encode ? compare_codes(j, &subset, &arena, &part)
                                                    : compare_elements(j, &subset, &arena, &part);
        if (status == ASSAY_OK && part.verdict != ASSAY_PASS) {
            char detail[ASSAY_MESSAGE_MAX];
            memcpy(detail, part.message, sizeof detail);
            (void)snprintf(part.message, sizeof part.message,
                           "%.300s (of the sample's rows from %lld, columns from %lld)", detail,
                           (long long)(subset.rows != NULL ? subset.rows[0] : 0),
                           (long long)(subset.columns != NULL ? subset.columns[0] : 0));
        }
        if (status == ASSAY_OK) {
            assay_result_merge(j->result, &part);
        }
        assay_arena_free(&arena);
    }
    return status;
}

/* The structure of codes as a whole, before a part of them is taken. */
static void check_structure(assay_judgement *j)
{
    const assay_sae_encode_params *const params = j->step->params;
    const assay_codes_truth whole = {.sae = &params->sae, .rows = j->blocks.rows};
    if (!assay_codes_structure(&j->first.sae_encode.codes, &whole, j->result)) {
        return;
    }
    const assay_csr *const codes = &j->first.sae_encode.codes;
    const int64_t listed = (int64_t)assay_at1(&codes->row_offsets, j->blocks.rows);
    const assay_tensor values = assay_vector(codes->value.data, codes->value.dtype, listed);
    look_everywhere(&values, j->result);
}

assay_status assay_judgement_sampled(assay_judgement *j)
{
    const bool encode = j->step->op == ASSAY_OP_sae_encode;
    const assay_tensor *const y =
        encode ? NULL : assay_operand_in(&j->first, assay_judged_output(j->step->op));
    const int64_t columns =
        encode ? ((const assay_sae_encode_params *)j->step->params)->sae.d_sae : y->shape[1];
    assay_sampled sampled;
    char note[ASSAY_MESSAGE_MAX];
    assay_status status = assay_sampled_choose(j->step->sample, j->blocks.rows, columns,
                                               j->judge->seed, j->arena, &sampled, j->error);
    if (status == ASSAY_OK) {
        status = assay_sampled_text(&sampled, note, sizeof note, j->error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    if (encode) {
        check_structure(j);
    } else {
        look_everywhere(y, j->result);
    }
    if (j->result->verdict == ASSAY_PASS) {
        status = compare_groups(j, &sampled);
    }
    if (status == ASSAY_OK && j->result->verdict == ASSAY_PASS) {
        memcpy(j->result->message, note, sizeof note);
    }
    return status;
}
