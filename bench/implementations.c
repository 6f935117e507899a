#include "bench/implementations.h"

#include <stdlib.h>

#include "kernels/exec/stage.h"
#include "kernels/registry.h"
#include "verify/generated.h"

static assay_status add(assay_implementations *found, const assay_implementation *item,
                        assay_error *error)
{
    assay_implementation *const grown = realloc(found->item, (found->count + 1) * sizeof *grown);
    if (grown == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for implementations");
    }
    found->item = grown;
    found->item[found->count++] = *item;
    return ASSAY_OK;
}

static assay_status add_built_in(assay_implementations *found, const char *impl,
                                 assay_error *error)
{
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < assay_impl_count() && status == ASSAY_OK; i++) {
        assay_implementation item = {.session = found->built_in};
        if (assay_filter_matches(impl, assay_impl_name(i))) {
            status = assay_table_find(assay_impl_name(i), &item.table, error);
            if (status == ASSAY_OK) {
                status = add(found, &item, error);
            }
        }
    }
    return status;
}

static assay_status add_kernel(assay_implementations *found, size_t from,
                               const assay_kernel *kernel, assay_error *error)
{
    assay_status status = ASSAY_OK;
    size_t i = 0;
    while (i < found->count && strcmp(found->item[i].table.name, kernel->name) != 0) {
        i++;
    }
    if (i == found->count) {
        const assay_implementation fresh = {.table.name = kernel->name,
                                            .plugin = found->plugin[from],
                                            .session = found->exported[from]};
        status = add(found, &fresh, error);
    } else if (found->item[i].session != found->exported[from]) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "implementation '%s' is in %s and in %s: open one of them",
                          kernel->name, found->item[i].plugin, found->plugin[from]);
    }
    if (status == ASSAY_OK) {
        found->item[i].table.kernel[kernel->op] = kernel;
    }
    return status;
}

/* What number `from` of the plug-ins exports. */
static assay_status add_exported(assay_implementations *found, size_t from, const char *impl,
                                 assay_error *error)
{
    const assay_kernel *const *kernels = NULL;
    size_t count = 0;
    assay_status status = assay_session_kernels(found->exported[from], &kernels, &count, error);
    for (size_t i = 0; i < count && status == ASSAY_OK; i++) {
        if (assay_filter_matches(impl, kernels[i]->name)) {
            status = add_kernel(found, from, kernels[i], error);
        }
    }
    return status;
}

static assay_status add_plugins(assay_implementations *found, const char *impl, assay_error *error)
{
    assay_status status = ASSAY_OK;
    for (size_t p = 0; p < found->plugin_count && status == ASSAY_OK; p++) {
        status = add_exported(found, p, impl, error);
    }
    return status;
}

static assay_status open_sessions(assay_implementations *found, int32_t device, int32_t threads,
                                  assay_error *error)
{
    assay_session_options options = {.threads = threads, .device = device};
    assay_status status = assay_session_open(&options, &found->built_in, error);
    for (size_t p = 0; p < found->plugin_count && status == ASSAY_OK; p++) {
        options.plugin = found->plugin[p];
        status = assay_session_open(&options, &found->exported[p], error);
    }
    return status;
}

assay_status assay_implementations_find(assay_implementations *found, int32_t device,
                                        const char *impl, int32_t threads, assay_error *error)
{
    assay_status status = open_sessions(found, device, threads, error);
    if (status == ASSAY_OK) {
        status = add_plugins(found, impl, error);
    }
    if (status == ASSAY_OK && (found->plugin_count == 0 || impl != NULL)) {
        status = add_built_in(found, impl, error);
    }
    if (status == ASSAY_OK && found->count == 0) {
        status = assay_fail(error, ASSAY_BAD_ARGUMENT,
                            "no implementation matches '%s': see 'assay list kernels'",
                            impl != NULL ? impl : "*");
    }
    return status;
}

assay_status assay_implementation_named(const assay_implementations *found, const char *name,
                                        assay_implementation *implementation, assay_error *error)
{
    assay_implementations named = *found;
    named.item = NULL;
    named.count = 0;
    assay_status status = add_plugins(&named, name, error);
    if (status == ASSAY_OK && named.count == 1) {
        *implementation = named.item[0];
    } else if (status == ASSAY_OK) {
        *implementation = (assay_implementation){.session = found->built_in};
        status = assay_table_find(name, &implementation->table, error);
    }
    free(named.item);
    return status;
}

void assay_implementations_close(assay_implementations *found)
{
    assay_session_close(&found->built_in);
    for (size_t p = 0; p < found->plugin_count; p++) {
        assay_session_close(&found->exported[p]);
    }
    free(found->item);
    memset(found, 0, sizeof *found);
}

const assay_kernel *assay_implementation_kernel(const assay_table *table, assay_op op)
{
    assay_error ignored;
    if (op < ASSAY_OP_capture || table->kernel[op] != NULL) {
        return table->kernel[op];
    }
    return assay_table_supports(table, op, &ignored) == ASSAY_OK ? table->kernel[ASSAY_OP_linear]
                                                                 : NULL;
}

const char *assay_implementations_on_device(const assay_implementations *found)
{
    for (size_t i = 0; i < found->count; i++) {
        for (int op = 0; op < ASSAY_OP_COUNT; op++) {
            const assay_kernel *const kernel = found->item[i].table.kernel[op];
            if (kernel != NULL && kernel->space != ASSAY_HOST) {
                return found->item[i].plugin;
            }
        }
    }
    return NULL;
}
