/* Generated cases judged. Kernels of one contract are judged one after the other on the same
 * operands, so that their truth is computed once. */
#include <math.h>
#include <stdlib.h>

#include "verify/generated_parts.h"
#include "verify/sampled.h"

/* A case as built for kernels of one contract, and its truth. */
typedef struct contract_case {
    assay_precision contract;
    assay_generated_case built;
    assay_shared_truth truth;
    struct contract_case *next;
} contract_case;

/* An implementation on an entry. */
typedef struct standing {
    size_t table;
    assay_result result;
    bool shown; /* of a sweep: some size showed something */
    bool ended; /* of a sweep: some size is wrong */
} standing;

static bool is_topk(const assay_case_entry *entry)
{
    const char *const activation =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry->json, "activation"));
    return activation != NULL && strcmp(activation, "topk") == 0;
}

/* Whether sums may be of integers, whose scales, any f32, multiply them later. */
static bool is_summed_before(const assay_precision *contract)
{
    return contract->quant_bits != 0 || contract->operand_scale == ASSAY_SCALE_ROW;
}

/* Whether numbers of the case, 127 times as large, leave f32's range. */
static bool is_huge(const assay_case_entry *entry)
{
    const cJSON *const scale = cJSON_GetObjectItemCaseSensitive(entry->json, "scale");
    return cJSON_IsNumber(scale) && scale->valuedouble > 0x1p121;
}

/* Whether a kernel that takes subnormal operands for zeros meets no others but a few. */
static bool is_all_flushed(const assay_case_entry *entry, const assay_kernel *kernel)
{
    const cJSON *const scale = cJSON_GetObjectItemCaseSensitive(entry->json, "scale");
    return (kernel->precision.flush & ASSAY_FLUSH_IN) != 0 && cJSON_IsNumber(scale) &&
           scale->valuedouble < 0x1p-126;
}

/* Whether numbers of x that are not small in their row meet none such of the weight's: columns of
 * the one are as much greater as the other's are smaller, by more than 7 bits and a sign hold. */
static bool is_spread_beyond(const assay_case_entry *entry, const assay_precision *contract)
{
    enum { WORD_BITS = 7 };
    const cJSON *const spread = cJSON_GetObjectItemCaseSensitive(entry->json, "spread");
    return contract->operand_scale != ASSAY_SCALE_NONE && contract->multiply == ASSAY_I8 &&
           cJSON_IsNumber(spread) && spread->valuedouble > WORD_BITS;
}

/* A case on which no kernel of the contract can show anything is not judged, with the reason. A
 * kernel on quantised weights may add up x * q and scale the sum, by one scale after another where
 * rows of x have some too: where the sum itself is near the end of the range, that of q, up to 127
 * times as large, is beyond it. An encoder whose operands are flushed finds the same latents active
 * as one that never looked at its rows. */
static bool is_beyond(const assay_case_entry *entry, const assay_kernel *kernel,
                      assay_result *result)
{
    const char *reason = NULL;
    if (entry->op == ASSAY_OP_linear && is_summed_before(&kernel->precision) && is_huge(entry)) {
        reason = "sums near the end of f32's range: on quantised weights, which may be summed "
                 "before they are scaled, every one of them may overflow";
    } else if (entry->op == ASSAY_OP_linear && is_spread_beyond(entry, &kernel->precision)) {
        reason = "columns as great in x as they are small in the weight: as integers of 8 bits "
                 "with a scale a row, of each product one is 0";
    } else if (entry->op == ASSAY_OP_sae_encode && is_all_flushed(entry, kernel)) {
        reason = "rows of subnormal numbers, which the contract takes for zeros";
    }
    if (reason == NULL) {
        return false;
    }
    result->verdict = ASSAY_SKIP;
    (void)snprintf(result->message, sizeof result->message, "%s", reason);
    return true;
}

static void free_cases(contract_case *cases)
{
    while (cases != NULL) {
        contract_case *const one = cases;
        cases = one->next;
        assay_arena_free(&one->truth.arena);
        assay_generated_case_free(&one->built);
        free(one);
    }
}

/* The one of that contract, built when there is none. */
static assay_status find_case(const assay_case_entry *entry, uint64_t seed,
                              const assay_precision *contract, contract_case **cases,
                              contract_case **found, assay_error *error)
{
    contract_case *one = *cases;
    while (one != NULL && memcmp(&one->contract, contract, sizeof *contract) != 0) {
        one = one->next;
    }
    *found = one;
    if (one != NULL) {
        return ASSAY_OK;
    }
    one = calloc(1, sizeof *one);
    if (one == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory for case '%s'", entry->id);
    }
    const assay_status status =
        assay_generated_case_build(entry->json, seed, contract->output, &one->built, error);
    if (status != ASSAY_OK) {
        free(one);
        return status;
    }
    memcpy(&one->contract, contract, sizeof *contract);
    one->next = *cases;
    *cases = one;
    *found = one;
    return ASSAY_OK;
}

