/* Every op that sums: an element whose partial sums may leave f32 in some order is left open, the
 * same with terms a tenth as large is not. */
#include "ref/tests/support.h"

enum { D = 5 };

/* No side of these sums alone is beyond f32's range at a tenth; at full size one is, the sum is
 * not. */
static const double pattern[D] = {1.5, 1.5, -1.5, -1.0, 1e-38};

static const assay_precision contract = {.accumulate = {24, ASSAY_NEAREST, 1},
                                         .intermediate = ASSAY_F32, .output = ASSAY_F32};

typedef struct fixture {
    float large[D], ones[D * D];
    double one[D], zero, y[D], bound[D], sigma[D], other_bound[D], other_sigma[D];
    assay_error_model model, other;
    assay_error error;
} fixture;

static fixture *make(double size)
{
    fixture *f = calloc(1, sizeof *f);
    for (int i = 0; i < D * D; i++) {
        f->ones[i] = 1.0f;
        f->large[i % D] = (float)(size * pattern[i % D]);
        f->one[i % D] = 1.0;
    }
    f->model = (assay_error_model){.bound = assay_matrix(f->bound, ASSAY_F64, 1, D),
                                   .sigma = assay_matrix(f->sigma, ASSAY_F64, 1, D)};
    f->other = (assay_error_model){.bound = assay_matrix(f->other_bound, ASSAY_F64, 1, D),
                                   .sigma = assay_matrix(f->other_sigma, ASSAY_F64, 1, D)};
    return f;
}

static bool all_open(const fixture *f, int count)
{
    for (int i = 0; i < count; i++) {
        if (!isinf(f->bound[i])) {
            return false;
        }
    }
    return true;
}

static bool all_closed(const fixture *f, int count)
{
    for (int i = 0; i < count; i++) {
        if (!isfinite(f->bound[i]) || f->bound[i] > 1e-4 * fabs(f->y[i]) + 1e34) {
            return false;
        }
    }
    return true;
}

static assay_tensor ones(fixture *f, int64_t rows, int64_t columns)
{
    return assay_matrix(f->ones, ASSAY_F32, rows, columns);
}

static assay_tensor row(fixture *f)
{
    return assay_matrix(f->large, ASSAY_F32, 1, D);
}

static assay_tensor out(fixture *f)
{
    return assay_matrix(f->y, ASSAY_F64, 1, D);
}

static void linear(fixture *f)
{
    const assay_linear_params params = {.weight = ones(f, D, D)};
    const assay_linear_io io = {row(f), out(f)};
    cr_assert_ok(assay_ref_linear(&params, &io, NULL, &contract, &f->model, &f->error), f->error);
}

static assay_sae sae_of(fixture *f)
{
    return (assay_sae){.d_in = D, .d_out = D, .d_sae = D, .encoder = ones(f, D, D),
                       .decoder = ones(f, D, D), .activation = ASSAY_RELU};
}

static void encode(fixture *f)
{
    const assay_sae sae = sae_of(f);
    const assay_tensor x = row(f);
    const assay_tensor pre = out(f);
    double score[D];
    const assay_tensor scores = assay_matrix(score, ASSAY_F64, 1, D);
    cr_assert_ok(assay_ref_sae_preactivations(&sae, &x, NULL, &contract, &pre, &scores, &f->model,
                                              &f->other, &f->error), f->error);
    for (int i = 0; i < D; i++) {
        cr_assert_eq(isinf(f->bound[i]), isinf(f->other_bound[i]));
    }
}

static void decode(fixture *f)
{
    int64_t offsets[2] = {0, D};
    int32_t latents[D] = {0, 1, 2, 3, 4};
    const assay_sae_decode_params params = {sae_of(f)};
    const assay_sae_decode_io io = {
        .codes = {assay_vector(offsets, ASSAY_I64, 2), assay_vector(latents, ASSAY_I32, D),
                  assay_vector(f->large, ASSAY_F32, D)},
        .y = out(f)};
    cr_assert_ok(assay_ref_sae_decode(&params, &io, NULL, &contract, &f->model, &f->error),
                 f->error);
}

static void full_rank(fixture *f)
{
    float bias[D] = {0.0f};
    const assay_adapter_params params = {.type = ASSAY_ADAPTER_FULL_RANK, .weight = ones(f, D, D),
                                         .bias = assay_vector(bias, ASSAY_F32, D)};
    const assay_adapter_io io = {row(f), out(f)};
    cr_assert_ok(assay_ref_adapter(&params, &io, NULL, &contract, &f->model, &f->error), f->error);
}

