/* Wrong generation. */
#include <stdlib.h>

#include "kernels/exec/stage.h"
#include "kernels/list.h"
#include "verify/mutants/stages.h"

enum { FAULT_generate_none, GENERATE_MUTANTS(MUTANT_FAULT) };
#define IS(name) (fault == FAULT_generate_##name)

/* The faults' names, for those that are a sampler's. */
#define FAULT_NAME(op, type, name, checks, cases, what) #name,
static const char *const fault_name[] = {"", GENERATE_MUTANTS(FAULT_NAME)};

/* Cache slots by a row's place in the call instead of its sequence: right until a row retires. */
static assay_status attend_by_rank(const assay_exec *exec, const assay_attention_params *params,
                                   const void *state, const assay_attention_io *io)
{
    const int64_t rows = io->q.shape[0];
    assay_attention_io other = *io;
    int32_t *const rank = malloc((size_t)rows * sizeof *rank);
    if (rank == NULL) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "out of memory");
    }
    for (int64_t n = 0; n < rows; n++) {
        const bool next = n > 0 &&
                          scalar_index(&io->sequence, n) != scalar_index(&io->sequence, n - 1);
        rank[n] = n == 0 ? 0 : rank[n - 1] + (next ? 1 : 0);
    }
    other.sequence = assay_vector(rank, ASSAY_I32, rows);
    const assay_status status =
        assay_attention_scalar.run.attention.run(exec, params, state, &other);
    free(rank);
    return status;
}

/* Positions one too great in every call but a prompt's, whose first row stands at 0. */
static assay_status rotate_late(const assay_exec *exec, const assay_rope_params *params,
                                const void *state, const assay_rope_io *io)
{
    const int64_t rows = io->x.shape[0];
    assay_rope_io other = *io;
    int32_t *const position = malloc((size_t)rows * sizeof *position);
    if (position == NULL) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "out of memory");
    }
    const int32_t late = scalar_index(&io->position, 0) > 0 ? 1 : 0;
    for (int64_t n = 0; n < rows; n++) {
        position[n] = (int32_t)scalar_index(&io->position, n) + late;
    }
    other.position = assay_vector(position, ASSAY_I32, rows);
    const assay_status status = assay_rope_scalar.run.rope.run(exec, params, state, &other);
    free(position);
    return status;
}

/* lm_head as initialisation leaves it: small numbers that mean nothing. */
static void *random_head(assay_model *model)
{
    const int64_t count = assay_count(&model->lm_head);
    float *const head = malloc((size_t)count * sizeof *head);
    for (int64_t i = 0; i < count && head != NULL; i++) {
        head[i] = (float)(0.02 * (assay_philox_uniform(1, 2, (uint64_t)i) - 0.5));
    }
    if (head != NULL) {
        model->lm_head = assay_matrix(head, ASSAY_F32, model->lm_head.shape[0],
                                      model->lm_head.shape[1]);
    }
    return head;
}

/* Parameters as this generation takes them; the return is to be freed after use. */
static void *change_params(int fault, assay_generate_params *params)
{
    const bool tied = params->model.lm_head.data == params->model.embed.data;
    assay_steering *const steering = &params->steering;
    if (IS(one_eos) && params->eos_count > 1) {
        params->eos_count = 1;
    } else if (IS(no_eos)) {
        params->eos_count = 0;
    } else if (IS(tied_head)) {
        params->model.lm_head = params->model.embed;
    } else if (IS(steer_prompt) || IS(steer_all)) {
        steering->positions = IS(steer_prompt) ? ASSAY_STEER_PROMPT : ASSAY_STEER_ALL;
    } else if (IS(steer_late) && steering->on) {
        steering->hook.layer += steering->hook.layer + 1 < params->model.layers ? 1 : 0;
    } else if (IS(steer_off)) {
        steering->on = false;
    } else if (IS(steer_hooks)) {
        steering->on = steering->on && steering->hook.kind != ASSAY_HOOK_EMBED &&
                       steering->hook.kind != ASSAY_HOOK_ATTN_OUT;
    } else if (IS(steer_mlp_out)) {
        steering->on = steering->on && steering->hook.kind != ASSAY_HOOK_MLP_OUT;
    } else if (IS(eos_8) && params->eos_count > 8) {
        params->eos_count = 8;
    } else if (IS(cold_greedy) && params->sampling.temperature < 0.3) {
        params->sampling.temperature = 0.0;
    } else if (IS(steer_sampled)) {
        steering->on = steering->on && params->sampling.temperature == 0.0;
    } else if (IS(steer_topk)) {
        steering->on = steering->on && steering->steer.sae.activation != ASSAY_TOPK;
    } else if (IS(steer_scaled)) {
        steering->on = steering->on && (steering->steer.mode != ASSAY_STEER_SCALE ||
                                        steering->steer.sae.activation != ASSAY_TOPK);
    } else if (IS(steer_long) && params->max_new_tokens > 8) {
        steering->positions = ASSAY_STEER_PROMPT;
    }
    return IS(random_head) && tied ? random_head(&params->model) : NULL;
}

