/* Steps as subjects: one kernel on generated operands (fixtures/synth/cases.h). */
#include <stdlib.h>

#include "bench/clock.h"
#include "bench/step_call.h"
#include "bench/step_parts.h"
#include "ref/oracle.h"

/* More sets than fit into this much memory are not made. */
static const double sets_bytes_most = 0x1p29;
static void drop_set(assay_step_set *set)
{
    assay_gpu_operands_free(&set->on_gpu);
    assay_step_outputs_free(&set->outputs);
    assay_generated_case_free(&set->inputs);
    memset(set, 0, sizeof *set);
}

static void drop_sets(assay_bench_subject *s)
{
    for (size_t i = 0; i < s->set_count; i++) {
        drop_set(&s->set[i]);
    }
    s->set_count = 0;
}

static const void *built_io(const assay_generated_case *built, assay_op op)
{
    switch (op) {
#define IO_CASE(name) case ASSAY_OP_##name: return &built->as.name.io;
        ASSAY_STEP_OPS(IO_CASE)
#undef IO_CASE
    default: return NULL;
    }
}

static const void *built_params(const assay_generated_case *built, assay_op op)
{
    switch (op) {
#define PARAMS_CASE(name) case ASSAY_OP_##name: return &built->as.name.params;
        ASSAY_STEP_OPS(PARAMS_CASE)
#undef PARAMS_CASE
    default: return NULL;
    }
}

static double operand_bytes(const assay_bench_subject *s, size_t index, bool inputs)
{
    return assay_step_operand_bytes(s->kernel->op, &s->set[index].io, inputs);
}

static assay_status renew(assay_bench_subject *s, size_t index, uint64_t seed, assay_error *error)
{
    assay_step_set *const set = &s->set[index];
    assay_generated_case fresh;
    const assay_status status = assay_generated_case_renew(
        s->json, seed, &s->weights, s->kernel->precision.output, &fresh, error);
    if (status != ASSAY_OK) {
        return status;
    }
    assay_any_io old = set->io;
    assay_generated_case_free(&set->inputs);
    set->inputs = fresh;
    const assay_step step = {.op = s->kernel->op, .io = built_io(&set->inputs, s->kernel->op)};
    assay_step_blank(&step, &set->io);
    const assay_operand *operand = assay_operands(s->kernel->op);
    for (; operand->name != NULL; operand++) {
        assay_tensor *const tensor = assay_operand_of(&set->io, operand);
        *tensor = *assay_operand_in(step.io, operand);
        if (!operand->input && set->outputs.block != NULL) {
            *tensor = *assay_operand_of(&old, operand);
        }
    }
    if (set->outputs.block == NULL) {
        const assay_status placed = assay_step_place_outputs(s, set, error);
        if (placed != ASSAY_OK) {
            return placed;
        }
    }
    assay_step_outputs_poison(s->kernel->op, &set->io);
    return assay_step_upload(s, set);
}

/* What the kernel is given of a set. */
static const assay_any_io *given_io(const assay_step_set *set, const assay_bench_subject *s)
{
    return s->gpu != NULL ? &set->on_gpu.io : &set->io;
}

static assay_status call_kernel(assay_bench_subject *s, const assay_kernel *kernel, size_t index)
{
    const assay_step_set *const set = &s->set[index];
    return assay_step_call(kernel, &s->exec, s->given, s->state, given_io(set, s));
}

static assay_status call(assay_bench_subject *s, size_t set)
{
    return call_kernel(s, s->kernel, set);
}

static assay_status empty(assay_bench_subject *s, size_t set)
{
    return call_kernel(s, assay_bench_empty_kernel(s->kernel->op), set);
}

static assay_status batch(assay_bench_subject *s, const cJSON *json, size_t sets,
                          assay_error *error)
{
    drop_sets(s);
    cJSON_Delete(s->json);
    s->json = cJSON_Duplicate(json, true);
    s->codes_room = 64;
    s->set_count = 1;
    assay_status status =
        s->json != NULL ? renew(s, 0, 1, error) : assay_fail(error, ASSAY_NO_MEMORY, "no memory");
    if (status == ASSAY_OK) {
        status = assay_bench_supports(s->kernel, &s->exec, s->given, &s->set[0].io, error);
    }
    if (status == ASSAY_OK) {
        const size_t bytes = assay_bench_workspace(s->kernel, s->given, &s->set[0].io);
        status = assay_step_place_workspace(s, bytes, error);
    }
    const double each = operand_bytes(s, 0, true) + operand_bytes(s, 0, false);
    const double most = sets_bytes_most / (each + 1.0);
    while (status == ASSAY_OK && s->set_count < sets && s->set_count < ASSAY_STEP_SETS_MAX &&
           (double)s->set_count + 1.0 <= most) {
        s->set_count++;
        status = renew(s, s->set_count - 1, s->set_count, error);
    }
    return status;
}

