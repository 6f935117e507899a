/* The error models of the dense ops against simulated kernels: f32 sequential and in lanes, bf16
 * products, the Hugging Face bf16 flow. Fixed seeds; a budget must hold and must not be vacuous. */
#include "support.h"

enum { ROWS = 12, DEPTH = 600, OUTPUTS = 40 };

static float dot_sequential(const float *a, const float *b, int64_t n)
{
    float sum = 0.0f;
    for (int64_t k = 0; k < n; k++) {
        sum += a[k] * b[k];
    }
    return sum;
}

static float dot_lanes(const float *a, const float *b, int64_t n)
{
    float lane[8] = {0};
    for (int64_t k = 0; k < n; k++) {
        lane[k % 8] += a[k] * b[k];
    }
    const float low = (lane[0] + lane[1]) + (lane[2] + lane[3]);
    return low + ((lane[4] + lane[5]) + (lane[6] + lane[7]));
}

/* A truncating accumulator of 16 bits. */
static float dot_truncated(const float *a, const float *b, int64_t n)
{
    float sum = 0.0f;
    for (int64_t k = 0; k < n; k++) {
        const double exact = (double)sum + (double)a[k] * (double)b[k];
        int exponent;
        const double fraction = frexp(exact, &exponent);
        sum = (float)ldexp(trunc(ldexp(fraction, 16)), exponent - 16);
    }
    return sum;
}

typedef float dot_fn(const float *a, const float *b, int64_t n);

static float *as_floats(const assay_tensor *m, bool bf16)
{
    float *out = malloc((size_t)(assay_count(m) + 1) * sizeof *out);
    for (int64_t i = 0; i < assay_count(m); i++) {
        out[i] = (float)assay_load(m->dtype, m->data, (size_t)i);
        out[i] = bf16 ? to_bf16(out[i]) : out[i];
    }
    return out;
}

static usage try_linear_as(assay_dtype stored, const assay_precision *contract, bool rounds,
                           dot_fn *dot, double shift)
{
    assay_error error;
    assay_tensor x = random_matrix(1, stored, ROWS, DEPTH, 1.0);
    assay_tensor w = random_matrix(2, stored, OUTPUTS, DEPTH, 0.05);
    for (int64_t i = 0; shift != 0.0 && i < ROWS * DEPTH; i++) {
        assay_store(stored, x.data, (size_t)i, shift); /* runs of one value: roundings add up */
    }
    const assay_tensor bias = random_vector(3, ASSAY_F32, OUTPUTS, 1.0, 0.0);
    const assay_tensor y = zeros(ASSAY_F64, ROWS, OUTPUTS);
    const assay_tensor got = zeros(contract->output, ROWS, OUTPUTS);
    assay_error_model model = new_model(ROWS, OUTPUTS);
    const assay_linear_params params = {w, bias};
    const assay_linear_io io = {x, y};
    cr_assert_ok(assay_ref_linear(&params, &io, NULL, contract, &model, &error), error);
    float *xf = as_floats(&x, rounds);
    float *wf = as_floats(&w, rounds);
    for (int64_t i = 0; i < ROWS; i++) {
        for (int64_t o = 0; o < OUTPUTS; o++) {
            const float sum = dot(xf + i * DEPTH, wf + o * DEPTH, DEPTH);
            assay_put2(&got, i, o, (double)(sum + (float)assay_at1(&bias, o)));
        }
    }
    const usage use = measure_usage(&got, &y, &model);
    free(x.data), free(w.data), free(bias.data), free(y.data), free(got.data), free(xf), free(wf);
    free_model(&model);
    return use;
}

static usage try_linear(assay_dtype stored, const assay_precision *contract, dot_fn *dot,
                        double shift)
{
    return try_linear_as(stored, contract, contract->multiply == ASSAY_BF16, dot, shift);
}

Test(budgets, linear_holds_for_f32_in_order_and_in_lanes)
{
    const assay_precision f32 = contract_of(ASSAY_F32, ASSAY_NONE, ASSAY_F32);
    cr_assert_budget(try_linear(ASSAY_F32, &f32, dot_sequential, 0.0), 0.01);
    cr_assert_budget(try_linear(ASSAY_F32, &f32, dot_lanes, 0.0), 0.002);
    cr_assert_budget(try_linear(ASSAY_F32, &f32, dot_sequential, 0.1), 0.003);
}

