/* JSON for other programs. */
#ifndef REPORTS_JSON_H
#define REPORTS_JSON_H

#include <cjson/cJSON.h>

#include "assay/status.h"

/* cJSON writes null for what JSON cannot carry; here it is "inf", "-inf" or "nan", as in results
 * files. */
void json_add_number(cJSON *object, const char *key, double value);

/* The tree to a file, whole or not at all, "-" for standard output; deletes the tree. */
assay_status json_write(cJSON *root, const char *path, assay_error *error);

#endif
