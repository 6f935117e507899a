/* --steer: the same prompt, greedily unless told otherwise, without and with one latent edited. The
 * edit is sae_steer.h's, which keeps the reconstruction's error. */
#include <stdlib.h>
#include <string.h>

#include "kernels/exec/stage.h"
#include "verify/explain/memory.h"
#include "verify/explain/print.h"

typedef struct steering {
    assay_steering request;
    const char *mode_name;
    int64_t *tokens;
    size_t count;
    int64_t *new_tokens[2]; /* without, with */
} steering;

static const char *const mode_names[] = {[ASSAY_STEER_ADD] = "add",
                                         [ASSAY_STEER_SET] = "set",
                                         [ASSAY_STEER_SCALE] = "scale",
                                         [ASSAY_STEER_ABLATE] = "ablate"};

/* LATENT:MODE:AMOUNT, the amount left out for ablate. */
static assay_status parse(const assay_explain_session *session, steering *s, assay_error *error)
{
    const char *const text = session->options->steer;
    assay_sae_steer_params *const steer = &s->request.steer;
    steer->sae = session->sae.sae;
    char latent[32] = "";
    char mode[16] = "";
    char amount[64] = "";
    const int parts = sscanf(text, "%31[^:]:%15[^:]:%63[^:]", latent, mode, amount);
    /* What sscanf left unread ("3:add:1:2", "3:ablate:") is a mistake too. */
    const size_t read = strlen(latent) + strlen(mode) + strlen(amount) + (parts == 3 ? 2 : 1);
    for (size_t i = 0; i < sizeof mode_names / sizeof *mode_names; i++) {
        if (strcmp(mode, mode_names[i]) == 0) {
            steer->mode = (assay_steer_mode)i;
            s->mode_name = mode_names[i];
        }
    }
    const bool ablate = s->mode_name != NULL && steer->mode == ASSAY_STEER_ABLATE;
    if (s->mode_name == NULL || parts != (ablate ? 2 : 3) || read != strlen(text) ||
        (!ablate && !assay_parse_real(amount, &steer->amount))) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "--steer '%s': expected LATENT:add:AMOUNT, "
                          ":set:AMOUNT, :scale:AMOUNT or :ablate", text);
    }
    if (!assay_parse_int(latent, 0, steer->sae.d_sae - 1, &steer->latent)) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "--steer '%s': latents go from 0 to %lld",
                          text, (long long)(steer->sae.d_sae - 1));
    }
    return ASSAY_OK;
}

static assay_status parse_place(const assay_explain_session *session, steering *s,
                                assay_error *error)
{
    const char *const positions = session->options->positions;
    s->request.on = true;
    s->request.hook = session->hook;
    if (positions == NULL || strcmp(positions, "all") == 0) {
        s->request.positions = ASSAY_STEER_ALL;
    } else if (strcmp(positions, "prompt") == 0) {
        s->request.positions = ASSAY_STEER_PROMPT;
    } else {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "--positions '%s': expected all or prompt",
                          positions);
    }
    if (session->hook.kind == ASSAY_HOOK_MLP_IN || session->hook.kind == ASSAY_HOOK_FINAL_NORM) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "nothing can be steered at this hook; "
                          "--hook takes embed, layers.I.input, .output, .attn_out or .mlp_out");
    }
    if (s->request.steer.sae.d_in != s->request.steer.sae.d_out) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "%s is a transcoder between widths %lld and "
                          "%lld: its latents cannot be written back where they were read",
                          session->options->sae, (long long)s->request.steer.sae.d_in,
                          (long long)s->request.steer.sae.d_out);
    }
    return ASSAY_OK;
}

