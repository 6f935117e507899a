#include "verify/generated.h"

#include <math.h>

#include "fixtures/synth/case_sweep.h"
#include "verify/sampled.h"
#include "verify/step_truth.h"

bool assay_generated_selected(const assay_case_entry *entry, const assay_filter *filter)
{
    return assay_filter_matches(filter->op, assay_op_name(entry->op)) &&
           assay_filter_matches(filter->case_id, entry->id) &&
           !(filter->quick && (entry->heavy || entry->steps > 0));
}

static void point_step(assay_step *step, const assay_generated_case *built)
{
    step->op = built->op;
    switch (built->op) {
#define POINT_CASE(name)                                                                           \
    case ASSAY_OP_##name:                                                                          \
        step->params = &built->as.name.params;                                                     \
        step->io = &built->as.name.io;                                                             \
        break;
        ASSAY_STEP_OPS(POINT_CASE)
#undef POINT_CASE
    default: break;
    }
}

static bool is_topk(const assay_case_entry *entry)
{
    const char *const activation =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry->json, "activation"));
    return activation != NULL && strcmp(activation, "topk") == 0;
}

/* An output of one element may be zero by chance, which shows nothing and is no fault. */
static bool one_element(const assay_step *step)
{
    const assay_operand *const operand = assay_judged_output(step->op);
    const assay_tensor *const y = operand != NULL ? assay_operand_in(step->io, operand) : NULL;
    return y != NULL && y->rank > 0 && assay_count(y) == 1;
}

/* What takes long: two of the checks on rows and values do, others on other cases. */
static bool is_large(const assay_step *step)
{
    enum { LARGE = 1 << 16 };
    bool large = false;
    const assay_operand *operand = assay_operands(step->op);
    for (; operand->name != NULL; operand++) {
        const assay_tensor *const tensor = assay_operand_in(step->io, operand);
        large = large || (operand->output && tensor->rank > 0 && assay_count(tensor) > LARGE);
    }
    return large;
}

/* Nothing but zeros is right where all is zero, or where products of subnormals underflow, as do
 * f16's in types of 8 bits. */
static bool may_be_zeros(const assay_case_entry *entry)
{
    const char *const data =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry->json, "data"));
    const char *const weights =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry->json, "weight_data"));
    return (data != NULL && (strcmp(data, "zeros") == 0 || strstr(data, "subnormal") != NULL)) ||
           (weights != NULL && strstr(weights, "subnormal") != NULL);
}

/* Whether numbers of the case, 127 times as large, leave f32's range. */
static bool is_huge(const assay_case_entry *entry)
{
    const cJSON *const scale = cJSON_GetObjectItemCaseSensitive(entry->json, "scale");
    return cJSON_IsNumber(scale) && scale->valuedouble > 0x1p121;
}

/* A case on which no kernel of the contract can show anything is not judged, with the reason. A
 * kernel on quantised weights may add up x * q and scale the sum: where the sum itself is near the
 * end of the range, that of q, up to 127 times as large, is beyond it. */
static bool is_beyond(const assay_case_entry *entry, const assay_kernel *kernel,
                      assay_result *result)
{
    if (entry->op != ASSAY_OP_linear || kernel->precision.quant_bits == 0 || !is_huge(entry)) {
        return false;
    }
    result->verdict = ASSAY_SKIP;
    (void)snprintf(result->message, sizeof result->message,
                   "sums near the end of f32's range: on quantised weights, which may be summed "
                   "before they are scaled, every one of them may overflow");
    return true;
}

static bool truth_shows(const assay_step *step, const assay_step_truth *truth)
{
    switch (step->op) {
    case ASSAY_OP_sae_encode: return assay_codes_decidable(&truth->codes);
    case ASSAY_OP_sample: return true; /* its draws are always judged */
    default: return assay_elements_decidable(truth->expected, &truth->budget);
    }
}

static assay_status decidable_case(const assay_case_entry *entry, const assay_kernel *kernel,
                                   uint64_t seed, bool *decidable, assay_error *error)
{
    assay_generated_case built;
    assay_arena arena = {0};
    assay_step step = {.allow_void = false};
    assay_any_io seen;
    assay_step_truth truth;
    assay_result ignored = {.verdict = ASSAY_PASS};
    assay_status status = assay_generated_case_build(entry->json, seed, kernel->precision.output,
                                                     &built, error);
    if (status != ASSAY_OK) {
        return status;
    }
    point_step(&step, &built);
    *decidable = may_be_zeros(entry) || one_element(&step);
    if (!*decidable) {
        status = assay_step_place(kernel, &step, &arena, &seen, error);
        if (status == ASSAY_OK) {
            status = assay_step_truth_make(&kernel->precision, &step, &seen, &arena, &truth,
                                           &ignored, error);
        }
        *decidable = status == ASSAY_OK && truth_shows(&step, &truth);
    }
    assay_arena_free(&arena);
    assay_generated_case_free(&built);
    return status;
}

