/* attention: decode equals prefill, the mapping of grouped heads, causality, cache types, NaN. */
#include "support.h"

enum { HEADS = 4, KV_HEADS = 2, DIM = 8, WIDE = HEADS * DIM, NARROW = KV_HEADS * DIM };
enum { SEQUENCES = 2, CAPACITY = 16 };

static const assay_attention_params params = {HEADS, KV_HEADS, DIM};

typedef struct caches {
    assay_tensor k, v;
} caches;

static caches new_caches(assay_dtype type)
{
    const int64_t shape[3] = {SEQUENCES, CAPACITY, NARROW};
    const size_t count = SEQUENCES * CAPACITY * NARROW;
    const caches made = {assay_dense(malloc(count * 8), type, 3, shape),
                         assay_dense(malloc(count * 8), type, 3, shape)};
    for (size_t i = 0; i < count; i++) { /* what is not visible must not matter */
        assay_store(type, made.k.data, i, (double)NAN);
        assay_store(type, made.v.data, i, (double)NAN);
    }
    return made;
}

static void free_caches(caches *c)
{
    free(c->k.data), free(c->v.data);
}

static assay_tensor rows_of(const assay_tensor *m, int64_t first, int64_t count)
{
    assay_tensor part = *m;
    part.data = (char *)m->data + (size_t)(first * m->stride[0]) * assay_dtype_size(m->dtype);
    part.shape[0] = count;
    return part;
}

/* Rows first .. first+count-1 of q, k, v through the caches into the same rows of y. */
static void attend(const assay_tensor qkv[3], const int32_t *sequence, const int32_t *position,
                   int64_t first, int64_t count, caches *c, const assay_tensor *y)
{
    assay_error error;
    int32_t s[64];
    int32_t p[64];
    memcpy(s, sequence + first, (size_t)count * sizeof *s);
    memcpy(p, position + first, (size_t)count * sizeof *p);
    const assay_attention_io io = {
        rows_of(&qkv[0], first, count), rows_of(&qkv[1], first, count),
        rows_of(&qkv[2], first, count), assay_vector(s, ASSAY_I32, count),
        assay_vector(p, ASSAY_I32, count), c->k, c->v, CAPACITY - 1, rows_of(y, first, count)};
    cr_assert_ok(assay_ref_attention(&params, &io, NULL, NULL, NULL, &error), error);
}

enum { ROWS = 17 }; /* 12 tokens of sequence 0, then 5 of sequence 1 */
static int32_t sequence[ROWS], position[ROWS];

static void ragged(void)
{
    for (int32_t n = 0; n < ROWS; n++) {
        sequence[n] = n < 12 ? 0 : 1;
        position[n] = n < 12 ? n : n - 12;
    }
}

static void random_qkv(assay_tensor qkv[3], assay_dtype type)
{
    qkv[0] = random_matrix(51, type, ROWS, WIDE, 1.0);
    qkv[1] = random_matrix(52, type, ROWS, NARROW, 1.0);
    qkv[2] = random_matrix(53, type, ROWS, NARROW, 1.0);
}

static void free_qkv(assay_tensor qkv[3])
{
    free(qkv[0].data), free(qkv[1].data), free(qkv[2].data);
}

Test(attention, token_by_token_equals_the_whole_prompt_at_once)
{
    const assay_dtype types[] = {ASSAY_F64, ASSAY_F32, ASSAY_BF16};
    ragged();
    for (int t = 0; t < 3; t++) {
        assay_tensor qkv[3];
        random_qkv(qkv, types[t]);
        caches at_once = new_caches(types[t]);
        caches stepped = new_caches(types[t]);
        const assay_tensor whole = zeros(ASSAY_F64, ROWS, WIDE);
        const assay_tensor steps = zeros(ASSAY_F64, ROWS, WIDE);
        attend(qkv, sequence, position, 0, ROWS, &at_once, &whole);
        for (int64_t n = 0; n < ROWS; n++) {
            attend(qkv, sequence, position, n, 1, &stepped, &steps);
        }
        cr_assert_arr_eq(whole.data, steps.data, ROWS * WIDE * sizeof(double));
        free_qkv(qkv), free_caches(&at_once), free_caches(&stepped), free(whole.data);
        free(steps.data);
    }
}

Test(attention, equals_the_formula_head_by_head)
{
    ragged();
    assay_tensor qkv[3];
    random_qkv(qkv, ASSAY_F64);
    caches c = new_caches(ASSAY_F64);
    const assay_tensor y = zeros(ASSAY_F64, ROWS, WIDE);
    attend(qkv, sequence, position, 0, ROWS, &c, &y);
    const int64_t n = 9; /* of sequence 0: keys 0..9 */
    for (int64_t h = 0; h < HEADS; h++) {
        const int64_t g = h / 2;
        double total = 0.0;
        double sum[DIM] = {0};
        for (int64_t t = 0; t <= n; t++) {
            double score = 0.0;
            for (int64_t i = 0; i < DIM; i++) {
                score += assay_at2(&qkv[0], n, h * DIM + i) * assay_at2(&qkv[1], t, g * DIM + i);
            }
            const double e = exp(score / sqrt(DIM));
            total += e;
            for (int64_t i = 0; i < DIM; i++) {
                sum[i] += e * assay_at2(&qkv[2], t, g * DIM + i);
            }
        }
        for (int64_t i = 0; i < DIM; i++) {
            cr_assert_float_eq(assay_at2(&y, n, h * DIM + i), sum[i] / total, 1e-13);
        }
    }
    free_qkv(qkv), free_caches(&c), free(y.data);
}

