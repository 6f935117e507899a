#include "verify/rows.h"

#include <math.h>

assay_status assay_blocks_of(assay_op op, const assay_any_io *io, assay_arena *arena,
                             assay_blocks *blocks, assay_error *error)
{
    const assay_operand *operand = assay_operands(op);
    while (!operand->input) {
        operand++;
    }
    const int64_t rows = op == ASSAY_OP_sae_decode
                             ? io->sae_decode.codes.row_offsets.shape[0] - 1
                             : assay_operand_in(io, operand)->shape[0];
    int64_t *const start = assay_arena_take(arena, (size_t)(rows + 1) * sizeof *start);
    if (start == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for %lld rows", (long long)rows);
    }
    *blocks = (assay_blocks){0, rows, start};
    for (int64_t n = 0; n < rows; n++) {
        const assay_tensor *const sequence = &io->attention.sequence;
        const bool joined = op == ASSAY_OP_attention && n > 0 &&
                            assay_at1(sequence, n) == assay_at1(sequence, n - 1);
        if (!joined) {
            start[blocks->count++] = n;
        }
    }
    start[blocks->count] = rows;
    return ASSAY_OK;
}

int64_t assay_rows_drawn(const assay_blocks *blocks, uint64_t bits, int64_t *rows)
{
    const int64_t b = (int64_t)(bits % (uint64_t)blocks->count);
    int64_t count = 0;
    for (int64_t n = blocks->start[b]; n < blocks->start[b + 1]; n++) {
        rows[count++] = n;
    }
    return count;
}

void assay_rows_all(const assay_blocks *blocks, int64_t *rows)
{
    for (int64_t n = 0; n < blocks->rows; n++) {
        rows[n] = n;
    }
}

static assay_status gather(const assay_tensor *base, const int64_t *from, int64_t count,
                           assay_arena *arena, assay_tensor *made, assay_error *error)
{
    int64_t shape[ASSAY_RANK_MAX];
    memcpy(shape, base->shape, sizeof shape);
    shape[0] = count;
    const assay_status status =
        assay_buffer_make(arena, base->dtype, base->rank, shape, made, error);
    const size_t row = base->shape[0] > 0 ? (size_t)(assay_count(base) / base->shape[0]) *
                                                assay_dtype_size(base->dtype)
                                          : 0;
    for (int64_t i = 0; status == ASSAY_OK && i < count; i++) {
        memcpy((char *)made->data + (size_t)i * row,
               (const char *)base->data + (size_t)from[i] * row, row);
    }
    return status;
}

/* A copy of the same shape: of an output without its content, of a cache with it. */
static assay_status copy_of(const assay_tensor *base, bool content, int64_t rows,
                            assay_arena *arena, assay_tensor *made, assay_error *error)
{
    int64_t shape[ASSAY_RANK_MAX];
    memcpy(shape, base->shape, sizeof shape);
    shape[0] = rows;
    const assay_status status =
        assay_buffer_make(arena, base->dtype, base->rank, shape, made, error);
    if (status == ASSAY_OK && content) {
        memcpy(made->data, base->data, (size_t)assay_count(base) * assay_dtype_size(base->dtype));
    }
    return status;
}

/* soft_at names rows: every new row whose old one had a soft token gets it too. */
static assay_status take_soft(const assay_embed_io *base, const int64_t *from, int64_t count,
                              assay_arena *arena, assay_embed_io *io, assay_error *error)
{
    const int64_t soft_count = base->soft_at.shape[0];
    int64_t *const source = assay_arena_take(arena, (size_t)(2 * count + 1) * sizeof *source);
    int64_t found = 0;
    if (source == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for soft tokens");
    }
    int64_t *const place = source + count;
    for (int64_t i = 0; i < count; i++) {
        for (int64_t s = 0; s < soft_count; s++) {
            if ((int64_t)assay_at1(&base->soft_at, s) == from[i]) {
                source[found] = s;
                place[found++] = i;
                break;
            }
        }
    }
    assay_status status = gather(&base->soft, source, found, arena, &io->soft, error);
    if (status == ASSAY_OK) {
        status = gather(&base->soft_at, source, found, arena, &io->soft_at, error);
    }
    for (int64_t s = 0; status == ASSAY_OK && s < found; s++) {
        assay_put1(&io->soft_at, s, (double)place[s]);
    }
    return status;
}

static assay_status take_codes(const assay_csr *base, const int64_t *from, int64_t count,
                               assay_arena *arena, assay_csr *codes, assay_error *error)
{
    int64_t total = 0;
    for (int64_t i = 0; i < count; i++) {
        total += (int64_t)assay_at1(&base->row_offsets, from[i] + 1) -
                 (int64_t)assay_at1(&base->row_offsets, from[i]);
    }
    int64_t *const entry = assay_arena_take(arena, (size_t)(total + 1) * sizeof *entry);
    const int64_t offsets[1] = {count + 1};
    assay_status status = assay_buffer_make(arena, base->row_offsets.dtype, 1, offsets,
                                            &codes->row_offsets, error);
    if (entry == NULL || status != ASSAY_OK) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for codes");
    }
    int64_t at = 0;
    for (int64_t i = 0; i < count; i++) {
        const int64_t end = (int64_t)assay_at1(&base->row_offsets, from[i] + 1);
        for (int64_t e = (int64_t)assay_at1(&base->row_offsets, from[i]); e < end; e++) {
            entry[at++] = e;
        }
        assay_put1(&codes->row_offsets, i + 1, (double)at);
    }
    status = gather(&base->latent, entry, total, arena, &codes->latent, error);
    return status == ASSAY_OK ? gather(&base->value, entry, total, arena, &codes->value, error)
                              : status;
}

