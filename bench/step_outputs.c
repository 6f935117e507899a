#include "bench/step_outputs.h"

#include <sys/mman.h>

enum { ALIGNMENT = 256, HUGE_BYTES = 2 << 20 };

static size_t whole_pages(size_t bytes)
{
    return (bytes + HUGE_BYTES - 1) / HUGE_BYTES * HUGE_BYTES;
}

void *assay_block_take(size_t bytes)
{
    void *const block = mmap(NULL, whole_pages(bytes), PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) {
        return NULL;
    }
    (void)madvise(block, whole_pages(bytes), MADV_HUGEPAGE);
    return block;
}

void assay_block_drop(void **block, size_t bytes)
{
    if (*block != NULL) {
        (void)munmap(*block, whole_pages(bytes));
        *block = NULL;
    }
}

static bool optional_output(const assay_operand *operand)
{
    return strcmp(operand->name, "dense") == 0 || strcmp(operand->name, "probability") == 0;
}

static bool is_list(assay_op op, const assay_operand *operand)
{
    return op == ASSAY_OP_sae_encode &&
           (strcmp(operand->name, "latent") == 0 || strcmp(operand->name, "value") == 0);
}

/* Where each lies from `block` on (NULL: nowhere yet); the bytes of all. */
static size_t lay_out(assay_op op, int64_t codes_room, assay_any_io *io, void *block)
{
    size_t at = 0;
    for (const assay_operand *operand = assay_operands(op); operand->name != NULL; operand++) {
        assay_tensor *const tensor = assay_operand_of(io, operand);
        if (operand->input || tensor->rank == 0 || optional_output(operand)) {
            continue;
        }
        if (is_list(op, operand)) {
            tensor->shape[0] = codes_room;
        }
        tensor->data = block != NULL ? (char *)block + at : NULL;
        const size_t size = (size_t)assay_count(tensor) * assay_dtype_size(tensor->dtype);
        at += (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
    return at;
}

assay_status assay_step_outputs_place(assay_op op, int64_t codes_room, assay_any_io *io,
                                      assay_step_outputs *outputs, assay_error *error)
{
    assay_step_outputs_free(outputs);
    outputs->bytes = lay_out(op, codes_room, io, NULL);
    outputs->block = assay_block_take(outputs->bytes);
    if (outputs->block == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory for outputs of %zu bytes",
                          outputs->bytes);
    }
    (void)lay_out(op, codes_room, io, outputs->block);
    return ASSAY_OK;
}

void assay_step_outputs_poison(assay_op op, const assay_any_io *io)
{
    for (const assay_operand *operand = assay_operands(op); operand->name != NULL; operand++) {
        const assay_tensor *const tensor = assay_operand_in(io, operand);
        if (!operand->input && assay_present(tensor)) {
            assay_buffer_poison(tensor);
        }
    }
}

void assay_step_outputs_free(assay_step_outputs *outputs)
{
    assay_block_drop(&outputs->block, outputs->bytes);
}

double assay_step_operand_bytes(assay_op op, const assay_any_io *io, bool inputs)
{
    double bytes = 0.0;
    for (const assay_operand *operand = assay_operands(op); operand->name != NULL; operand++) {
        const assay_tensor *const tensor = assay_operand_in(io, operand);
        if (assay_present(tensor) && operand->input == inputs) {
            bytes += (double)assay_count(tensor) * (double)assay_dtype_size(tensor->dtype);
        }
    }
    return bytes;
}

size_t assay_step_outputs_list(assay_op op, const assay_any_io *io,
                               assay_bench_output output[ASSAY_BENCH_OUTPUTS_MAX])
{
    size_t count = 0;
    for (const assay_operand *operand = assay_operands(op); operand->name != NULL; operand++) {
        const assay_tensor *const tensor = assay_operand_in(io, operand);
        if (operand->output && !operand->input && assay_present(tensor) &&
            count < ASSAY_BENCH_OUTPUTS_MAX) {
            output[count++] = (assay_bench_output){operand->name, tensor};
        }
    }
    return count;
}
