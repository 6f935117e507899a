#include "verify/generated.h"

#include "verify/sampled.h"
#include "verify/step_truth.h"

bool assay_generated_selected(const assay_case_entry *entry, const assay_filter *filter)
{
    return assay_filter_matches(filter->op, assay_op_name(entry->op)) &&
           assay_filter_matches(filter->case_id, entry->id) && !(filter->quick && entry->heavy);
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

assay_status assay_generated_decidable(const assay_case_entry *entry, const assay_kernel *kernel,
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

assay_status assay_generated_judge_entry(const assay_case_entry *entry,
                                         const assay_verify_run *run, assay_error *error)
{
    const bool zeros = may_be_zeros(entry);
    const char *const source = run->cases != NULL ? run->cases : "generated";
    for (size_t i = 0; i < run->table_count; i++) {
        const assay_kernel *const kernel = run->tables[i].kernel[entry->op];
        assay_generated_case built;
        if (kernel == NULL || (run->judged != NULL &&
                               run->judged(run->judged_context, source, entry->id,
                                           run->tables[i].name))) {
            continue;
        }
        assay_status status = assay_generated_case_build(entry->json, run->seed,
                                                         kernel->precision.output, &built, error);
        if (status != ASSAY_OK) {
            return status;
        }
        const assay_sample_size sample = {
            .rows = entry->sample_rows,
            .columns = entry->sample_columns,
            .whole_rows = entry->op == ASSAY_OP_sae_encode && is_topk(entry)};
        assay_step step = {.allow_void = zeros,
                           .sample = sample.rows + sample.columns > 0 ? &sample : NULL,
                           .soak = entry->soak};
        point_step(&step, &built);
        step.brief = entry->heavy || is_large(&step);
        step.allow_void = step.allow_void || one_element(&step);
        assay_result result;
        memset(&result, 0, sizeof result);
        result.golden = "generated";
        result.source = source;
        result.op = assay_op_name(entry->op);
        result.impl = run->tables[i].name;
        result.case_id = entry->id;
        result.cosine = 1.0;
        result.seed = run->seed;
        const assay_judge judge = assay_run_judge(run, i, entry->op);
        if (!is_beyond(entry, kernel, &result)) {
            assay_step_judge(&judge, &step, &result);
        }
        status = run->sink.result(run->sink.context, &result, error);
        assay_generated_case_free(&built);
        if (status != ASSAY_OK) {
            return status;
        }
    }
    return ASSAY_OK;
}
