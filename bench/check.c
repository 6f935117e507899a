#include "bench/check.h"

#include "bench/outputs.h"
#include "bench/step_call.h"
#include "fixtures/synth/normal.h"
#include "verify/sampled.h"
#include "verify/step_checks.h"

/* The truth of so many multiply-adds is computed whole; of more, so many in part. An element's
 * truth, budget and comparison take as long as so many of them. */
static const double whole_work = 0x1p25;
static const double sampled_work = 0x1p27;
static const double element_work = 256.0;

/* The oracle sorts the vocabulary for every row whose token it judges. */
enum { TOKEN_ROWS = 2 };

void assay_check_close(assay_check_case *check)
{
    assay_generated_case_free(&check->weights);
    check->made = false;
}

const void *assay_built_params(const assay_generated_case *built)
{
    switch (built->op) {
#define PARAMS_CASE(name) case ASSAY_OP_##name: return &built->as.name.params;
        ASSAY_STEP_OPS(PARAMS_CASE)
#undef PARAMS_CASE
    default: return NULL;
    }
}

const void *assay_built_io(const assay_generated_case *built)
{
    switch (built->op) {
#define IO_CASE(name) case ASSAY_OP_##name: return &built->as.name.io;
        ASSAY_STEP_OPS(IO_CASE)
#undef IO_CASE
    default: return NULL;
    }
}

/* Weights do not depend on the kernel, nor on the batch size. */
assay_status assay_check_weights(assay_check_case *check, const cJSON *json,
                                 const assay_generated_case **weights, assay_error *error)
{
    assay_status status = ASSAY_OK;
    if (!check->made) {
        status = assay_generated_case_build(json, 1, ASSAY_F32, &check->weights, error);
        check->made = status == ASSAY_OK;
    }
    *weights = &check->weights;
    return status;
}

assay_status assay_check_inputs(assay_check_case *check, const cJSON *json, assay_dtype type,
                                uint64_t seed, assay_generated_case *built, assay_error *error)
{
    const assay_generated_case *weights = NULL;
    const assay_status status = assay_check_weights(check, json, &weights, error);
    return status == ASSAY_OK
               ? assay_generated_case_renew(json, seed, weights, type, built, error)
               : status;
}

static double outputs_of(assay_op op, const void *io)
{
    const assay_operand *const judged = assay_judged_output(op);
    return judged != NULL ? (double)assay_count(assay_operand_in(io, judged)) : 0.0;
}

/* How much of the output is judged; false: all of it. */
static bool sample_of(const assay_generated_case *built, assay_sample_size *sample)
{
    const void *const io = assay_built_io(built);
    const assay_cost cost = assay_bench_cost(built->op, assay_built_params(built), io);
    const double rows = (double)assay_bench_rows(built->op, io);
    const double work = cost.flops / 2.0 + element_work * outputs_of(built->op, io);
    if (work <= whole_work || built->op == ASSAY_OP_sample) {
        return false;
    }
    *sample = (assay_sample_size){
        .rows = (int64_t)(sampled_work / work * rows),
        .whole_rows = built->op == ASSAY_OP_sae_encode &&
                      built->as.sae_encode.params.sae.activation == ASSAY_TOPK};
    sample->rows = sample->rows < 1 ? 1 : sample->rows;
    if (sample->rows >= (int64_t)rows) {
        return false;
    }
    return true;
}

static bool is_list(const assay_operand *operand, assay_op op)
{
    return op == ASSAY_OP_sae_encode &&
           (strcmp(operand->name, "latent") == 0 || strcmp(operand->name, "value") == 0);
}

/* Whether every output was handed over, an encoder's two lists at one length. */
static bool all_there(assay_op op, const assay_any_io *io)
{
    bool there = true;
    for (const assay_operand *operand = assay_operands(op); operand->name != NULL; operand++) {
        const assay_tensor *const tensor = assay_operand_in(io, operand);
        const bool optional =
            strcmp(operand->name, "dense") == 0 || strcmp(operand->name, "probability") == 0;
        there = there && (operand->input || optional || tensor->rank == 0 || tensor->data != NULL);
    }
    return there && (op != ASSAY_OP_sae_encode ||
                     io->sae_encode.codes.latent.shape[0] == io->sae_encode.codes.value.shape[0]);
}

/* Puts the outputs that were handed over in their places in io. */
static assay_status take_outputs(const cJSON *outputs, int output, assay_op op, assay_arena *arena,
                                 assay_any_io *io, assay_error *error)
{
    off_t at = 0;
    for (const cJSON *entry = outputs != NULL ? outputs->child : NULL; entry != NULL;
         entry = entry->next) {
        const char *const name =
            cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "name"));
        const assay_operand *operand = assay_operands(op);
        while (operand->name != NULL && (name == NULL || strcmp(operand->name, name) != 0)) {
            operand++;
        }
        if (operand->name == NULL || !operand->output || operand->input) {
            return assay_outputs_bad(error);
        }
        assay_tensor *const place = assay_operand_of(io, operand);
        const assay_tensor expected = *place;
        const assay_status status = assay_outputs_read(entry, output, &at, arena, place, error);
        if (status != ASSAY_OK) {
            return status;
        }
        if (place->rank != expected.rank || place->dtype != expected.dtype ||
            (!is_list(operand, op) && assay_count(place) != assay_count(&expected))) {
            return assay_outputs_bad(error);
        }
    }
    return all_there(op, io) ? ASSAY_OK : assay_outputs_bad(error);
}