Test(budgets, linear_holds_for_bf16_output)
{
    const assay_precision bf16 = contract_of(ASSAY_F32, ASSAY_NONE, ASSAY_BF16);
    cr_assert_budget(try_linear(ASSAY_BF16, &bf16, dot_sequential, 0.0), 0.1);
}

/* The truth is of the operands that the contract promises: rounding them costs no budget. */
Test(budgets, linear_is_of_the_operands_rounded_to_the_multiply_type)
{
    const assay_precision bf16 = contract_of(ASSAY_BF16, ASSAY_NONE, ASSAY_F32);
    cr_assert_budget(try_linear(ASSAY_F32, &bf16, dot_sequential, 0.0), 0.01);
    /* 0.1 is not a bf16: its error has one sign in all 600 products */
    cr_assert_budget(try_linear(ASSAY_F32, &bf16, dot_sequential, 0.1), 0.001);
    /* nor may a kernel leave out the rounding that it declares */
    cr_assert_gt(try_linear_as(ASSAY_F32, &bf16, false, dot_sequential, 0.0).median, 10.0);
    cr_assert_gt(try_linear_as(ASSAY_F32, &bf16, false, dot_sequential, 0.1).median, 10.0);
}

Test(budgets, linear_takes_a_truncating_accumulator_linearly)
{
    assay_precision narrow = contract_of(ASSAY_BF16, ASSAY_NONE, ASSAY_F32);
    narrow.accumulate.bits = 16;
    narrow.accumulate.rounding = ASSAY_TRUNCATE;
    cr_assert_budget(try_linear(ASSAY_BF16, &narrow, dot_truncated, 0.0), 0.01);
    /* the same kernel does not pass as a nearest f32 one */
    const assay_precision claims_more = contract_of(ASSAY_BF16, ASSAY_NONE, ASSAY_F32);
    cr_assert_gt(try_linear(ASSAY_BF16, &claims_more, dot_truncated, 0.0).worst, 1.0);
}

/* A kernel that skips one product of an otherwise right sum must leave its budget. */
static float dot_without_the_last(const float *a, const float *b, int64_t n)
{
    return dot_sequential(a, b, n - 1);
}

Test(budgets, linear_catches_one_missing_product)
{
    const assay_precision f32 = contract_of(ASSAY_F32, ASSAY_NONE, ASSAY_F32);
    const usage use = try_linear(ASSAY_F32, &f32, dot_without_the_last, 0.0);
    cr_assert_gt(use.median, 10.0, "median %g", use.median);
}

static usage try_rmsnorm(const assay_precision *contract, assay_dtype stored)
{
    assay_error error;
    const bool bf16 = contract->intermediate == ASSAY_BF16;
    const assay_tensor x = random_matrix(4, stored, ROWS, DEPTH, 3.0);
    const assay_tensor w = random_vector(5, stored, DEPTH, 0.2, 1.0);
    const assay_tensor y = zeros(ASSAY_F64, ROWS, DEPTH);
    const assay_tensor got = zeros(contract->output, ROWS, DEPTH);
    assay_error_model model = new_model(ROWS, DEPTH);
    const assay_rmsnorm_params params = {w, 1e-5};
    const assay_rmsnorm_io io = {x, y};
    cr_assert_ok(assay_ref_rmsnorm(&params, &io, NULL, contract, &model, &error), error);
    float *xf = as_floats(&x, false);
    for (int64_t i = 0; i < ROWS; i++) {
        const float *row = xf + i * DEPTH;
        const float mean = dot_sequential(row, row, DEPTH) / (float)DEPTH;
        const float scale = 1.0f / sqrtf(mean + 1e-5f);
        for (int64_t k = 0; k < DEPTH; k++) {
            const float normed = bf16 ? to_bf16(row[k] * scale) : row[k] * scale;
            assay_put2(&got, i, k, (double)(normed * (float)assay_at1(&w, k)));
        }
    }
    const usage use = measure_usage(&got, &y, &model);
    free(x.data), free(w.data), free(y.data), free(got.data), free(xf);
    free_model(&model);
    return use;
}

