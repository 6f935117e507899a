/* The SAE: which latents are found in the activations, and how well they rebuild them. Rows are the
 * texts' tokens other than BOS, batch by batch; each batch is encoded, then decoded, by kernels
 * that are prepared once. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "verify/evaluate/observe.h"
#include "verify/step.h"

enum { BATCH_ROWS = 2048, FIRST_CAPACITY = 64 /* active latents a row, before they are counted */ };

/* The codes of all rows. */
typedef struct codes {
    size_t *text;    /* [rows]: whose token a row is */
    size_t *token;   /* [rows] of the world's */
    int64_t rows;
    int64_t *offset; /* [rows + 1] */
    int32_t *latent;
    double *value;
    int64_t count, room;
} codes;

static void codes_free(codes *c)
{
    free(c->text);
    free(c->token);
    free(c->offset);
    free(c->latent);
    free(c->value);
}

static assay_status codes_begin(const assay_world *world, codes *c, assay_error *error)
{
    *c = (codes){.text = calloc(world->token_count, sizeof *c->text),
                 .token = calloc(world->token_count, sizeof *c->token),
                 .offset = calloc(world->token_count + 1, sizeof *c->offset)};
    if (c->text == NULL || c->token == NULL || c->offset == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for the latents of %zu tokens",
                          world->token_count);
    }
    for (size_t i = 0; i < world->text_count; i++) {
        for (int64_t t = 1; t < world->text[i].length; t++) {
            c->text[c->rows] = i;
            c->token[c->rows++] = world->text[i].first + (size_t)t;
        }
    }
    return ASSAY_OK;
}

/* What an encoder wrote of `rows` rows, before it is believed: a kernel's mistakes are found by
 * `assay verify`, but none may be followed out of bounds. */
static bool codes_hold(const assay_csr *made, int64_t rows, int64_t latents)
{
    const int64_t *const offset = made->row_offsets.data;
    const int32_t *const latent = made->latent.data;
    bool good = offset[0] == 0;
    for (int64_t r = 0; r < rows && good; r++) {
        good = offset[r + 1] >= offset[r] && offset[r + 1] - offset[r] <= latents;
    }
    for (int64_t i = 0; good && i < offset[rows] && i < made->latent.shape[0]; i++) {
        good = latent[i] >= 0 && latent[i] < latents;
    }
    return good;
}

static assay_status codes_append(codes *c, int64_t first, int64_t rows, const assay_csr *made,
                                 assay_error *error)
{
    const int64_t *const offset = made->row_offsets.data;
    const int64_t more = offset[rows];
    if (c->count + more > c->room) {
        const int64_t room = 2 * (c->count + more);
        int32_t *const latent = realloc(c->latent, (size_t)room * sizeof *latent);
        c->latent = latent != NULL ? latent : c->latent;
        double *const value = realloc(c->value, (size_t)room * sizeof *value);
        c->value = value != NULL ? value : c->value;
        if (latent == NULL || value == NULL) {
            return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for active latents");
        }
        c->room = room;
    }
    for (int64_t i = 0; i < more; i++) {
        c->latent[c->count + i] = ((const int32_t *)made->latent.data)[i];
        c->value[c->count + i] = assay_at1(&made->value, i);
    }
    for (int64_t r = 0; r < rows; r++) {
        c->offset[first + r + 1] = c->count + offset[r + 1];
    }
    c->count += more;
    return ASSAY_OK;
}

/* The activations of rows first .. first+rows-1 as they were captured. */
static assay_status rows_of(const assay_observation *o, const codes *c, int64_t first,
                            int64_t rows, assay_arena *arena, assay_tensor *x)
{
    const int64_t d = o->world->model.model.d_model;
    const int64_t shape[2] = {rows, d};
    const assay_status status = assay_buffer_make(arena, ASSAY_F64, 2, shape, x, o->error);
    for (int64_t r = 0; status == ASSAY_OK && r < rows; r++) {
        memcpy((double *)x->data + r * d, o->into->residual + c->token[first + r] * (size_t)d,
               (size_t)d * sizeof(double));
    }
    return status;
}

