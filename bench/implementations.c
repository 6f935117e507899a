#include "bench/implementations.h"

#include <stdlib.h>

#include "kernels/exec/stage.h"
#include "kernels/registry.h"
#include "verify/generated.h"

static assay_status add(assay_implementations *found, const assay_table *table, assay_error *error)
{
    assay_table *const grown = realloc(found->table, (found->count + 1) * sizeof *grown);
    if (grown == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for implementations");
    }
    found->table = grown;
    found->table[found->count++] = *table;
    return ASSAY_OK;
}

static assay_status add_built_in(assay_implementations *found, const char *impl,
                                 assay_error *error)
{
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < assay_impl_count() && status == ASSAY_OK; i++) {
        assay_table table;
        if (assay_filter_matches(impl, assay_impl_name(i))) {
            status = assay_table_find(assay_impl_name(i), &table, error);
            if (status == ASSAY_OK) {
                status = add(found, &table, error);
            }
        }
    }
    return status;
}

static assay_status add_exported(assay_session *session, const char *impl,
                                 assay_implementations *found, assay_error *error)
{
    const assay_kernel *const *kernels = NULL;
    size_t count = 0;
    assay_status status = assay_session_kernels(session, &kernels, &count, error);
    for (size_t i = 0; i < count && status == ASSAY_OK; i++) {
        size_t t = 0;
        if (!assay_filter_matches(impl, kernels[i]->name)) {
            continue;
        }
        while (t < found->count && strcmp(found->table[t].name, kernels[i]->name) != 0) {
            t++;
        }
        if (t == found->count) {
            const assay_table fresh = {.name = kernels[i]->name};
            status = add(found, &fresh, error);
        }
        if (status == ASSAY_OK) {
            found->table[t].kernel[kernels[i]->op] = kernels[i];
        }
    }
    return status;
}

assay_status assay_implementations_find(const char *plugin, int32_t device, const char *impl,
                                        int32_t threads, assay_implementations *found,
                                        assay_error *error)
{
    const assay_session_options options = {
        .plugin = plugin, .threads = threads, .device = device};
    memset(found, 0, sizeof *found);
    assay_status status = assay_session_open(&options, &found->session, error);
    if (status == ASSAY_OK) {
        status = plugin != NULL ? add_exported(found->session, impl, found, error) : ASSAY_OK;
    }
    if (status == ASSAY_OK && (plugin == NULL || impl != NULL)) {
        status = add_built_in(found, impl, error);
    }
    if (status == ASSAY_OK && found->count == 0) {
        status = assay_fail(error, ASSAY_BAD_ARGUMENT,
                            "no implementation matches '%s': see 'assay list kernels'",
                            impl != NULL ? impl : "*");
    }
    if (status != ASSAY_OK) {
        assay_implementations_close(found);
    }
    return status;
}

assay_status assay_implementation_named(assay_session *session, const char *name,
                                        assay_table *table, assay_error *error)
{
    assay_implementations exported = {.session = NULL};
    assay_status status = add_exported(session, name, &exported, error);
    if (status == ASSAY_OK && exported.count == 1) {
        *table = exported.table[0];
    } else if (status == ASSAY_OK) {
        status = assay_table_find(name, table, error);
    }
    free(exported.table);
    return status;
}

void assay_implementations_close(assay_implementations *found)
{
    assay_session_close(&found->session);
    free(found->table);
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

bool assay_implementations_on_device(const assay_implementations *found)
{
    bool any = false;
    for (size_t t = 0; t < found->count; t++) {
        for (int op = 0; op < ASSAY_OP_COUNT; op++) {
            const assay_kernel *const kernel = found->table[t].kernel[op];
            any = any || (kernel != NULL && kernel->space != ASSAY_HOST);
        }
    }
    return any;
}
