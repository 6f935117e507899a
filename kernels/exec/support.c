#include "kernels/exec/stage.h"

#include "kernels/exec/bind.h"

assay_dtype assay_table_activation(const assay_table *table)
{
    const assay_kernel *const linear = table->kernel[ASSAY_OP_linear];
    return linear != NULL ? linear->precision.output : ASSAY_NONE;
}

static assay_status need(const assay_table *table, assay_op whole, const assay_op *steps,
                         size_t count, assay_error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (table->kernel[steps[i]] == NULL) {
            return assay_fail(error, ASSAY_UNSUPPORTED, "'%s' cannot compose %s: it has no %s",
                              table->name, assay_op_name(whole), assay_op_name(steps[i]));
        }
    }
    return ASSAY_OK;
}

assay_status assay_table_supports(const assay_table *table, assay_op op, assay_error *error)
{
    /* capture needs the first seven, generate sample too, explain also the adapter. Steering is
     * asked for by parameters, so sae_steer is found missing only when it is used. */
    static const assay_op steps[] = {ASSAY_OP_embed,     ASSAY_OP_add,    ASSAY_OP_rmsnorm,
                                     ASSAY_OP_linear,    ASSAY_OP_rope,   ASSAY_OP_attention,
                                     ASSAY_OP_swiglu,    ASSAY_OP_sample, ASSAY_OP_adapter};
    if ((unsigned)op >= ASSAY_OP_COUNT) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "operation %d does not exist", (int)op);
    }
    if (table->kernel[op] != NULL) {
        return ASSAY_OK;
    }
    switch (op) {
    case ASSAY_OP_capture: return need(table, op, steps, 7, error);
    case ASSAY_OP_generate: return need(table, op, steps, 8, error);
    case ASSAY_OP_explain: return need(table, op, steps, 9, error);
    default: break;
    }
    return assay_fail(error, ASSAY_UNSUPPORTED, "'%s' has no kernel for %s", table->name,
                      assay_op_name(op));
}
