/* What `assay list` knows, as JSON; its tables are printed from the same values. */
#ifndef VERIFY_LIST_COLLECT_H
#define VERIFY_LIST_COLLECT_H

#include <cjson/cJSON.h>

#include "assay/status.h"

enum { ASSAY_LIST_GOLDEN_MAX = 64 };

/* Globs over ops, implementations and cases; NULL takes all. */
typedef struct assay_list_filter {
    const char *op, *impl, *case_id;
    const char *plugin; /* kernels of this shared object instead of the built-in ones */
    const char *cases;  /* a file of generated cases instead of the one found by default */
    const char *golden[ASSAY_LIST_GOLDEN_MAX]; /* bundles or folders of them, or "generated" */
    size_t golden_count;                       /* 0: what is found by default */
} assay_list_filter;

/* One section each: an array, or NULL with the reason: memory is out, or the plug-in cannot be
 * loaded.
 *   ops      {name, formula, judged_by, implementations [name]}; a stage that is composed of other
 *            ops counts as implemented
 *   kernels  {op, impl, backend, summary, space, storage, multiply, operand_scale, accumulate,
 *            intermediate, output, order, flush [where], capabilities [what], features [what the
 *            processor must have], missing_features [which of them this one lacks], available
 *            (false: a feature or the device is missing), reason (why there is no device)}
 *   stages   {op, impl, backend}: compositions that an implementation's kernels suffice for, and
 *            fused ones, by the ops that cases name
 *   cases    {golden, id, op, precision}; golden is "generated" for cases made from a seed
 *   devices  {name, available, …}: model, threads, memory_bytes, features and missing_features of
 *            the host; devices of the accelerator, or the reason why there is none; missing and
 *            cost of what is not there
 *   golden   {name, path, cases, hash, producer} or {path, error} */
cJSON *assay_list_ops(const assay_list_filter *filter, assay_error *error);
cJSON *assay_list_kernels(const assay_list_filter *filter, assay_error *error);
cJSON *assay_list_stages(const assay_list_filter *filter, assay_error *error);
cJSON *assay_list_cases(const assay_list_filter *filter, assay_error *error);
cJSON *assay_list_devices(const assay_list_filter *filter, assay_error *error);
cJSON *assay_list_golden(const assay_list_filter *filter, assay_error *error);

#endif
