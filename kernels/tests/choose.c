/* assay/choose.h: chosen latents are encoded as the whole SAE encodes them. */
#include "assay/choose.h"

#include "support.h"

enum { ROWS = 23, D = 35, LATENTS = 137, CHOSEN = 6, K = 2 };

static const int64_t chosen_latents[CHOSEN] = {0, 5, 31, 32, 90, LATENTS - 1};

static assay_sae random_sae(assay_dtype weights, assay_activation activation)
{
    assay_sae sae = {.d_in = D,
                     .d_out = D,
                     .d_sae = LATENTS,
                     .encoder = random_matrix(weights, LATENTS, D, 1, 0.3),
                     .pre_bias = random_vector(ASSAY_F64, D, 3, 0.1),
                     .encode_scale = random_vector(ASSAY_F64, LATENTS, 4, 1.0),
                     .encode_bias = random_vector(ASSAY_F64, LATENTS, 5, 0.1),
                     .activation = activation,
                     .k = K,
                     .layer_norm = true};
    if (activation == ASSAY_JUMPRELU) {
        sae.gate = random_vector(ASSAY_F64, LATENTS, 6, 1.0);
        sae.threshold = random_vector(ASSAY_F64, LATENTS, 9, 0.5);
        assay_put1(&sae.threshold, 5, (double)INFINITY);
    }
    return sae;
}

static assay_sae choose(const assay_sae *sae)
{
    assay_sae chosen;
    const int64_t words = (int64_t)((assay_sae_chosen_bytes(sae, CHOSEN) + 7) / 8);
    void *const memory = blank_vector(ASSAY_F64, words).data;
    cr_assert_eq(assay_sae_choose(sae, chosen_latents, CHOSEN, memory, &chosen, NULL), ASSAY_OK);
    return chosen;
}

static assay_csr encode(const char *impl, const assay_sae *sae, const assay_tensor *x)
{
    const assay_sae_encode_params params = {.sae = *sae};
    const int64_t room = ROWS * sae->d_sae;
    const assay_sae_encode_io io = {
        .x = *x,
        .codes = {.row_offsets = blank_vector(ASSAY_I64, ROWS + 1),
                  .latent = blank_vector(ASSAY_I32, room),
                  .value = blank_vector(ASSAY_F32, room)}};
    RUN_KERNEL(sae_encode, assay_kernel_find(ASSAY_OP_sae_encode, impl), &params, &io);
    return io.codes;
}

static bool is_chosen(int64_t latent)
{
    for (int64_t i = 0; i < CHOSEN; i++) {
        if (chosen_latents[i] == latent) {
            return true;
        }
    }
    return false;
}

/* Entries of a row of the whole SAE's codes that are chosen and, of those, among the `best`. */
static int64_t kept_of(const assay_csr *whole, int64_t row, int64_t best, int64_t kept[CHOSEN])
{
    const int64_t *const offset = whole->row_offsets.data;
    const int32_t *const latent = whole->latent.data;
    const float *const value = whole->value.data;
    int64_t count = 0;
    for (int64_t e = offset[row]; e < offset[row + 1]; e++) {
        int64_t above = 0;
        for (int64_t o = offset[row]; o < offset[row + 1]; o++) {
            above += is_chosen(latent[o]) && value[o] > value[e] ? 1 : 0;
        }
        if (is_chosen(latent[e]) && above < best) {
            kept[count++] = e;
        }
    }
    return count;
}

/* `whole` and `part`: codes of the same rows, of all latents and of the chosen ones renumbered. */
static void expect_restricted(const assay_csr *whole, const assay_csr *part, int64_t best)
{
    const int64_t *const offset = part->row_offsets.data;
    for (int64_t row = 0; row < ROWS; row++) {
        int64_t kept[CHOSEN];
        const int64_t count = kept_of(whole, row, best, kept);
        cr_assert_eq(offset[row + 1] - offset[row], count, "row %ld", (long)row);
        for (int64_t i = 0; i < count; i++) {
            const int64_t e = offset[row] + i;
            cr_assert_eq(((const int32_t *)part->latent.data)[e],
                         ((const int32_t *)whole->latent.data)[kept[i]]);
            cr_assert_eq(assay_f32_bits(((const float *)part->value.data)[e]),
                         assay_f32_bits(((const float *)whole->value.data)[kept[i]]));
        }
    }
    cr_assert_gt(offset[ROWS], ROWS / 2);
}