static assay_status place_and_run(const assay_observation *o, const assay_step *step,
                                  assay_arena *arena, assay_any_io *io)
{
    const assay_status status =
        assay_step_place(o->table->kernel[step->op], step, arena, io, o->error);
    return status == ASSAY_OK ? assay_judged_run(&o->judged, io, ASSAY_PLACE_RIGHT) : status;
}

static assay_status refuse(const assay_observation *o)
{
    o->into->result.verdict = ASSAY_FAIL;
    o->into->result.check = ASSAY_CHECK_STRUCTURE;
    (void)snprintf(o->into->result.message, sizeof o->into->result.message,
                   "sae_encode wrote offsets or latents that cannot be: see assay verify --op "
                   "sae_encode");
    return ASSAY_OK;
}

static assay_status encode_batch(const assay_observation *o, const assay_sae_encode_params *params,
                                 codes *c, int64_t first, int64_t rows)
{
    const int64_t latents = params->sae.d_sae;
    const int64_t offsets = rows + 1;
    int64_t capacity = rows * (latents < FIRST_CAPACITY ? latents : FIRST_CAPACITY);
    assay_arena arena = {0};
    assay_sae_encode_io io = {.x = {.data = NULL}};
    assay_status status = rows_of(o, c, first, rows, &arena, &io.x);
    for (bool whole = false; status == ASSAY_OK && !whole;) {
        assay_any_io made;
        io.codes.row_offsets = assay_dense(NULL, ASSAY_I64, 1, &offsets);
        io.codes.latent = assay_dense(NULL, ASSAY_I32, 1, &capacity);
        io.codes.value = assay_dense(NULL, ASSAY_F32, 1, &capacity);
        const assay_step step = {.op = ASSAY_OP_sae_encode, .params = params, .io = &io};
        status = place_and_run(o, &step, &arena, &made);
        if (status != ASSAY_OK || !assay_observation_stands(o)) {
            break;
        }
        if (!codes_hold(&made.sae_encode.codes, rows, latents)) {
            status = refuse(o);
            break;
        }
        const int64_t total = ((const int64_t *)made.sae_encode.codes.row_offsets.data)[rows];
        whole = total <= capacity;
        capacity = total;
        if (whole) {
            status = codes_append(c, first, rows, &made.sae_encode.codes, o->error);
        }
    }
    assay_arena_free(&arena);
    return status;
}

/* The codes of rows first .. first+rows-1 as an operand. */
static assay_status part_of(const codes *c, int64_t first, int64_t rows, assay_arena *arena,
                            assay_csr *part, assay_error *error)
{
    const int64_t offsets = rows + 1;
    const int64_t start = c->offset[first];
    const int64_t count = c->offset[first + rows] - start;
    assay_status status =
        assay_buffer_make(arena, ASSAY_I64, 1, &offsets, &part->row_offsets, error);
    if (status == ASSAY_OK) {
        status = assay_buffer_make(arena, ASSAY_I32, 1, &count, &part->latent, error);
    }
    if (status == ASSAY_OK) {
        status = assay_buffer_make(arena, ASSAY_F64, 1, &count, &part->value, error);
    }
    for (int64_t r = 0; status == ASSAY_OK && r <= rows; r++) {
        ((int64_t *)part->row_offsets.data)[r] = c->offset[first + r] - start;
    }
    if (status == ASSAY_OK && count > 0) {
        memcpy(part->latent.data, c->latent + start, (size_t)count * sizeof *c->latent);
        memcpy(part->value.data, c->value + start, (size_t)count * sizeof *c->value);
    }
    return status;
}

/* Adds the squared distances from the truth's activations to each text's. */
static void add_errors(const assay_observation *o, const codes *c, int64_t first,
                       const assay_tensor *rebuilt, double *errors)
{
    const int64_t d = rebuilt->shape[1];
    const assay_observed *const truth = o->truth != NULL ? o->truth : o->into;
    for (int64_t r = 0; r < rebuilt->shape[0]; r++) {
        const double *const x = truth->residual + c->token[first + r] * (size_t)d;
        for (int64_t i = 0; i < d; i++) {
            const double rest = x[i] - assay_at2(rebuilt, r, i);
            errors[c->text[first + r]] += rest * rest;
        }
    }
}

