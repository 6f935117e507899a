/* The oracle as a backend: complete, honest in its contract, refusing shapes that do not fit. */
#include "support.h"

Test(table, holds_every_step_op_and_leaves_stages_to_composition)
{
    for (int op = 0; op < ASSAY_OP_COUNT; op++) {
        const assay_kernel *kernel = assay_oracle.kernel[op];
        const bool stage = op == ASSAY_OP_capture || op == ASSAY_OP_generate ||
                           op == ASSAY_OP_explain;
        cr_assert_eq(kernel == NULL, stage, "%s", assay_op_name((assay_op)op));
        if (kernel != NULL) {
            cr_assert_eq(kernel->op, (assay_op)op);
            cr_assert_eq(kernel->precision.output, ASSAY_F64);
            cr_assert_eq(kernel->size, sizeof(assay_kernel));
        }
    }
}

Test(table, every_op_has_traits)
{
    for (int op = 0; op < ASSAY_OP_COUNT; op++) {
        const assay_traits *traits = assay_ref_traits((assay_op)op);
        cr_assert_not_null(traits);
        cr_assert_eq(traits->op, (assay_op)op);
        cr_assert_not_null(traits->formula);
    }
    cr_assert_null(assay_ref_traits(ASSAY_OP_COUNT));
}

Test(table, a_kernel_writes_the_type_it_is_given)
{
    assay_error error = {0};
    const assay_exec exec = {.error = &error, .threads = 1};
    float a[2] = {1.0f, 2.0f};
    float y[2];
    const assay_add_params params = {2};
    const assay_add_io io = {assay_matrix(a, ASSAY_F32, 1, 2), assay_matrix(a, ASSAY_F32, 1, 2),
                             assay_matrix(y, ASSAY_F32, 1, 2)};
    cr_assert_ok(assay_oracle.kernel[ASSAY_OP_add]->run.add.run(&exec, &params, NULL, &io), error);
    cr_assert_eq(y[1], 4.0f);
}

Test(shapes, the_operand_that_does_not_fit_is_named)
{
    assay_error error;
    double numbers[64] = {0};
    int64_t ids[4] = {0};
    const assay_linear_params linear = {.weight = assay_matrix(numbers, ASSAY_F64, 3, 4)};
    const assay_linear_io linear_io = {assay_matrix(numbers, ASSAY_F64, 2, 5),
                                       assay_matrix(numbers, ASSAY_F64, 2, 3)};
    cr_assert_eq(assay_ref_linear_check(&linear, &linear_io, &error), ASSAY_BAD_ARGUMENT);
    cr_assert_str_eq(error.message, "linear: x has 5 columns, expected 4");
    const assay_embed_params embed = {assay_matrix(numbers, ASSAY_F64, 3, 4)};
    const assay_embed_io embed_io = {.id = assay_vector(ids, ASSAY_F64, 2),
                                     .y = assay_matrix(numbers, ASSAY_F64, 2, 4)};
    cr_assert_eq(assay_ref_embed_check(&embed, &embed_io, &error), ASSAY_BAD_ARGUMENT);
    cr_assert_str_eq(error.message, "embed: id has type f64, expected an integer type");
    const assay_rope_params rope = {.head_dim = 3};
    const assay_rope_io rope_io = {.x = assay_matrix(numbers, ASSAY_F64, 2, 6)};
    cr_assert_eq(assay_ref_rope_check(&rope, &rope_io, &error), ASSAY_BAD_ARGUMENT);
    cr_assert_not_null(strstr(error.message, "head_dim 3"));
    const assay_add_params add = {4};
    assay_add_io add_io = {assay_matrix(numbers, ASSAY_F64, 2, 4),
                           assay_matrix(numbers, ASSAY_F64, 2, 4),
                           assay_matrix(numbers, ASSAY_F64, 3, 4)};
    cr_assert_eq(assay_ref_add_check(&add, &add_io, &error), ASSAY_BAD_ARGUMENT);
    cr_assert_str_eq(error.message, "add: y has 3 rows, expected 2");
    add_io.b.space = ASSAY_CUDA;
    cr_assert_eq(assay_ref_add_check(&add, &add_io, &error), ASSAY_BAD_ARGUMENT);
    cr_assert_not_null(strstr(error.message, "device memory"));
}

Test(shapes, a_model_without_a_contract_is_refused)
{
    assay_error error;
    double a[1] = {1.0};
    double y[1];
    assay_error_model model = new_model(1, 1);
    const assay_add_params params = {1};
    const assay_add_io io = {assay_matrix(a, ASSAY_F64, 1, 1), assay_matrix(a, ASSAY_F64, 1, 1),
                             assay_matrix(y, ASSAY_F64, 1, 1)};
    cr_assert_eq(assay_ref_add(&params, &io, NULL, NULL, &model, &error), ASSAY_BAD_ARGUMENT);
    free_model(&model);
}

Test(costs, of_a_linear_layer_are_its_multiply_adds_and_its_operands_once)
{
    const assay_tensor x = zeros(ASSAY_F32, 2, 4);
    const assay_tensor w = zeros(ASSAY_BF16, 3, 4);
    const assay_tensor y = zeros(ASSAY_F32, 2, 3);
    const assay_linear_params params = {.weight = w};
    const assay_linear_io io = {x, y};
    const assay_cost cost = assay_ref_linear_cost(&params, &io);
    cr_assert_eq(cost.flops, 48.0);
    cr_assert_eq(cost.bytes_read, 2.0 * 12.0 + 4.0 * 8.0);
    cr_assert_eq(cost.bytes_written, 24.0);
    cr_assert_eq(cost.depth, 4);
    free(x.data), free(w.data), free(y.data);
}
