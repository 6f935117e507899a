/* The registry: every entry is what it says, tables are complete, unknown names list the known. */
#include "support.h"

Test(registry, every_kernel_is_found_under_its_name)
{
    size_t count = 0;
    const assay_kernel *const *const all = assay_kernels(&count);
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq(all[i]->abi, ASSAY_ABI);
        cr_assert_eq(all[i]->size, sizeof(assay_kernel));
        cr_assert_eq(assay_kernel_find(all[i]->op, all[i]->name), all[i]);
        cr_assert_not_null(all[i]->summary);
    }
    cr_assert_null(assay_kernel_find(ASSAY_OP_linear, "nothing"));
}

Test(registry, both_scalar_tables_have_every_step_and_compose_every_stage)
{
    cr_assert_str_eq(assay_impl_name(0), "scalar");
    cr_assert_str_eq(assay_impl_name(1), "scalar_bf16");
    cr_assert_null(assay_impl_name(assay_impl_count()));
    for (size_t i = 0; i < 2; i++) {
        const assay_table table = table_of(assay_impl_name(i));
        for (int op = 0; op < ASSAY_OP_COUNT; op++) {
            cr_assert_eq(assay_table_supports(&table, (assay_op)op, NULL), ASSAY_OK);
        }
    }
    const assay_table f32 = table_of("scalar");
    const assay_table bf16 = table_of("scalar_bf16");
    cr_assert_eq(assay_table_activation(&f32), ASSAY_F32);
    cr_assert_eq(assay_table_activation(&bf16), ASSAY_BF16);
    cr_assert_eq(assay_table_activation(&assay_oracle), ASSAY_F64);
}

Test(registry, an_unknown_name_lists_the_known_ones)
{
    assay_table table;
    assay_error error;
    cr_assert_eq(assay_table_find("scalr", &table, &error), ASSAY_BAD_ARGUMENT);
    cr_assert_not_null(strstr(error.message, "scalr"));
    cr_assert_not_null(strstr(error.message, "scalar, scalar_bf16"));
}

Test(registry, an_incomplete_table_names_what_it_lacks)
{
    assay_table table = table_of("scalar");
    assay_error error;
    table.kernel[ASSAY_OP_rope] = NULL;
    cr_assert_eq(assay_table_supports(&table, ASSAY_OP_generate, &error), ASSAY_UNSUPPORTED);
    cr_assert_not_null(strstr(error.message, "rope"));
}

Test(registry, the_host_has_memory)
{
    const assay_device device = assay_host_device();
    cr_assert_eq(device.space, ASSAY_HOST);
    cr_assert_gt(device.memory_bytes, (uint64_t)1 << 20);
}

/* A kernel refuses operands of a type it does not take instead of reading them as another. */
Test(registry, a_kernel_names_an_operand_of_the_wrong_type)
{
    const assay_kernel *const kernel = assay_kernel_find(ASSAY_OP_linear, "scalar_bf16");
    const assay_linear_params params = {.weight = random_matrix(ASSAY_F32, 2, 2, 1, 1.0)};
    const assay_linear_io io = {.x = random_matrix(ASSAY_F32, 2, 2, 1, 1.0),
                                .y = blank(ASSAY_BF16, 2, 2)};
    assay_error error;
    const assay_exec exec = host_exec(1, &error);
    cr_assert_eq(kernel->run.linear.run(&exec, &params, NULL, &io), ASSAY_BAD_ARGUMENT);
    cr_assert_not_null(strstr(error.message, "x: expected bf16"));
}
