/* A verdict as JSON, to results files and journals, and back. Numbers that are not finite are
 * "inf", "-inf" or "nan"; 64-bit seeds are strings. */
#ifndef VERIFY_RESULT_JSON_H
#define VERIFY_RESULT_JSON_H

#include <cjson/cJSON.h>

#include "assay/result.h"

/* What every file of results begins with: format, version, command, environment. The caller owns
 * it and adds its lists; NULL without memory. */
cJSON *assay_results_begin(void);

/* cJSON writes null for what JSON cannot carry; these write the name. */
cJSON *assay_json_number(double value);
void assay_json_add_number(cJSON *object, const char *key, double value);

cJSON *assay_result_to_json(const assay_result *result);
/* The strings of result point into object. False: not a verdict. */
bool assay_result_from_json(const cJSON *object, assay_result *result);

#endif
