/* The generate case of a dump. */
#include <string.h>

#include "verify/explain/dump.h"

enum { EOS_MAX = 64 /* end tokens that a reader of a case takes */ };

static int64_t used_tokens(const assay_dump *d, size_t row)
{
    const int64_t steps = d->session->settings.max_new_tokens;
    const int64_t *const tokens = d->explanations->new_tokens + (int64_t)row * steps;
    int64_t used = 0;
    while (used < steps && tokens[used] != -1) {
        used++;
    }
    return used;
}

static bool listed(const int64_t *list, int64_t count, int64_t id)
{
    for (int64_t i = 0; i < count; i++) {
        if (list[i] == id) {
            return true;
        }
    }
    return false;
}

/* A generate case has no stop strings, so the tokens that completed one join its end tokens.
 * Negative when that would end a row too early (a token that completed one here but not there): no
 * such case then. */
static int64_t end_tokens(const assay_dump *d, int64_t eos[EOS_MAX])
{
    const assay_explain_settings *const s = &d->session->settings;
    int64_t count = s->eos_count;
    memcpy(eos, s->eos, (size_t)count * sizeof *eos);
    for (size_t row = 0; row < d->explanations->count; row++) {
        const int64_t *const tokens =
            d->explanations->new_tokens + (int64_t)row * s->max_new_tokens;
        const int64_t used = used_tokens(d, row);
        if (strcmp(assay_explain_ending(d->session, tokens), "stop") != 0 ||
            listed(eos, count, tokens[used - 1])) {
            continue;
        }
        if (count == EOS_MAX) {
            return -1;
        }
        eos[count++] = tokens[used - 1];
    }
    for (size_t row = 0; row < d->explanations->count; row++) {
        const int64_t *const tokens =
            d->explanations->new_tokens + (int64_t)row * s->max_new_tokens;
        for (int64_t i = 0; i + 1 < used_tokens(d, row); i++) {
            if (listed(eos, count, tokens[i])) {
                return -1;
            }
        }
    }
    return count;
}

/* The batch that generate read: the prompt n times, a soft token at each placeholder. */
static assay_status prompts(assay_dump *d, cJSON *c)
{
    const assay_prompt *const p = &d->session->prompt;
    const int64_t n = (int64_t)d->explanations->count;
    const int64_t length = (int64_t)p->count;
    const int64_t holes = (int64_t)p->placeholder_count;
    const int64_t width = d->explanations->soft.shape[1];
    const int64_t shapes[4][2] = {{n, length}, {n}, {n * holes, 2}, {n * holes, width}};
    /* float64 like every input of a bundle, each value exact in the type generate read it in */
    assay_tensor tokens, lengths, soft_at, soft;
    assay_arena *const arena = &d->record.arena;
    if (assay_buffer_make(arena, ASSAY_I64, 2, shapes[0], &tokens, d->error) != ASSAY_OK ||
        assay_buffer_make(arena, ASSAY_I64, 1, shapes[1], &lengths, d->error) != ASSAY_OK ||
        assay_buffer_make(arena, ASSAY_I64, 2, shapes[2], &soft_at, d->error) != ASSAY_OK ||
        assay_buffer_make(arena, ASSAY_F64, 2, shapes[3], &soft, d->error) != ASSAY_OK) {
        return d->error->status;
    }
    for (int64_t i = 0; i < n; i++) {
        memcpy((int64_t *)tokens.data + i * length, p->token, p->count * sizeof *p->token);
        assay_put1(&lengths, i, (double)length);
        for (int64_t s = 0; s < holes; s++) {
            assay_put2(&soft_at, i * holes + s, 0, (double)i);
            assay_put2(&soft_at, i * holes + s, 1, (double)p->placeholder[s]);
            for (int64_t j = 0; j < width; j++) {
                assay_put2(&soft, i * holes + s, j, assay_at2(&d->explanations->soft, i, j));
            }
        }
    }
    assay_status status = assay_dump_put(d, c, "in", "tokens", &tokens, ASSAY_NONE);
    if (status == ASSAY_OK) {
        status = assay_dump_put(d, c, "in", "lengths", &lengths, ASSAY_NONE);
    }
    if (status == ASSAY_OK) {
        status = assay_dump_put(d, c, "in", "soft", &soft, ASSAY_NONE);
    }
    return status != ASSAY_OK ? status
                              : assay_dump_put(d, c, "in", "soft_at", &soft_at, ASSAY_NONE);
}

assay_status assay_dump_generate(assay_dump *d)
{
    const assay_explanations *const e = d->explanations;
    int64_t eos[EOS_MAX];
    const int64_t eos_count = end_tokens(d, eos);
    if (eos_count < 0) {
        return ASSAY_OK; /* the explain case carries the same generation */
    }
    cJSON *const c = assay_record_case(&d->record, "generate", "generate", d->precision);
    cJSON *const params = cJSON_GetObjectItemCaseSensitive(c, "params");
    (void)cJSON_AddStringToObject(params, "model",
                                  d->names.explainer != NULL ? d->names.explainer
                                                             : d->names.model);
    assay_dump_add_generation(d, params, eos, eos_count);
    const assay_tensor tokens = assay_matrix(e->new_tokens, ASSAY_I64, (int64_t)e->count,
                                             d->session->settings.max_new_tokens);
    assay_status status = prompts(d, c);
    if (status == ASSAY_OK) {
        status = assay_dump_put(d, c, "out", "new_tokens", &tokens, ASSAY_NONE);
    }
    return status != ASSAY_OK ? status
                              : assay_dump_put(d, c, "out", "logits", &e->logits, ASSAY_NONE);
}