/* Which of the places is the one of that rank. */
static int64_t in_order(const assay_tensor *places, int64_t rank)
{
    const int64_t count = places->shape[0];
    for (int64_t i = 0; i < count; i++) {
        int64_t before = 0;
        for (int64_t j = 0; j < count; j++) {
            const double batch = assay_at2(places, j, 0) - assay_at2(places, i, 0);
            const double position = assay_at2(places, j, 1) - assay_at2(places, i, 1);
            before += batch < 0.0 || (batch == 0.0 && position < 0.0) ? 1 : 0;
        }
        if (before == rank) {
            return i;
        }
    }
    return rank;
}

static bool is_lost(int fault, const assay_generate_io *io, int64_t s)
{
    const assay_tensor *const at = &io->soft_at;
    const double batch = assay_at2(at, s, 0);
    const double position = assay_at2(at, s, 1);
    bool behind = false;
    for (int64_t other = 0; other < at->shape[0]; other++) {
        behind = behind || (assay_at2(at, other, 0) == batch &&
                            assay_at2(at, other, 1) + 1.0 == position);
    }
    const double length = (double)scalar_index(&io->lengths, (int64_t)batch);
    return (IS(soft_adjacent) && behind) || (IS(soft_last) && position + 1.0 == length);
}

/* Leaves out the soft tokens that this generation loses; the return is to be freed after use. */
static void *lose_soft(int fault, assay_generate_io *io)
{
    const int64_t count = assay_present(&io->soft_at) ? io->soft_at.shape[0] : 0;
    const int64_t width = count > 0 ? io->soft.shape[1] : 0;
    double *const memory = malloc((size_t)(count * (width + 2)) * sizeof *memory + 1);
    int64_t *const at = (int64_t *)memory;
    double *const rows = memory + 2 * count;
    int64_t kept = 0;
    for (int64_t s = 0; s < count && memory != NULL; s++) {
        at[2 * kept] = (int64_t)assay_at2(&io->soft_at, s, 0);
        at[2 * kept + 1] = (int64_t)assay_at2(&io->soft_at, s, 1);
        for (int64_t i = 0; i < width; i++) {
            rows[kept * width + i] = assay_at2(&io->soft, s, i);
        }
        kept += is_lost(fault, io, s) ? 0 : 1;
    }
    if (kept > 0 && kept < count) {
        io->soft_at = assay_matrix(at, ASSAY_I64, kept, 2);
        io->soft = assay_matrix(rows, ASSAY_F64, kept, width);
    }
    return memory;
}

/* Operands as this generation takes them; the return is to be freed after use. */
static void *change_operands(int fault, int64_t vocab, assay_generate_io *io)
{
    const int64_t batch = io->lengths.shape[0];
    const int64_t count = assay_count(&io->tokens);
    const int64_t soft = assay_present(&io->soft_at) ? io->soft_at.shape[0] : 0;
    int64_t *const memory = calloc((size_t)(batch + 2 * soft + count), sizeof *memory);
    if (memory == NULL) {
        return NULL;
    }
    int64_t *const at = memory + batch;
    int64_t front = soft;
    for (int64_t b = 0; b < batch; b++) {
        memory[b] = IS(last_index) ? io->tokens.shape[1] : scalar_index(&io->lengths, b);
    }
    for (int64_t s = 0; s < soft; s++) {
        const int64_t from = IS(soft_reversed) ? soft - 1 - s
                             : IS(soft_sorted) ? in_order(&io->soft_at, s)
                                               : s;
        at[2 * s] = (int64_t)assay_at2(&io->soft_at, from, 0);
        at[2 * s + 1] = (int64_t)assay_at2(&io->soft_at, from, 1);
        at[2 * s + 1] = IS(soft_late) ? (at[2 * s + 1] + 1) % memory[at[2 * s]] : at[2 * s + 1];
        front = at[2 * s + 1] == 0 ? s : front;
    }
    io->lengths = assay_vector(memory, ASSAY_I64, batch);
    if (soft > 0) {
        const int64_t kept = IS(soft_one)     ? 1
                             : IS(soft_front) ? front
                             : IS(soft_16)    ? scalar_min(soft, 16)
                                              : soft;
        io->soft_at = assay_matrix(at, ASSAY_I64, kept, 2);
        io->soft.shape[0] = io->soft_at.shape[0];
    }
    for (int64_t i = 0; IS(any_token) && i < count; i++) {
        const int64_t token = (int64_t)assay_load(io->tokens.dtype, io->tokens.data, (size_t)i);
        at[2 * soft + i] = (token % vocab + vocab) % vocab;
    }
    if (IS(any_token)) {
        io->tokens = assay_matrix(at + 2 * soft, ASSAY_I64, batch, io->tokens.shape[1]);
    }
    if (IS(forced_ignored)) {
        io->forced.data = NULL;
    }
    if (IS(stop_ignored)) {
        io->stop = NULL;
    }
    return memory;
}

