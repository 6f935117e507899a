#include "kernels/registry.h"

#include "kernels/list.h"

#define ASSAY_KERNEL_ADDRESS(op, name) &assay_##op##_##name,
static const assay_kernel *const all[] = {ASSAY_KERNEL_LIST(ASSAY_KERNEL_ADDRESS)};
#undef ASSAY_KERNEL_ADDRESS

enum { ALL_COUNT = sizeof all / sizeof all[0] };

const assay_kernel *const *assay_kernels(size_t *count)
{
    *count = ALL_COUNT;
    return all;
}

const assay_kernel *assay_kernel_find(assay_op op, const char *name)
{
    for (size_t i = 0; i < ALL_COUNT; i++) {
        if (all[i]->op == op && strcmp(all[i]->name, name) == 0) {
            return all[i];
        }
    }
    return NULL;
}

/* Whether entry i is the first that bears its name. */
static bool names_first(size_t i)
{
    for (size_t before = 0; before < i; before++) {
        if (strcmp(all[before]->name, all[i]->name) == 0) {
            return false;
        }
    }
    return true;
}

const char *assay_impl_name(size_t index)
{
    size_t seen = 0;
    for (size_t i = 0; i < ALL_COUNT; i++) {
        if (names_first(i) && seen++ == index) {
            return all[i]->name;
        }
    }
    return NULL;
}

size_t assay_impl_count(void)
{
    size_t count = 0;
    for (size_t i = 0; i < ALL_COUNT; i++) {
        count += names_first(i) ? 1 : 0;
    }
    return count;
}

static assay_status unknown_name(const char *name, assay_error *error)
{
    char known[256] = "";
    size_t used = 0;
    const char *next = NULL;
    for (size_t i = 0; (next = assay_impl_name(i)) != NULL && used < sizeof known; i++) {
        const int wrote = snprintf(known + used, sizeof known - used, "%s%s", i == 0 ? "" : ", ",
                                   next);
        used += wrote > 0 ? (size_t)wrote : 0;
    }
    return assay_fail(error, ASSAY_BAD_ARGUMENT, "no implementation is named '%s'; known: %s", name,
                      known);
}

assay_status assay_table_find(const char *name, assay_table *table, assay_error *error)
{
    memset(table, 0, sizeof *table);
    for (size_t i = 0; i < ALL_COUNT; i++) {
        if (strcmp(all[i]->name, name) == 0) {
            table->name = all[i]->name;
            table->kernel[all[i]->op] = all[i];
        }
    }
    return table->name != NULL ? ASSAY_OK : unknown_name(name, error);
}
