/* capture and logits: batches equal their rows alone, hooks stand where they should, and nothing
 * after the hook is looked at. */
#include "tiny.h"

static const char *const impls[] = {"scalar", "scalar_bf16", "oracle"};
static const assay_hook hooks[] = {
    {ASSAY_HOOK_EMBED, 0},    {ASSAY_HOOK_INPUT, 0},   {ASSAY_HOOK_INPUT, 2},
    {ASSAY_HOOK_OUTPUT, 1},   {ASSAY_HOOK_OUTPUT, 2},  {ASSAY_HOOK_ATTN_OUT, 1},
    {ASSAY_HOOK_MLP_IN, 1},   {ASSAY_HOOK_MLP_OUT, 1}, {ASSAY_HOOK_FINAL_NORM, 0}};
enum { HOOKS = sizeof hooks / sizeof hooks[0] };

static const char *impl_name(size_t i)
{
    return i == 2 ? assay_oracle.name : impls[i];
}

Test(capture, a_batch_of_unequal_lengths_equals_each_alone)
{
    assay_layer layers[TINY_LAYERS];
    const assay_model model = tiny_model(layers);
    const assay_tensor tokens = tiny_tokens();
    const assay_tensor lengths = tiny_length_vector();
    for (size_t i = 0; i < 3; i++) {
        for (size_t h = 0; h < HOOKS; h++) {
            const assay_tensor all = capture_of(impl_name(i), &model, hooks[h], &tokens, &lengths,
                                                NULL, 18);
            int64_t row = 0;
            for (int64_t b = 0; b < TINY_BATCH; b++) {
                const assay_tensor one = alone(&tokens, b, tiny_lengths[b]);
                const assay_tensor length = int_vector(ASSAY_I64, 1, &tiny_lengths[b]);
                const assay_tensor rows = capture_of(impl_name(i), &model, hooks[h], &one, &length,
                                                     NULL, tiny_lengths[b]);
                const size_t bytes = TINY_D * assay_dtype_size(all.dtype);
                cr_assert_eq(memcmp((char *)all.data + (size_t)row * bytes, rows.data,
                                    (size_t)tiny_lengths[b] * bytes),
                             0);
                row += tiny_lengths[b];
            }
        }
    }
}

Test(capture, positions_pick_their_rows_in_their_order)
{
    assay_layer layers[TINY_LAYERS];
    const assay_model model = tiny_model(layers);
    const assay_tensor tokens = tiny_tokens();
    const assay_tensor lengths = tiny_length_vector();
    const assay_tensor pairs = blank(ASSAY_I64, 3, 2);
    const int64_t where[6] = {2, 4, 0, 0, 2, 0};
    const int64_t row[3] = {14, 0, 10};
    memcpy(pairs.data, where, sizeof where);
    for (size_t h = 0; h < HOOKS; h++) {
        const assay_tensor all = capture_of("scalar", &model, hooks[h], &tokens, &lengths, NULL,
                                            18);
        const assay_tensor some = capture_of("scalar", &model, hooks[h], &tokens, &lengths, &pairs,
                                             3);
        for (int64_t p = 0; p < 3; p++) {
            cr_assert_eq(memcmp((float *)some.data + p * TINY_D,
                                (float *)all.data + row[p] * TINY_D, TINY_D * sizeof(float)),
                         0);
        }
    }
}

/* Weights after the hook are absent or stand in unreadable memory. */
Test(capture, later_weights_are_never_touched)
{
    assay_layer layers[TINY_LAYERS];
    assay_layer cut[TINY_LAYERS];
    const assay_model model = tiny_model(layers);
    const assay_tensor tokens = tiny_tokens();
    const assay_tensor lengths = tiny_length_vector();
    void *const forbidden = mmap(NULL, 1 << 16, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t h = 0; h < HOOKS - 1; h++) {
        assay_model part = model;
        const assay_hook_kind kind = hooks[h].kind;
        const int64_t at = hooks[h].layer;
        memcpy(cut, layers, sizeof cut);
        part.layer = cut;
        part.final_norm.data = NULL;
        part.lm_head.data = forbidden;
        for (int64_t i = 0; i < TINY_LAYERS; i++) {
            const bool whole = i < at || (i == at && (kind == ASSAY_HOOK_OUTPUT ||
                                                      kind == ASSAY_HOOK_MLP_OUT));
            const bool none = i > at || kind == ASSAY_HOOK_EMBED || kind == ASSAY_HOOK_INPUT;
            if (whole) {
                continue;
            }
            cut[i].gate.data = forbidden;
            cut[i].up.data = NULL;
            cut[i].down.data = forbidden;
            cut[i].post_norm.data = kind == ASSAY_HOOK_MLP_IN && i == at
                                        ? cut[i].post_norm.data
                                        : forbidden;
            if (none) {
                cut[i].input_norm.data = forbidden;
                cut[i].q.data = forbidden;
                cut[i].k.data = NULL;
                cut[i].v.data = forbidden;
                cut[i].o.data = forbidden;
            }
        }
        const assay_tensor got = capture_of("scalar", &part, hooks[h], &tokens, &lengths, NULL, 18);
        const assay_tensor want = capture_of("scalar", &model, hooks[h], &tokens, &lengths, NULL,
                                             18);
        cr_assert(same_bits(&got, &want));
    }
}

