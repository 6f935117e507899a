/* generate: continues a batch of prompts, with soft tokens in the prompts and optional steering.
 *
 * Prompts are ragged: tokens [B,T] i64 right-padded, lengths [B] i64. soft [S,d_model] replaces the
 * embeddings at soft_at [S,2] i64 (batch, position); several per prompt, any number of prompts.
 * Each step samples (sample.h) from the logits of each row's last token, with stream[b] = b unless
 * `stream` [B] i64 is given, step counting from 0. A row ends with the first new token that is one
 * of eos (which is kept; in a prompt it ends nothing); it is then retired and costs nothing.
 * new_tokens [B,max_new] i64 holds -1 after the end.
 * logits, when given, [B,max_new,V]: what lm_head gave for each step, before temperature, top_k and
 * top_p; 0 after the end. It changes nothing else, and is the same where no token is forced.
 * forced, when given, [B,max_new] i64: teacher forcing. The step's token is forced[b,step] instead
 * of the sample (new_tokens still receives what would have been sampled), and a row ends where
 * forced is -1. It makes logits comparable when a single undecided step would diverge. What would
 * have been sampled ends nothing; a forced token that is one of eos ends its row, as a sampled one
 * does, and stop is shown the forced tokens, which are the row's.
 * Prompts come from outside: a token that is not in the vocabulary is refused, with a status other
 * than ASSAY_OK; nothing may stand in for it.
 * Steering applies sae_steer at the hook, to every position of the prompt and, with
 * ASSAY_STEER_ALL, to every generated position too.
 * Hooks that can be steered: embed, input, output, attn_out, mlp_out. */
#ifndef ASSAY_GENERATE_H
#define ASSAY_GENERATE_H

#include "assay/ops.h"
#include "assay/model.h"
#include "assay/sample.h"
#include "assay/sae_steer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Asked after every step with row's new tokens so far (host memory); true ends the row, the token
 * stays. For stop strings, which only the host's tokenizer can find. */
typedef bool assay_stop_fn(void *context, int64_t row, const int64_t *tokens, int64_t count);

typedef enum assay_steer_positions {
    ASSAY_STEER_ALL = 0,
    ASSAY_STEER_PROMPT = 1 /* the prompt's positions, its last one included */
} assay_steer_positions;

typedef struct assay_steering {
    bool on;
    assay_hook hook;
    assay_sae_steer_params steer;
    assay_steer_positions positions;
} assay_steering;

typedef struct assay_generate_params {
    assay_model model;
    int64_t max_new_tokens;
    const int64_t *eos; /* [eos_count] token ids; host */
    int64_t eos_count;
    assay_sample_params sampling;
    assay_steering steering;
} assay_generate_params;

typedef struct assay_generate_io {
    assay_tensor tokens, lengths;
    assay_tensor soft, soft_at;
    assay_tensor stream;
    assay_tensor forced;
    assay_stop_fn *stop; /* NULL: none */
    void *stop_context;
    assay_tensor new_tokens;
    assay_tensor logits;
} assay_generate_io;

ASSAY_OP_FUNCTIONS(generate);

#ifdef __cplusplus
}
#endif
#endif
