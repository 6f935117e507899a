/* A step's operands, truth and circumstances, for keep.h's file. */
#include <stdlib.h>

#include "verify/contract_json.h"
#include "verify/keep.h"
#include "verify/operands.h"

static void keep_matrix(assay_kept *kept, const char *part, const char *name, double *data,
                        int64_t rows, int64_t columns)
{
    if (data != NULL) {
        const assay_tensor view = assay_matrix(data, ASSAY_F64, rows, columns);
        assay_kept_add(kept, NULL, part, name, &view);
    }
}

static void keep_operands(assay_kept *kept, const assay_judgement *j)
{
    const assay_step *const step = j->step;
    const assay_operand *weight = assay_weights(step->op);
    const assay_bare bare = assay_bare_of(step->op, step->params);
    for (; weight->name != NULL; weight++) {
        assay_kept_add(kept, j->arena, "params", weight->name,
                       assay_operand_in(step->params, weight));
    }
    if (bare.name != NULL) {
        assay_kept_add(kept, j->arena, "params", bare.name, &bare.vector);
    }
    const assay_operand *operand = assay_operands(step->op);
    for (; operand->name != NULL; operand++) {
        if (operand->input) {
            assay_kept_add(kept, j->arena, "in", operand->name,
                           assay_operand_in(&j->base, operand));
        }
        if (operand->output) {
            assay_kept_add(kept, j->arena, "got", operand->name,
                           assay_operand_in(&j->first, operand));
        }
    }
}

static void keep_nucleus(assay_kept *kept, const assay_distribution *nucleus, const char *suffix,
                         int64_t rows, int64_t vocab)
{
    char name[40];
    (void)snprintf(name, sizeof name, "probability%s", suffix);
    keep_matrix(kept, "expected", name, nucleus->probability, rows, vocab);
    keep_matrix(kept, "budget", name, nucleus->budget, rows, vocab);
    const assay_tensor token = assay_vector(nucleus->token, ASSAY_I32, rows);
    (void)snprintf(name, sizeof name, "token%s", suffix);
    assay_kept_add(kept, NULL, "expected", name, &token);
}

static void keep_sample(assay_kept *kept, const assay_judgement *j)
{
    static const char *const suffixes[ASSAY_NUCLEI] = {"", ".below", ".above"};
    const assay_sample_params *const params = j->step->params;
    const int64_t rows = j->truth.rows;
    assay_tensor uniform;
    for (int i = 0; i < (params->top_p < 1.0 ? ASSAY_NUCLEI : 1); i++) {
        keep_nucleus(kept, &j->truth.nucleus[i], suffixes[i], rows, j->truth.budget.columns);
    }
    if (params->temperature > 0.0 &&
        assay_buffer_make(j->arena, ASSAY_F64, 1, &rows, &uniform, NULL) == ASSAY_OK) {
        for (int64_t row = 0; row < rows; row++) {
            assay_put1(&uniform, row, assay_ref_sample_uniform(params, &j->base.sample, row));
        }
        assay_kept_add(kept, NULL, "expected", "uniform", &uniform);
    }
}

static void keep_truth(assay_kept *kept, const assay_judgement *j)
{
    const assay_step_truth *const truth = &j->truth;
    const int64_t rows = truth->budget.rows;
    const int64_t columns = truth->budget.columns;
    const assay_codes_truth *const codes = &truth->codes;
    const int64_t latents = codes->sae != NULL ? codes->sae->d_sae : 0;
    keep_matrix(kept, "expected", "y", truth->expected, rows, columns);
    keep_matrix(kept, "budget", "y", truth->budget.value, rows, columns);
    keep_matrix(kept, "expected", "otherwise", truth->otherwise, rows, columns);
    keep_matrix(kept, "budget", "otherwise", truth->otherwise_budget, rows, columns);
    keep_matrix(kept, "expected", "pre", codes->pre, codes->rows, latents);
    keep_matrix(kept, "expected", "score", codes->score, codes->rows, latents);
    keep_matrix(kept, "budget", "pre", codes->pre_budget, codes->rows, latents);
    keep_matrix(kept, "budget", "score", codes->score_budget, codes->rows, latents);
    if (truth->nucleus[ASSAY_NUCLEI - 1].token != NULL) {
        keep_sample(kept, j);
    }
}

/* The caller frees it; NULL when memory is out. */
static char *printed(cJSON *object)
{
    char *const text = cJSON_PrintUnformatted(object);
    cJSON_Delete(object);
    return text;
}

void assay_keep_step(const char *folder, const assay_judgement *j)
{
    assay_kept kept = {.most = ASSAY_KEPT_BYTES};
    char seed[32];
    char threads[32];
    const assay_result *const result = j->result;
    keep_operands(&kept, j);
    keep_truth(&kept, j);
    (void)snprintf(seed, sizeof seed, "%llu", (unsigned long long)result->seed);
    (void)snprintf(threads, sizeof threads, "%d", (int)assay_session_threads(j->judge->session));
    cJSON *const terms = cJSON_CreateObject();
    assay_contract_add_whole(terms, &j->judge->kernel->precision);
    char *const contract = printed(terms);
    char *const scalars = printed(assay_kept_scalars(j->step->op, j->step->params, j->step->io));
    char *const json = j->step->json != NULL ? cJSON_PrintUnformatted(j->step->json) : NULL;
    const char *const metadata[][2] = {
        {"verdict", assay_verdict_name(result->verdict)},
        {"check", assay_check_name(result->check)},
        {"message", result->message},
        {"op", result->op},
        {"impl", result->impl},
        {"case", result->case_id},
        {"golden", result->golden},
        {"source", result->source},
        {"case_json", json},
        {"scalars", scalars},
        {"contract", contract},
        {"seed", seed},
        {"threads", threads},
        {"left_out", kept.left_out[0] != '\0' ? kept.left_out : NULL}};
    assay_kept_write(folder, &kept, result, metadata, sizeof metadata / sizeof *metadata);
    free(contract);
    free(scalars);
    free(json);
}
