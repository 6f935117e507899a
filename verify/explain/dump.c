/* --dump: what every stage read and wrote, as a golden bundle (GOLDEN.md). The checkpoints are
 * linked into the bundle, not copied. */
#include <stdlib.h>
#include <string.h>

#include "fixtures/io/json_file.h"
#include "kernels/exec/stage.h"
#include "verify/explain/dump.h"

enum { NAME_MAX_BYTES = 64 };

static void add_text(cJSON *object, const char *key, const char *text)
{
    if (text != NULL) {
        (void)cJSON_AddStringToObject(object, key, text);
    }
}

assay_status assay_dump_put(assay_dump *d, cJSON *c, const char *side, const char *role,
                            const assay_tensor *tensor, assay_dtype dtype)
{
    return assay_record_tensor(&d->record, c, side, role, tensor, dtype, d->error);
}

void assay_dump_add_generation(const assay_dump *d, cJSON *params, const int64_t *eos,
                               int64_t count)
{
    (void)cJSON_AddNumberToObject(params, "max_new_tokens",
                                  (double)d->session->settings.max_new_tokens);
    (void)cJSON_AddNumberToObject(params, "temperature", 0);
    cJSON *const list = cJSON_AddArrayToObject(params, "eos");
    for (int64_t i = 0; i < count; i++) {
        (void)cJSON_AddItemToArray(list, cJSON_CreateNumber((double)eos[i]));
    }
}

static assay_status dump_capture(assay_dump *d)
{
    const assay_targets *const t = d->targets;
    char hook[NAME_MAX_BYTES];
    assay_hook_format(d->session->hook, hook, sizeof hook);
    cJSON *const c = assay_record_case(&d->record, "capture", "capture", d->precision);
    cJSON *const params = cJSON_GetObjectItemCaseSensitive(c, "params");
    add_text(params, "model", d->names.model);
    add_text(params, "hook", hook);
    assay_status status = assay_dump_put(d, c, "in", "tokens", &t->tokens, ASSAY_NONE);
    if (status == ASSAY_OK) {
        status = assay_dump_put(d, c, "in", "lengths", &t->lengths, ASSAY_NONE);
    }
    if (status == ASSAY_OK) {
        status = assay_dump_put(d, c, "in", "positions", &t->positions, ASSAY_NONE);
    }
    return status != ASSAY_OK ? status
                              : assay_dump_put(d, c, "out", "residual", &t->residual, ASSAY_NONE);
}

static void add_sae(const assay_dump *d, cJSON *params)
{
    add_text(params, "sae", d->names.sae);
    add_text(params, "recipe", assay_recipe_name(d->session->sae.recipe));
}

static assay_status dump_encode(assay_dump *d)
{
    const assay_targets *const t = d->targets;
    cJSON *const c = assay_record_case(&d->record, "encode", "sae_encode", d->precision);
    add_sae(d, cJSON_GetObjectItemCaseSensitive(c, "params"));
    /* Inputs are float64 holding values of the narrower type: nothing rounds on the way in. */
    assay_status status = assay_dump_put(d, c, "in", "x", &t->residual, ASSAY_F64);
    if (status == ASSAY_OK) {
        status = assay_dump_put(d, c, "out", "row_offsets", &t->codes.row_offsets, ASSAY_NONE);
    }
    if (status == ASSAY_OK) {
        status = assay_dump_put(d, c, "out", "latent", &t->codes.latent, ASSAY_I64);
    }
    return status != ASSAY_OK
               ? status
               : assay_dump_put(d, c, "out", "value", &t->codes.value, ASSAY_NONE);
}

/* An adapter that was not named is left out: the reader then takes the identity. */
static void add_adapter(const assay_dump *d, cJSON *params)
{
    if (d->session->options->adapter != NULL) {
        add_text(params, "adapter", d->names.adapter);
        add_text(params, "mean", d->names.mean);
        add_text(params, "mean_key", d->session->options->mean_key);
    }
}

static assay_status dump_adapter(assay_dump *d)
{
    const assay_explanations *const e = d->explanations;
    cJSON *const c = assay_record_case(&d->record, "adapter", "adapter",
                                       assay_dtype_name(e->soft.dtype));
    add_adapter(d, cJSON_GetObjectItemCaseSensitive(c, "params"));
    const assay_status status = assay_dump_put(d, c, "in", "x", &e->x, ASSAY_F64);
    return status == ASSAY_OK ? assay_dump_put(d, c, "out", "soft", &e->soft, ASSAY_NONE) : status;
}

/* A bundle's labels follow GOLDEN.md's rule, whatever this run was asked to print. */
static assay_status add_labels(assay_dump *d, cJSON *params, size_t first, size_t count)
{
    const assay_label_rule rule = {.style = d->session->style};
    const size_t steps = (size_t)d->session->settings.max_new_tokens;
    cJSON *const labels = cJSON_AddArrayToObject(params, "labels");
    assay_status status = ASSAY_OK;
    for (size_t i = first; status == ASSAY_OK && i < first + count; i++) {
        char *label = NULL;
        size_t size = 0;
        status = assay_label_make(&rule, d->session->words, d->explanations->new_tokens + i * steps,
                                  steps, &label, &size, d->error);
        if (status == ASSAY_OK) { /* which may hold a NUL: no part of it is lost */
            (void)cJSON_AddItemToArray(labels, assay_json_from_bytes(label, size));
        }
        free(label);
    }
    return status;
}

