#include "verify/contract_json.h"

#include <stdio.h>

static const char *order_name(assay_order order)
{
    switch (order) {
    case ASSAY_ORDER_ANY: return "any";
    case ASSAY_ORDER_SEQUENTIAL: return "sequential";
    case ASSAY_ORDER_LANES: return "lanes";
    case ASSAY_ORDER_BLOCKED: return "blocked";
    case ASSAY_ORDER_PAIRWISE: return "pairwise";
    }
    return "?";
}

static const char *scale_name(int32_t scale)
{
    switch (scale) {
    case ASSAY_SCALE_NONE: return "none";
    case ASSAY_SCALE_ROW: return "row";
    case ASSAY_SCALE_ROW_POWER: return "row, power of two";
    default: return "?";
    }
}

void assay_json_add_bits(cJSON *object, const char *key, uint32_t bits, const char *const *names,
                         size_t count)
{
    cJSON *const list = cJSON_AddArrayToObject(object, key);
    for (size_t i = 0; i < count; i++) {
        if ((bits >> i & 1u) != 0) {
            (void)cJSON_AddItemToArray(list, cJSON_CreateString(names[i]));
        }
    }
}

void assay_contract_add(cJSON *entry, const assay_precision *p)
{
    static const char *const flushes[] = {"in", "accumulate", "out"};
    char sum[64];
    (void)snprintf(sum, sizeof sum, "%d bits%s%s", (int)p->accumulate.bits,
                   p->accumulate.rounding == ASSAY_TRUNCATE ? ", truncated" : "",
                   p->accumulate.block > 1 ? ", in blocks" : "");
    (void)cJSON_AddStringToObject(entry, "storage", assay_dtype_name(p->storage));
    (void)cJSON_AddStringToObject(entry, "multiply", assay_dtype_name(p->multiply));
    (void)cJSON_AddStringToObject(entry, "operand_scale", scale_name(p->operand_scale));
    (void)cJSON_AddStringToObject(entry, "accumulate", sum);
    (void)cJSON_AddStringToObject(entry, "intermediate", assay_dtype_name(p->intermediate));
    (void)cJSON_AddStringToObject(entry, "output", assay_dtype_name(p->output));
    (void)cJSON_AddStringToObject(entry, "order", order_name(p->order));
    assay_json_add_bits(entry, "flush", p->flush, flushes, sizeof flushes / sizeof *flushes);
}

void assay_contract_add_whole(cJSON *entry, const assay_precision *p)
{
    assay_contract_add(entry, p);
    (void)cJSON_AddStringToObject(entry, "angle", assay_dtype_name(p->angle));
    (void)cJSON_AddNumberToObject(entry, "accumulate_bits", p->accumulate.bits);
    (void)cJSON_AddStringToObject(entry, "accumulate_rounding",
                                  p->accumulate.rounding == ASSAY_TRUNCATE ? "truncate"
                                                                           : "nearest");
    (void)cJSON_AddNumberToObject(entry, "accumulate_block", p->accumulate.block);
    (void)cJSON_AddNumberToObject(entry, "quant_bits", p->quant_bits);
    (void)cJSON_AddNumberToObject(entry, "quant_group", p->quant_group);
}