/* An entry as it is, or one of the cases that a sweep stands for (with memory of its own). */
static assay_status step_entry(const assay_case_entry *entry, uint64_t seed, int64_t number,
                               char place[ASSAY_SWEEP_PLACE], assay_case_entry *made,
                               assay_error *error)
{
    *made = *entry;
    if (entry->steps == 0) {
        return ASSAY_OK;
    }
    cJSON *const json = assay_sweep_step(entry->json, seed, number, place);
    made->json = json;
    made->steps = 0;
    return json != NULL ? ASSAY_OK
                        : assay_fail(error, ASSAY_NO_MEMORY, "no memory for a part of a sweep");
}

static void drop_entry(const assay_case_entry *entry, assay_case_entry *made)
{
    if (entry->steps > 0) {
        cJSON *json = NULL;
        memcpy(&json, &made->json, sizeof json);
        cJSON_Delete(json);
    }
}

assay_status assay_generated_decidable(const assay_case_entry *entry, const assay_kernel *kernel,
                                       uint64_t seed, bool *decidable, assay_error *error)
{
    const int64_t count = entry->steps > 0 ? entry->steps : 1;
    assay_status status = ASSAY_OK;
    *decidable = false;
    for (int64_t i = 0; i < count && status == ASSAY_OK && !*decidable; i++) {
        char place[ASSAY_SWEEP_PLACE];
        assay_case_entry one;
        status = step_entry(entry, seed, i, place, &one, error);
        if (status == ASSAY_OK) {
            status = decidable_case(&one, kernel, seed, decidable, error);
            drop_entry(entry, &one);
        }
    }
    return status;
}

/* One case, or one part of a sweep (part: which). */
static assay_status judge_case(const assay_case_entry *entry, const assay_verify_run *run,
                               size_t table, const char *part, assay_result *result,
                               assay_error *error)
{
    const assay_kernel *const kernel = run->tables[table].kernel[entry->op];
    assay_generated_case built;
    const assay_status status = assay_generated_case_build(
        entry->json, run->seed, kernel->precision.output, &built, error);
    if (status != ASSAY_OK) {
        return status;
    }
    const assay_sample_size sample = {
        .rows = entry->sample_rows,
        .columns = entry->sample_columns,
        .whole_rows = entry->op == ASSAY_OP_sae_encode && is_topk(entry)};
    assay_step step = {.allow_void = may_be_zeros(entry),
                       .sample = sample.rows + sample.columns > 0 ? &sample : NULL,
                       .soak = entry->soak,
                       .part = part};
    point_step(&step, &built);
    step.brief = entry->heavy || is_large(&step);
    step.allow_void = step.allow_void || one_element(&step);
    const assay_judge judge = assay_run_judge(run, table, entry->op);
    if (!is_beyond(entry, kernel, result)) {
        assay_step_judge(&judge, &step, result);
    }
    assay_generated_case_free(&built);
    return ASSAY_OK;
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

/* Every size until one is wrong. A sweep of which some sizes show something, and none is wrong, is
 * right; one that nothing can be said of has the verdict of its first. */
static assay_status judge_sweep(const assay_case_entry *entry, const assay_verify_run *run,
                                size_t table, assay_result *result, assay_error *error)
{
    const assay_result blank = *result;
    bool shown = false;
    assay_status status = ASSAY_OK;
    for (int64_t i = 0; i < entry->steps && status == ASSAY_OK; i++) {
        char place[ASSAY_SWEEP_PLACE];
        assay_case_entry one;
        assay_result part = blank;
        status = step_entry(entry, run->seed, i, place, &one, error);
        if (status != ASSAY_OK) {
            return status;
        }
        status = judge_case(&one, run, table, place, &part, error);
        drop_entry(entry, &one);
        const bool told = part.verdict != ASSAY_SKIP && part.verdict != ASSAY_VOID;
        if (told && !shown) {
            *result = blank; /* earlier ones showed nothing */
        }
        shown = shown || told;
        if (told || i == 0) {
            add_part(result, &part);
        }
        if (part.verdict != ASSAY_PASS && (told || i == 0)) {
            result->verdict = part.verdict;
            result->check = part.check;
            memcpy(result->message, part.message, sizeof result->message);
        }
        if (told && part.verdict != ASSAY_PASS) {
            break;
        }
    }
    return status;
}

assay_status assay_generated_judge_entry(const assay_case_entry *entry,
                                         const assay_verify_run *run, assay_error *error)
{
    const char *const source = run->cases != NULL ? run->cases : "generated";
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < run->table_count && status == ASSAY_OK; i++) {
        const assay_kernel *const kernel = run->tables[i].kernel[entry->op];
        if (kernel == NULL || assay_run_spares(run, &run->tables[i]) || (run->judged != NULL &&
                               run->judged(run->judged_context, source, entry->id,
                                           run->tables[i].name))) {
            continue;
        }
        assay_result result;
        memset(&result, 0, sizeof result);
        result.golden = "generated";
        result.source = source;
        result.op = assay_op_name(entry->op);
        result.impl = run->tables[i].name;
        result.case_id = entry->id;
        result.cosine = 1.0;
        result.seed = run->seed;
        status = entry->steps > 0 ? judge_sweep(entry, run, i, &result, error)
                                  : judge_case(entry, run, i, NULL, &result, error);
        if (status == ASSAY_OK) {
            status = run->sink.result(run->sink.context, &result, error);
        }
    }
    return status;
}