static void low_rank(fixture *f)
{
    float bias[D] = {0.0f};
    const assay_adapter_params params = {
        .type = ASSAY_ADAPTER_LOW_RANK_ONLY, .u = ones(f, D, 1), .v = ones(f, D, 1),
        .bias = assay_vector(bias, ASSAY_F32, D)};
    const assay_adapter_io io = {row(f), out(f)};
    cr_assert_ok(assay_ref_adapter(&params, &io, NULL, &contract, &f->model, &f->error), f->error);
}

/* e^0.5 v may leave the range before the bias takes it back. */
static void affine(fixture *f)
{
    float bias[D];
    float log_scale = 0.5f;
    for (int i = 0; i < D; i++) {
        f->large[i] = f->large[0];
        bias[i] = -f->large[0];
    }
    const assay_adapter_params params = {
        .type = ASSAY_ADAPTER_SCALAR_AFFINE, .log_scale = assay_vector(&log_scale, ASSAY_F32, 1),
        .bias = assay_vector(bias, ASSAY_F32, D)};
    const assay_adapter_io io = {row(f), out(f)};
    cr_assert_ok(assay_ref_adapter(&params, &io, NULL, &contract, &f->model, &f->error), f->error);
}

/* One query over D keys with one head of D; query or values hold the pattern. */
static void attend(fixture *f, bool values)
{
    const assay_attention_params params = {1, 1, D};
    float q[D] = {0.0f};
    float k[D * D] = {0.0f};
    float v[D * D] = {0.0f};
    int32_t sequence = 0;
    int32_t position = D - 1;
    const int64_t shape[3] = {1, D, D};
    for (int i = 0; i < D * D; i++) {
        v[i] = values ? f->large[i / D] : 1.0f;
        k[i] = 1.0f;
    }
    for (int i = 0; i < D; i++) {
        q[i] = values ? 1.0f : f->large[i];
    }
    const assay_attention_io io = {
        assay_matrix(q, ASSAY_F32, 1, D), assay_matrix(k + (D - 1) * D, ASSAY_F32, 1, D),
        assay_matrix(v + (D - 1) * D, ASSAY_F32, 1, D), assay_vector(&sequence, ASSAY_I32, 1),
        assay_vector(&position, ASSAY_I32, 1), assay_dense(k, ASSAY_F32, 3, shape),
        assay_dense(v, ASSAY_F32, 3, shape), D - 1, out(f)};
    cr_assert_ok(assay_ref_attention(&params, &io, NULL, &contract, &f->model, &f->error),
                 f->error);
}

static void values(fixture *f)
{
    attend(f, true);
}

/* The scores are all alike, so that their errors, however large, move no weight far. */
static void scores(fixture *f)
{
    attend(f, false);
}

typedef void op_fn(fixture *f);

Test(reach_ops, open_at_the_range_closed_below)
{
    static op_fn *const ops[] = {linear, encode, decode, full_rank, low_rank, affine, values};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        fixture *const at = make(2e38);
        fixture *const below = make(2e37);
        ops[i](at);
        ops[i](below);
        cr_assert(all_open(at, D), "op %zu is judged at the range", i);
        cr_assert(all_closed(below, D), "op %zu is open below the range: %g", i, below->bound[0]);
        free(at);
        free(below);
    }
}

Test(reach_ops, scores_that_may_overflow_leave_a_head_open)
{
    fixture *const at = make(2e38);
    fixture *const below = make(1e-3);
    scores(at);
    scores(below);
    cr_assert(all_open(at, D));
    cr_assert(all_closed(below, D));
    free(at);
    free(below);
}

/* Squares beyond the range: the deviation of a kernel is infinite, the truth's is not. */
Test(reach_ops, a_norm_whose_squares_overflow_leaves_its_rows_open)
{
    fixture *const at = make(2e19);
    fixture *const below = make(2e18);
    fixture *const both[] = {at, below};
    for (int i = 0; i < 2; i++) {
        fixture *const f = both[i];
        assay_sae sae = sae_of(f);
        const assay_tensor x = row(f);
        const assay_tensor pre = out(f);
        double score[D];
        const assay_tensor scores_of = assay_matrix(score, ASSAY_F64, 1, D);
        sae.layer_norm = true;
        for (int k = 0; k < D * D; k++) {
            f->ones[k] = k % D == 0 ? 1.0f : 0.0f;
        }
        cr_assert_ok(assay_ref_sae_preactivations(&sae, &x, NULL, &contract, &pre, &scores_of,
                                                  &f->model, &f->other, &f->error), f->error);
    }
    cr_assert(all_open(at, D));
    cr_assert(all_closed(below, D));
    free(at);
    free(below);
}
