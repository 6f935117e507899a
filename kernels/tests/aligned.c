/* Stages give kernels weights and operands that are aligned as these want them, wherever a model's
 * weights lie; numbers are those that unaligned ones give. */
#include "tiny.h"

#include "assay/kernel.h"

enum { MAX_NEW = 4, WANTED = 64, PAGE = 512 };

static assay_table real;
static int64_t looked, unaligned;

static void look(const assay_tensor *tensor, uintptr_t wanted)
{
    looked += assay_present(tensor);
    unaligned += assay_present(tensor) && (uintptr_t)tensor->data % wanted != 0;
}

static assay_status look_linear(const assay_exec *exec, const assay_linear_params *params,
                                const void *state, const assay_linear_io *io)
{
    look(&params->weight, WANTED);
    look(&io->x, WANTED);
    look(&io->y, WANTED);
    return real.kernel[ASSAY_OP_linear]->run.linear.run(exec, params, state, io);
}

static assay_status look_rmsnorm(const assay_exec *exec, const assay_rmsnorm_params *params,
                                 const void *state, const assay_rmsnorm_io *io)
{
    look(&params->weight, PAGE);
    return real.kernel[ASSAY_OP_rmsnorm]->run.rmsnorm.run(exec, params, state, io);
}

static assay_status look_attention(const assay_exec *exec, const assay_attention_params *params,
                                   const void *state, const assay_attention_io *io)
{
    look(&io->q, PAGE);
    look(&io->k_cache, PAGE);
    look(&io->v_cache, PAGE);
    return real.kernel[ASSAY_OP_attention]->run.attention.run(exec, params, state, io);
}

static assay_tensor generated(const assay_table *table, const assay_model *model)
{
    assay_error error;
    const assay_exec exec = host_exec(2, &error);
    const assay_generate_params params = {.model = *model, .max_new_tokens = MAX_NEW};
    const assay_generate_io io = {.tokens = tiny_tokens(),
                                  .lengths = tiny_length_vector(),
                                  .new_tokens = blank(ASSAY_I64, TINY_BATCH, MAX_NEW)};
    assay_generate_stage *stage = NULL;
    cr_assert_eq(assay_generate_stage_open(table, &exec, &params, &stage), ASSAY_OK, "%s",
                 error.message);
    cr_assert_eq(assay_generate_stage_run(stage, &io), ASSAY_OK, "%s", error.message);
    assay_generate_stage_close(&stage);
    return io.new_tokens;
}

Test(aligned, stages_give_what_kernels_want)
{
    assay_layer layers[TINY_LAYERS];
    const assay_model model = tiny_model(layers);
    cr_assert_eq(assay_table_find("scalar", &real, NULL), ASSAY_OK);
    assay_kernel linear = *real.kernel[ASSAY_OP_linear];
    assay_kernel rmsnorm = *real.kernel[ASSAY_OP_rmsnorm];
    assay_kernel attention = *real.kernel[ASSAY_OP_attention];
    assay_table strict = real;
    linear.run.linear.run = look_linear;
    rmsnorm.run.rmsnorm.run = look_rmsnorm;
    attention.run.attention.run = look_attention;
    strict.kernel[ASSAY_OP_linear] = &linear;
    strict.kernel[ASSAY_OP_rmsnorm] = &rmsnorm;
    strict.kernel[ASSAY_OP_attention] = &attention;
    const assay_tensor expected = generated(&strict, &model);
    cr_assert_gt(unaligned, 0, "else nothing is tested");
    linear.alignment[0] = WANTED;
    rmsnorm.alignment[0] = PAGE;
    attention.alignment[6] = PAGE;
    looked = unaligned = 0;
    const assay_tensor got = generated(&strict, &model);
    cr_assert_gt(looked, 0);
    cr_assert_eq(unaligned, 0, "%ld of %ld", (long)unaligned, (long)looked);
    cr_assert(same_bits(&got, &expected));
}
