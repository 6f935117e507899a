/* Stages: composed of a table's kernels, over models that the worker opens itself. */
#include "verify/isolation/servant.h"

#include <stdlib.h>

#include "verify/isolation/litter.h"

static void close_model(assay_kept_model *model)
{
    if (model->folder != NULL) {
        assay_tokenizer_close(&model->tokenizer);
        assay_model_close(&model->file);
        free(model->folder);
    }
    memset(model, 0, sizeof *model);
}

void assay_servant_close_models(assay_servant *servant)
{
    for (int i = 0; i < ASSAY_MODELS_KEPT; i++) {
        close_model(&servant->model[i]);
    }
}

assay_status assay_servant_model(assay_servant *servant, const char *folder,
                                 assay_kept_model **model, assay_error *error)
{
    assay_kept_model *oldest = &servant->model[0];
    for (int i = 0; i < ASSAY_MODELS_KEPT; i++) {
        assay_kept_model *const kept = &servant->model[i];
        if (kept->folder != NULL && strcmp(kept->folder, folder) == 0) {
            kept->used = ++servant->clock;
            *model = kept;
            return ASSAY_OK;
        }
        oldest = kept->used < oldest->used ? kept : oldest;
    }
    close_model(oldest);
    assay_model_file file;
    const assay_status status = assay_model_open(folder, &file, error);
    if (status != ASSAY_OK) {
        return status;
    }
    oldest->file = file;
    oldest->folder = strdup(folder);
    if (oldest->folder == NULL) {
        assay_model_close(&oldest->file);
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory for a model");
    }
    oldest->used = ++servant->clock;
    *model = oldest;
    return ASSAY_OK;
}

/* Puts the models named by the subject into its params; *explainer is the one that generates. */
static assay_status place_models(assay_servant *servant, assay_kept_model **explainer,
                                 assay_error *error)
{
    assay_wire_subject *const subject = &servant->subject;
    assay_kept_model *model = NULL;
    assay_status status = ASSAY_OK;
    subject->model[sizeof subject->model - 1] = '\0';
    subject->explainer[sizeof subject->explainer - 1] = '\0';
    if (subject->model[0] != '\0') {
        status = assay_servant_model(servant, subject->model, &model, error);
    }
    if (status == ASSAY_OK && subject->explainer[0] != '\0') {
        status = assay_servant_model(servant, subject->explainer, explainer, error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    const bool explains = subject->op == ASSAY_OP_explain;
    if ((explains ? *explainer : model) == NULL) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "%s: the folder of its model is missing",
                          assay_op_name(subject->op));
    }
    if (subject->op == ASSAY_OP_capture) {
        subject->params.capture.model = model->file.model;
    } else if (!explains) {
        subject->params.generate.model = model->file.model;
    } else {
        subject->params.explain.generate.model = (*explainer)->file.model;
        if (model != NULL) {
            subject->params.explain.capture.model = model->file.model;
        }
    }
    return ASSAY_OK;
}

static assay_status place_stops(assay_servant *servant, assay_kept_model *explainer,
                                assay_error *error)
{
    assay_open_stage *const stage = &servant->stage;
    stage->stops = servant->subject.op == ASSAY_OP_explain && servant->subject.stops;
    if (!stage->stops) {
        return ASSAY_OK;
    }
    assay_status status = ASSAY_OK;
    if (explainer->tokenizer == NULL) {
        status = assay_tokenizer_open(explainer->folder, &explainer->tokenizer, error);
    }
    stage->stop.tokenizer = explainer->tokenizer;
    stage->stop.strings = assay_style_stops(ASSAY_STYLE_TRANSLUCE, &stage->stop.count);
    return status;
}

/* A device that has not the memory that a stage needs is no fault of the stage's. */
static void say_status(assay_servant *servant, assay_status status, const char *when,
                       assay_outcome *outcome)
{
    const bool on_device = assay_servant_wants_device(servant);
    const bool full = on_device && status == ASSAY_NO_MEMORY;
    assay_outcome_of_status(full ? ASSAY_UNSUPPORTED : status, &servant->said, outcome);
    if (on_device) {
        assay_servant_settle_device(servant, when, outcome);
    }
}

