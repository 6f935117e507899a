/* What a generation hands over of a run that nothing was forced on. */
#include "verify/generate_again.h"

bool assay_generate_ends(const assay_generate_params *params, int64_t token)
{
    bool any = false;
    for (int64_t e = 0; e < params->eos_count; e++) {
        any = any || params->eos[e] == token;
    }
    return any;
}

/* How many steps of row b have logits that are known: as many as its tokens agree, and one more;
 * all where the row has ended as it must. */
static int64_t known_steps(const assay_asked_generation *asked, const assay_generate_io *io,
                           int64_t b)
{
    const int64_t steps = io->new_tokens.shape[1];
    const int64_t *const got = (const int64_t *)io->new_tokens.data + b * steps;
    const int64_t *const expected = (const int64_t *)asked->io->forced.data + b * steps;
    for (int64_t step = 0; step < steps; step++) {
        if (expected[step] < 0) {
            const bool ended = step > 0 && got[step] < 0 &&
                               assay_generate_ends(asked->params, expected[step - 1]);
            return ended ? steps : step;
        }
        if (got[step] != expected[step]) {
            return step + 1;
        }
    }
    return steps;
}

assay_status assay_generate_compare_free(const assay_asked_generation *asked,
                                         const assay_generate_io *io)
{
    const int64_t steps = io->new_tokens.shape[1];
    const int64_t batch = io->new_tokens.shape[0];
    const int64_t vocab = asked->params->model.vocab;
    const int64_t shape[2] = {batch * steps, vocab};
    const int64_t *const expected = asked->io->forced.data;
    assay_arena *const arena = asked->again.arena;
    assay_error *const error = asked->again.judged->error;
    int64_t *const from = assay_arena_take(arena, (size_t)(batch * steps) * sizeof *from);
    assay_tensor known;
    int64_t count = 0;
    const assay_status status = assay_buffer_make(arena, io->logits.dtype, 2, shape, &known, error);
    if (status != ASSAY_OK || from == NULL) {
        return status != ASSAY_OK ? status
                                  : assay_fail(error, ASSAY_NO_MEMORY, "out of memory for rows");
    }
    const size_t row = (size_t)vocab * assay_dtype_size(io->logits.dtype);
    for (int64_t b = 0; b < batch; b++) {
        const int64_t most = known_steps(asked, io, b);
        for (int64_t i = b * steps; i < b * steps + most; i++) {
            memcpy((char *)known.data + (size_t)count * row,
                   (const char *)io->logits.data + (size_t)i * row, row);
            from[count++] = expected[i] >= 0 ? i : -1;
        }
    }
    known.shape[0] = count;
    return assay_again_compare(&asked->again, &known, from);
}
