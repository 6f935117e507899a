/* What results were made on and with: part of every result file. */
#ifndef VERIFY_ENVIRONMENT_H
#define VERIFY_ENVIRONMENT_H

#include <cjson/cJSON.h>

/* A new JSON object; the caller owns it. */
cJSON *assay_environment_json(void);

#endif