/* Rows first .. first+count-1 of an output. */
static assay_tensor rows_of(const assay_tensor *whole, size_t first, size_t count)
{
    assay_tensor part = *whole;
    part.data = (char *)whole->data + first * (size_t)whole->stride[0] *
                                          assay_dtype_size(whole->dtype);
    part.shape[0] = (int64_t)count;
    return part;
}

/* Latents, or the text and the place in it. A rendered chat brings its own begin_of_text. */
static void add_source(const assay_dump *d, cJSON *params, size_t first, size_t count)
{
    const assay_explain_session *const s = d->session;
    if (!d->targets->rows) {
        add_sae(d, params);
        cJSON *const features = cJSON_AddArrayToObject(params, "features");
        for (size_t i = first; i < first + count; i++) {
            (void)cJSON_AddItemToArray(features,
                                       cJSON_CreateNumber((double)d->targets->source[i]));
        }
        return;
    }
    char hook[NAME_MAX_BYTES];
    assay_hook_format(s->hook, hook, sizeof hook);
    add_text(params, "text", d->targets->text);
    add_text(params, "hook", hook);
    (void)cJSON_AddBoolToObject(params, "add_special_tokens",
                                !s->options->chat && !s->options->no_special_tokens);
    (void)cJSON_AddNumberToObject(params, "position",
                                  (double)d->targets->item[first].position);
}

static assay_status dump_explain(assay_dump *d, const char *id, size_t first, size_t count)
{
    const assay_explain_session *const s = d->session;
    cJSON *const c = assay_record_case(&d->record, id, "explain", d->precision);
    cJSON *const params = cJSON_GetObjectItemCaseSensitive(c, "params");
    add_text(params, "model", d->names.model);
    add_text(params, "explainer", d->names.explainer);
    add_adapter(d, params);
    add_text(params, "style", assay_style_name(s->style));
    if (s->layer >= 0) {
        (void)cJSON_AddNumberToObject(params, "layer", (double)s->layer);
    }
    add_source(d, params, first, count);
    assay_dump_add_generation(d, params, s->settings.eos, s->settings.eos_count);
    assay_status status = add_labels(d, params, first, count);
    const assay_tensor soft = rows_of(&d->explanations->soft, first, count);
    const assay_tensor all = assay_matrix(d->explanations->new_tokens, ASSAY_I64,
                                          (int64_t)d->explanations->count,
                                          s->settings.max_new_tokens);
    const assay_tensor tokens = rows_of(&all, first, count);
    if (status == ASSAY_OK) {
        status = assay_dump_put(d, c, "out", "soft", &soft, ASSAY_NONE);
    }
    return status != ASSAY_OK ? status
                              : assay_dump_put(d, c, "out", "new_tokens", &tokens, ASSAY_NONE);
}

/* Latents make one case; activations one each, since a case explains one position. */
static assay_status dump_explanations(assay_dump *d)
{
    const size_t count = d->explanations->count;
    assay_status status = ASSAY_OK;
    if (!d->targets->rows) {
        return dump_explain(d, "explain", 0, count);
    }
    for (size_t i = 0; status == ASSAY_OK && i < count; i++) {
        char id[NAME_MAX_BYTES];
        (void)snprintf(id, sizeof id, "explain-position-%lld-row-%zu",
                       (long long)d->targets->item[i].position, i);
        status = dump_explain(d, id, i, 1);
    }
    return status;
}

assay_status assay_explain_dump(const assay_explain_session *session, const assay_targets *targets,
                                const assay_explanations *explanations, assay_error *error)
{
    assay_dump d = {
        .session = session, .targets = targets, .explanations = explanations, .error = error};
    d.precision = assay_dtype_name(assay_table_activation(session->table));
    assay_status status = assay_dump_link(session, &d.names, error);
    if (status == ASSAY_OK) {
        status = assay_record_open(&d.record, session->options->dump, error);
    }
    if (status == ASSAY_OK && assay_present(&targets->residual)) {
        status = dump_capture(&d);
    }
    if (status == ASSAY_OK && assay_present(&targets->codes.row_offsets)) {
        status = dump_encode(&d);
    }
    /* --top on a row where no latent is active explains nothing. */
    if (status == ASSAY_OK && explanations->count > 0) {
        status = session->options->adapter != NULL ? dump_adapter(&d) : ASSAY_OK;
        if (status == ASSAY_OK) {
            status = assay_dump_generate(&d);
        }
        if (status == ASSAY_OK) {
            status = dump_explanations(&d);
        }
    }
    if (status == ASSAY_OK) {
        status = assay_record_finish(&d.record, error);
    }
    assay_record_close(&d.record);
    assay_dump_names_free(&d.names);
    return status;
}
