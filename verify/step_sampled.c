/* A step whose output is too large for the oracle: truth and budgets of a part of it, and every
 * element looked at for having been written and for being a number. */
#include <math.h>

#include "verify/sampled.h"
#include "verify/step_checks.h"

/* Elements that are not finite are judged wherever they are, this many of them. */
enum { STRANGE_MAX = 16 };

typedef struct sampled_judgement {
    assay_judgement *j;
    assay_sampled sampled;
    int64_t informed; /* parts that showed something */
    int64_t strange;  /* elements that are not finite */
} sampled_judgement;

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
        assay_compare_elements(&got, truth, &budget, "row", false, part);
    }
    return status;
}

static const assay_sae *sae_of(const assay_judgement *j)
{
    return &((const assay_sae_encode_params *)j->step->params)->sae;
}

static assay_status compare_codes(assay_judgement *j, const assay_subset *subset,
                                  assay_arena *arena, assay_result *part)
{
    assay_codes_truth truth;
    assay_sae sae;
    assay_csr got;
    assay_status status =
        assay_sampled_codes(sae_of(j), &j->base.sae_encode.x, &j->judge->kernel->precision, subset,
                            arena, &sae, &truth, j->error);
    if (status == ASSAY_OK) {
        status = assay_sampled_gather_codes(&j->first.sae_encode.codes, subset, arena, &got,
                                            j->error);
    }
    if (status == ASSAY_OK) {
        assay_compare_codes(&got, &truth, true, part);
    }
    return status;
}

static assay_status compare_part(sampled_judgement *s, const assay_subset *subset)
{
    assay_arena arena = {0};
    assay_result part = {.verdict = ASSAY_PASS, .cosine = 1.0};
    const assay_status status = s->j->step->op == ASSAY_OP_sae_encode
                                    ? compare_codes(s->j, subset, &arena, &part)
                                    : compare_elements(s->j, subset, &arena, &part);
    if (status == ASSAY_OK) {
        s->informed += part.verdict != ASSAY_VOID;
        part.verdict = part.verdict == ASSAY_VOID ? ASSAY_PASS : part.verdict;
        assay_result_merge(s->j->result, &part);
    }
    assay_arena_free(&arena);
    return status;
}

static assay_status compare_groups(sampled_judgement *s, const assay_sampled *sampled)
{
    assay_status status = ASSAY_OK;
    for (int64_t g = 0; g < sampled->groups && status == ASSAY_OK; g++) {
        const assay_subset subset = assay_sampled_group(sampled, g);
        status = compare_part(s, &subset);
    }
    return status;
}

/* Judges one element; of topk the whole row, since its latents are ranked. */
static assay_status judge_strange(sampled_judgement *s, int64_t row, int64_t column)
{
    const bool ranked =
        s->j->step->op == ASSAY_OP_sae_encode && sae_of(s->j)->activation == ASSAY_TOPK;
    const assay_subset whole = assay_sampled_group(&s->sampled, 0);
    const assay_subset subset = {.rows = &row,
                                 .row_count = 1,
                                 .columns = ranked ? whole.columns : &column,
                                 .column_count = ranked ? whole.column_count : 1};
    return s->strange++ < STRANGE_MAX ? compare_part(s, &subset) : ASSAY_OK;
}

static void tell_unwritten(assay_result *result, int64_t row, int64_t column)
{
    result->verdict = ASSAY_FAIL;
    result->check = ASSAY_CHECK_WRITTEN;
    result->budget_used = INFINITY;
    (void)snprintf(result->message, sizeof result->message,
                   "row %lld, column %lld was never written", (long long)row, (long long)column);
}

static assay_status look_at_elements(sampled_judgement *s)
{
    const assay_tensor *const y =
        assay_operand_in(&s->j->first, assay_judged_output(s->j->step->op));
    assay_status status = ASSAY_OK;
    for (int64_t i = 0; i < assay_count(y) && status == ASSAY_OK; i++) {
        if (assay_buffer_is_poison(y, i)) {
            tell_unwritten(s->j->result, i / y->shape[1], i % y->shape[1]);
            break;
        }
        if (!isfinite(assay_buffer_get(y, i))) {
            status = judge_strange(s, i / y->shape[1], i % y->shape[1]);
        }
    }
    return status;
}