/* One stage for each: steering is prepared with the weights. Both draw the same random numbers. */
static assay_status generate(assay_explain_session *session, steering *s, bool on,
                             assay_error *error)
{
    const assay_explain_settings *const settings = &session->settings;
    assay_generate_params params = {.model = session->subject.model,
                                    .max_new_tokens = settings->max_new_tokens,
                                    .eos = settings->eos,
                                    .eos_count = settings->eos_count,
                                    .sampling = settings->sampling};
    if (on) {
        params.steering = s->request;
    }
    int64_t *const out = calloc((size_t)settings->max_new_tokens, sizeof *out);
    s->new_tokens[on] = out;
    if (out == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for the new tokens");
    }
    int64_t length = (int64_t)s->count;
    const assay_generate_io io = {
        .tokens = assay_matrix(s->tokens, ASSAY_I64, 1, length),
        .lengths = assay_vector(&length, ASSAY_I64, 1),
        .new_tokens = assay_matrix(out, ASSAY_I64, 1, settings->max_new_tokens)};
    assay_generate_stage *stage = NULL;
    assay_status status = assay_generate_stage_open(session->table, &session->exec, &params,
                                                    &stage);
    if (status == ASSAY_OK) {
        status = assay_generate_stage_run(stage, &io);
    }
    assay_generate_stage_close(&stage);
    return status;
}

static assay_status show(const assay_explain_session *session, const steering *s, cJSON *root,
                         assay_error *error)
{
    static const char *const names[2] = {"without", "with"};
    for (int on = 0; on < 2; on++) {
        const int64_t steps = session->settings.max_new_tokens;
        int64_t used = 0;
        while (used < steps && s->new_tokens[on][used] != -1) {
            used++;
        }
        char *text = NULL;
        size_t size = 0;
        const assay_status status =
            assay_tokenizer_decode(session->subject_words, s->new_tokens[on], (size_t)used, true,
                                   session->options->clean_up_spaces, &text, &size, error);
        if (status != ASSAY_OK) {
            return status;
        }
        if (root != NULL) {
            cJSON *const entry = cJSON_AddObjectToObject(root, names[on]);
            (void)cJSON_AddItemToObject(entry, "text", assay_json_text(text, size));
            (void)cJSON_AddItemToObject(entry, "tokens",
                                        assay_json_tokens(s->new_tokens[on], steps));
        } else {
            printf("%-8s ", names[on]);
            assay_print_text(text, size);
            (void)putchar('\n');
        }
        free(text);
    }
    return ASSAY_OK;
}

static assay_status report(const assay_explain_session *session, const steering *s,
                           assay_error *error)
{
    if (!session->options->json) {
        return show(session, s, NULL, error);
    }
    cJSON *const root = assay_explain_json(session);
    if (root == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for the JSON text");
    }
    (void)cJSON_AddStringToObject(root, "steer", session->options->steer);
    (void)cJSON_AddItemToObject(root, "prompt", assay_json_tokens(s->tokens, (int64_t)s->count));
    const assay_status status = show(session, s, root, error);
    if (status != ASSAY_OK) {
        cJSON_Delete(root);
        return status;
    }
    return assay_json_print(root, error);
}

assay_status assay_explain_steer(assay_explain_session *session, assay_error *error)
{
    steering s;
    memset(&s, 0, sizeof s);
    size_t batch = 1;
    assay_status status = parse(session, &s, error);
    if (status == ASSAY_OK) {
        status = parse_place(session, &s, error);
    }
    if (status == ASSAY_OK) {
        status = assay_explain_tokenize(session, session->options->prompt, &s.tokens, &s.count,
                                        NULL, error);
    }
    if (status == ASSAY_OK) {
        status = assay_explain_batch(session, &session->subject.model, s.count, 1, 0, &batch,
                                     error);
    }
    for (int on = 0; status == ASSAY_OK && on < 2; on++) {
        assay_print_progress("generated", (size_t)on, 2);
        status = generate(session, &s, on == 1, error);
    }
    assay_print_progress("generated", 2, 2);
    if (status == ASSAY_OK) {
        status = report(session, &s, error);
    }
    free(s.tokens);
    free(s.new_tokens[0]);
    free(s.new_tokens[1]);
    return status;
}
