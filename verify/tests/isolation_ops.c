/* Every op: what comes back from a worker is bit for bit what the kernel gives when it is called
 * directly, wherever the operands lie. */
#include "isolated.h"

#include "kernels/registry.h"
#include "op_cases.h"

/* supports, prepare, workspace, run, release, without any harness. */
#define CALL_DIRECTLY(name)                                                                        \
    case ASSAY_OP_##name: {                                                                        \
        const assay_##name##_functions *const f = &kernel->run.name;                               \
        void *state = NULL;                                                                        \
        if (f->prepare != NULL) {                                                                  \
            cr_assert_eq(f->prepare(&exec, &c->params.name, &state), ASSAY_OK);                    \
        }                                                                                          \
        exec.workspace_bytes =                                                                     \
            f->workspace != NULL ? f->workspace(&c->params.name, &c->io.name) : 0;                 \
        exec.workspace = aligned_alloc(256, exec.workspace_bytes / 256 * 256 + 256);               \
        cr_assert_eq(f->run(&exec, &c->params.name, state, &c->io.name), ASSAY_OK, "%s",           \
                     error.message);                                                               \
        free(exec.workspace);                                                                      \
        if (kernel->release != NULL && state != NULL) {                                            \
            kernel->release(&exec, state);                                                         \
        }                                                                                          \
        break;                                                                                     \
    }

static void call_directly(op_case *c)
{
    assay_error error = {.message = ""};
    assay_exec exec = {.device = assay_host_device(), .threads = 1, .error = &error};
    const assay_kernel *const kernel = assay_kernel_find(c->op, "scalar");
    switch (c->op) {
        ASSAY_STEP_OPS(CALL_DIRECTLY)
    default: break;
    }
}

static void run_in(assay_session *session, op_case *c, assay_placement placement)
{
    assay_outcome outcome;
    assay_error error = {.message = ""};
    const assay_subject subject = {
        .impl = "scalar", .op = c->op, .params = &c->params, .weights = placement};
    cr_assert_eq(assay_session_prepare(session, &subject, &outcome, &error), ASSAY_OK, "%s",
                 error.message);
    cr_assert_eq(assay_session_run(session, &c->io, placement, &outcome, &error), ASSAY_OK, "%s",
                 error.message);
    cr_assert_eq(outcome.verdict, ASSAY_PASS, "%s: %s", assay_op_name(c->op), outcome.message);
    cr_assert_gt(outcome.seconds, 0.0);
    cr_assert_eq(assay_session_release(session, &outcome, &error), ASSAY_OK);
    cr_assert_eq(outcome.verdict, ASSAY_PASS, "%s: %s", assay_op_name(c->op), outcome.message);
}

static void same_everywhere(assay_session *session, assay_placement placement)
{
    for (int op = 0; op < ASSAY_OP_COUNT; op++) {
        if (assay_op_is_stage((assay_op)op)) {
            continue;
        }
        op_case direct;
        op_case served;
        make_case(&direct, (assay_op)op);
        make_case(&served, (assay_op)op);
        call_directly(&direct);
        run_in(session, &served, placement);
        const assay_operand *const table = assay_operands((assay_op)op);
        for (size_t i = 0; table[i].name != NULL; i++) {
            const assay_tensor *const a = assay_operand_of(&direct.io, &table[i]);
            const assay_tensor *const b = assay_operand_of(&served.io, &table[i]);
            cr_assert_eq(assay_present(a), assay_present(b));
            cr_assert(!assay_present(a) ||
                          memcmp(a->data, b->data,
                                 (size_t)assay_count(a) * assay_dtype_size(a->dtype)) == 0,
                      "%s: '%s' differs", assay_op_name((assay_op)op), table[i].name);
        }
        assay_arena_free(&direct.arena);
        assay_arena_free(&served.arena);
    }
}

Test(ops, come_back_from_a_worker_as_they_are, .timeout = 60)
{
    assay_session *session = open_session((assay_session_options){.threads = 1});
    same_everywhere(session, ASSAY_PLACE_RIGHT);
    same_everywhere(session, ASSAY_PLACE_LEFT);
    assay_session_close(&session);
}

Test(ops, come_back_in_process_as_they_are)
{
    assay_session *session =
        open_session((assay_session_options){.in_process = true, .threads = 1});
    same_everywhere(session, ASSAY_PLACE_RIGHT);
    same_everywhere(session, ASSAY_PLACE_LEFT);
    assay_session_close(&session);
}

Test(ops, weights_and_operands_of_size_zero_pass)
{
    assay_session *session = open_session((assay_session_options){.threads = 1});
    assay_outcome outcome;
    assay_error error = {.message = ""};
    float memory[4] = {1, 2, 3, 4};
    const assay_add_params params = {.d = 4};
    const assay_add_io io = {assay_matrix(memory, ASSAY_F32, 0, 4),
                             assay_matrix(memory, ASSAY_F32, 0, 4),
                             assay_matrix(memory + 2, ASSAY_F32, 0, 4)};
    const assay_subject subject = {.impl = "scalar", .op = ASSAY_OP_add, .params = &params};
    cr_assert_eq(assay_session_prepare(session, &subject, &outcome, &error), ASSAY_OK);
    for (int placement = 0; placement < 2; placement++) {
        cr_assert_eq(assay_session_run(session, &io, (assay_placement)placement, &outcome, &error),
                     ASSAY_OK, "%s", error.message);
        cr_assert_eq(outcome.verdict, ASSAY_PASS, "%s", outcome.message);
    }
    cr_assert_eq(memory[2], 3.0f);
    assay_session_close(&session);
}

Test(ops, an_output_may_share_its_memory_with_an_input)
{
    assay_session *session = open_session((assay_session_options){.threads = 1});
    assay_outcome outcome;
    assay_error error = {.message = ""};
    float a[4] = {1, 2, 3, 4};
    float b[4] = {10, 20, 30, 40};
    const assay_add_params params = {.d = 4};
    const assay_add_io io = {assay_matrix(a, ASSAY_F32, 1, 4), assay_matrix(b, ASSAY_F32, 1, 4),
                             assay_matrix(a, ASSAY_F32, 1, 4)};
    const assay_subject subject = {.impl = "scalar", .op = ASSAY_OP_add, .params = &params};
    cr_assert_eq(assay_session_prepare(session, &subject, &outcome, &error), ASSAY_OK);
    cr_assert_eq(assay_session_run(session, &io, ASSAY_PLACE_RIGHT, &outcome, &error), ASSAY_OK);
    cr_assert_eq(outcome.verdict, ASSAY_PASS, "%s", outcome.message);
    cr_assert_eq(a[3], 44.0f);
    assay_session_close(&session);
}