/* The structure of codes as a whole, before a part of them is taken; then every listed value. */
static assay_status look_at_codes(sampled_judgement *s)
{
    const assay_csr *const codes = &s->j->first.sae_encode.codes;
    const assay_codes_truth whole = {.sae = sae_of(s->j), .rows = s->sampled.rows};
    if (!assay_codes_structure(codes, &whole, s->j->result)) {
        return ASSAY_OK;
    }
    assay_status status = ASSAY_OK;
    for (int64_t row = 0; row < whole.rows; row++) {
        const int64_t end = (int64_t)assay_at1(&codes->row_offsets, row + 1);
        for (int64_t e = (int64_t)assay_at1(&codes->row_offsets, row);
             e < end && status == ASSAY_OK && s->j->result->verdict == ASSAY_PASS; e++) {
            const int64_t latent = (int64_t)assay_at1(&codes->latent, e);
            if (assay_buffer_is_poison(&codes->value, e)) {
                tell_unwritten(s->j->result, row, latent);
            } else if (!isfinite(assay_at1(&codes->value, e))) {
                status = judge_strange(s, row, latent);
            }
        }
    }
    assay_compare_dense(&s->j->first.sae_encode, s->j->result);
    return status;
}

/* Beside the sample, what an encoder lists, as many values as the sample has elements. */
static assay_status judge_listed(sampled_judgement *s)
{
    assay_judgement *const j = s->j;
    const assay_csr *const codes = &j->first.sae_encode.codes;
    assay_sampled listed;
    if (sae_of(j)->activation == ASSAY_TOPK) {
        return ASSAY_OK;
    }
    assay_status status =
        assay_sampled_listed(codes, s->sampled.columns, assay_sampled_count(&s->sampled), j->arena,
                             &listed, j->error);
    if (status == ASSAY_OK) {
        status = compare_groups(s, &listed);
    }
    if (status == ASSAY_OK && j->result->verdict == ASSAY_PASS) {
        const size_t used = strlen(j->result->message);
        (void)snprintf(j->result->message + used, sizeof j->result->message - used,
                       "; of the %lld entries listed, %lld judged",
                       (long long)assay_at1(&codes->row_offsets, s->sampled.rows),
                       (long long)assay_sampled_count(&listed));
    }
    return status;
}

/* Looks at everything, then judges the sample. A verdict that stays PASS says what was sampled. */
static assay_status judge_sample(sampled_judgement *s, bool encode)
{
    assay_judgement *const j = s->j;
    assay_status status = encode ? look_at_codes(s) : look_at_elements(s);
    if (status == ASSAY_OK && j->result->verdict == ASSAY_PASS) {
        status = compare_groups(s, &s->sampled);
    }
    if (status == ASSAY_OK && j->result->verdict == ASSAY_PASS) {
        status = assay_sampled_text(&s->sampled, j->result->message, sizeof j->result->message,
                                    j->error);
    }
    if (status == ASSAY_OK && j->result->verdict == ASSAY_PASS && encode) {
        status = judge_listed(s);
    }
    if (status == ASSAY_OK && j->result->verdict == ASSAY_PASS && s->informed == 0 &&
        !j->step->allow_void) {
        j->result->verdict = ASSAY_VOID;
        (void)snprintf(j->result->message, sizeof j->result->message,
                       "no sampled element is beyond the error that the contract allows it: "
                       "nothing was shown");
    }
    return status;
}

/* An element of these ops costs about what reading it does (of rmsnorm: of its row): so many of
 * them are judged even where the case asks for fewer, all of them where there are no more. */
static assay_sample_size size_of(const assay_judgement *j, int64_t rows, int64_t columns)
{
    const int64_t cheap = (int64_t)1 << 22; /* about 100 MiB, and a fraction of a second */
    const assay_sample_size asked = *j->step->sample;
    const int64_t tall = asked.rows > 0 && asked.rows < rows ? asked.rows : rows;
    const int64_t wide = asked.columns > 0 && asked.columns < columns ? asked.columns : columns;
    const assay_op op = j->step->op;
    if ((op != ASSAY_OP_embed && op != ASSAY_OP_add && op != ASSAY_OP_rmsnorm &&
         op != ASSAY_OP_rope && op != ASSAY_OP_swiglu) || tall >= cheap / wide) {
        return asked;
    }
    return columns <= cheap ? (assay_sample_size){.rows = cheap / columns}
                            : (assay_sample_size){.rows = 1, .columns = cheap};
}

assay_status assay_judgement_sampled(assay_judgement *j)
{
    sampled_judgement s = {.j = j};
    const bool encode = j->step->op == ASSAY_OP_sae_encode;
    const int64_t columns =
        encode ? sae_of(j)->d_sae
               : assay_operand_in(&j->first, assay_judged_output(j->step->op))->shape[1];
    const assay_sample_size size = size_of(j, j->blocks.rows, columns);
    const assay_status status = assay_sampled_choose(
        &size, j->blocks.rows, columns, j->judge->seed, j->arena, &s.sampled, j->error);
    return status == ASSAY_OK ? judge_sample(&s, encode) : status;
}
