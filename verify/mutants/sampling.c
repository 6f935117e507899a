/* Wrong samplers of generations: right by themselves, given the wrong numbers. */
#include <stdlib.h>

#include "kernels/exec/stage.h"
#include "kernels/list.h"
#include "kernels/scalar/sample.h"
#include "verify/mutants/stages.h"

typedef assay_status sample_run(const assay_exec *exec, const assay_sample_params *params,
                                const void *state, const assay_sample_io *io);

static assay_status sample_step_one(const assay_exec *exec, const assay_sample_params *params,
                                    const void *state, const assay_sample_io *io)
{
    assay_sample_io other = *io;
    other.step++;
    return assay_sample_scalar.run.sample.run(exec, params, state, &other);
}

static assay_status sample_same_draw(const assay_exec *exec, const assay_sample_params *params,
                                     const void *state, const assay_sample_io *io)
{
    assay_sample_io other = *io;
    other.step = 0;
    return assay_sample_scalar.run.sample.run(exec, params, state, &other);
}

static assay_status sample_stream_rank(const assay_exec *exec, const assay_sample_params *params,
                                       const void *state, const assay_sample_io *io)
{
    const int64_t rows = io->logits.shape[0];
    assay_sample_io other = *io;
    int64_t *const stream = malloc((size_t)rows * sizeof *stream);
    if (stream == NULL) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "out of memory");
    }
    for (int64_t n = 0; n < rows; n++) {
        stream[n] = n;
    }
    other.stream = assay_vector(stream, ASSAY_I64, rows);
    const assay_status status = assay_sample_scalar.run.sample.run(exec, params, state, &other);
    free(stream);
    return status;
}

static assay_status sample_no_top_p(const assay_exec *exec, const assay_sample_params *params,
                                    const void *state, const assay_sample_io *io)
{
    assay_sample_params other = *params;
    other.top_p = 1.0;
    return assay_sample_scalar.run.sample.run(exec, &other, state, io);
}

static assay_status sample_no_top_k(const assay_exec *exec, const assay_sample_params *params,
                                    const void *state, const assay_sample_io *io)
{
    assay_sample_params other = *params;
    other.top_k = 0;
    return assay_sample_scalar.run.sample.run(exec, &other, state, io);
}

static assay_status sample_no_temperature(const assay_exec *exec,
                                          const assay_sample_params *params, const void *state,
                                          const assay_sample_io *io)
{
    assay_sample_params other = *params;
    other.temperature = params->temperature > 0.0 ? 1.0 : 0.0;
    return assay_sample_scalar.run.sample.run(exec, &other, state, io);
}

static assay_status sample_greedy(const assay_exec *exec, const assay_sample_params *params,
                                  const void *state, const assay_sample_io *io)
{
    assay_sample_params other = *params;
    other.temperature = 0.0;
    return assay_sample_scalar.run.sample.run(exec, &other, state, io);
}

const assay_kernel *mutant_sampler(const char *fault)
{
    static const struct {
        const char *fault;
        sample_run *run;
    } faults[] = {{"step_one", sample_step_one},       {"same_draw", sample_same_draw},
                  {"stream_rank", sample_stream_rank}, {"no_top_p", sample_no_top_p},
                  {"no_top_k", sample_no_top_k},       {"no_temperature", sample_no_temperature},
                  {"greedy", sample_greedy}};
    static assay_kernel sampler;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        if (strcmp(fault, faults[i].fault) == 0) {
            sampler = assay_sample_scalar;
            sampler.run.sample.run = faults[i].run;
            return &sampler;
        }
    }
    return NULL;
}

/* Draws from what greedy tokens led to, when it runs freely. */
static assay_status draw_beside(const assay_exec *exec, const assay_sample_params *sampling,
                                const assay_generate_io *io)
{
    const int64_t steps = io->new_tokens.shape[1];
    const int64_t vocab = io->logits.shape[2];
    int32_t token = 0;
    assay_status status = ASSAY_OK;
    for (int64_t i = 0; i < assay_count(&io->new_tokens) && status == ASSAY_OK; i++) {
        int64_t *const to = (int64_t *)io->new_tokens.data + i;
        int64_t stream = i / steps;
        stream = assay_present(&io->stream) ? ((int64_t *)io->stream.data)[stream] : stream;
        const assay_sample_io draw = {
            .logits = assay_matrix((float *)io->logits.data + i * vocab, ASSAY_F32, 1, vocab),
            .stream = assay_vector(&stream, ASSAY_I64, 1),
            .step = i % steps,
            .token = assay_vector(&token, ASSAY_I32, 1)};
        assay_exec own = *exec;
        own.workspace_bytes = scalar_sample_workspace(sampling, &draw);
        void *const room = malloc(own.workspace_bytes + 1);
        own.workspace = room;
        if (*to >= 0) {
            status = room != NULL ? assay_sample_scalar.run.sample.run(&own, sampling, NULL, &draw)
                                  : ASSAY_NO_MEMORY;
            *to = token;
        }
        free(room);
    }
    return status;
}

assay_status mutant_feed_greedy(const assay_table *table, const assay_exec *exec,
                                const assay_generate_params *params, const assay_generate_io *io)
{
    const int64_t vocab = params->model.vocab;
    const int64_t count = assay_count(&io->new_tokens) * vocab;
    assay_generate_params other = *params;
    assay_generate_io changed = *io;
    assay_generate_stage *stage = NULL;
    float *const logits = malloc((size_t)count * sizeof *logits);
    if (logits == NULL) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "out of memory");
    }
    changed.logits = assay_matrix(logits, ASSAY_F32, count / vocab, vocab);
    changed.logits.rank = 3;
    changed.logits.shape[0] = io->new_tokens.shape[0];
    changed.logits.shape[1] = io->new_tokens.shape[1];
    changed.logits.shape[2] = vocab;
    changed.logits.stride[0] = io->new_tokens.shape[1] * vocab;
    changed.logits.stride[1] = vocab;
    changed.logits.stride[2] = 1;
    other.sampling.temperature = 0.0;
    assay_status status = assay_generate_stage_open(table, exec, &other, &stage);
    status = status == ASSAY_OK ? assay_generate_stage_run(stage, &changed) : status;
    assay_generate_stage_close(&stage);
    status = status == ASSAY_OK ? draw_beside(exec, &params->sampling, &changed) : status;
    for (int64_t i = 0; i < count && status == ASSAY_OK && assay_present(&io->logits); i++) {
        assay_store(io->logits.dtype, io->logits.data, (size_t)i, (double)logits[i]);
    }
    free(logits);
    return status;
}