Test(choose, codes_of_chosen_latents_are_those_of_the_whole_sae)
{
    const assay_dtype types[] = {ASSAY_F32, ASSAY_BF16, ASSAY_F16};
    const assay_tensor x = random_matrix(ASSAY_F32, ROWS, D, 10, 1.0);
    for (int a = ASSAY_RELU; a <= ASSAY_TOPK; a++) {
        for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
            assay_sae sae = random_sae(types[t], (assay_activation)a);
            const assay_sae chosen = choose(&sae);
            cr_assert_eq(chosen.d_sae, CHOSEN);
            const assay_csr part = encode("scalar", &chosen, &x);
            assay_codes_renumber(chosen_latents, &part);
            sae.k = LATENTS; /* all positive ones, of which the best of the chosen are expected */
            const assay_csr whole = encode("scalar", &sae, &x);
            expect_restricted(&whole, &part, a == ASSAY_TOPK ? K : CHOSEN);
        }
    }
}

Test(choose, encoders_are_taken_as_they_are_stored)
{
    const assay_sae sae = random_sae(ASSAY_BF16, ASSAY_RELU);
    assay_sae turned = sae;
    turned.encoder = blank(ASSAY_BF16, D, LATENTS);
    for (int64_t j = 0; j < LATENTS; j++) {
        for (int64_t i = 0; i < D; i++) {
            assay_put2(&turned.encoder, i, j, assay_at2(&sae.encoder, j, i));
        }
    }
    turned.encoder.shape[0] = LATENTS;
    turned.encoder.shape[1] = D;
    turned.encoder.stride[0] = 1;
    turned.encoder.stride[1] = LATENTS;
    const assay_sae a = choose(&sae);
    const assay_sae b = choose(&turned);
    cr_assert(same_bits(&a.encoder, &b.encoder));
}

/* Codes that were cut off at their capacity are renumbered as far as they go. */
Test(choose, renumbering_ends_with_the_capacity)
{
    const assay_csr codes = {.row_offsets = blank_vector(ASSAY_I64, 2),
                             .latent = blank_vector(ASSAY_I32, 2)};
    assay_put1(&codes.row_offsets, 1, 3.0);
    assay_put1(&codes.latent, 1, 4.0);
    assay_codes_renumber(chosen_latents, &codes);
    cr_assert_eq(assay_at1(&codes.latent, 0), 0.0);
    cr_assert_eq(assay_at1(&codes.latent, 1), 90.0);
}

static void expect_refusal(const assay_sae *sae, const int64_t *latent, int64_t count,
                           const char *words)
{
    assay_sae chosen;
    assay_error error = {0};
    cr_assert_eq(assay_sae_choose(sae, latent, count, NULL, &chosen, &error), ASSAY_BAD_ARGUMENT);
    cr_assert(strstr(error.message, words) != NULL, "%s", error.message);
}

Test(choose, a_bad_choice_is_refused_by_name)
{
    const assay_sae sae = random_sae(ASSAY_F32, ASSAY_RELU);
    const int64_t twice[] = {3, 3};
    const int64_t falling[] = {3, 9, 8};
    const int64_t beyond[] = {3, LATENTS};
    const int64_t negative[] = {-1};
    expect_refusal(&sae, twice, 2, "latent 1 to choose (of 2) is 3");
    expect_refusal(&sae, falling, 3, "latent 2 to choose (of 3) is 8");
    expect_refusal(&sae, beyond, 2, "latent 1 to choose (of 2) is 137");
    expect_refusal(&sae, negative, 1, "latent 0 to choose (of 1) is -1");
    expect_refusal(&sae, twice, 0, "0 latents to choose: expected 1 to 137");
    expect_refusal(&sae, twice, LATENTS + 1, "138 latents to choose: expected 1 to 137");
    cr_assert_eq(assay_sae_chosen_bytes(&sae, LATENTS + 1), 0);
    assay_sae none = sae;
    none.encoder.data = NULL;
    expect_refusal(&none, negative, 1, "an encoder on the host");
}
