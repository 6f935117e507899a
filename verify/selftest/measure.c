#include "verify/selftest/measure.h"

static void point_step(assay_measure *m)
{
    m->step.op = m->built.op;
    switch (m->built.op) {
#define POINT_CASE(name)                                                                           \
    case ASSAY_OP_##name:                                                                          \
        m->step.params = &m->built.as.name.params;                                                 \
        m->step.io = &m->built.as.name.io;                                                         \
        break;
        ASSAY_STEP_OPS(POINT_CASE)
#undef POINT_CASE
    default: break;
    }
}

static const assay_operand *judged_operand(assay_op op)
{
    const assay_operand *operand = assay_operands(op);
    const char *const name = op == ASSAY_OP_sample ? "probability" : "y";
    while (operand->name != NULL && strcmp(operand->name, name) != 0) {
        operand++;
    }
    return operand;
}

const assay_tensor *assay_measure_output(const assay_measure *measure)
{
    return assay_operand_in(&measure->got, judged_operand(measure->step.op));
}

/* An io for the oracle: the inputs the kernel saw, outputs and caches of its own. */
static assay_status oracle_io(assay_measure *m, assay_any_io *io, assay_error *error)
{
    assay_status status = ASSAY_OK;
    assay_step_blank(&m->step, io);
    const assay_operand *operand = assay_operands(m->step.op);
    for (; operand->name != NULL && status == ASSAY_OK; operand++) {
        const assay_tensor *const shaped = assay_operand_in(m->step.io, operand);
        assay_tensor *const to = assay_operand_of(io, operand);
        if (operand->input && !operand->output) {
            *to = *assay_operand_in(&m->got, operand);
        } else if (operand->input) {
            status = assay_buffer_convert(&m->arena, shaped, ASSAY_F64, to, error);
        } else if (shaped->rank > 0) {
            const bool real = operand->kind != ASSAY_OPERAND_EXACT;
            status = assay_buffer_make(&m->arena, real ? ASSAY_F64 : shaped->dtype, shaped->rank,
                                       shaped->shape, to, error);
        }
    }
    return status;
}

static assay_status make_matrix(assay_measure *m, assay_tensor *tensor, assay_error *error)
{
    const int64_t shape[2] = {m->rows, m->columns};
    return assay_buffer_make(&m->arena, ASSAY_F64, 2, shape, tensor, error);
}

static double *budget_of(const assay_error_model *model)
{
    double *const bound = model->bound.data;
    const double *const sigma = model->sigma.data;
    for (int64_t i = 0; i < assay_count(&model->bound); i++) {
        bound[i] += assay_lambda() * sigma[i];
    }
    return bound;
}

static assay_status measure_encode(assay_measure *m, const assay_kernel *kernel, bool worst,
                                   assay_error *error)
{
    const assay_sae *const sae = &m->built.as.sae_encode.params.sae;
    assay_tensor part[7];
    assay_status status = ASSAY_OK;
    m->rows = m->built.as.sae_encode.io.x.shape[0];
    m->columns = sae->d_sae;
    for (int i = 0; i < 7 && status == ASSAY_OK; i++) {
        status = make_matrix(m, &part[i], error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    const assay_error_model pre = {.bound = part[2], .sigma = part[3]};
    const assay_error_model score = {.bound = part[4], .sigma = part[5]};
    const assay_error_model certain = {.bound = part[6]};
    const assay_tensor *const x = &m->got.sae_encode.x;
    if (worst) {
        status = assay_ref_sae_preactivations(sae, x, NULL, &kernel->precision, &part[0],
                                              &part[1], &certain, NULL, error);
        m->worst = part[6].data;
    }
    if (status == ASSAY_OK) {
        status = assay_ref_sae_preactivations(sae, x, NULL, &kernel->precision, &part[0],
                                              &part[1], &pre, &score, error);
    }
    m->truth = part[0].data;
    m->score = part[1].data;
    m->budget = budget_of(&pre);
    m->score_budget = budget_of(&score);
    return status;
}

static assay_status measure_elements(assay_measure *m, const assay_kernel *kernel, bool worst,
                                     assay_error *error)
{
    assay_any_io io;
    assay_error_model model = {0};
    assay_error_model certain = {0};
    const assay_tensor *const got = assay_measure_output(m);
    m->rows = got->shape[0];
    m->columns = got->shape[1];
    assay_status status = oracle_io(m, &io, error);
    status = status == ASSAY_OK ? make_matrix(m, &model.bound, error) : status;
    status = status == ASSAY_OK ? make_matrix(m, &model.sigma, error) : status;
    status = status == ASSAY_OK ? make_matrix(m, &certain.bound, error) : status;
    if (status == ASSAY_OK && worst) {
        status = assay_step_reference(m->step.op, m->step.params, &io, &kernel->precision,
                                      &certain, error);
        m->worst = certain.bound.data;
    }
    if (status == ASSAY_OK) {
        status = assay_step_reference(m->step.op, m->step.params, &io, &kernel->precision, &model,
                                      error);
    }
    if (status == ASSAY_OK) {
        m->truth = assay_operand_in(&io, judged_operand(m->step.op))->data;
        m->budget = budget_of(&model);
    }
    return status;
}

assay_status assay_measure_begin(const cJSON *json, uint64_t seed, const assay_kernel *kernel,
                               assay_measure *measure, assay_error *error)
{
    double seconds = 0.0;
    memset(measure, 0, sizeof *measure);
    const assay_status status = assay_generated_case_build(json, seed, kernel->precision.output,
                                                           &measure->built, error);
    if (status != ASSAY_OK) {
        return status;
    }
    point_step(measure);
    return assay_step_run(kernel, &measure->step, &measure->arena, &measure->got, &seconds, error);
}

assay_status assay_measure_open(const cJSON *json, uint64_t seed, const assay_kernel *kernel,
                                bool worst, assay_measure *measure, assay_error *error)
{
    assay_status status = assay_measure_begin(json, seed, kernel, measure, error);
    if (status == ASSAY_OK) {
        status = measure->step.op == ASSAY_OP_sae_encode
                     ? measure_encode(measure, kernel, worst, error)
                     : measure_elements(measure, kernel, worst, error);
    }
    if (status != ASSAY_OK) {
        assay_measure_close(measure);
    }
    return status;
}

void assay_measure_close(assay_measure *measure)
{
    assay_arena_free(&measure->arena);
    assay_generated_case_free(&measure->built);
}

void assay_measure_each(const assay_measure *measure, assay_measure_visit *visit, void *context)
{
    if (measure->step.op != ASSAY_OP_sae_encode) {
        const assay_tensor *const got = assay_measure_output(measure);
        for (int64_t i = 0; i < measure->rows * measure->columns; i++) {
            visit(context, measure, i, assay_buffer_get(got, i));
        }
        return;
    }
    const assay_csr *const codes = &measure->got.sae_encode.codes;
    for (int64_t row = 0; row < measure->rows; row++) {
        const int64_t end = (int64_t)assay_at1(&codes->row_offsets, row + 1);
        for (int64_t e = (int64_t)assay_at1(&codes->row_offsets, row); e < end; e++) {
            const int64_t j = (int64_t)assay_at1(&codes->latent, e);
            visit(context, measure, row * measure->columns + j, assay_at1(&codes->value, e));
        }
    }
}
