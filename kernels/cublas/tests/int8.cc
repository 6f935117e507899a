/* linear on integers, which the verifier cannot judge: against float64, within what rounding both
 * operands to 127 steps can cost. */
#include "kernels/cublas/list.h"

#include <criterion/criterion.h>

#include <cmath>
#include <vector>

using namespace assay_cublas;

namespace {

struct Case {
    int64_t rows, depth, outputs;
    std::vector<uint16_t> x, weight, bias, y; /* bf16 */
};

double drawn(uint64_t i)
{
    const uint64_t word = (i + 1) * 0x9e3779b97f4a7c15u;
    return static_cast<double>(word >> 40) / static_cast<double>(1 << 23) - 1.0;
}

Case draw(int64_t rows, int64_t depth, int64_t outputs)
{
    Case c = {rows, depth, outputs, {}, {}, {}, {}};
    for (int64_t i = 0; i < rows * depth; i++) {
        c.x.push_back(assay_f64_to_bf16(drawn(static_cast<uint64_t>(i))));
    }
    for (int64_t i = 0; i < outputs * depth; i++) {
        c.weight.push_back(assay_f64_to_bf16(drawn(static_cast<uint64_t>(i) + 77777) * 0.1));
    }
    for (int64_t i = 0; i < outputs; i++) {
        c.bias.push_back(assay_f64_to_bf16(drawn(static_cast<uint64_t>(i) + 999)));
    }
    c.y.assign(static_cast<size_t>(rows * outputs), 0x7fc0);
    return c;
}

void run_case(Case *c)
{
    const assay_kernel kernel = describe_linear_int8();
    assay_error error = {};
    assay_exec exec = {};
    exec.error = &error;
    assay_linear_params params = {
        assay_matrix(c->weight.data(), ASSAY_BF16, c->outputs, c->depth),
        assay_vector(c->bias.data(), ASSAY_BF16, c->outputs)};
    assay_linear_io io = {assay_matrix(c->x.data(), ASSAY_BF16, c->rows, c->depth),
                          assay_matrix(c->y.data(), ASSAY_BF16, c->rows, c->outputs)};
    const assay_linear_functions &run = kernel.run.linear;
    cr_assert(run.supports(&exec.device, &params, &io, &error) == ASSAY_OK, "%s", error.message);
    std::vector<char> workspace(run.workspace(&params, &io) + 256);
    const uintptr_t at = reinterpret_cast<uintptr_t>(workspace.data());
    exec.workspace = workspace.data() + (256 - at % 256);
    exec.workspace_bytes = workspace.size() - 256;
    void *state = nullptr;
    cr_assert(run.prepare(&exec, &params, &state) == ASSAY_OK, "%s", error.message);
    cr_assert(run.run(&exec, &params, state, &io) == ASSAY_OK, "%s", error.message);
    kernel.release(&exec, state);
}

/* What the bound is made of: the sum in float64, and of each row the greatest and the sum of
 * magnitudes. */
struct Row {
    double greatest, total;
};

Row row_of(const std::vector<uint16_t> &m, int64_t row, int64_t columns)
{
    Row r = {0.0, 0.0};
    for (int64_t k = 0; k < columns; k++) {
        const uint16_t word = m[static_cast<size_t>(row * columns + k)];
        const double value = std::fabs(static_cast<double>(assay_bf16_to_f32(word)));
        r.greatest = std::fmax(r.greatest, value);
        r.total += value;
    }
    return r;
}

void expect_near(const Case &c)
{
    for (int64_t n = 0; n < c.rows; n++) {
        const Row x = row_of(c.x, n, c.depth);
        for (int64_t o = 0; o < c.outputs; o++) {
            const Row w = row_of(c.weight, o, c.depth);
            double sum = static_cast<double>(assay_bf16_to_f32(c.bias[static_cast<size_t>(o)]));
            for (int64_t k = 0; k < c.depth; k++) {
                sum += static_cast<double>(
                           assay_bf16_to_f32(c.x[static_cast<size_t>(n * c.depth + k)])) *
                       static_cast<double>(
                           assay_bf16_to_f32(c.weight[static_cast<size_t>(o * c.depth + k)]));
            }
            const double half_x = x.greatest / 254.0;
            const double half_w = w.greatest / 254.0;
            const double bound = half_x * w.total + half_w * x.total +
                                 static_cast<double>(c.depth) * half_x * half_w +
                                 std::ldexp(std::fabs(sum), -8) + 1e-30;
            const double got = static_cast<double>(
                assay_bf16_to_f32(c.y[static_cast<size_t>(n * c.outputs + o)]));
            cr_assert(std::fabs(got - sum) <= 1.01 * bound, "row %d, output %d: %g, not %g +- %g",
                      (int)n, (int)o, got, sum, bound);
        }
    }
}

} // namespace

Test(int8, sums_within_what_quantising_costs)
{
    const int64_t shapes[][3] = {{1, 64, 32}, {5, 100, 12}, {33, 256, 64}, {300, 16, 4}};
    for (const auto &shape : shapes) {
        Case c = draw(shape[0], shape[1], shape[2]);
        run_case(&c);
        expect_near(c);
    }
}

/* Numbers of 127 steps are kept, so that sums are exact: an index that is off shows at once. */
Test(int8, integers_are_exact)
{
    Case c = draw(7, 48, 20);
    const auto whole = [](size_t i, size_t columns) {
        const int value = i % columns == 0 ? 127 : static_cast<int>(i * 37 % 255) - 127;
        return assay_f64_to_bf16(static_cast<double>(value));
    };
    for (size_t i = 0; i < c.x.size(); i++) {
        c.x[i] = whole(i, 48);
    }
    for (size_t i = 0; i < c.weight.size(); i++) {
        c.weight[i] = whole(i + 3 * 48, 48);
    }
    run_case(&c);
    for (size_t n = 0; n < 7; n++) {
        for (size_t o = 0; o < 20; o++) {
            double sum = static_cast<double>(assay_bf16_to_f32(c.bias[o]));
            for (size_t k = 0; k < 48; k++) {
                sum += static_cast<double>(assay_bf16_to_f32(c.x[n * 48 + k])) *
                       static_cast<double>(assay_bf16_to_f32(c.weight[o * 48 + k]));
            }
            cr_assert(c.y[n * 20 + o] == assay_f64_to_bf16(sum), "row %d, output %d", (int)n,
                      (int)o);
        }
    }
}

Test(int8, a_row_that_is_not_finite_is_nan_and_a_row_of_zeros_is_the_bias)
{
    Case c = draw(4, 32, 8);
    c.x[1 * 32 + 5] = 0x7f80; /* infinity */
    c.x[2 * 32 + 9] = 0x7fc0; /* NaN */
    for (size_t k = 0; k < 32; k++) {
        c.x[3 * 32 + k] = 0;
    }
    run_case(&c);
    for (size_t o = 0; o < 8; o++) {
        cr_assert(std::isfinite(assay_bf16_to_f32(c.y[o])));
        cr_assert(std::isnan(assay_bf16_to_f32(c.y[8 + o])));
        cr_assert(std::isnan(assay_bf16_to_f32(c.y[16 + o])));
        cr_assert(c.y[24 + o] == c.bias[o]);
    }
}
