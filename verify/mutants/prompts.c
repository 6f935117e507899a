/* Stages that are wrong by what stands in their prompts or vectors. */
#include "verify/mutants/stages.h"

static bool is(const char *fault, const char *name)
{
    return strcmp(fault, name) == 0;
}

/* Whether the first so many tokens of two prompts are equal. */
static bool begin_alike(const assay_tensor *tokens, int64_t a, int64_t b, int64_t count)
{
    for (int64_t t = 0; t < count; t++) {
        if (assay_at2(tokens, a, t) != assay_at2(tokens, b, t)) {
            return false;
        }
    }
    return true;
}

bool mutant_mistakes(const char *fault, const assay_capture_io *io, int64_t vocab, int64_t b,
                     int64_t t)
{
    const assay_tensor *const tokens = &io->tokens;
    const double token = assay_at2(tokens, b, t);
    return (is(fault, "prefix_kept") && b > 0 && t >= 4 && begin_alike(tokens, b, b - 1, 4)) ||
           (is(fault, "token_zero") && token == 0.0) ||
           (is(fault, "last_token") && token == (double)(vocab - 1)) ||
           (is(fault, "first_again") && t > 0 && token == assay_at2(tokens, b, 0)) ||
           (is(fault, "repeated") && t > 1 && token == assay_at2(tokens, b, t - 1) &&
            token == assay_at2(tokens, b, t - 2));
}

void mutant_change_captured(const char *fault, const assay_capture_io *io)
{
    const assay_tensor *const rows = &io->residual;
    const bool positions = assay_present(&io->positions);
    const int64_t count = rows->shape[0];
    const int64_t batch = io->lengths.shape[0];
    const bool single = is(fault, "single_position") && positions && count == 1 && batch == 1;
    for (int64_t i = 0; i < rows->shape[1] && single; i++) {
        assay_put2(rows, count - 1, i, 0.0);
    }
    for (int64_t i = 32 * rows->shape[1];
         i < count * rows->shape[1] && positions && is(fault, "positions_32"); i++) {
        const int64_t n = i / rows->shape[1];
        const int64_t at = i % rows->shape[1];
        assay_put2(rows, n, at, assay_at2(rows, n - 32, at));
    }
}

static bool ends(const assay_generate_params *params, int64_t token)
{
    bool any = false;
    for (int64_t e = 0; e < params->eos_count; e++) {
        any = any || params->eos[e] == token;
    }
    return any;
}

static void end_row(const assay_generate_io *io, int64_t b, int64_t from)
{
    const int64_t steps = io->new_tokens.shape[1];
    const int64_t vocab = assay_present(&io->logits) ? io->logits.shape[2] : 0;
    for (int64_t step = from; step < steps; step++) {
        ((int64_t *)io->new_tokens.data)[b * steps + step] = -1;
    }
    for (int64_t i = (b * steps + from) * vocab; i < (b + 1) * steps * vocab; i++) {
        assay_store(io->logits.dtype, io->logits.data, (size_t)i, 0.0);
    }
}

/* Rows that end too early, and tokens of others. */
static void change_row(const char *fault, const assay_generate_params *params,
                       const assay_generate_io *io, int64_t b)
{
    const int64_t steps = io->new_tokens.shape[1];
    const int64_t length = scalar_index(&io->lengths, b);
    int64_t *const row = (int64_t *)io->new_tokens.data + b * steps;
    for (int64_t t = 0; t < length && is(fault, "eos_in_prompt") && steps > 1; t++) {
        if (ends(params, (int64_t)assay_at2(&io->tokens, b, t))) {
            end_row(io, b, 1);
        }
    }
    for (int64_t step = 0; step < steps; step++) {
        if (is(fault, "cache_128") && step > 0 && length + step >= 128 && row[step] >= 0) {
            row[step] = row[step - 1];
        } else if (is(fault, "sampled_ends") && assay_present(&io->forced) &&
                   ends(params, row[step])) {
            end_row(io, b, step + 1);
        } else if (is(fault, "steps_48") && step == 48) {
            end_row(io, b, step);
        }
    }
    if (is(fault, "batch_16") && b >= 16) {
        memcpy(row, io->new_tokens.data, (size_t)steps * sizeof *row);
    }
}

/* Logits as they are drawn from, not as lm_head gives them. */
static void cool_logits(const assay_generate_params *params, const assay_generate_io *io)
{
    const double temperature = params->sampling.temperature;
    if (assay_present(&io->forced) || !assay_present(&io->logits) || temperature <= 0.0) {
        return;
    }
    for (int64_t i = 0; i < assay_count(&io->logits); i++) {
        const double logit = assay_load(io->logits.dtype, io->logits.data, (size_t)i);
        assay_store(io->logits.dtype, io->logits.data, (size_t)i, logit / temperature);
    }
}

void mutant_change_tokens(const char *fault, const assay_generate_params *params,
                          const assay_generate_io *io)
{
    const int64_t steps = io->new_tokens.shape[1];
    const size_t bytes = (size_t)steps * sizeof(int64_t);
    int64_t *const first = io->new_tokens.data;
    if (is(fault, "logits_cooled")) {
        cool_logits(params, io);
    }
    for (int64_t b = 0; b < io->new_tokens.shape[0]; b++) {
        int64_t *const row = first + b * steps;
        const int64_t length = scalar_index(&io->lengths, b);
        if (is(fault, "eos_first") && ends(params, row[0])) {
            row[0] = -1;
        } else if (is(fault, "ended_goes_on") && assay_present(&io->forced) && row[0] < 0) {
            row[0] = 0;
        } else if (is(fault, "equal_prompts") && !assay_present(&io->soft_at) && b > 0 &&
                   length == scalar_index(&io->lengths, 0) &&
                   begin_alike(&io->tokens, b, 0, length)) {
            memcpy(row, first, bytes);
        }
        change_row(fault, params, io, b);
    }
}

static bool is_zero(const assay_tensor *rows, int64_t n)
{
    bool zero = true;
    for (int64_t i = 0; i < rows->shape[1]; i++) {
        zero = zero && assay_at2(rows, n, i) == 0.0;
    }
    return zero;
}

static bool are_equal(const assay_tensor *rows, int64_t a, int64_t b)
{
    bool equal = true;
    for (int64_t i = 0; i < rows->shape[1]; i++) {
        equal = equal && assay_at2(rows, a, i) == assay_at2(rows, b, i);
    }
    return equal;
}

void mutant_change_soft(const char *fault, const assay_explain_io *io)
{
    const bool given = assay_present(&io->vectors);
    const int64_t steps = io->new_tokens.shape[1];
    int64_t *const tokens = io->new_tokens.data;
    for (int64_t i = 0; i < assay_count(&io->new_tokens) && is(fault, "steps_16"); i++) {
        tokens[i] = i % steps < 16 ? tokens[i] : -1;
    }
    for (int64_t n = 0; n < io->soft.shape[0]; n++) {
        if (is(fault, "equal_vectors") && given && n > 0 && are_equal(&io->vectors, n, n - 1)) {
            memcpy(tokens + n * steps, tokens + (n - 1) * steps, (size_t)steps * sizeof *tokens);
        }
        const bool lost = is(fault, "zero_vector") && given && is_zero(&io->vectors, n);
        const bool late = is(fault, "third_row") && !given && n >= 2;
        for (int64_t i = 0; i < io->soft.shape[1] && (lost || late); i++) {
            assay_put2(&io->soft, n, i, lost ? 0.0 : assay_at2(&io->soft, 1, i));
        }
    }
}
