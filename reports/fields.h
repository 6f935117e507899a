/* Objects of a result file read by tables: a key, where its value is kept, and what it must be. */
#ifndef REPORTS_FIELDS_H
#define REPORTS_FIELDS_H

#include "reports/doc.h"

typedef enum assay_field_kind {
    ASSAY_FIELD_TEXT,    /* const char *; "" when absent */
    ASSAY_FIELD_REAL,    /* double; NaN when absent; "inf" and the like allowed */
    ASSAY_FIELD_COUNT,   /* double holding a whole number from 0; NaN when absent */
    ASSAY_FIELD_FLAG,    /* bool; false when absent */
    ASSAY_FIELD_VERDICT, /* assay_verdict by its name */
    ASSAY_FIELD_NODE     /* const assay_node *, an object; NULL when absent */
} assay_field_kind;

typedef struct assay_field {
    const char *key; /* NULL ends a table */
    assay_field_kind kind;
    size_t offset;
    bool required;
} assay_field;

/* Where in a file something is, for messages: "file: timings[3]". */
typedef struct assay_place {
    const char *path, *list;
    size_t index;
} assay_place;

assay_status assay_fields_read(const assay_field *table, const assay_node *object,
                               const assay_place *place, void *target, assay_error *error);
/* ASSAY_BAD_INPUT about a key of the thing at place. */
assay_status assay_place_fail(const assay_place *place, const assay_node *node, const char *key,
                              const char *expected, assay_error *error);
/* A list of numbers by key; absent gives NULL and 0, unless required. */
assay_status assay_numbers_read(const assay_node *object, const char *key, bool required,
                                const assay_place *place, const double **numbers, size_t *count,
                                assay_error *error);

#endif