/* Rows that an operand of the made step has: sparse codes have offsets and a capacity. */
static int64_t rows_of(assay_op op, const assay_operand *operand, const assay_tensor *base,
                       int64_t base_rows, int64_t rows)
{
    if (op == ASSAY_OP_sae_encode && strcmp(operand->name, "row_offsets") == 0) {
        return rows + 1;
    }
    if (op == ASSAY_OP_sae_encode && operand->output && strcmp(operand->name, "dense") != 0) {
        return base_rows > 0 ? base->shape[0] / base_rows * rows : 0;
    }
    return rows;
}

static assay_status take_operand(assay_op op, const assay_operand *operand,
                                 const assay_tensor *base, int64_t base_rows, const int64_t *from,
                                 int64_t count, assay_arena *arena, assay_tensor *made,
                                 assay_error *error)
{
    if (operand->input && operand->output) {
        return copy_of(base, true, base->shape[0], arena, made, error);
    }
    if (operand->output) {
        return copy_of(base, false, rows_of(op, operand, base, base_rows, count), arena, made,
                       error);
    }
    return gather(base, from, count, arena, made, error);
}

assay_status assay_rows_take(const assay_step *step, const assay_any_io *base, const int64_t *from,
                             int64_t count, assay_arena *arena, assay_any_io *io,
                             assay_error *error)
{
    assay_blocks blocks;
    assay_status status = assay_blocks_of(step->op, base, arena, &blocks, error);
    assay_step_blank(step, io);
    const assay_operand *operand = assay_operands(step->op);
    for (; operand->name != NULL && status == ASSAY_OK; operand++) {
        const assay_tensor *const tensor = assay_operand_in(base, operand);
        const bool soft = step->op == ASSAY_OP_embed && strncmp(operand->name, "soft", 4) == 0;
        const bool codes = step->op == ASSAY_OP_sae_decode && operand->input &&
                           strcmp(operand->name, "x") != 0;
        if (assay_present(tensor) && !soft && !codes) {
            status = take_operand(step->op, operand, tensor, blocks.rows, from, count, arena,
                                  assay_operand_of(io, operand), error);
        }
    }
    if (status == ASSAY_OK && step->op == ASSAY_OP_embed && assay_present(&base->embed.soft)) {
        status = take_soft(&base->embed, from, count, arena, &io->embed, error);
    }
    if (status == ASSAY_OK && step->op == ASSAY_OP_sae_decode) {
        status = take_codes(&base->sae_decode.codes, from, count, arena, &io->sae_decode.codes,
                            error);
    }
    return status;
}

assay_status assay_rows_again(const assay_step *step, const assay_any_io *base,
                              assay_arena *arena, assay_any_io *io, assay_error *error)
{
    *io = *base;
    assay_status status = ASSAY_OK;
    const assay_operand *operand = assay_operands(step->op);
    for (; operand->name != NULL && status == ASSAY_OK; operand++) {
        const assay_tensor *const tensor = assay_operand_in(base, operand);
        if (operand->output && assay_present(tensor)) {
            status = copy_of(tensor, operand->input, tensor->shape[0], arena,
                             assay_operand_of(io, operand), error);
        }
    }
    return status;
}

static bool same_bits(const assay_tensor *one, int64_t a, const assay_tensor *other, int64_t b,
                      int64_t width)
{
    const size_t size = assay_dtype_size(one->dtype);
    const char *const p = (const char *)one->data + (size_t)(a * width) * size;
    const char *const q = (const char *)other->data + (size_t)(b * width) * size;
    if (memcmp(p, q, (size_t)width * size) == 0) {
        return true;
    }
    for (int64_t i = 0; i < width; i++) {
        const double x = assay_load(one->dtype, one->data, (size_t)(a * width + i));
        const double y = assay_load(other->dtype, other->data, (size_t)(b * width + i));
        if (!(isnan(x) && isnan(y)) &&
            memcmp(p + (size_t)i * size, q + (size_t)i * size, size) != 0) {
            return false;
        }
    }
    return true;
}

/* `one` comes from a run that was not judged yet: its offsets may be anything. */
static bool same_codes(const assay_csr *one, int64_t a, const assay_csr *other, int64_t b)
{
    const int64_t from = (int64_t)assay_at1(&one->row_offsets, a);
    const int64_t at = (int64_t)assay_at1(&other->row_offsets, b);
    const int64_t end = (int64_t)assay_at1(&one->row_offsets, a + 1);
    if (from < 0 || end > one->latent.shape[0] || end < from ||
        end - from != (int64_t)assay_at1(&other->row_offsets, b + 1) - at) {
        return false;
    }
    for (int64_t e = 0; e < end - from; e++) {
        if (!same_bits(&one->latent, from + e, &other->latent, at + e, 1) ||
            !same_bits(&one->value, from + e, &other->value, at + e, 1)) {
            return false;
        }
    }
    return true;
}

bool assay_rows_equal(assay_op op, const assay_any_io *one, int64_t a, const assay_any_io *other,
                      int64_t b)
{
    if (op == ASSAY_OP_sae_encode) {
        return same_codes(&one->sae_encode.codes, a, &other->sae_encode.codes, b);
    }
    const assay_operand *operand = assay_operands(op);
    for (; operand->name != NULL; operand++) {
        const assay_tensor *const x = assay_operand_in(one, operand);
        const assay_tensor *const y = assay_operand_in(other, operand);
        const bool judged = operand->output && !operand->input && assay_present(x);
        if (judged && !same_bits(x, a, y, b, x->rank > 1 ? x->shape[1] : 1)) {
            return false;
        }
    }
    return true;
}
