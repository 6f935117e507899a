/* Wrong captures. */
#include <math.h>
#include <stdlib.h>

#include "kernels/exec/stage.h"
#include "kernels/registry.h"
#include "verify/mutants/attention.h"
#include "verify/mutants/norm.h"
#include "verify/mutants/stages.h"

enum { FAULT_capture_none, CAPTURE_MUTANTS(MUTANT_FAULT) };
#define IS(name) (fault == FAULT_capture_##name)
#define FAULT_NAME(op, type, name, checks, cases, what) #name,
static const char *const fault_name[] = {"", CAPTURE_MUTANTS(FAULT_NAME)};

assay_table mutant_table(assay_dtype type)
{
    assay_table table;
    (void)assay_table_find(type == ASSAY_BF16 ? "scalar_bf16" : "scalar", &table, NULL);
    return table;
}

void mutant_replace(assay_table *table, mutant_kernels kernels, const char *name)
{
    for (size_t i = 0; i < kernels.count; i++) {
        if (strcmp(kernels.kernel[i].name, name) == 0) {
            table->kernel[kernels.kernel[i].op] = &kernels.kernel[i];
        }
    }
}

/* The first two frequencies are too high to be scaled, and the unscaled ones are a geometric
 * sequence: they follow from these two. */
static double unscaled(const assay_model *model, int64_t i)
{
    return pow(model->inverse_frequency[1], (double)i);
}

bool mutant_rope_is_scaled(const assay_model *model)
{
    const int64_t last = model->head_dim / 2 - 1;
    return fabs(model->inverse_frequency[last] / unscaled(model, last) - 1.0) > 0.01;
}

double *mutant_frequencies(const assay_model *model, double factor)
{
    const int64_t half = model->head_dim / 2;
    double *const frequency = malloc((size_t)half * sizeof *frequency);
    const double circle = 6.283185307179586;
    for (int64_t i = 0; i < half && frequency != NULL; i++) {
        const double f = unscaled(model, i);
        const double length = circle / f;
        const double s = (8192.0 / length - 1.0) / 3.0;
        frequency[i] = length < 8192.0 / 4.0 ? f
                       : length > 8192.0     ? f / factor
                                             : (1.0 - s) * f / factor + s * f;
    }
    return frequency;
}

static assay_hook other_hook(int fault, const assay_capture_params *params)
{
    assay_hook hook = params->hook;
    const bool stream = hook.kind == ASSAY_HOOK_INPUT || hook.kind == ASSAY_HOOK_OUTPUT;
    if (IS(layer_late) && stream && hook.layer + 1 < params->model.layers) {
        hook.layer++;
    } else if (IS(layer_early) && stream && hook.layer > 0) {
        hook.layer--;
    } else if (IS(input_for_output) && hook.kind == ASSAY_HOOK_OUTPUT) {
        hook.kind = ASSAY_HOOK_INPUT;
    } else if (IS(output_for_input) && hook.kind == ASSAY_HOOK_INPUT) {
        hook.kind = ASSAY_HOOK_OUTPUT;
    } else if (IS(after_final_norm) && hook.kind == ASSAY_HOOK_OUTPUT &&
               hook.layer == params->model.layers - 1) {
        hook = (assay_hook){.kind = ASSAY_HOOK_FINAL_NORM};
    } else if (IS(attn_for_mlp) && hook.kind == ASSAY_HOOK_MLP_OUT) {
        hook.kind = ASSAY_HOOK_ATTN_OUT;
    }
    return hook;
}

/* The model as this capture takes it; *memory is to be freed after use. */
static assay_model other_model(int fault, const assay_model *model, void **memory)
{
    assay_model other = *model;
    const bool scaled = mutant_rope_is_scaled(model);
    *memory = NULL;
    if ((IS(rope_factor_8) && scaled) || (IS(rope_scaled) && !scaled) || IS(rope_unscaled)) {
        double *const frequency = mutant_frequencies(model, IS(rope_unscaled) ? 1.0 : 8.0);
        *memory = frequency;
        other.inverse_frequency = frequency != NULL ? frequency : model->inverse_frequency;
    }
    if (IS(norms_swapped) || IS(gate_up_swapped)) {
        assay_layer *const layers = malloc((size_t)model->layers * sizeof *layers);
        for (int64_t i = 0; i < model->layers && layers != NULL; i++) {
            const assay_layer *const from = &model->layer[i];
            layers[i] = *from;
            layers[i].input_norm = IS(norms_swapped) ? from->post_norm : from->input_norm;
            layers[i].post_norm = IS(norms_swapped) ? from->input_norm : from->post_norm;
            layers[i].gate = IS(gate_up_swapped) ? from->up : from->gate;
            layers[i].up = IS(gate_up_swapped) ? from->gate : from->up;
        }
        *memory = layers;
        other.layer = layers != NULL ? layers : model->layer;
    }
    return other;
}