Test(budgets, rmsnorm_holds_in_f32_and_in_the_bf16_flow)
{
    const assay_precision f32 = contract_of(ASSAY_F32, ASSAY_NONE, ASSAY_F32);
    const assay_precision bf16 = contract_of(ASSAY_F32, ASSAY_BF16, ASSAY_BF16);
    cr_assert_budget(try_rmsnorm(&f32, ASSAY_F32), 0.01);
    cr_assert_budget(try_rmsnorm(&bf16, ASSAY_BF16), 0.1);
}

static usage try_swiglu(const assay_precision *contract, assay_dtype stored)
{
    assay_error error;
    const bool bf16 = contract->intermediate == ASSAY_BF16;
    const assay_tensor gate = random_matrix(6, stored, ROWS, DEPTH, 4.0);
    const assay_tensor up = random_matrix(7, stored, ROWS, DEPTH, 1.0);
    const assay_tensor y = zeros(ASSAY_F64, ROWS, DEPTH);
    const assay_tensor got = zeros(contract->output, ROWS, DEPTH);
    assay_error_model model = new_model(ROWS, DEPTH);
    assay_put2(&gate, 0, 0, -95.0); /* exp overflows in f32 */
    const assay_swiglu_params params = {DEPTH};
    const assay_swiglu_io io = {gate, up, y};
    cr_assert_ok(assay_ref_swiglu(&params, &io, NULL, contract, &model, &error), error);
    for (int64_t i = 0; i < ROWS * DEPTH; i++) {
        const float g = (float)assay_load(stored, gate.data, (size_t)i);
        const float silu = g / (1.0f + expf(-g));
        const float product = (bf16 ? to_bf16(silu) : silu) *
                              (float)assay_load(stored, up.data, (size_t)i);
        assay_store(got.dtype, got.data, (size_t)i, (double)product);
    }
    const usage use = measure_usage(&got, &y, &model);
    free(gate.data), free(up.data), free(y.data), free(got.data);
    free_model(&model);
    return use;
}

Test(budgets, swiglu_holds_in_f32_and_in_the_bf16_flow)
{
    const assay_precision f32 = contract_of(ASSAY_F32, ASSAY_NONE, ASSAY_F32);
    const assay_precision bf16 = contract_of(ASSAY_F32, ASSAY_BF16, ASSAY_BF16);
    cr_assert_budget(try_swiglu(&f32, ASSAY_F32), 0.01);
    cr_assert_budget(try_swiglu(&bf16, ASSAY_BF16), 0.1);
}

static usage try_add(assay_dtype type)
{
    assay_error error;
    const assay_precision contract = contract_of(ASSAY_F32, ASSAY_NONE, type);
    const assay_tensor a = random_matrix(8, type, ROWS, DEPTH, 1.0);
    const assay_tensor b = random_matrix(9, type, ROWS, DEPTH, 100.0);
    const assay_tensor y = zeros(ASSAY_F64, ROWS, DEPTH);
    const assay_tensor got = zeros(type, ROWS, DEPTH);
    assay_error_model model = new_model(ROWS, DEPTH);
    const assay_add_params params = {DEPTH};
    const assay_add_io io = {a, b, y};
    cr_assert_ok(assay_ref_add(&params, &io, NULL, &contract, &model, &error), error);
    for (int64_t i = 0; i < ROWS * DEPTH; i++) {
        const float sum = (float)assay_load(type, a.data, (size_t)i) +
                          (float)assay_load(type, b.data, (size_t)i);
        assay_store(type, got.data, (size_t)i, (double)sum);
    }
    const usage use = measure_usage(&got, &y, &model);
    free(a.data), free(b.data), free(y.data), free(got.data);
    free_model(&model);
    return use;
}

Test(budgets, add_holds)
{
    cr_assert_budget(try_add(ASSAY_F32), 0.1);
    cr_assert_budget(try_add(ASSAY_BF16), 0.1);
}