Test(attention, the_first_token_copies_its_value_to_every_head_of_the_group)
{
    ragged();
    assay_tensor qkv[3];
    random_qkv(qkv, ASSAY_F64);
    caches c = new_caches(ASSAY_F64);
    const assay_tensor y = zeros(ASSAY_F64, ROWS, WIDE);
    attend(qkv, sequence, position, 0, ROWS, &c, &y);
    for (int64_t h = 0; h < HEADS; h++) {
        for (int64_t i = 0; i < DIM; i++) { /* row 12 is sequence 1's first */
            cr_assert_eq(assay_at2(&y, 12, h * DIM + i), assay_at2(&qkv[2], 12, h / 2 * DIM + i));
        }
    }
    free_qkv(qkv), free_caches(&c), free(y.data);
}

Test(attention, later_tokens_and_other_sequences_have_no_influence)
{
    ragged();
    assay_tensor qkv[3];
    random_qkv(qkv, ASSAY_F64);
    caches c = new_caches(ASSAY_F64);
    caches d = new_caches(ASSAY_F64);
    const assay_tensor before = zeros(ASSAY_F64, ROWS, WIDE);
    const assay_tensor after = zeros(ASSAY_F64, ROWS, WIDE);
    attend(qkv, sequence, position, 0, ROWS, &c, &before);
    assay_put2(&qkv[1], 8, 3, (double)NAN); /* a key of kv head 0, sequence 0, position 8 */
    attend(qkv, sequence, position, 0, ROWS, &d, &after);
    for (int64_t n = 0; n < ROWS; n++) {
        for (int64_t i = 0; i < WIDE; i++) {
            const bool hit = sequence[n] == 0 && position[n] >= 8 && i / DIM < HEADS / KV_HEADS;
            const double got = assay_at2(&after, n, i);
            cr_assert(hit ? isnan(got) : got == assay_at2(&before, n, i), "row %d, %d", (int)n,
                      (int)i);
        }
    }
    free_qkv(qkv), free_caches(&c), free_caches(&d), free(before.data), free(after.data);
}

Test(attention, large_scores_do_not_overflow)
{
    ragged();
    assay_tensor qkv[3];
    random_qkv(qkv, ASSAY_F64);
    for (int64_t i = 0; i < ROWS * WIDE; i++) {
        ((double *)qkv[0].data)[i] *= 1e4;
    }
    caches c = new_caches(ASSAY_F64);
    const assay_tensor y = zeros(ASSAY_F64, ROWS, WIDE);
    attend(qkv, sequence, position, 0, ROWS, &c, &y);
    for (int64_t i = 0; i < ROWS * WIDE; i++) {
        cr_assert(isfinite(((const double *)y.data)[i]));
    }
    free_qkv(qkv), free_caches(&c), free(y.data);
}

Test(attention, a_subset_equals_the_whole_and_still_stores_every_row)
{
    assay_error error;
    ragged();
    assay_tensor qkv[3];
    random_qkv(qkv, ASSAY_F32);
    caches c = new_caches(ASSAY_F64);
    caches d = new_caches(ASSAY_F64);
    const assay_precision f32 = contract_of(ASSAY_F32, ASSAY_NONE, ASSAY_F32);
    const assay_tensor whole = zeros(ASSAY_F64, ROWS, WIDE);
    const assay_tensor part = zeros(ASSAY_F64, 2, 3);
    assay_error_model whole_model = new_model(ROWS, WIDE);
    assay_error_model part_model = new_model(2, 3);
    const int64_t rows[] = {16, 7};
    const int64_t columns[] = {31, 9, 0};
    const assay_subset subset = {rows, 2, columns, 3};
    assay_attention_io io = {qkv[0], qkv[1], qkv[2], assay_vector(sequence, ASSAY_I32, ROWS),
                             assay_vector(position, ASSAY_I32, ROWS), c.k, c.v, 11, whole};
    cr_assert_ok(assay_ref_attention(&params, &io, NULL, &f32, &whole_model, &error), error);
    io.k_cache = d.k;
    io.v_cache = d.v;
    io.y = part;
    cr_assert_ok(assay_ref_attention(&params, &io, &subset, &f32, &part_model, &error), error);
    for (int64_t i = 0; i < 6; i++) {
        const int64_t r = rows[i / 3];
        const int64_t j = columns[i % 3];
        cr_assert_eq(assay_at2(&part, i / 3, i % 3), assay_at2(&whole, r, j));
        cr_assert_eq(assay_at2(&part_model.bound, i / 3, i % 3),
                     assay_at2(&whole_model.bound, r, j));
        cr_assert_eq(assay_at2(&part_model.sigma, i / 3, i % 3),
                     assay_at2(&whole_model.sigma, r, j));
    }
    cr_assert_arr_eq(c.v.data, d.v.data, SEQUENCES * CAPACITY * NARROW * sizeof(double));
    free_qkv(qkv), free_caches(&c), free_caches(&d), free(whole.data), free(part.data);
    free_model(&whole_model), free_model(&part_model);
}

Test(attention, a_position_beyond_the_cache_is_an_error_that_names_the_row)
{
    assay_error error;
    ragged();
    assay_tensor qkv[3];
    random_qkv(qkv, ASSAY_F64);
    caches c = new_caches(ASSAY_F64);
    const assay_tensor y = zeros(ASSAY_F64, ROWS, WIDE);
    position[3] = CAPACITY;
    const assay_attention_io io = {qkv[0], qkv[1], qkv[2], assay_vector(sequence, ASSAY_I32, ROWS),
                                   assay_vector(position, ASSAY_I32, ROWS), c.k, c.v, 11, y};
    cr_assert_eq(assay_ref_attention(&params, &io, NULL, NULL, NULL, &error), ASSAY_BAD_ARGUMENT);
    cr_assert_not_null(strstr(error.message, "row 3"));
    free_qkv(qkv), free_caches(&c), free(y.data);
}
