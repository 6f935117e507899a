/* Random generated cases of an op: shapes, data and weights drawn from a seed, in the form that
 * fixtures/synth/cases.h describes. */
#ifndef VERIFY_SELFTEST_DRAW_CASE_H
#define VERIFY_SELFTEST_DRAW_CASE_H

#include <cjson/cJSON.h>

#include "assay/ops.h"

/* A new object that the caller deletes; a function of its arguments alone. */
cJSON *assay_draw_case(assay_op op, uint64_t seed, uint64_t number);

#endif