assay_status assay_servant_open_stage(assay_servant *servant, assay_outcome *outcome,
                                      assay_error *error)
{
    assay_open_stage *const stage = &servant->stage;
    const assay_op_params *const params = &servant->subject.params;
    assay_kept_model *explainer = NULL;
    assay_status status = place_models(servant, &explainer, error);
    if (status == ASSAY_OK) {
        status = place_stops(servant, explainer, error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    if (assay_servant_wants_device(servant) && !assay_servant_take_device(servant, outcome)) {
        return ASSAY_OK;
    }
    servant->control->phase = ASSAY_PHASE_PREPARE;
    assay_litter(true);
    status = assay_table_supports(&servant->table, servant->subject.op, &servant->said);
    if (status == ASSAY_OK && servant->subject.logits) {
        status = assay_logits_stage_open(&servant->table, &servant->exec, &params->capture.model,
                                         &stage->logits);
    } else if (status == ASSAY_OK && servant->subject.op == ASSAY_OP_capture) {
        status = assay_capture_stage_open(&servant->table, &servant->exec, &params->capture,
                                          &stage->capture);
    } else if (status == ASSAY_OK && servant->subject.op == ASSAY_OP_generate) {
        status = assay_generate_stage_open(&servant->table, &servant->exec, &params->generate,
                                           &stage->generate);
    } else if (status == ASSAY_OK) {
        status = assay_explain_stage_open(&servant->table, &servant->exec, &params->explain,
                                          &stage->explain);
    }
    assay_litter(false);
    servant->control->phase = ASSAY_PHASE_IDLE;
    say_status(servant, status, "in prepare: ", outcome);
    return ASSAY_OK;
}

static bool follow_script(void *context, int64_t row, const int64_t *tokens, int64_t count)
{
    const assay_script *const script = context;
    return row >= 0 && row < script->rows && count == script->after[row] &&
           tokens[count - 1] == script->token[row];
}

/* Forced rows end where they are forced to. */
static void place_script(assay_script *script, assay_op op, assay_op_io *io)
{
    if (op == ASSAY_OP_generate && script->rows > 0) {
        io->generate.stop = follow_script;
        io->generate.stop_context = script;
    } else if (op == ASSAY_OP_explain && script->rows > 0) {
        io->explain.stop = follow_script;
        io->explain.stop_context = script;
    }
}

static assay_status run_open(assay_open_stage *stage, assay_op_io *io)
{
    if (stage->logits != NULL) {
        return assay_logits_stage_run(stage->logits, &io->logits);
    }
    if (stage->capture != NULL) {
        return assay_capture_stage_run(stage->capture, &io->capture);
    }
    if (stage->generate != NULL) {
        return assay_generate_stage_run(stage->generate, &io->generate);
    }
    /* Forced rows end where they are forced to. */
    if (stage->stops && !assay_present(&io->explain.forced)) {
        stage->stop.status = ASSAY_OK;
        io->explain.stop = assay_stop_check;
        io->explain.stop_context = &stage->stop;
    }
    return assay_explain_stage_run(stage->explain, &io->explain);
}

assay_status assay_servant_run_stage(assay_servant *servant, assay_outcome *outcome,
                                     assay_error *error)
{
    assay_open_stage *const stage = &servant->stage;
    if (stage->logits == NULL && stage->capture == NULL && stage->generate == NULL &&
        stage->explain == NULL) {
        return assay_fail(error, ASSAY_INTERNAL, "run of a stage that could not be prepared");
    }
    place_script(&servant->subject.script, servant->subject.op, &servant->io);
    servant->control->phase = ASSAY_PHASE_RUN;
    assay_litter(true);
    const double start = assay_now();
    const assay_status status = run_open(stage, &servant->io);
    outcome->seconds = assay_now() - start;
    assay_litter(false);
    servant->control->phase = ASSAY_PHASE_IDLE;
    if (stage->stops && stage->stop.status != ASSAY_OK) {
        return assay_fail(error, stage->stop.status, "stop strings: %.900s",
                          stage->stop.error.message);
    }
    say_status(servant, status, "", outcome);
    return ASSAY_OK;
}

void assay_servant_close_stage(assay_servant *servant)
{
    assay_open_stage *const stage = &servant->stage;
    assay_capture_stage_close(&stage->capture);
    assay_logits_stage_close(&stage->logits);
    assay_generate_stage_close(&stage->generate);
    assay_explain_stage_close(&stage->explain);
    memset(stage, 0, sizeof *stage);
}