static assay_status run_stage(const assay_table *table, const assay_exec *exec,
                              const assay_capture_params *params, const assay_capture_io *io)
{
    assay_capture_stage *stage = NULL;
    assay_status status = assay_capture_stage_open(table, exec, params, &stage);
    if (status == ASSAY_OK) {
        status = assay_capture_stage_run(stage, io);
    }
    assay_capture_stage_close(&stage);
    return status;
}

/* input + attn_out: the stream before the MLP is added. */
static assay_status run_middle(const assay_table *table, const assay_exec *exec,
                               const assay_capture_params *params, const assay_capture_io *io)
{
    assay_capture_params at = *params;
    assay_capture_io part = *io;
    const int64_t count = assay_count(&io->residual);
    part.residual.data = malloc((size_t)count * assay_dtype_size(io->residual.dtype) + 1);
    if (part.residual.data == NULL) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "out of memory");
    }
    at.hook.kind = ASSAY_HOOK_INPUT;
    assay_status status = run_stage(table, exec, &at, io);
    at.hook.kind = ASSAY_HOOK_ATTN_OUT;
    status = status == ASSAY_OK ? run_stage(table, exec, &at, &part) : status;
    for (int64_t i = 0; i < count && status == ASSAY_OK; i++) {
        const assay_dtype type = io->residual.dtype;
        assay_store(type, io->residual.data, (size_t)i,
                    assay_load(type, io->residual.data, (size_t)i) +
                        assay_load(type, part.residual.data, (size_t)i));
    }
    free(part.residual.data);
    return status;
}

/* The batch as if every row had T tokens: moved to the right end behind padding, or as it is. */
static assay_status run_padded(int fault, const assay_table *table, const assay_exec *exec,
                               const assay_capture_params *params, const assay_capture_io *io)
{
    const int64_t batch = io->tokens.shape[0];
    const int64_t longest = io->tokens.shape[1];
    const int64_t rows = io->residual.shape[0];
    int64_t *const memory = calloc((size_t)(batch * (longest + 1) + 2 * rows), sizeof *memory);
    if (memory == NULL || assay_present(&io->positions)) {
        free(memory);
        return run_stage(table, exec, params, io);
    }
    int64_t *const lengths = memory + batch * longest;
    int64_t *const positions = lengths + batch;
    int64_t row = 0;
    for (int64_t b = 0; b < batch; b++) {
        const int64_t length = scalar_index(&io->lengths, b);
        const int64_t shift = IS(padding) ? longest - length : 0;
        lengths[b] = longest;
        for (int64_t t = 0; t < length; t++, row++) {
            memory[b * longest + t + shift] = (int64_t)assay_at2(&io->tokens, b, t);
            positions[2 * row] = IS(padding) ? b : row / longest;
            positions[2 * row + 1] = IS(padding) ? t + shift : row % longest;
        }
    }
    assay_capture_io other = *io;
    other.tokens = assay_matrix(memory, ASSAY_I64, batch, longest);
    other.lengths = assay_vector(lengths, ASSAY_I64, batch);
    other.positions = assay_matrix(positions, ASSAY_I64, rows, 2);
    const assay_status status = run_stage(table, exec, params, &other);
    free(memory);
    return status;
}

static void zero_row(const assay_tensor *rows, int64_t row)
{
    for (int64_t i = 0; i < rows->shape[1]; i++) {
        assay_put2(rows, row, i, 0.0);
    }
}

