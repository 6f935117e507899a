#include "reports/fields.h"

#include <math.h>
#include <string.h>

#include "assay/result.h"

assay_status assay_place_fail(const assay_place *place, const assay_node *node, const char *key,
                              const char *expected, assay_error *error)
{
    if (node == NULL) {
        return assay_fail(error, ASSAY_BAD_INPUT, "%s: %s[%zu]: key '%s' is missing: expected %s",
                          place->path, place->list, place->index, key, expected);
    }
    return assay_fail(error, ASSAY_BAD_INPUT, "%s: byte %zu: %s[%zu]: key '%s' is %s: expected %s",
                      place->path, node->at, place->list, place->index, key,
                      assay_node_kind_name(node), expected);
}

static bool read_verdict(const assay_node *node, assay_verdict *verdict)
{
    for (int v = ASSAY_PASS; node->kind == ASSAY_NODE_TEXT && v <= ASSAY_SKIP; v++) {
        if (strcmp(node->as.text, assay_verdict_name((assay_verdict)v)) == 0) {
            *verdict = (assay_verdict)v;
            return true;
        }
    }
    return false;
}

static const char *const expectations[] = {"a text",
                                           "a number",
                                           "a whole number",
                                           "true or false",
                                           "one of PASS, FAIL, VOID, CRASH, TIMEOUT, SKIP",
                                           "an object"};

static void set_absent(const assay_field *field, void *at)
{
    switch (field->kind) {
    case ASSAY_FIELD_TEXT: *(const char **)at = ""; break;
    case ASSAY_FIELD_REAL:
    case ASSAY_FIELD_COUNT: *(double *)at = (double)NAN; break;
    case ASSAY_FIELD_FLAG: *(bool *)at = false; break;
    case ASSAY_FIELD_VERDICT: *(assay_verdict *)at = ASSAY_SKIP; break;
    case ASSAY_FIELD_NODE: *(const assay_node **)at = NULL; break;
    }
}

static bool set(const assay_field *field, const assay_node *object, const assay_node *node,
                void *at)
{
    double real;
    switch (field->kind) {
    case ASSAY_FIELD_TEXT:
        *(const char **)at = node->kind == ASSAY_NODE_TEXT ? node->as.text : "";
        return node->kind == ASSAY_NODE_TEXT;
    case ASSAY_FIELD_REAL:
        *(double *)at = assay_node_real(object, field->key, (double)NAN);
        return node->kind == ASSAY_NODE_NUMBER || !isnan(*(double *)at) ||
               (node->kind == ASSAY_NODE_TEXT && strcmp(node->as.text, "nan") == 0);
    case ASSAY_FIELD_COUNT:
        real = node->kind == ASSAY_NODE_NUMBER ? node->as.number : -1.0;
        *(double *)at = real;
        return real >= 0.0 && real <= 0x1p53 && floor(real) == real;
    case ASSAY_FIELD_FLAG:
        *(bool *)at = node->kind == ASSAY_NODE_BOOL && node->as.truth;
        return node->kind == ASSAY_NODE_BOOL;
    case ASSAY_FIELD_VERDICT: return read_verdict(node, at);
    case ASSAY_FIELD_NODE: *(const assay_node **)at = node; return node->kind == ASSAY_NODE_OBJECT;
    }
    return false;
}

assay_status assay_fields_read(const assay_field *table, const assay_node *object,
                               const assay_place *place, void *target, assay_error *error)
{
    if (object == NULL || object->kind != ASSAY_NODE_OBJECT) {
        return assay_fail(error, ASSAY_BAD_INPUT, "%s: byte %zu: %s[%zu] is %s: expected an object",
                          place->path, object != NULL ? object->at : 0, place->list, place->index,
                          assay_node_kind_name(object));
    }
    for (const assay_field *field = table; field->key != NULL; field++) {
        void *const at = (char *)target + field->offset;
        const assay_node *const node = assay_node_get(object, field->key);
        set_absent(field, at);
        if (node == NULL ? field->required : !set(field, object, node, at)) {
            return assay_place_fail(place, node, field->key, expectations[field->kind], error);
        }
    }
    return ASSAY_OK;
}

assay_status assay_numbers_read(const assay_node *object, const char *key, bool required,
                                const assay_place *place, const double **numbers, size_t *count,
                                assay_error *error)
{
    const assay_node *const node = assay_node_get(object, key);
    *numbers = NULL;
    *count = 0;
    if (node == NULL && !required) {
        return ASSAY_OK;
    }
    if (node != NULL && node->kind == ASSAY_NODE_NUMBERS) {
        *numbers = node->as.numbers;
        *count = node->count;
        return ASSAY_OK;
    }
    const bool empty = node != NULL && node->kind == ASSAY_NODE_LIST && node->count == 0;
    return empty && !required
               ? ASSAY_OK
               : assay_place_fail(place, node, key, "a list of numbers, not empty", error);
}
