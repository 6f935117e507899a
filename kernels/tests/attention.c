/* attention: within budget as prefill and as decode, and blind to what is not visible. */
#include "support.h"

enum { HEADS = 6, KV_HEADS = 2, HEAD_DIM = 24, SLOTS = 3, CAPACITY = 9 };

static const assay_attention_params shape = {HEADS, KV_HEADS, HEAD_DIM};
static const int64_t sequence[12] = {0, 0, 0, 0, 0, 2, 2, 2, 2, 2, 2, 2};
static const int64_t position[12] = {0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 5, 6};

static assay_tensor cache(assay_dtype type)
{
    const int64_t dims[3] = {SLOTS, CAPACITY, KV_HEADS * HEAD_DIM};
    const int64_t count = dims[0] * dims[1] * dims[2];
    const assay_tensor all = assay_dense(guarded((size_t)count * assay_dtype_size(type)), type, 3,
                                         dims);
    poison(&all); /* what was never stored must not matter */
    return all;
}

static assay_tensor copy_as(const assay_tensor *t, assay_dtype type)
{
    assay_tensor copy = blank(type, t->shape[0], t->shape[1]);
    for (int64_t i = 0; i < assay_count(t); i++) {
        assay_store(type, copy.data, (size_t)i, assay_load(t->dtype, t->data, (size_t)i));
    }
    return copy;
}

static assay_attention_io ragged(assay_dtype type, int64_t rows)
{
    return (assay_attention_io){
        .q = random_matrix(type, rows, HEADS * HEAD_DIM, 1, 1.5),
        .k = random_matrix(type, rows, KV_HEADS * HEAD_DIM, 2, 1.5),
        .v = random_matrix(type, rows, KV_HEADS * HEAD_DIM, 3, 1.0),
        .sequence = int_vector(ASSAY_I32, rows, sequence),
        .position = int_vector(ASSAY_I32, rows, position),
        .k_cache = cache(type),
        .v_cache = cache(type),
        .max_position = 6,
        .y = blank(type, rows, HEADS * HEAD_DIM)};
}

static void judge_prefill(const char *impl, assay_dtype type)
{
    const assay_kernel *const kernel = assay_kernel_find(ASSAY_OP_attention, impl);
    const assay_attention_io io = ragged(type, 12);
    assay_attention_io truth = io;
    truth.k_cache = cache(ASSAY_F64);
    truth.v_cache = cache(ASSAY_F64);
    truth.y = blank(ASSAY_F64, 12, HEADS * HEAD_DIM);
    const assay_error_model model = blank_model(12, HEADS * HEAD_DIM);
    assay_error said = {0};
    cr_assert_eq(assay_ref_attention(&shape, &truth, NULL, &kernel->precision, &model, &said),
                 ASSAY_OK, "%s", said.message);
    RUN_KERNEL(attention, kernel, &shape, &io);
    judge(impl, &io.y, &truth.y, &model);
}

Test(attention, prefill_of_a_ragged_batch)
{
    judge_prefill("scalar", ASSAY_F32);
    judge_prefill("scalar_bf16", ASSAY_BF16);
}

/* One row at a time through the same cache gives the same bits as all at once. */
static void decode_like_prefill(const char *impl, assay_dtype type)
{
    const assay_kernel *const kernel = assay_kernel_find(ASSAY_OP_attention, impl);
    const assay_attention_io all = ragged(type, 12);
    RUN_KERNEL(attention, kernel, &shape, &all);
    const assay_tensor k_cache = cache(type);
    const assay_tensor v_cache = cache(type);
    for (int64_t n = 0; n < 12; n++) {
        assay_attention_io one = ragged(type, 12);
        one.k_cache = k_cache;
        one.v_cache = v_cache;
        assay_tensor *const rows[] = {&one.q, &one.k, &one.v, &one.y, &one.sequence, &one.position};
        for (size_t i = 0; i < 6; i++) {
            rows[i]->data = (char *)rows[i]->data +
                            (size_t)(n * rows[i]->stride[0]) * assay_dtype_size(rows[i]->dtype);
            rows[i]->shape[0] = 1;
        }
        RUN_KERNEL(attention, kernel, &shape, &one);
        const size_t bytes = HEADS * HEAD_DIM * assay_dtype_size(type);
        cr_assert_eq(memcmp(one.y.data, (char *)all.y.data + (size_t)n * bytes, bytes), 0);
    }
    cr_assert_eq(memcmp(k_cache.data, all.k_cache.data,
                        5 * KV_HEADS * HEAD_DIM * assay_dtype_size(type)),
                 0);
}

Test(attention, decode_equals_prefill)
{
    decode_like_prefill("scalar", ASSAY_F32);
    decode_like_prefill("scalar_bf16", ASSAY_BF16);
}

Test(attention, writes_no_cache_rows_but_its_own_and_may_write_over_q)
{
    const assay_kernel *const kernel = assay_kernel_find(ASSAY_OP_attention, "scalar");
    assay_attention_io io = ragged(ASSAY_F32, 12);
    RUN_KERNEL(attention, kernel, &shape, &io);
    const int64_t width = KV_HEADS * HEAD_DIM;
    for (int64_t s = 0; s < SLOTS; s++) {
        for (int64_t t = 0; t < CAPACITY; t++) {
            const bool stored = (s == 0 && t < 5) || (s == 2 && t < 7);
            const float first = ((const float *)io.k_cache.data)[(s * CAPACITY + t) * width];
            cr_assert_eq(isnan(first), !stored);
        }
    }
    const assay_tensor apart = copy_as(&io.y, ASSAY_F32);
    io.y = io.q;
    RUN_KERNEL(attention, kernel, &shape, &io);
    cr_assert(same_bits(&apart, &io.y));
}

Test(attention, a_visible_nan_reaches_exactly_its_heads)
{
    const assay_kernel *const kernel = assay_kernel_find(ASSAY_OP_attention, "scalar");
    const assay_attention_io io = ragged(ASSAY_F32, 12);
    assay_put2(&io.k, 2, HEAD_DIM, NAN); /* sequence 0, position 2, kv head 1 */
    RUN_KERNEL(attention, kernel, &shape, &io);
    for (int64_t n = 0; n < 12; n++) {
        for (int64_t h = 0; h < HEADS; h++) {
            const bool sees = n >= 2 && n <= 4 && h >= HEADS / 2;
            cr_assert_eq(isnan(assay_at2(&io.y, n, h * HEAD_DIM)), sees);
        }
    }
}
