/* Plain lines: settings behind "# ", then one explanation a line, so that a pipe can sort them. */
#include "verify/explain/print.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void assay_print_text(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        const unsigned char c = (unsigned char)text[i];
        if (c == '\n') {
            (void)fputs("\\n", stdout);
        } else if (c == '\t') {
            (void)fputs("\\t", stdout);
        } else if (c < 0x20 || c == 0x7f) {
            printf("\\x%02x", c);
        } else if (c == 0xc2 && i + 1 < size && (unsigned char)text[i + 1] < 0xa0) {
            printf("\\x%02x", (unsigned char)text[++i]); /* U+0080..U+009F are controls too */
        } else {
            (void)putchar(c);
        }
    }
}

static void print_model(const char *what, const assay_model_file *file)
{
    printf("# %-9s %s (%lld layers, d_model %lld, %s)\n", what, file->directory,
           (long long)file->model.layers, (long long)file->model.d_model,
           assay_dtype_name(file->dtype));
}

static void print_files(const assay_explain_session *session)
{
    const assay_explain_options *const options = session->options;
    if (options->model != NULL) {
        print_model("model", &session->subject);
    }
    if (options->explainer != NULL) {
        print_model("explainer", &session->separate);
    }
    if (options->sae != NULL) {
        printf("# sae       %s (%lld latents, recipe %s%s)\n", options->sae,
               (long long)session->sae.sae.d_sae, assay_recipe_name(session->sae.recipe),
               options->recipe == NULL ? " by default" : "");
    }
    if (options->steer == NULL) {
        printf("# adapter   %s (%s)%s%s\n",
               options->adapter != NULL ? options->adapter : "none",
               assay_adapter_type_name(session->adapter.params.type),
               options->mean != NULL ? ", minus the mean " : "",
               options->mean != NULL ? options->mean_key : "");
    }
    if (options->text != NULL || options->steer != NULL) {
        char hook[64];
        assay_hook_format(session->hook, hook, sizeof hook);
        printf("# hook      %s%s\n", hook, options->hook == NULL ? " (the SAE's)" : "");
    }
}

static void print_sampling(const assay_explain_settings *settings)
{
    const assay_sample_params *const sampling = &settings->sampling;
    /* top-k and top-p change nothing then, and naming them would suggest they did. */
    if (sampling->temperature == 0) {
        printf("# sampling  greedy (temperature 0)\n");
        return;
    }
    printf("# sampling  temperature %g, top-k %lld (%s), top-p %g (%s), seed %llu\n",
           sampling->temperature, (long long)sampling->top_k, settings->top_k_source,
           sampling->top_p, settings->top_p_source, (unsigned long long)sampling->seed);
}

void assay_print_settings(const assay_explain_session *session)
{
    const assay_explain_settings *const settings = &session->settings;
    print_files(session);
    if (session->options->steer == NULL) {
        printf("# style     %s", assay_style_name(session->style));
        if (session->style == ASSAY_STYLE_TRANSLUCE) {
            printf(", layer %lld", (long long)session->layer);
        }
        printf(" (%zu tokens, %zu of them soft)\n", session->prompt.count,
               session->prompt.placeholder_count);
    }
    print_sampling(settings);
    printf("# length    %lld new tokens at most, end tokens", (long long)settings->max_new_tokens);
    for (int64_t i = 0; i < settings->eos_count; i++) {
        printf("%s%lld", i == 0 ? " " : ",", (long long)settings->eos[i]);
    }
    printf("%s (%s)\n", settings->eos_count == 0 ? " none" : "", settings->eos_source);
    printf("# impl      %s, %d threads\n", session->table->name, (int)session->exec.threads);
    (void)fflush(stdout);
}

void assay_print_rows(const assay_explain_session *session, const assay_targets *targets,
                      const assay_explanations *explanations, size_t first, size_t count)
{
    (void)session;
    for (size_t i = first; i < first + count; i++) {
        const assay_target *const target = &targets->item[i];
        if (target->latent >= 0) {
            printf("%8lld  ", (long long)target->latent);
        } else {
            printf("position %lld  ", (long long)target->position);
        }
        assay_print_text(explanations->label[i], explanations->label_size[i]);
        (void)putchar('\n');
    }
    (void)fflush(stdout);
}

/* The token in quotes, special tokens in words: begin_of_text is a position like any other. */
static assay_status print_position(const assay_explain_session *session,
                                   const assay_targets *targets, int64_t row, assay_error *error)
{
    const int64_t position = (int64_t)assay_at2(&targets->positions, row, 1);
    const int64_t token = ((const int64_t *)targets->tokens.data)[position];
    const int64_t *const offset = targets->codes.row_offsets.data;
    char *text = NULL;
    size_t size = 0;
    const assay_status status = assay_tokenizer_decode(session->subject_words, &token, 1, false,
                                                       false, &text, &size, error);
    if (status == ASSAY_OK) {
        printf("position %lld \"", (long long)position);
        assay_print_text(text, size);
        printf("\": %lld latents active\n", (long long)(offset[row + 1] - offset[row]));
    }
    free(text);
    return status;
}

assay_status assay_print_strongest(const assay_explain_session *session,
                                   const assay_targets *targets,
                                   const assay_explanations *explanations, assay_error *error)
{
    size_t at = 0;
    for (int64_t row = 0; row < targets->positions.shape[0]; row++) {
        const assay_status status = print_position(session, targets, row, error);
        if (status != ASSAY_OK) {
            return status;
        }
        const int64_t *const offset = targets->codes.row_offsets.data;
        const int64_t active = offset[row + 1] - offset[row];
        const int64_t top = session->options->top.value;
        for (int64_t k = 0; k < (active < top ? active : top); k++, at++) {
            const assay_target *const target = &targets->item[at];
            printf("%8lld  %-10.5g  ", (long long)target->latent, target->value);
            assay_print_text(explanations->label[target->source],
                             explanations->label_size[target->source]);
            (void)putchar('\n');
        }
    }
    return ASSAY_OK;
}

void assay_print_progress(const char *what, size_t done, size_t total)
{
    if (isatty(STDERR_FILENO) == 0) {
        return;
    }
    if (done < total) {
        fprintf(stderr, "\r%s %zu/%zu", what, done, total);
    } else {
        fprintf(stderr, "\r\033[K");
    }
    (void)fflush(stderr);
}