static void close_subject(assay_bench_subject **subject)
{
    assay_bench_subject *const s = *subject;
    if (s == NULL) {
        return;
    }
    drop_sets(s);
    if (s->prepared && s->kernel->release != NULL && s->state != NULL) {
        s->kernel->release(&s->exec, s->state);
    }
    assay_block_drop(&s->workspace, s->workspace_room);
    if (s->gpu != NULL) {
        assay_gpu_weights_free(s->gpu, &s->exec, &s->on_gpu);
    }
    assay_generated_case_free(&s->weights);
    cJSON_Delete(s->json);
    free(s);
    *subject = NULL;
}

/* With what it enqueues. */
static assay_status prepare(assay_bench_subject *s, double *seconds, assay_error *error)
{
    const double start = assay_clock_now();
    assay_status status = assay_bench_prepare(s->kernel, &s->exec, s->given, &s->state);
    s->prepared = status == ASSAY_OK;
    if (s->prepared && s->gpu != NULL) {
        status = assay_gpu_settle(s->gpu, error);
    }
    *seconds = assay_clock_now() - start;
    return status;
}

static assay_status open_subject(const assay_table *table, const assay_exec *exec, assay_gpu *gpu,
                                 assay_op op, const cJSON *json, double *prepare_seconds,
                                 assay_bench_subject **subject, assay_error *error)
{
    assay_bench_subject *const s = calloc(1, sizeof *s);
    *subject = s;
    if (s == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory for a case");
    }
    s->kernel = table->kernel[op];
    s->exec = *exec;
    s->exec.error = error;
    s->gpu = gpu;
    s->set_count = 1;
    s->json = cJSON_Duplicate(json, true);
    assay_status status = assay_generated_case_build(s->json, 1, s->kernel->precision.output,
                                                     &s->weights, error);
    if (status == ASSAY_OK) {
        s->params = built_params(&s->weights, op);
        status = assay_bench_supports(s->kernel, &s->exec, s->params, built_io(&s->weights, op),
                                      error);
    }
    status = status == ASSAY_OK ? assay_step_place_weights(s) : status;
    status = status == ASSAY_OK ? prepare(s, prepare_seconds, error) : status;
    s->set_count = 0;
    if (status != ASSAY_OK) {
        close_subject(subject);
    }
    return status;
}

static size_t sets(const assay_bench_subject *s)
{
    return s->set_count;
}

static void work(const assay_bench_subject *s, size_t index, assay_bench_work *work)
{
    const assay_step_set *const set = &s->set[index];
    const assay_cost cost = assay_bench_cost(s->kernel->op, s->params, &set->io);
    uint64_t declared = 0;
    memset(work, 0, sizeof *work);
    work->rows = (double)assay_bench_rows(s->kernel->op, &set->io);
    work->flops = cost.flops;
    work->bytes_read = cost.bytes_read;
    work->bytes_written = cost.bytes_written;
    work->declared_bytes_read = cost.bytes_read;
    if (assay_bench_declared(s->kernel, s->given, s->state, given_io(set, s), &declared)) {
        work->declared_bytes_read = (double)declared + operand_bytes(s, index, true);
    }
    const assay_op op = s->kernel->op;
    const assay_csr *const codes = op == ASSAY_OP_sae_encode   ? &set->io.sae_encode.codes
                                   : op == ASSAY_OP_sae_decode ? &set->io.sae_decode.codes
                                                               : NULL;
    if (codes != NULL) {
        const int64_t rows = codes->row_offsets.shape[0] - 1;
        const double listed = assay_at1(&codes->row_offsets, rows);
        work->latents_per_row = listed / (double)rows;
        if (op == ASSAY_OP_sae_encode) {
            work->bytes_written = listed * 8.0 + 8.0 * (double)(rows + 1);
        }
    }
}

static size_t outputs(const assay_bench_subject *s, size_t index,
                      assay_bench_output output[ASSAY_BENCH_OUTPUTS_MAX])
{
    return assay_step_outputs_list(s->kernel->op, &s->set[index].io, output);
}

static uint64_t workspace(const assay_bench_subject *s)
{
    return s->workspace_bytes;
}

const assay_bench_class assay_bench_steps = {
    .open = open_subject,
    .batch = batch,
    .sets = sets,
    .renew = renew,
    .call = call,
    .empty = empty,
    .fetch = assay_step_fetch,
    .give = assay_step_give,
    .fits = assay_step_fits,
    .work = work,
    .outputs = outputs,
    .workspace = workspace,
    .close = close_subject,
};