static assay_status decode_batch(const assay_observation *o, const assay_sae_decode_params *params,
                                 const codes *c, int64_t first, int64_t rows, double *errors)
{
    const int64_t shape[2] = {rows, params->sae.d_out};
    assay_arena arena = {0};
    assay_any_io made;
    assay_sae_decode_io io = {.x = {.data = NULL}};
    io.y = assay_dense(NULL, ASSAY_F64, 2, shape);
    const assay_step step = {.op = ASSAY_OP_sae_decode, .params = params, .io = &io};
    assay_status status = part_of(c, first, rows, &arena, &io.codes, o->error);
    if (status == ASSAY_OK && params->sae.layer_norm) {
        status = rows_of(o, c, first, rows, &arena, &io.x);
    }
    if (status == ASSAY_OK) {
        status = place_and_run(o, &step, &arena, &made);
    }
    if (status == ASSAY_OK && assay_observation_stands(o)) {
        add_errors(o, c, first, &made.sae_decode.y, errors);
    }
    assay_arena_free(&arena);
    return status;
}

/* The latent of the greatest value in a row, of those that stand for a concept if asked. */
static int64_t strongest(const codes *c, int64_t row, const int64_t *about)
{
    int64_t found = -1;
    double most = 0.0;
    for (int64_t i = c->offset[row]; i < c->offset[row + 1]; i++) {
        if ((about == NULL || about[c->latent[i]] >= 0) && c->value[i] > most) {
            found = c->latent[i];
            most = c->value[i];
        }
    }
    return found;
}

static void read_codes(const assay_observation *o, const codes *c, size_t pair)
{
    assay_observed_pair *const into = &o->into->pair[pair];
    for (int64_t r = 0; r < c->rows; r++) {
        const size_t text = c->text[r];
        const size_t at = o->world->text[text].first + (size_t)o->world->text[text].position;
        into->active[text] += (double)(c->offset[r + 1] - c->offset[r]);
        if (c->token[r] == at) {
            into->strongest[text] = strongest(c, r, NULL);
            into->registered[text] = strongest(c, r, o->world->pair[pair].about);
        }
    }
}

/* One op over all rows: prepared, run batch by batch, released. */
static assay_status each_batch(assay_observation *o, size_t pair, assay_op op, codes *c)
{
    const assay_sae *const sae = &o->world->pair[pair].sae.sae;
    const assay_sae_encode_params encode = {*sae};
    const assay_sae_decode_params decode = {*sae};
    const bool encodes = op == ASSAY_OP_sae_encode;
    const assay_subject subject = {.impl = o->table->name,
                                   .op = op,
                                   .params = encodes ? (const void *)&encode : &decode};
    assay_status status = assay_judged_prepare(&o->judged, &subject);
    for (int64_t at = 0; at < c->rows && status == ASSAY_OK && assay_observation_stands(o);
         at += BATCH_ROWS) {
        const int64_t rows = c->rows - at < BATCH_ROWS ? c->rows - at : BATCH_ROWS;
        status = encodes ? encode_batch(o, &encode, c, at, rows)
                         : decode_batch(o, &decode, c, at, rows, o->into->pair[pair].error);
        assay_observation_tell(o, o->world->pair[pair].sae_name, (size_t)(at + rows),
                               (size_t)c->rows);
    }
    const assay_status released = assay_judged_release(&o->judged);
    return status != ASSAY_OK ? status : released;
}

assay_status assay_observe_codes(assay_observation *o, size_t pair)
{
    codes c;
    assay_status status = codes_begin(o->world, &c, o->error);
    if (status == ASSAY_OK) {
        status = each_batch(o, pair, ASSAY_OP_sae_encode, &c);
    }
    if (status == ASSAY_OK && assay_observation_stands(o)) {
        read_codes(o, &c, pair);
        status = each_batch(o, pair, ASSAY_OP_sae_decode, &c);
    }
    codes_free(&c);
    return status;
}
