/* What `assay list` knows, as JSON; its tables are printed from the same values. */
#ifndef VERIFY_LIST_COLLECT_H
#define VERIFY_LIST_COLLECT_H

#include <cjson/cJSON.h>

#include "assay/status.h"

/* Globs over ops and implementations; NULL takes all. */
typedef struct assay_list_filter {
    const char *op, *impl;
} assay_list_filter;

/* One section each: an array, or NULL when memory is out.
 *   ops      {name, formula, judged_by, implementations [name]}; a stage that is composed of other
 *            ops counts as implemented
 *   kernels  {op, impl, backend, summary, space, storage, multiply, accumulate, intermediate,
 *            output, order, flush [where], capabilities [what]}
 *   cases    {golden, id, op, precision}; golden is "generated" for cases made from a seed
 *   devices  {name, available, …}: model, threads, memory_bytes, features and missing_features of
 *            the host; missing and cost of what is not there
 *   golden   {name, path, cases, hash, producer} or {path, error} */
cJSON *assay_list_ops(const assay_list_filter *filter);
cJSON *assay_list_kernels(const assay_list_filter *filter);
cJSON *assay_list_cases(const assay_list_filter *filter);
cJSON *assay_list_devices(const assay_list_filter *filter);
cJSON *assay_list_golden(const assay_list_filter *filter);

#endif
