/* `assay list ops`, `assay list kernels` and `assay list stages`. */
#include <stdio.h>
#include <string.h>

#include "kernels/exec/stage.h"
#include "kernels/registry.h"
#include "ref/oracle.h"
#include "verify/contract_json.h"
#include "verify/generated.h"
#include "verify/isolation/session.h"
#include "verify/list_collect.h"

static const char *comparator_name(assay_comparator comparator)
{
    switch (comparator) {
    case ASSAY_COMPARE_ELEMENTS: return "each element against its budget";
    case ASSAY_COMPARE_CODES: return "active latents by margin, then their values";
    case ASSAY_COMPARE_TOKENS: return "tokens by margin";
    case ASSAY_COMPARE_STAGE: return "a chain's budget";
    }
    return "?";
}

static bool implements(const char *impl, assay_op op)
{
    assay_table table;
    assay_error error;
    return assay_table_find(impl, &table, &error) == ASSAY_OK &&
           assay_table_supports(&table, op, &error) == ASSAY_OK;
}

cJSON *assay_list_ops(const assay_list_filter *filter, assay_error *error)
{
    (void)error;
    cJSON *const list = cJSON_CreateArray();
    for (int i = 0; list != NULL && i < ASSAY_OP_COUNT; i++) {
        const assay_op op = (assay_op)i;
        if (!assay_filter_matches(filter->op, assay_op_name(op))) {
            continue;
        }
        cJSON *const entry = cJSON_CreateObject();
        const assay_traits *const traits = assay_ref_traits(op);
        (void)cJSON_AddStringToObject(entry, "name", assay_op_name(op));
        if (traits != NULL) {
            (void)cJSON_AddStringToObject(entry, "formula", traits->formula);
            (void)cJSON_AddStringToObject(entry, "judged_by", comparator_name(traits->comparator));
        }
        cJSON *const impls = cJSON_AddArrayToObject(entry, "implementations");
        for (size_t k = 0; k < assay_impl_count(); k++) {
            const char *const impl = assay_impl_name(k);
            if (assay_filter_matches(filter->impl, impl) && implements(impl, op)) {
                (void)cJSON_AddItemToArray(impls, cJSON_CreateString(impl));
            }
        }
        (void)cJSON_AddItemToArray(list, entry);
    }
    return list;
}

/* What the kernel needs of the processor, and what of that is not here. */
static void add_features(cJSON *entry, const assay_kernel *k)
{
    const uint32_t missing = k->features & ~assay_host_device().features;
    cJSON *const need = cJSON_AddArrayToObject(entry, "features");
    cJSON *const lack = cJSON_AddArrayToObject(entry, "missing_features");
    for (int i = 0; i < ASSAY_FEATURE_COUNT; i++) {
        if ((k->features >> i & 1u) != 0) {
            (void)cJSON_AddItemToArray(need, cJSON_CreateString(assay_feature_name(i)));
        }
        if ((missing >> i & 1u) != 0) {
            (void)cJSON_AddItemToArray(lack, cJSON_CreateString(assay_feature_name(i)));
        }
    }
}

/* no_device: why none of the plug-in's kernels can run on one; NULL: there is one. */
static void add_available(cJSON *entry, const assay_kernel *k, const char *no_device)
{
    const bool lacks = k->space != ASSAY_HOST && no_device != NULL;
    const bool missing = (k->features & ~assay_host_device().features) != 0;
    (void)cJSON_AddBoolToObject(entry, "available", !lacks && !missing);
    if (lacks) {
        (void)cJSON_AddStringToObject(entry, "reason", no_device);
    }
}

static cJSON *describe(const assay_kernel *k, const char *no_device)
{
    static const char *const capabilities[] = {"force",  "logits",      "dense",
                                               "sparse", "probability", "steer"};
    cJSON *const entry = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(entry, "op", assay_op_name(k->op));
    (void)cJSON_AddStringToObject(entry, "impl", k->name);
    (void)cJSON_AddStringToObject(entry, "backend", k->backend);
    (void)cJSON_AddStringToObject(entry, "summary", k->summary);
    (void)cJSON_AddStringToObject(entry, "space", k->space == ASSAY_HOST ? "host" : "cuda");
    assay_contract_add(entry, &k->precision);
    assay_json_add_bits(entry, "capabilities", k->capabilities, capabilities,
                        sizeof capabilities / sizeof *capabilities);
    add_features(entry, k);
    add_available(entry, k, no_device);
    return entry;
}

