/* What a timing process handed over: tensors one after another in a file, and a list of what they
 * are. */
#ifndef BENCH_OUTPUTS_H
#define BENCH_OUTPUTS_H

#include <cjson/cJSON.h>
#include <sys/types.h>

#include "verify/buffer.h"

/* The tensor of an entry, which begins at *at; *at becomes its end. */
assay_status assay_outputs_read(const cJSON *entry, int output, off_t *at, assay_arena *arena,
                                assay_tensor *tensor, assay_error *error);

/* The output of that name, of exactly so many elements. */
assay_status assay_outputs_find(const cJSON *list, int output, const char *name, int64_t count,
                                assay_arena *arena, assay_tensor *tensor, assay_error *error);

/* The type of that name. */
bool assay_outputs_dtype(const char *name, assay_dtype *dtype);

/* The error of a list that is not of the case's form. */
assay_status assay_outputs_bad(assay_error *error);

#endif
