/* Wrong explanations. */
#include <stdlib.h>

#include "kernels/exec/stage.h"
#include "verify/mutants/stages.h"

enum { FAULT_explain_none, EXPLAIN_MUTANTS(MUTANT_FAULT) };
#define IS(name) (fault == FAULT_explain_##name)
#define FAULT_NAME(op, type, name, checks, cases, what) #name,
static const char *const fault_name[] = {"", EXPLAIN_MUTANTS(FAULT_NAME)};

static void change_params(int fault, assay_explain_params *params)
{
    assay_adapter_params *const adapter = &params->adapter;
    const assay_model *const subject = &params->capture.model;
    if (IS(no_adapter)) {
        adapter->type = ASSAY_ADAPTER_IDENTITY;
        adapter->mean.data = NULL;
    } else if (IS(normalise_flipped)) {
        adapter->normalize_input = !adapter->normalize_input;
    } else if (IS(mean_kept)) {
        adapter->mean.data = NULL;
    } else if (IS(hook_late) && params->capture.hook.layer + 1 < subject->layers) {
        params->capture.hook.layer++;
    } else if (IS(subject_explains) && subject->layers > 0 &&
               subject->d_model == params->generate.model.d_model) {
        params->generate.model = *subject;
    } else if (IS(one_eos) && params->generate.eos_count > 1) {
        params->generate.eos_count = 1;
    } else if (IS(scale_lost) && adapter->type == ASSAY_ADAPTER_SCALE_ONLY) {
        adapter->type = ASSAY_ADAPTER_IDENTITY;
    } else if (IS(steer_off)) {
        params->generate.steering.on = false;
    } else if (IS(hook_output) && (params->capture.hook.kind == ASSAY_HOOK_ATTN_OUT ||
                                   params->capture.hook.kind == ASSAY_HOOK_MLP_OUT)) {
        params->capture.hook.kind = ASSAY_HOOK_OUTPUT;
    } else if (IS(greedy)) {
        params->generate.sampling.temperature = 0.0;
    }
}

/* Operands as this explanation takes them; the return is to be freed after use. */
static void *change_operands(int fault, assay_explain_io *io)
{
    if (IS(stop_ignored)) {
        io->stop = NULL;
    }
    if (IS(one_placeholder) || IS(two_placeholders)) {
        const int64_t most = IS(one_placeholder) ? 1 : 2;
        io->placeholder.shape[0] = scalar_min(io->placeholder.shape[0], most);
    }
    if (IS(position_late) && assay_present(&io->positions)) {
        const int64_t count = assay_count(&io->positions);
        int64_t *const pairs = malloc((size_t)count * sizeof *pairs);
        for (int64_t i = 0; i < count && pairs != NULL; i++) {
            pairs[i] = (int64_t)assay_at2(&io->positions, i / 2, i % 2);
            pairs[i] -= i % 2 == 1 && pairs[i] > 0 ? 1 : 0;
        }
        io->positions.data = pairs != NULL ? pairs : io->positions.data;
        return pairs;
    }
    if (IS(rows_rotated) && assay_present(&io->vectors)) {
        const assay_tensor from = io->vectors;
        const size_t row = (size_t)from.shape[1] * assay_dtype_size(from.dtype);
        char *const rotated = malloc((size_t)from.shape[0] * row);
        for (int64_t n = 0; n < from.shape[0] && rotated != NULL; n++) {
            memcpy(rotated + (size_t)n * row,
                   (const char *)from.data + (size_t)((n + 1) % from.shape[0]) * row, row);
        }
        io->vectors.data = rotated != NULL ? rotated : from.data;
        return rotated;
    }
    return NULL;
}

/* The prompt that a call with one of the same length had before. */
static void keep_prompt(assay_explain_io *io)
{
    enum { MOST = 256 };
    static int64_t kept[MOST];
    static int64_t kept_length;
    const int64_t length = io->prompt.shape[0];
    for (int64_t t = 0; t < length && length != kept_length && length <= MOST; t++) {
        kept[t] = (int64_t)assay_at1(&io->prompt, t);
    }
    kept_length = length;
    io->prompt = length <= MOST ? assay_vector(kept, ASSAY_I64, length) : io->prompt;
}

static assay_status faulty_explain(int fault, assay_dtype type, const assay_exec *exec,
                                   const assay_explain_params *params, const assay_explain_io *io)
{
    const assay_table table = mutant_table(type);
    assay_explain_params other = *params;
    assay_explain_io changed = *io;
    assay_explain_stage *stage = NULL;
    change_params(fault, &other);
    if (IS(prompt_kept)) {
        keep_prompt(&changed);
    }
    void *const memory = change_operands(fault, &changed);
    assay_status status = assay_explain_stage_open(&table, exec, &other, &stage);
    if (status == ASSAY_OK) {
        status = assay_explain_stage_run(stage, &changed);
    }
    assay_explain_stage_close(&stage);
    const int64_t most = IS(rows_8) ? 8 : IS(rows_16) ? 16 : INT64_MAX;
    for (int64_t n = most; n < io->soft.shape[0] && status == ASSAY_OK; n++) {
        for (int64_t i = 0; i < io->soft.shape[1]; i++) {
            assay_put2(&io->soft, n, i, assay_at2(&io->soft, n - most, i));
        }
    }
    if (status == ASSAY_OK) {
        mutant_change_soft(fault_name[fault], io);
    }
    free(memory);
    return status;
}

#define MUTANT_WORKSPACE NULL
#define MUTANT_CAPABILITIES (ASSAY_CAN_FORCE | ASSAY_CAN_LOGITS | ASSAY_CAN_STEER)
EXPLAIN_TWINS(MUTANT_TWIN_RUN)
EXPLAIN_MUTANTS(MUTANT_RUN)
static const assay_kernel kernels[] = {
    EXPLAIN_TWINS(MUTANT_TWIN_KERNEL) EXPLAIN_MUTANTS(MUTANT_KERNEL)};
MUTANT_EXPORT(explain, kernels)
