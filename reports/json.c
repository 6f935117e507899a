#include "reports/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/text.h"

void json_add_number(cJSON *object, const char *key, double value)
{
    (void)(isfinite(value) ? cJSON_AddNumberToObject(object, key, value)
                           : cJSON_AddStringToObject(object, key,
                                                     isnan(value)  ? "nan"
                                                     : value > 0.0 ? "inf"
                                                                   : "-inf"));
}

assay_status json_write(cJSON *root, const char *path, assay_error *error)
{
    char *const text = cJSON_Print(root);
    cJSON_Delete(root);
    if (text == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for %s", path);
    }
    assay_status status = ASSAY_OK;
    if (strcmp(path, "-") == 0) {
        status = puts(text) >= 0 ? ASSAY_OK : assay_fail(error, ASSAY_IO, "cannot be printed");
    } else {
        status = text_write_file(path, text, strlen(text), error);
    }
    free(text);
    return status;
}
