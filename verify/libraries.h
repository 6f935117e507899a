/* The versions of what this program stands on. */
#ifndef VERIFY_LIBRARIES_H
#define VERIFY_LIBRARIES_H

#include <cjson/cJSON.h>

/* name -> version: of the libraries as loaded where they tell, else as built against. The caller
 * owns it. */
cJSON *assay_libraries_json(void);

#endif
