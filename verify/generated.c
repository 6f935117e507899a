#include "verify/generated_parts.h"

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

assay_step assay_generated_step(const assay_case_entry *entry, const assay_generated_case *built)
{
    assay_step step = {.soak = entry->soak, .json = entry->json};
    point_step(&step, built);
    step.brief = entry->heavy || is_large(&step);
    step.allow_void = may_be_zeros(entry) || one_element(&step);
    return step;
}

assay_status assay_generated_part(const assay_case_entry *entry, uint64_t seed, int64_t number,
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

void assay_generated_part_drop(const assay_case_entry *entry, assay_case_entry *made)
{
    if (entry->steps > 0) {
        cJSON *json = NULL;
        memcpy(&json, &made->json, sizeof json);
        cJSON_Delete(json);
    }
}
