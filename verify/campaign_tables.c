/* The implementations of a campaign: built-in tables, the oracle, and what plug-ins export. */
#include <stdlib.h>

#include "kernels/registry.h"
#include "verify/campaign_parts.h"

static assay_status add_table(assay_campaign *c, const assay_table *table, size_t source,
                              assay_error *error)
{
    assay_table *const tables = realloc(c->tables, (c->table_count + 1) * sizeof *tables);
    if (tables != NULL) {
        c->tables = tables;
    }
    size_t *const sources = realloc(c->source, (c->table_count + 1) * sizeof *sources);
    if (sources != NULL) {
        c->source = sources;
    }
    if (tables == NULL || sources == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for implementations");
    }
    c->tables[c->table_count] = *table;
    c->source[c->table_count++] = source;
    return ASSAY_OK;
}

static assay_status add_built_in(assay_campaign *c, assay_error *error)
{
    const char *const impl = c->options.impl;
    assay_status status = ASSAY_OK;
    if (assay_filter_matches(impl, assay_oracle.name)) {
        status = add_table(c, &assay_oracle, 0, error);
    }
    for (size_t i = 0; i < assay_impl_count() && status == ASSAY_OK; i++) {
        assay_table table;
        if (assay_filter_matches(impl, assay_impl_name(i))) {
            status = assay_table_find(assay_impl_name(i), &table, error);
            if (status == ASSAY_OK) {
                status = add_table(c, &table, 0, error);
            }
        }
    }
    return status;
}

/* The table of that source and name, made where it is missing. */
static assay_status table_named(assay_campaign *c, const char *name, size_t source,
                                assay_table **table, assay_error *error)
{
    for (size_t i = 0; i < c->table_count; i++) {
        if (c->source[i] == source && strcmp(c->tables[i].name, name) == 0) {
            *table = &c->tables[i];
            return ASSAY_OK;
        }
        if (strcmp(c->tables[i].name, name) == 0) {
            return assay_fail(error, ASSAY_BAD_INPUT,
                              "two plug-ins export an implementation '%s': give one at a time",
                              name);
        }
    }
    const assay_table fresh = {.name = name};
    const assay_status status = add_table(c, &fresh, source, error);
    *table = status == ASSAY_OK ? &c->tables[c->table_count - 1] : NULL;
    return status;
}

static assay_status add_plugin(assay_campaign *c, size_t index, assay_error *error)
{
    assay_session_options options = c->options.session;
    options.plugin = c->options.plugin[index];
    const assay_kernel *const *kernels = NULL;
    size_t count = 0;
    assay_status status = assay_session_open(&options, &c->lister[index], error);
    if (status == ASSAY_OK) {
        status = assay_session_kernels(c->lister[index], &kernels, &count, error);
    }
    for (size_t i = 0; i < count && status == ASSAY_OK; i++) {
        assay_table *table = NULL;
        if (assay_filter_matches(c->options.impl, kernels[i]->name)) {
            status = table_named(c, kernels[i]->name, index + 1, &table, error);
            if (status == ASSAY_OK) {
                table->kernel[kernels[i]->op] = kernels[i];
            }
        }
    }
    return status;
}

assay_status assay_campaign_find_tables(assay_campaign *c, assay_error *error)
{
    const assay_campaign_options *const o = &c->options;
    assay_status status = ASSAY_OK;
    if (o->plugin_count == 0 || o->impl != NULL) {
        status = add_built_in(c, error);
    }
    for (size_t i = 0; i < o->plugin_count && status == ASSAY_OK; i++) {
        status = add_plugin(c, i, error);
    }
    if (status == ASSAY_OK && c->table_count == 0 && !c->host) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "no implementation matches '%s': see 'assay list kernels'",
                          o->impl != NULL ? o->impl : "*");
    }
    return status;
}