/* One case, or one part of a sweep (part: which). */
static assay_status judge_case(const assay_case_entry *entry, const assay_verify_run *run,
                               size_t table, const char *part, contract_case **cases,
                               assay_result *result, assay_error *error)
{
    const assay_kernel *const kernel = run->tables[table].kernel[entry->op];
    contract_case *own = NULL;
    const assay_status status =
        find_case(entry, run->seed, &kernel->precision, cases, &own, error);
    if (status != ASSAY_OK) {
        return status;
    }
    const assay_sample_size sample = {
        .rows = entry->sample_rows,
        .columns = entry->sample_columns,
        .whole_rows = entry->op == ASSAY_OP_sae_encode && is_topk(entry)};
    assay_step step = assay_generated_step(entry, &own->built);
    step.sample = sample.rows + sample.columns > 0 ? &sample : NULL;
    step.part = part;
    step.shared = &own->truth;
    const assay_judge judge = assay_run_judge(run, table, entry->op);
    if (!is_beyond(entry, kernel, result)) {
        assay_step_judge(&judge, &step, result);
    }
    return ASSAY_OK;
}

static assay_status judge_whole(const assay_case_entry *entry, const assay_verify_run *run,
                                standing *standings, size_t count, assay_error *error)
{
    contract_case *cases = NULL;
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < count && status == ASSAY_OK; i++) {
        standing *const s = &standings[i];
        status = judge_case(entry, run, s->table, NULL, &cases, &s->result, error);
        if (status == ASSAY_OK) {
            status = run->sink.result(run->sink.context, &s->result, error);
        }
    }
    free_cases(cases);
    return status;
}

/* The worst of both, and the sum of what was compared. */
static void add_part(assay_result *whole, const assay_result *part)
{
    whole->budget_used = fmax(whole->budget_used, part->budget_used);
    whole->max_abs = fmax(whole->max_abs, part->max_abs);
    whole->rel_l2 = fmax(whole->rel_l2, part->rel_l2);
    whole->cosine = fmin(whole->cosine, part->cosine);
    whole->ulp = fmax(whole->ulp, part->ulp);
    whole->seconds = fmax(whole->seconds, part->seconds);
    whole->undecided += part->undecided;
    whole->compared += part->compared;
}

/* A sweep of which some sizes show something, and none is wrong, is right; one that nothing can be
 * said of has the verdict of its first. */
static void take_part(standing *s, const assay_result *blank, const assay_result *part, bool first)
{
    const bool told = part->verdict != ASSAY_SKIP && part->verdict != ASSAY_VOID;
    assay_result *const result = &s->result;
    if (told && !s->shown) {
        *result = *blank; /* earlier ones showed nothing */
    }
    s->shown = s->shown || told;
    if (told || first) {
        add_part(result, part);
    }
    if (part->verdict != ASSAY_PASS && (told || first)) {
        result->verdict = part->verdict;
        result->check = part->check;
        memcpy(result->message, part->message, sizeof result->message);
    }
    s->ended = told && part->verdict != ASSAY_PASS;
}

/* Every size until one is wrong. */
static assay_status judge_sweep(const assay_case_entry *entry, const assay_verify_run *run,
                                const assay_result *blank, standing *standings, size_t count,
                                assay_error *error)
{
    assay_status status = ASSAY_OK;
    for (int64_t n = 0; n < entry->steps && status == ASSAY_OK; n++) {
        char place[ASSAY_SWEEP_PLACE];
        assay_case_entry one;
        contract_case *cases = NULL;
        status = assay_generated_part(entry, run->seed, n, place, &one, error);
        if (status != ASSAY_OK) {
            return status;
        }
        for (size_t i = 0; i < count && status == ASSAY_OK; i++) {
            standing *const s = &standings[i];
            assay_result part = *blank;
            part.impl = s->result.impl;
            if (!s->ended) {
                status = judge_case(&one, run, s->table, place, &cases, &part, error);
                take_part(s, blank, &part, n == 0);
                s->result.impl = part.impl;
            }
        }
        free_cases(cases);
        assay_generated_part_drop(entry, &one);
    }
    for (size_t i = 0; i < count && status == ASSAY_OK; i++) {
        status = run->sink.result(run->sink.context, &standings[i].result, error);
    }
    return status;
}

static bool is_judged(const assay_case_entry *entry, const assay_verify_run *run,
                      const char *source, const assay_table *table)
{
    return table->kernel[entry->op] != NULL && !assay_run_spares(run, table) &&
           (run->judged == NULL ||
            !run->judged(run->judged_context, source, entry->id, table->name));
}

assay_status assay_generated_judge_entry(const assay_case_entry *entry,
                                         const assay_verify_run *run, assay_error *error)
{
    const char *const source = run->cases != NULL ? run->cases : "generated";
    const assay_result blank = {.golden = "generated",
                                .source = source,
                                .op = assay_op_name(entry->op),
                                .case_id = entry->id,
                                .cosine = 1.0,
                                .seed = run->seed};
    standing *const standings = calloc(run->table_count + 1, sizeof *standings);
    size_t count = 0;
    if (standings == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory for the results of '%s'", entry->id);
    }
    for (size_t i = 0; i < run->table_count; i++) {
        if (is_judged(entry, run, source, &run->tables[i])) {
            standing *const s = &standings[count++];
            s->table = i;
            s->result = blank;
            s->result.impl = run->tables[i].name;
        }
    }
    const assay_status status = entry->steps > 0
                                    ? judge_sweep(entry, run, &blank, standings, count, error)
                                    : judge_whole(entry, run, standings, count, error);
    free(standings);
    return status;
}
