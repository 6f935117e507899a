/* What a chain depends on, as text: the values of some keys of a case's manifest entry. */
#ifndef VERIFY_CHAIN_KEY_H
#define VERIFY_CHAIN_KEY_H

#include <cjson/cJSON.h>

#include "verify/buffer.h"

typedef struct assay_key_part {
    const cJSON *object; /* may be NULL */
    const char *const *key;
    size_t count;
} assay_key_part;

/* Keys that are absent count as absent. NULL when memory is out. */
char *assay_chain_key(assay_arena *arena, const char *kind, const assay_key_part *part,
                      size_t count);

#endif