/* Tokens and logits as this generation hands them over. */
static void change_outputs(int fault, const assay_generate_io *io)
{
    const assay_tensor *const logits = &io->logits;
    const int64_t steps = io->new_tokens.shape[1];
    for (int64_t b = 0; b < io->new_tokens.shape[0]; b++) {
        int64_t *const row = (int64_t *)io->new_tokens.data + b * steps;
        int64_t end = 0;
        while (end < steps && row[end] >= 0) {
            end++;
        }
        if ((IS(eos_dropped) || (IS(stop_dropped) && io->stop != NULL)) && end > 0 &&
            end < steps) {
            row[end - 1] = -1;
        } else if (IS(last_step)) {
            row[steps - 1] = -1;
        } else if (IS(one_token) && steps == 1) {
            row[0] = -1;
        } else if (IS(steps_32)) {
            for (int64_t i = 32; i < steps; i++) {
                row[i] = -1;
            }
        } else if (IS(batch_8) && b >= 8) {
            memcpy(row, io->new_tokens.data, (size_t)steps * sizeof *row);
        } else if (IS(prompt_sliced)) {
            const int64_t cut = scalar_min(scalar_index(&io->lengths, b), steps);
            for (int64_t i = 0; i < steps; i++) {
                row[i] = i + cut < steps ? row[i + cut] : -1;
            }
        } else if (IS(logits_after_end) && assay_present(logits)) {
            const int64_t vocab = logits->shape[2];
            for (int64_t i = (b * steps + end) * vocab; i < (b + 1) * steps * vocab; i++) {
                assay_store(logits->dtype, logits->data, (size_t)i, 1.0);
            }
        }
    }
}

static assay_status faulty_generate(int fault, assay_dtype type, const assay_exec *exec,
                                    const assay_generate_params *params,
                                    const assay_generate_io *io)
{
    assay_table table = mutant_table(type);
    assay_kernel attention = assay_attention_scalar;
    assay_kernel rope = assay_rope_scalar;
    assay_generate_params other = *params;
    assay_generate_io changed = *io;
    if (IS(feeds_greedy) && params->sampling.temperature > 0.0 && !assay_present(&io->forced)) {
        return mutant_feed_greedy(&table, exec, params, io);
    }
    void *const head = change_params(fault, &other);
    void *const soft = lose_soft(fault, &changed);
    void *const memory = change_operands(fault, params->model.vocab, &changed);
    assay_generate_stage *stage = NULL;
    attention.run.attention.run = attend_by_rank;
    rope.run.rope.run = rotate_late;
    if (IS(retired_cache)) {
        table.kernel[ASSAY_OP_attention] = &attention;
    } else if (IS(decode_position)) {
        table.kernel[ASSAY_OP_rope] = &rope;
    } else if (mutant_sampler(fault_name[fault]) != NULL) {
        table.kernel[ASSAY_OP_sample] = mutant_sampler(fault_name[fault]);
    }
    if (IS(steer_batch) && io->lengths.shape[0] > 4) {
        other.steering.positions = ASSAY_STEER_ALL;
    }
    assay_status status = assay_generate_stage_open(&table, exec, &other, &stage);
    if (status == ASSAY_OK) {
        status = assay_generate_stage_run(stage, &changed);
    }
    assay_generate_stage_close(&stage);
    if (status == ASSAY_OK) {
        change_outputs(fault, io);
        mutant_change_tokens(fault_name[fault], params, io);
    }
    free(memory);
    free(soft);
    free(head);
    return status;
}

#define MUTANT_WORKSPACE NULL
#define MUTANT_CAPABILITIES (ASSAY_CAN_FORCE | ASSAY_CAN_LOGITS | ASSAY_CAN_STEER)
GENERATE_TWINS(MUTANT_TWIN_RUN)
GENERATE_MUTANTS(MUTANT_RUN)
static const assay_kernel kernels[] = {
    GENERATE_TWINS(MUTANT_TWIN_KERNEL) GENERATE_MUTANTS(MUTANT_KERNEL)};
MUTANT_EXPORT(generate, kernels)
