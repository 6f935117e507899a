/* Command lines read by a table: one entry an option, its kind, its limits, and where it is kept.
 * `--name value` and `--name=value`; a misspelt name is answered with the nearest one. */
#ifndef VERIFY_OPTIONS_H
#define VERIFY_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/status.h"

typedef enum assay_option_kind {
    ASSAY_OPTION_FLAG, /* bool */
    ASSAY_OPTION_TEXT, /* const char *, NULL when not given */
    ASSAY_OPTION_INT,  /* assay_option_int */
    ASSAY_OPTION_REAL, /* assay_option_real */
    ASSAY_OPTION_SEED  /* uint64_t, decimal or 0x… */
} assay_option_kind;

typedef struct assay_option_int {
    bool given;
    int64_t value;
} assay_option_int;

typedef struct assay_option_real {
    bool given;
    double value;
} assay_option_real;

typedef struct assay_option {
    const char *name; /* without the dashes; NULL ends the table */
    assay_option_kind kind;
    size_t offset; /* in the struct that is filled */
    int64_t lowest, highest; /* of numbers */
} assay_option;

/* Fills *target (zeroed or defaulted by the caller) from argv[1..]. Words without dashes go to
 * operands, at most *operand_count of them; *operand_count becomes how many there were. Options may
 * not be given twice. */
assay_status assay_options_parse(const assay_option *table, int argc, char **argv, void *target,
                                 const char **operands, size_t *operand_count, assay_error *error);

/* Takes every `--name value` and `--name=value` out of argv, for an option that may be given
 * several times; *argc becomes what is left. */
assay_status assay_options_take(const char *name, int *argc, char **argv, const char **values,
                                size_t most, size_t *count, assay_error *error);

/* A whole decimal number within limits; false when text is anything else. */
bool assay_parse_int(const char *text, int64_t lowest, int64_t highest, int64_t *value);
/* A finite number in the C locale. */
bool assay_parse_real(const char *text, double *value);

/* How many letters must change, be added, left out or swapped with their neighbour. */
size_t assay_edit_distance(const char *a, const char *b);
/* Whether a typed word is near enough to a known one to be taken for a slip of it. */
bool assay_looks_like(const char *typed, const char *known);

#endif
