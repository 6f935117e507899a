#include "verify/cases.h"

#include <omp.h>
#include <pthread.h>
#include <stdlib.h>

#include "kernels/exec/stage.h"
#include "kernels/registry.h"

assay_judge assay_run_judge(const assay_verify_run *run, size_t table, assay_op op)
{
    return (assay_judge){.session = run->sessions[table],
                         .impl = run->tables[table].name,
                         .kernel = run->tables[table].kernel[op],
                         .seed = run->seed,
                         .keep = run->keep};
}

bool assay_run_spares(const assay_verify_run *run, const assay_table *table)
{
    return run->spare_oracle && strcmp(table->name, assay_oracle.name) == 0;
}

assay_verify_run assay_run_rest(const assay_verify_run *run, const char *source,
                                const char *case_id, bool (*wanted)(const assay_table *, assay_op),
                                assay_op op, assay_table *tables, assay_session **sessions)
{
    assay_verify_run rest = *run;
    rest.tables = tables;
    rest.sessions = sessions;
    rest.table_count = 0;
    for (size_t i = 0; i < run->table_count; i++) {
        const char *const impl = run->tables[i].name;
        const bool done =
            run->judged != NULL && run->judged(run->judged_context, source, case_id, impl);
        if (!done && (wanted == NULL || wanted(&run->tables[i], op))) {
            tables[rest.table_count] = run->tables[i];
            sessions[rest.table_count++] = run->sessions[i];
        }
    }
    return rest;
}

const assay_host_functions *assay_case_host(const assay_case_context *context)
{
    return context->run->functions != NULL ? context->run->functions : &assay_host_own;
}

assay_result assay_case_result(const assay_case_context *context, const char *impl)
{
    assay_result result;
    memset(&result, 0, sizeof result);
    result.golden = context->bundle->name;
    result.source = context->bundle->directory;
    result.op = context->c->op;
    result.impl = impl;
    result.case_id = context->c->id;
    result.verdict = ASSAY_PASS;
    result.cosine = 1.0;
    result.seed = context->run->seed;
    return result;
}

assay_status assay_case_send(const assay_case_context *context, const assay_result *result,
                             assay_error *error)
{
    return context->run->sink.result(context->run->sink.context, result, error);
}

assay_status assay_case_each(const assay_case_context *context, assay_judge_table *judge_table,
                             void *judge, assay_error *error)
{
    assay_status status = ASSAY_OK;
    for (size_t i = 0; status == ASSAY_OK && i < context->run->table_count; i++) {
        assay_result result = assay_case_result(context, context->run->tables[i].name);
        status = judge_table(judge, i, &result, error);
        if (status == ASSAY_OK) {
            status = assay_case_send(context, &result, error);
        }
    }
    return status;
}

assay_exec assay_case_exec(assay_error *error)
{
    return (assay_exec){.device = assay_host_device(), .threads = omp_get_max_threads(),
                        .error = error};
}

assay_status assay_case_witness(const assay_case_context *context, const assay_table **table,
                                assay_error *error)
{
    const char *const precision = context->c->precision;
    *table = assay_witness_table(precision);
    if (*table != NULL || strcmp(precision, "f64") == 0) {
        return ASSAY_OK;
    }
    return assay_case_fail(context, error, "precision '%s': expected f64, f32 or bf16", precision);
}

static bool has_kernel(const assay_table *table, assay_op op)
{
    return table->kernel[op] != NULL;
}

static bool has_stage(const assay_table *table, assay_op op)
{
    return assay_table_supports(table, op, NULL) == ASSAY_OK;
}

/* What a case's op is called, what it runs, and who judges it. */
typedef assay_status judge_fn(const assay_case_context *context, const char *op,
                              assay_error *error);

static assay_status judge_capture(const assay_case_context *context, const char *op,
                                  assay_error *error)
{
    return assay_case_judge_capture(context, strcmp(op, "logits") == 0, error);
}

static assay_status judge_generate(const assay_case_context *context, const char *op,
                                   assay_error *error)
{
    return assay_case_judge_generate(context, strcmp(op, "steered_generate") == 0, error);
}

static assay_status judge_explain(const assay_case_context *context, const char *op,
                                  assay_error *error)
{
    (void)op;
    return assay_case_judge_explain(context, error);
}

static const struct stage_case {
    const char *name;
    assay_op op;
    judge_fn *judge;
} stage_cases[] = {{"capture", ASSAY_OP_capture, judge_capture},
                   {"logits", ASSAY_OP_capture, judge_capture},
                   {"generate", ASSAY_OP_generate, judge_generate},
                   {"steered_generate", ASSAY_OP_generate, judge_generate},
                   {"explain", ASSAY_OP_explain, judge_explain}};

/* Judges for the implementations that have the op and are not done yet, if there are any. */
static assay_status judge_rest(const assay_case_context *context, const struct stage_case *stage,
                               assay_op op, assay_error *error)
{
    const size_t count = context->run->table_count;
    assay_table *const tables = calloc(count + 1, sizeof *tables);
    assay_session **const sessions = calloc(count + 1, sizeof *sessions);
    assay_status status = ASSAY_OK;
    if (tables == NULL || sessions == NULL) {
        status = assay_fail(error, ASSAY_NO_MEMORY, "out of memory for %zu tables", count);
    } else {
        const assay_verify_run rest =
            assay_run_rest(context->run, context->bundle->directory, context->c->id,
                           stage != NULL ? has_stage : has_kernel, op, tables, sessions);
        assay_case_context part = *context;
        part.run = &rest;
        if (rest.table_count > 0) {
            status = stage != NULL ? stage->judge(&part, context->c->op, error)
                                   : assay_case_judge_step(&part, op, error);
        }
    }
    free(tables);
    free(sessions);
    return status;
}

static assay_status judge_case(const assay_case_context *context, assay_error *error)
{
    const char *const op = context->c->op;
    if (strcmp(op, "tokenize") == 0 || strcmp(op, "detokenize") == 0) {
        return context->run->host ? assay_case_judge_host(context, error) : ASSAY_OK;
    }
    for (size_t i = 0; i < sizeof stage_cases / sizeof *stage_cases; i++) {
        if (strcmp(op, stage_cases[i].name) == 0) {
            return judge_rest(context, &stage_cases[i], stage_cases[i].op, error);
        }
    }
    for (int i = 0; i < ASSAY_OP_capture; i++) {
        if (strcmp(op, assay_op_name((assay_op)i)) == 0) {
            return judge_rest(context, NULL, (assay_op)i, error);
        }
    }
    assay_result result = assay_case_result(context, "-");
    result.verdict = ASSAY_SKIP;
    (void)snprintf(result.message, sizeof result.message,
                   "this version does not know the op '%.100s'", op);
    return assay_case_send(context, &result, error);
}

/* A shape or a checkpoint that an op refuses is said without the case it came from. */
static void name_case(const assay_case_context *context, assay_error *error)
{
    if (error != NULL && strstr(error->message, context->c->id) == NULL) {
        const assay_error said = *error;
        (void)assay_case_fail(context, error, "%s", said.message);
        error->status = said.status;
    }
}

assay_status assay_case_judge(const assay_case_context *context, assay_error *error)
{
    const assay_status status = judge_case(context, error);
    if (status != ASSAY_OK && status != ASSAY_IO && status != ASSAY_NO_MEMORY) {
        name_case(context, error);
    }
    return status;
}
