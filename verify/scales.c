#include "verify/scales.h"

#include <stdlib.h>

static bool named(const char *kept, const char *key, const char *contract)
{
    const size_t length = strlen(contract);
    return strncmp(kept, contract, length) == 0 && kept[length] == ' ' &&
           strcmp(kept + length + 1, key) == 0;
}

const assay_budget *assay_scales_find(const assay_scales *scales, const char *key,
                                      const char *contract)
{
    const struct assay_scale *scale = scales->first;
    while (scale != NULL && !named(scale->key, key, contract)) {
        scale = scale->next;
    }
    return scale != NULL ? &scale->budget : NULL;
}

assay_status assay_scales_keep(assay_scales *scales, const char *key, const char *contract,
                               const assay_budget *budget, assay_error *error)
{
    const size_t bytes = (size_t)(budget->rows * budget->columns) * sizeof *budget->value;
    struct assay_scale *const scale = calloc(1, sizeof *scale);
    double *const value = malloc(bytes + 1);
    char *text = NULL;
    if (scale == NULL || value == NULL || asprintf(&text, "%s %s", contract, key) < 0) {
        free(scale);
        free(value);
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a chain's scales");
    }
    memcpy(value, budget->value, bytes);
    *scale = (struct assay_scale){text, {budget->rows, budget->columns, value}, scales->first};
    scales->first = scale;
    return ASSAY_OK;
}

void assay_scales_free(assay_scales *scales)
{
    while (scales->first != NULL) {
        struct assay_scale *const scale = scales->first;
        scales->first = scale->next;
        free(scale->budget.value);
        free(scale->key);
        free(scale);
    }
}
