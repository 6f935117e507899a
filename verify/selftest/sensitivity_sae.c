/* sae_decode and sae_steer over 65,536 latents of 4,096 numbers in bf16. The latents that are read
 * are filled in, the rest of the memory is never touched. */
#include <math.h>
#include <stdlib.h>

#include "fixtures/synth/normal.h"
#include "verify/selftest/sensitivity.h"

enum { LATENTS = 65536, WIDTH = 4096, ROWS = 4, ACTIVE = 91 };

typedef struct dictionary {
    assay_arena arena;
    uint16_t *memory; /* [LATENTS, WIDTH]: what a latent writes; what it reads is the same */
    assay_sae sae;
} dictionary;

static assay_status open_dictionary(dictionary *d, uint64_t seed, assay_error *error)
{
    const int64_t width = WIDTH;
    *d = (dictionary){.memory = calloc((size_t)LATENTS * WIDTH, sizeof *d->memory)};
    if (d->memory == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no address space for 65,536 x 4,096 weights");
    }
    d->sae = (assay_sae){.d_in = WIDTH, .d_out = WIDTH, .d_sae = LATENTS};
    d->sae.encoder = assay_matrix(d->memory, ASSAY_BF16, LATENTS, WIDTH);
    d->sae.decoder = assay_matrix(d->memory, ASSAY_BF16, WIDTH, LATENTS);
    d->sae.decoder.stride[0] = 1;
    d->sae.decoder.stride[1] = WIDTH;
    const assay_status status = assay_buffer_make(&d->arena, ASSAY_F64, 1, &width,
                                                  &d->sae.decode_bias, error);
    if (status == ASSAY_OK) {
        assay_fill_normal(seed, assay_stream("bias"), 0, WIDTH, 0.1, ASSAY_F64,
                          d->sae.decode_bias.data);
    }
    return status;
}

/* A latent's weights: of norm 1. */
static void fill_latent(const dictionary *d, uint64_t seed, int64_t latent)
{
    assay_fill_normal(seed, assay_stream("decoder"), (uint64_t)latent * WIDTH, WIDTH, 1.0 / 64.0,
                      ASSAY_BF16, d->memory + latent * WIDTH);
}

assay_status assay_sense_codes_make(assay_arena *arena, int64_t rows, int64_t capacity,
                                    assay_dtype value, assay_csr *codes, assay_error *error)
{
    const int64_t offsets = rows + 1;
    assay_status status = assay_buffer_make(arena, ASSAY_I64, 1, &offsets, &codes->row_offsets,
                                            error);
    if (status == ASSAY_OK) {
        status = assay_buffer_make(arena, ASSAY_I32, 1, &capacity, &codes->latent, error);
    }
    if (status == ASSAY_OK) {
        status = assay_buffer_make(arena, value, 1, &capacity, &codes->value, error);
    }
    return status;
}

/* Every row's active latents lie all over the dictionary; their values are positive. */
static assay_status fill_codes(dictionary *d, uint64_t seed, assay_csr *codes, assay_error *error)
{
    const assay_status status = assay_sense_codes_make(&d->arena, ROWS, (int64_t)ROWS * ACTIVE,
                                                       ASSAY_F32, codes, error);
    for (int64_t row = 0; status == ASSAY_OK && row < ROWS; row++) {
        int64_t latent[ACTIVE];
        assay_sense_strata(LATENTS, ACTIVE, seed, "latent", (uint64_t)row * ACTIVE, latent);
        for (int64_t i = 0; i < ACTIVE; i++) {
            const int64_t at = row * ACTIVE + i;
            const double drawn = assay_draw_normal(seed, assay_stream("value"), (uint64_t)at);
            fill_latent(d, seed, latent[i]);
            assay_put1(&codes->latent, at, (double)latent[i]);
            assay_put1(&codes->value, at, 0.7 * fabs(drawn));
        }
        assay_put1(&codes->row_offsets, row + 1, (double)((row + 1) * ACTIVE));
    }
    return status;
}

static assay_status sense_step(const assay_step *step, const assay_kernel *kernel,
                               const char *shape, uint64_t seed, assay_sensed *sensed,
                               assay_error *error)
{
    double seconds = 0.0;
    assay_measure m;
    memset(&m, 0, sizeof m);
    m.step = *step;
    assay_status status = assay_step_run(kernel, step, &m.arena, &m.got, &seconds, error);
    if (status == ASSAY_OK) {
        status = assay_sense_columns(&m, kernel, shape, seed, sensed, error);
    }
    assay_arena_free(&m.arena);
    return status;
}

static assay_status sense_decode(dictionary *d, const assay_kernel *kernel, uint64_t seed,
                                 assay_sensed *sensed, assay_error *error)
{
    const assay_sae_decode_params params = {.sae = d->sae};
    assay_sae_decode_io io = {.y = assay_matrix(NULL, kernel->precision.output, ROWS, WIDTH)};
    const assay_step step = {.op = ASSAY_OP_sae_decode, .params = &params, .io = &io};
    const assay_status status = fill_codes(d, seed, &io.codes, error);
    return status == ASSAY_OK
               ? sense_step(&step, kernel, "4x4096, 91 active of 65536", seed, sensed, error)
               : status;
}

static assay_status sense_steer(dictionary *d, const assay_kernel *kernel, uint64_t seed,
                                assay_sensed *sensed, assay_error *error)
{
    const int64_t shape[2] = {ROWS, WIDTH};
    const assay_sae_steer_params params = {
        .sae = d->sae, .mode = ASSAY_STEER_ADD, .amount = 2.0,
        .latent = (int64_t)assay_draw_below(seed, assay_stream("latent"), 0, LATENTS)};
    assay_sae_steer_io io = {.y = assay_matrix(NULL, kernel->precision.output, ROWS, WIDTH)};
    const assay_step step = {.op = ASSAY_OP_sae_steer, .params = &params, .io = &io};
    const assay_status status = assay_buffer_make(&d->arena, kernel->precision.output, 2, shape,
                                                  &io.x, error);
    if (status != ASSAY_OK) {
        return status;
    }
    fill_latent(d, seed, params.latent);
    assay_fill_normal(seed, assay_stream("x"), 0, (size_t)ROWS * WIDTH, 0.7, io.x.dtype,
                      io.x.data);
    return sense_step(&step, kernel, "4x4096, 65536 latents", seed, sensed, error);
}

assay_status assay_sense_sae(const assay_kernel *kernel, uint64_t seed, assay_sensed *sensed,
                             assay_error *error)
{
    dictionary d;
    assay_status status = open_dictionary(&d, seed, error);
    if (status == ASSAY_OK) {
        status = (kernel->op == ASSAY_OP_sae_decode ? sense_decode : sense_steer)(
            &d, kernel, seed, sensed, error);
    }
    assay_arena_free(&d.arena);
    free(d.memory);
    return status;
}