/* Rows as this capture hands them over. */
static void change_rows(int fault, const assay_exec *exec, int64_t vocab,
                        const assay_capture_io *io)
{
    const assay_tensor *const rows = &io->residual;
    const int64_t pairs = assay_present(&io->positions) ? io->positions.shape[0] : 0;
    const int64_t most = IS(batch_8) ? 8 : IS(batch_16) ? 16 : INT64_MAX;
    int64_t end = 0;
    for (int64_t b = 0; b < io->lengths.shape[0] && pairs == 0; b++) {
        for (int64_t t = 0; t < scalar_index(&io->lengths, b); t++, end++) {
            if (mutant_mistakes(fault_name[fault], io, vocab, b, t)) {
                zero_row(rows, end);
            }
        }
        if (IS(length_one) && scalar_index(&io->lengths, b) == 1) {
            zero_row(rows, end - 1);
        }
        for (int64_t i = 0; i < rows->shape[1] && b >= most; i++) {
            assay_put2(rows, end - 1, i, assay_at2(rows, 0, i));
        }
    }
    for (int64_t p = 0; p < pairs; p++) {
        const double batch = assay_at2(&io->positions, p, 0);
        const double at = assay_at2(&io->positions, p, 1);
        bool again = false;
        for (int64_t q = 0; q < p; q++) {
            again = again || (assay_at2(&io->positions, q, 0) == batch &&
                              assay_at2(&io->positions, q, 1) == at);
        }
        if ((IS(position_twice) && again) || (IS(position_zero) && batch > 0.0 && at == 0.0)) {
            zero_row(rows, p);
        }
    }
    if (IS(threads_3) && exec->threads >= 3) {
        zero_row(rows, rows->shape[0] - 1);
    }
    mutant_change_captured(fault_name[fault], io);
}

/* Positions in ascending order; the return is to be freed after use. */
static int64_t *sort_positions(assay_capture_io *io)
{
    const int64_t pairs = io->positions.shape[0];
    int64_t *const sorted = calloc((size_t)(2 * pairs), sizeof *sorted);
    for (int64_t p = 0; p < pairs && sorted != NULL; p++) {
        int64_t rank = 0;
        for (int64_t q = 0; q < pairs; q++) {
            const double batch = assay_at2(&io->positions, q, 0) - assay_at2(&io->positions, p, 0);
            const double at = assay_at2(&io->positions, q, 1) - assay_at2(&io->positions, p, 1);
            const double before = batch != 0.0 ? batch : at != 0.0 ? at : (double)(q - p);
            rank += before < 0.0 ? 1 : 0;
        }
        sorted[2 * rank] = (int64_t)assay_at2(&io->positions, p, 0);
        sorted[2 * rank + 1] = (int64_t)assay_at2(&io->positions, p, 1);
    }
    io->positions = assay_matrix(sorted, ASSAY_I64, pairs, 2);
    return sorted;
}

static bool pads_with_no_token(const assay_capture_io *io)
{
    bool found = false;
    for (int64_t b = 0; b < io->tokens.shape[0]; b++) {
        for (int64_t t = scalar_index(&io->lengths, b); t < io->tokens.shape[1]; t++) {
            found = found || assay_at2(&io->tokens, b, t) < 0.0;
        }
    }
    return found;
}

static assay_status faulty_capture(int fault, assay_dtype type, const assay_exec *exec,
                                   const assay_capture_params *params, const assay_capture_io *io)
{
    void *memory = NULL;
    assay_table table = mutant_table(type);
    assay_capture_params other = *params;
    other.hook = other_hook(fault, params);
    other.model = other_model(fault, &params->model, &memory);
    assay_capture_io changed = *io;
    if (IS(positions_sorted) && assay_present(&io->positions)) {
        memory = sort_positions(&changed);
    } else if (IS(padding_refused) && pads_with_no_token(io)) {
        return assay_fail(exec->error, ASSAY_BAD_ARGUMENT, "a token is not in the vocabulary");
    }
    if (IS(interleaved)) {
        mutant_replace(&table, mutant_rope_kernels(), "m_rope_interleaved");
    } else if (IS(scale_128)) {
        mutant_replace(&table, mutant_attention_kernels(), "m_attention_scale_128");
    } else if (IS(weight_plus_one)) {
        mutant_replace(&table, mutant_rmsnorm_kernels(), "m_rmsnorm_weight_plus_one");
    }
    const assay_status status =
        IS(mid_residual) && params->hook.kind == ASSAY_HOOK_OUTPUT
            ? run_middle(&table, exec, &other, io)
        : IS(padding) || IS(lengths_ignored) ? run_padded(fault, &table, exec, &other, io)
                                             : run_stage(&table, exec, &other, &changed);
    if (status == ASSAY_OK) {
        change_rows(fault, exec, params->model.vocab, io);
    }
    free(memory);
    return status;
}

#define MUTANT_WORKSPACE NULL
#define MUTANT_CAPABILITIES 0
CAPTURE_TWINS(MUTANT_TWIN_RUN)
CAPTURE_MUTANTS(MUTANT_RUN)
static const assay_kernel kernels[] = {
    CAPTURE_TWINS(MUTANT_TWIN_KERNEL) CAPTURE_MUTANTS(MUTANT_KERNEL)};
MUTANT_EXPORT(capture, kernels)
