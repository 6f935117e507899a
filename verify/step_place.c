/* The output over an input: stages compose steps so, and a kernel that writes before it has read
 * all that it needs shows nowhere else. */
#include "verify/step_checks.h"

/* Inputs that the judged output may lie over, by the ops' headers. */
static const char *const over[ASSAY_OP_COUNT][2] = {
    [ASSAY_OP_add] = {"a", "b"},       [ASSAY_OP_rmsnorm] = {"x", NULL},
    [ASSAY_OP_rope] = {"x", NULL},     [ASSAY_OP_attention] = {"q", NULL},
    [ASSAY_OP_swiglu] = {"gate", "up"}, [ASSAY_OP_sae_steer] = {"x", NULL},
};

/* The operand of that name; NULL: the op has none. */
static const assay_operand *named(assay_op op, const char *name)
{
    const assay_operand *operand = assay_operands(op);
    while (operand->name != NULL && strcmp(operand->name, name) != 0) {
        operand++;
    }
    return operand->name != NULL ? operand : NULL;
}

assay_status assay_check_in_place(assay_judgement *j)
{
    const assay_op op = j->step->op;
    const bool second = over[op][1] != NULL && (j->judge->seed + (uint64_t)j->blocks.rows) % 2 != 0;
    const char *const name = over[op][second ? 1 : 0];
    const assay_operand *const input = name != NULL ? named(op, name) : NULL;
    assay_any_io io;
    if (input == NULL || j->blocks.rows < 1) {
        return ASSAY_OK;
    }
    int64_t *const rows = assay_arena_take(j->arena, (size_t)j->blocks.rows * sizeof *rows);
    if (rows == NULL) {
        return assay_fail(j->error, ASSAY_NO_MEMORY, "out of memory for row numbers");
    }
    assay_rows_all(&j->blocks, rows);
    assay_status status = assay_rows_again(j->step, &j->base, j->arena, &io, j->error);
    if (status != ASSAY_OK) {
        return status;
    }
    assay_tensor *const y = assay_operand_of(&io, assay_judged_output(op));
    assay_tensor *const x = assay_operand_of(&io, input);
    const assay_tensor given = *x; /* the base's own memory */
    if (x->dtype != y->dtype || assay_count(x) != assay_count(y)) {
        return ASSAY_OK;
    }
    status = assay_buffer_convert(j->arena, &given, given.dtype, x, j->error);
    if (status != ASSAY_OK) {
        return status;
    }
    *y = *x;
    assay_judgement_threads(j, 1);
    status = assay_judgement_run(j, &io, ASSAY_PLACE_RIGHT);
    assay_session_set_threads(j->judged.session, 0);
    if (status == ASSAY_OK && j->result->verdict == ASSAY_SKIP) {
        j->result->verdict = ASSAY_PASS; /* it may refuse: then nobody calls it so */
        j->result->message[0] = '\0';
    } else if (status == ASSAY_OK && j->result->verdict == ASSAY_PASS) {
        char what[64];
        (void)snprintf(what, sizeof what, "y written over %s", name);
        status = assay_judgement_rows(j, &io, rows, j->blocks.rows, ASSAY_CHECK_IN_PLACE, what);
    }
    return status;
}
