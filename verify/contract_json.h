/* A contract as members of a JSON object: types by name, what is counted as numbers. */
#ifndef VERIFY_CONTRACT_JSON_H
#define VERIFY_CONTRACT_JSON_H

#include <cjson/cJSON.h>

#include "assay/precision.h"

/* storage, multiply, operand_scale, accumulate (in words), intermediate, output, order, flush. */
void assay_contract_add(cJSON *object, const assay_precision *contract);
/* All of it: besides those angle, accumulate_bits, accumulate_rounding, accumulate_block,
 * quant_bits and quant_group. */
void assay_contract_add_whole(cJSON *object, const assay_precision *contract);

/* The names of the bits that are set, as a list. */
void assay_json_add_bits(cJSON *object, const char *key, uint32_t bits, const char *const *names,
                         size_t count);

#endif
