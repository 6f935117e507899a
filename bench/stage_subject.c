/* Stages as subjects: a table's composition (or fused kernel) over a synthesised model. */
#include <stdlib.h>

#include "bench/clock.h"
#include "bench/profile.h"
#include "bench/stage_cost.h"
#include "bench/stage_operands.h"
#include "bench/subject.h"
#include "fixtures/io/model_file.h"
#include "kernels/exec/stage.h"

struct assay_bench_subject {
    assay_profile profile;
    assay_exec exec;
    cJSON *json;
    assay_stage_case read; /* of the current batch size */
    assay_model_file model;
    assay_stage_params params;
    assay_capture_stage *capture;
    assay_generate_stage *generate;
    assay_explain_stage *explain;
    assay_arena weights, memory;
    assay_stage_operands operands;
};

static assay_status open_stage(assay_bench_subject *s)
{
    const assay_table *const table = &s->profile.table;
    switch (s->read.op) {
    case ASSAY_OP_capture:
        return assay_capture_stage_open(table, &s->exec, &s->params.capture, &s->capture);
    case ASSAY_OP_generate:
        return assay_generate_stage_open(table, &s->exec, &s->params.generate, &s->generate);
    default: return assay_explain_stage_open(table, &s->exec, &s->params.explain, &s->explain);
    }
}

static void close_subject(assay_bench_subject **subject)
{
    assay_bench_subject *const s = *subject;
    if (s == NULL) {
        return;
    }
    assay_capture_stage_close(&s->capture);
    assay_generate_stage_close(&s->generate);
    assay_explain_stage_close(&s->explain);
    assay_model_close(&s->model);
    assay_arena_free(&s->memory);
    assay_arena_free(&s->weights);
    cJSON_Delete(s->json);
    free(s);
    *subject = NULL;
}

/* On a device a stage takes its operands from the host and gives them back there. */
static assay_status open_subject(const assay_table *table, const assay_exec *exec, assay_gpu *gpu,
                                 assay_op op, const cJSON *json, double *prepare_seconds,
                                 assay_bench_subject **subject, assay_error *error)
{
    (void)gpu;
    assay_bench_subject *const s = calloc(1, sizeof *s);
    *subject = s;
    if (s == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory for a case");
    }
    s->exec = *exec;
    s->exec.error = error;
    s->exec.harness = &s->profile;
    s->json = cJSON_Duplicate(json, true);
    assay_profile_open(table, &s->profile);
    assay_status status = assay_table_supports(table, op, error);
    if (status == ASSAY_OK) {
        status = assay_stage_case_read(s->json, &s->read, error);
    }
    if (status == ASSAY_OK && s->read.checkpoint == NULL) {
        status = assay_fail(error, ASSAY_BAD_INPUT, "a stage without its checkpoint");
    }
    if (status == ASSAY_OK) {
        status = assay_model_open(s->read.checkpoint, &s->model, error);
    }
    if (status == ASSAY_OK) {
        status = assay_stage_params_make(&s->read, &s->model.model, &s->weights, &s->params, error);
    }
    if (status == ASSAY_OK) {
        const double start = assay_clock_now();
        status = open_stage(s);
        *prepare_seconds = assay_clock_now() - start;
    }
    if (status != ASSAY_OK) {
        close_subject(subject);
    }
    return status;
}

static assay_status batch(assay_bench_subject *s, const cJSON *json, size_t sets,
                          assay_error *error)
{
    (void)sets; /* one set: caches and activations, which a stage keeps, are far larger */
    cJSON *const copy = cJSON_Duplicate(json, true);
    assay_arena_free(&s->memory);
    memset(&s->memory, 0, sizeof s->memory);
    cJSON_Delete(s->json);
    s->json = copy;
    const assay_status status = assay_stage_case_read(s->json, &s->read, error);
    return status == ASSAY_OK
               ? assay_stage_operands_make(&s->read, &s->model.model,
                                           assay_table_activation(&s->profile.table), &s->memory,
                                           &s->operands, error)
               : status;
}

static size_t sets(const assay_bench_subject *s)
{
    (void)s;
    return 1;
}

static assay_status renew(assay_bench_subject *s, size_t set, uint64_t seed, assay_error *error)
{
    (void)set;
    return assay_stage_operands_renew(&s->operands, seed, error);
}

static assay_status call(assay_bench_subject *s, size_t set)
{
    (void)set;
    assay_profile_call(&s->profile);
    return s->capture != NULL    ? assay_capture_stage_run(s->capture, &s->operands.capture)
           : s->generate != NULL ? assay_generate_stage_run(s->generate, &s->operands.generate)
                                 : assay_explain_stage_run(s->explain, &s->operands.explain);
}

static assay_status empty(assay_bench_subject *s, size_t set)
{
    (void)s;
    (void)set;
    return ASSAY_OK;
}

static bool fits(assay_bench_subject *s, size_t set)
{
    (void)s;
    (void)set;
    return true;
}

static void work(const assay_bench_subject *s, size_t set, assay_bench_work *work)
{
    (void)set;
    const assay_stage_size size = {.op = s->read.op,
                                   .batch = s->read.batch,
                                   .tokens = s->operands.rows,
                                   .shared = s->operands.shared,
                                   .new_tokens = s->read.new_tokens,
                                   .hook = s->params.capture.hook};
    assay_stage_work(&s->model.model, &size, work);
}

static size_t outputs(const assay_bench_subject *s, size_t set,
                      assay_bench_output output[ASSAY_BENCH_OUTPUTS_MAX])
{
    (void)set;
    const assay_stage_operands *const o = &s->operands;
    if (s->read.op == ASSAY_OP_capture) {
        output[0] = (assay_bench_output){"residual", &o->capture.residual};
    } else if (s->read.op == ASSAY_OP_generate) {
        output[0] = (assay_bench_output){"new_tokens", &o->generate.new_tokens};
    } else {
        output[0] = (assay_bench_output){"soft", &o->explain.soft};
        output[1] = (assay_bench_output){"new_tokens", &o->explain.new_tokens};
    }
    return s->read.op == ASSAY_OP_explain ? 2 : 1;
}

static void watch(assay_bench_subject *s)
{
    assay_profile_begin(&s->profile);
}

static double watched(assay_bench_subject *s, size_t calls, double seconds, cJSON *answer)
{
    return assay_profile_end(&s->profile, calls, seconds, answer);
}

static uint64_t workspace(const assay_bench_subject *s)
{
    (void)s;
    return 0;
}

const assay_bench_class assay_bench_stages = {
    .open = open_subject,
    .batch = batch,
    .sets = sets,
    .renew = renew,
    .call = call,
    .empty = empty,
    .waits = true,
    .fits = fits,
    .work = work,
    .outputs = outputs,
    .watch = watch,
    .watched = watched,
    .workspace = workspace,
    .close = close_subject,
};