static cJSON *describe_all(const assay_list_filter *filter, const assay_kernel *const *kernels,
                           size_t count, const char *no_device)
{
    cJSON *const list = cJSON_CreateArray();
    for (size_t i = 0; list != NULL && i < count; i++) {
        const assay_kernel *const k = kernels[i];
        if (assay_filter_matches(filter->op, assay_op_name(k->op)) &&
            assay_filter_matches(filter->impl, k->name)) {
            (void)cJSON_AddItemToArray(list, describe(k, no_device));
        }
    }
    return list;
}

/* The stages, as cases name them. */
static const struct stage_name {
    const char *name;
    assay_op op;
} stage_names[] = {{"capture", ASSAY_OP_capture},
                   {"logits", ASSAY_OP_capture},
                   {"generate", ASSAY_OP_generate},
                   {"steered_generate", ASSAY_OP_generate},
                   {"explain", ASSAY_OP_explain}};

/* The kernels of one implementation; false when kernel i is not its first. */
static bool table_of(const assay_kernel *const *kernels, size_t count, size_t i,
                     assay_table *table)
{
    *table = (assay_table){.name = kernels[i]->name};
    for (size_t k = 0; k < count; k++) {
        if (strcmp(kernels[k]->name, table->name) == 0) {
            if (k < i) {
                return false;
            }
            table->kernel[kernels[k]->op] = kernels[k];
        }
    }
    return true;
}

static cJSON *stages_of_all(const assay_list_filter *filter, const assay_kernel *const *kernels,
                            size_t count, const char *no_device)
{
    (void)no_device;
    cJSON *const list = cJSON_CreateArray();
    assay_table table;
    for (size_t i = 0; list != NULL && i < count; i++) {
        if (!assay_filter_matches(filter->impl, kernels[i]->name) ||
            !table_of(kernels, count, i, &table)) {
            continue;
        }
        for (size_t s = 0; s < sizeof stage_names / sizeof *stage_names; s++) {
            const struct stage_name *const stage = &stage_names[s];
            if (assay_filter_matches(filter->op, stage->name) &&
                assay_table_supports(&table, stage->op, NULL) == ASSAY_OK) {
                cJSON *const entry = cJSON_CreateObject();
                (void)cJSON_AddStringToObject(entry, "op", stage->name);
                (void)cJSON_AddStringToObject(entry, "impl", table.name);
                (void)cJSON_AddStringToObject(entry, "backend", kernels[i]->backend);
                (void)cJSON_AddItemToArray(list, entry);
            }
        }
    }
    return list;
}

/* The reason that its worker gives; NULL where a device is there, or no kernel asks for one. */
static const char *why_no_device(assay_session *session, const assay_kernel *const *kernels,
                                 size_t count, assay_error *why)
{
    assay_accelerator_device facts;
    int32_t devices = 0;
    bool wanted = false;
    for (size_t i = 0; i < count; i++) {
        wanted = wanted || kernels[i]->space != ASSAY_HOST;
    }
    return wanted && assay_session_device(session, 0, &devices, &facts, why) != ASSAY_OK
               ? why->message
               : NULL;
}

/* A list of the built-in kernels, or of a plug-in's. */
static cJSON *listed(const assay_list_filter *filter,
                     cJSON *(*list_of)(const assay_list_filter *, const assay_kernel *const *,
                                       size_t, const char *),
                     assay_error *error)
{
    assay_error why = {.message = ""};
    size_t count = 0;
    if (filter->plugin == NULL) {
        const assay_kernel *const *const built_in = assay_kernels(&count);
        return list_of(filter, built_in, count, NULL);
    }
    const assay_session_options options = {.plugin = filter->plugin};
    const assay_kernel *const *kernels = NULL;
    assay_session *session = NULL;
    cJSON *list = NULL;
    if (assay_session_open(&options, &session, error) == ASSAY_OK &&
        assay_session_kernels(session, &kernels, &count, error) == ASSAY_OK) {
        list = list_of(filter, kernels, count, why_no_device(session, kernels, count, &why));
    }
    assay_session_close(&session);
    return list;
}

cJSON *assay_list_kernels(const assay_list_filter *filter, assay_error *error)
{
    return listed(filter, describe_all, error);
}

cJSON *assay_list_stages(const assay_list_filter *filter, assay_error *error)
{
    return listed(filter, stages_of_all, error);
}
