/* linear and sae_encode on integers: against float64 on the operands as they are given, within what
 * rounding both to 127 steps can cost. */
#include "kernels/cublas/draw.h"
#include "kernels/cublas/tests/case.h"

namespace {

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
        run_case(describe_linear<Int8Mode>(), 80, &c);
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
    run_case(describe_linear<Int8Mode>(), 80, &c);
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

/* What plans are timed on: every integer that quantising gives, about as often as any other. */
Test(int8, drawn_operands_are_of_all_integers)
{
    enum { COUNT = 255 * 400 };
    std::vector<int8_t> drawn(COUNT, 0);
    std::vector<int> often(256, 0);
    assay_error error = {};
    assay_exec exec = {};
    exec.error = &error;
    cr_assert(assay_cublas::draw<int8_t>(&exec, drawn.data(), COUNT) == ASSAY_OK, "%s",
              error.message);
    for (const int8_t word : drawn) {
        often[static_cast<size_t>(word + 128)]++;
    }
    cr_assert(often[0] == 0, "-128 is no word of a row");
    for (size_t i = 1; i < often.size(); i++) {
        cr_assert(often[i] > 280 && often[i] < 520, "%d comes %d times", (int)i - 128, often[i]);
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
    run_case(describe_linear<Int8Mode>(), 80, &c);
    for (size_t o = 0; o < 8; o++) {
        cr_assert(std::isfinite(assay_bf16_to_f32(c.y[o])));
        cr_assert(std::isnan(assay_bf16_to_f32(c.y[8 + o])));
        cr_assert(std::isnan(assay_bf16_to_f32(c.y[16 + o])));
        cr_assert(c.y[24 + o] == c.bias[o]);
    }
}

/* Which the verifier does not judge: it has no rule for an encoder's scaled rows. More rows than
 * fit one piece. */
Test(int8, an_encoder_is_a_layer_with_relu)
{
    const int64_t shapes[][3] = {{9, 64, 32}, {70, 100, 12}, {300, 16, 4}, {40, 48, 3000}};
    for (const auto &shape : shapes) {
        Case c = draw(shape[0], shape[1], shape[2]);
        Case layer = c;
        run_case(describe_linear<Int8Mode>(), 80, &layer);
        expect_relu_of(layer, encode(describe_sae_encode<Int8Mode>(), 80, &c), 2);
    }
}

/* Sums that f32 holds are exact, and so is what a bias makes of them. */
Test(int8, an_encoder_of_integers_is_exact)
{
    Case c = draw(7, 48, 20);
    for (size_t i = 0; i < c.x.size(); i++) {
        c.x[i] = assay_f64_to_bf16(i % 48 == 0 ? 127.0 : static_cast<double>(i * 37 % 255) - 127.0);
    }
    for (size_t i = 0; i < c.weight.size(); i++) {
        c.weight[i] =
            assay_f64_to_bf16(i % 48 == 0 ? -127.0 : static_cast<double>(i * 41 % 255) - 127.0);
    }
    c.bias.assign(20, assay_f64_to_bf16(0.5));
    const std::vector<float> encoded = encode(describe_sae_encode<Int8Mode>(), 80, &c);
    for (size_t n = 0; n < 7; n++) {
        for (size_t o = 0; o < 20; o++) {
            double sum = 0.5;
            for (size_t k = 0; k < 48; k++) {
                sum += value(c.x, n * 48 + k) * value(c.weight, o * 48 + k);
            }
            const float expected = static_cast<float>(std::fmax(sum, 0.0));
            cr_assert(encoded[n * 20 + o] == expected, "row %d, latent %d", (int)n, (int)o);
        }
    }
}

Test(int8, an_encoders_row_that_is_not_finite_is_nan)
{
    Case c = draw(3, 32, 8);
    c.x[0] = 0x7f80;  /* infinity */
    c.x[32] = 0x7fc0; /* NaN */
    const std::vector<float> encoded = encode(describe_sae_encode<Int8Mode>(), 80, &c);
    for (size_t o = 0; o < 8; o++) {
        cr_assert(std::isnan(encoded[o]) && std::isnan(encoded[8 + o]));
        cr_assert(std::isfinite(encoded[16 + o]));
    }
}
