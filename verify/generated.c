#include "verify/generated.h"

#include <fnmatch.h>

bool assay_filter_matches(const char *glob, const char *text)
{
    return glob == NULL || fnmatch(glob, text, 0) == 0;
}

static bool selected(const assay_case_entry *entry, const assay_filter *filter)
{
    return assay_filter_matches(filter->op, assay_op_name(entry->op)) &&
           assay_filter_matches(filter->case_id, entry->id) && !(filter->quick && entry->heavy);
}

assay_status assay_generated_count(const char *path, const assay_filter *filter, size_t *count,
                                   assay_error *error)
{
    assay_case_list list;
    const assay_status status = assay_case_list_open(path, &list, error);
    if (status != ASSAY_OK) {
        return status;
    }
    for (size_t i = 0; i < list.count; i++) {
        *count += selected(&list.entries[i], filter);
    }
    assay_case_list_close(&list);
    return ASSAY_OK;
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

assay_status assay_generated_judge_entry(const assay_case_entry *entry,
                                         const assay_verify_run *run, assay_error *error)
{
    const cJSON *const data = cJSON_GetObjectItemCaseSensitive(entry->json, "data");
    /* Nothing but zeros is right where all is zero, or where products of subnormals underflow. */
    const bool zeros = cJSON_IsString(data) && (strcmp(data->valuestring, "zeros") == 0 ||
                                                strcmp(data->valuestring, "subnormal") == 0);
    for (size_t i = 0; i < run->table_count; i++) {
        const assay_kernel *const kernel = run->tables[i].kernel[entry->op];
        assay_generated_case built;
        if (kernel == NULL) {
            continue;
        }
        assay_status status = assay_generated_case_build(entry->json, run->seed,
                                                         kernel->precision.output, &built, error);
        if (status != ASSAY_OK) {
            return status;
        }
        assay_step step = {.allow_void = zeros};
        point_step(&step, &built);
        assay_result result;
        memset(&result, 0, sizeof result);
        result.golden = "generated";
        result.source = "generated";
        result.op = assay_op_name(entry->op);
        result.impl = run->tables[i].name;
        result.case_id = entry->id;
        result.cosine = 1.0;
        result.seed = run->seed;
        assay_step_judge(kernel, &step, &result);
        status = run->sink.result(run->sink.context, &result, error);
        assay_generated_case_free(&built);
        if (status != ASSAY_OK) {
            return status;
        }
    }
    return ASSAY_OK;
}

assay_status assay_generated_judge(const char *path, const assay_filter *filter,
                                   const assay_verify_run *run, assay_error *error)
{
    assay_case_list list;
    assay_status status = assay_case_list_open(path, &list, error);
    if (status != ASSAY_OK) {
        return status;
    }
    for (size_t i = 0; i < list.count && status == ASSAY_OK; i++) {
        if (selected(&list.entries[i], filter)) {
            status = assay_generated_judge_entry(&list.entries[i], run, error);
        }
    }
    assay_case_list_close(&list);
    return status;
}