Test(capture, hooks_add_up)
{
    assay_layer layers[TINY_LAYERS];
    const assay_model model = tiny_model(layers);
    const assay_tensor tokens = tiny_tokens();
    const assay_tensor lengths = tiny_length_vector();
    const assay_hook at[] = {{ASSAY_HOOK_INPUT, 1},
                             {ASSAY_HOOK_ATTN_OUT, 1},
                             {ASSAY_HOOK_MLP_OUT, 1},
                             {ASSAY_HOOK_OUTPUT, 1},
                             {ASSAY_HOOK_INPUT, 2}};
    assay_tensor got[5];
    for (size_t h = 0; h < 5; h++) {
        got[h] = capture_of(assay_oracle.name, &model, at[h], &tokens, &lengths, NULL, 18);
    }
    for (int64_t n = 0; n < 18; n++) {
        for (int64_t i = 0; i < TINY_D; i++) {
            const double sum = assay_at2(&got[0], n, i) + assay_at2(&got[1], n, i) +
                               assay_at2(&got[2], n, i);
            cr_assert_float_eq(sum, assay_at2(&got[3], n, i), 1e-12);
        }
    }
    cr_assert(same_bits(&got[3], &got[4]));
}

/* The composition of f32 and bf16 kernels stays near the oracle's; a wrong hook or layer is far. */
Test(capture, tables_agree_with_the_oracle)
{
    assay_layer layers[TINY_LAYERS];
    const assay_model model = tiny_model(layers);
    const assay_tensor tokens = tiny_tokens();
    const assay_tensor lengths = tiny_length_vector();
    const double allowed[2] = {1e-5, 0.05};
    for (size_t h = 0; h < HOOKS; h++) {
        const assay_tensor truth = capture_of(assay_oracle.name, &model, hooks[h], &tokens,
                                              &lengths, NULL, 18);
        for (size_t i = 0; i < 2; i++) {
            const assay_tensor got = capture_of(impls[i], &model, hooks[h], &tokens, &lengths,
                                                NULL, 18);
            double off = 0.0;
            double size = 0.0;
            for (int64_t e = 0; e < 18 * TINY_D; e++) {
                const double y = assay_at2(&truth, e / TINY_D, e % TINY_D);
                const double g = assay_at2(&got, e / TINY_D, e % TINY_D);
                off += (g - y) * (g - y);
                size += y * y;
            }
            cr_assert_leq(sqrt(off / size), allowed[i], "%s hook %zu: %g", impls[i], h,
                          sqrt(off / size));
        }
    }
}

Test(capture, logits_are_the_head_of_final_norm)
{
    assay_layer layers[TINY_LAYERS];
    const assay_model model = tiny_model(layers);
    const assay_tensor tokens = tiny_tokens();
    const assay_tensor lengths = tiny_length_vector();
    const assay_hook last = {ASSAY_HOOK_FINAL_NORM, 0};
    const assay_tensor normed = capture_of("scalar", &model, last, &tokens, &lengths, NULL, 18);
    const assay_tensor logits = logits_of("scalar", &model, &tokens, &lengths, 18);
    const assay_linear_params head = {.weight = model.lm_head};
    const assay_linear_io io = {.x = normed, .y = blank(ASSAY_F32, 18, TINY_VOCAB)};
    RUN_KERNEL(linear, assay_kernel_find(ASSAY_OP_linear, "scalar"), &head, &io);
    cr_assert(same_bits(&io.y, &logits));
}