/* So many rows from `first` on: views, for an op whose operands have a row each. */
static void narrow(assay_op op, int64_t first, int64_t rows, assay_any_io *io)
{
    for (const assay_operand *operand = assay_operands(op); operand->name != NULL; operand++) {
        assay_tensor *const tensor = assay_operand_of(io, operand);
        if (tensor->rank > 0) {
            const size_t row = (size_t)(assay_count(tensor) / tensor->shape[0]) *
                               assay_dtype_size(tensor->dtype);
            tensor->data =
                tensor->data != NULL ? (char *)tensor->data + (size_t)first * row : NULL;
            tensor->shape[0] = rows;
        }
    }
}

/* A few rows, drawn, of those whose tokens were chosen. */
static void narrow_tokens(assay_judgement *j)
{
    const int64_t rows = j->base.sample.logits.shape[0];
    if (rows > TOKEN_ROWS) {
        const int64_t first = (int64_t)assay_draw_below(
            j->judge->seed, assay_stream("check/rows"), 0, (uint64_t)(rows - TOKEN_ROWS + 1));
        narrow(ASSAY_OP_sample, first, TOKEN_ROWS, &j->base);
        narrow(ASSAY_OP_sample, first, TOKEN_ROWS, &j->first);
    }
}

static assay_status compare(assay_judgement *j)
{
    const assay_step *const step = j->step;
    if (step->sample != NULL) {
        return assay_judgement_sampled(j);
    }
    const assay_status status = assay_step_truth_make(
        &j->judge->kernel->precision, step, &j->base, j->arena, &j->truth, j->result, j->error);
    if (status == ASSAY_OK && j->result->verdict == ASSAY_PASS) {
        assay_step_compare(step, &j->truth, &j->first, j->result);
    }
    return status;
}

assay_status assay_check_outputs(assay_check_case *check, const cJSON *json,
                                 const assay_kernel *kernel, uint64_t seed, const cJSON *outputs,
                                 int output, assay_result *result, assay_error *error)
{
    assay_arena arena = {0};
    assay_generated_case built = {.arena = NULL};
    assay_status status =
        assay_check_inputs(check, json, kernel->precision.output, seed, &built, error);
    if (status != ASSAY_OK) {
        return status;
    }
    assay_sample_size sample;
    assay_step step = {.op = built.op,
                       .params = assay_built_params(&built),
                       .io = assay_built_io(&built),
                       .allow_void = true,
                       .sample = sample_of(&built, &sample) ? &sample : NULL};
    const assay_judge judge = {.impl = kernel->name, .kernel = kernel, .seed = seed};
    assay_judgement j = {.judge = &judge, .step = &step, .arena = &arena, .result = result,
                         .error = error};
    assay_step_blank(&step, &j.base);
    for (const assay_operand *operand = assay_operands(step.op); operand->name != NULL; operand++) {
        *assay_operand_of(&j.base, operand) = *assay_operand_in(step.io, operand);
    }
    j.first = j.base;
    result->verdict = ASSAY_PASS;
    result->cosine = 1.0;
    status = take_outputs(outputs, output, step.op, &arena, &j.first, error);
    if (step.op == ASSAY_OP_sample) {
        narrow_tokens(&j);
        step.io = &j.base;
    }
    if (status == ASSAY_OK) {
        status = assay_blocks_of(step.op, &j.base, &arena, &j.blocks, error);
    }
    if (status == ASSAY_OK) {
        status = compare(&j);
    }
    assay_arena_free(&arena);
    assay_generated_case_free(&built);
    return status;
}

assay_status assay_check_kernel(assay_check_case *check, const cJSON *json,
                                const assay_judge *judge, assay_result *result,
                                assay_error *error)
{
    assay_generated_case built = {.arena = NULL};
    const assay_status status = assay_check_inputs(check, json, judge->kernel->precision.output,
                                                   judge->seed, &built, error);
    if (status != ASSAY_OK) {
        return status;
    }
    assay_sample_size sample;
    const assay_step step = {.op = built.op,
                             .params = assay_built_params(&built),
                             .io = assay_built_io(&built),
                             .allow_void = true,
                             .sample = sample_of(&built, &sample) ? &sample : NULL};
    assay_step_judge(judge, &step, result);
    assay_generated_case_free(&built);
    return ASSAY_OK;
}
