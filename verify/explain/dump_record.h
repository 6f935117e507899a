/* A golden bundle being written: cases and tensors are collected, then the files written. */
#ifndef VERIFY_EXPLAIN_DUMP_RECORD_H
#define VERIFY_EXPLAIN_DUMP_RECORD_H

#include <cjson/cJSON.h>

#include "assay/status.h"
#include "assay/tensor.h"
#include "verify/buffer.h"

typedef struct assay_recorded {
    char name[160];
    assay_tensor tensor; /* dense; lives until the record is finished */
} assay_recorded;

typedef struct assay_record {
    const char *directory;
    cJSON *cases;
    assay_recorded *tensor;
    size_t count;
    assay_arena arena;
} assay_record;

assay_status assay_record_open(assay_record *record, const char *directory, assay_error *error);
/* A new case with empty params, in and out. It belongs to the record. */
cJSON *assay_record_case(assay_record *record, const char *id, const char *op,
                         const char *precision);
/* Names tensor "<case>.<role>" on side "in" or "out". Converted copies are the record's; what is
 * recorded in its own type (dtype NONE) must live until the record is finished. */
assay_status assay_record_tensor(assay_record *record, cJSON *c, const char *side, const char *role,
                                 const assay_tensor *tensor, assay_dtype dtype,
                                 assay_error *error);
/* Writes tensors.safetensors and manifest.json. */
assay_status assay_record_finish(assay_record *record, assay_error *error);
void assay_record_close(assay_record *record);

#endif
