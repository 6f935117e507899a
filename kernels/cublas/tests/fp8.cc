/* linear and sae_encode on e4m3 with a scale a row: against float64 on the same operands, by either
 * way of scaling, which the verifier does not choose, and of sae_encode it judges neither. */
#include "kernels/cublas/emulate/describe.h"
#include "kernels/cublas/tests/case.h"

namespace {

enum { ADA = 89, HOPPER = 90, BLACKWELL = 100 };

/* A row of m as e4m3 times the least power of two by which its greatest is at most 448. */
std::vector<double> in_words(const std::vector<uint16_t> &m, int64_t row, int64_t columns)
{
    std::vector<double> out;
    double top = 0.0;
    for (int64_t k = 0; k < columns; k++) {
        out.push_back(value(m, static_cast<size_t>(row * columns + k)));
        top = std::fmax(top, std::fabs(out.back()));
    }
    int exponent = -60;
    while (std::ldexp(448.0, exponent) < top) {
        exponent++;
    }
    for (double &x : out) {
        const float scaled = static_cast<float>(std::ldexp(x, -exponent));
        const float word = assay_e4m3_to_f32(assay_f32_to_e4m3(scaled));
        x = std::ldexp(static_cast<double>(word), exponent);
    }
    return out;
}

/* Sums on those operands; a sum of 14 bits that is cut off after every four products errs by a
 * unit of 2^-13 of the sum of magnitudes each time, and a split of k once more. */
void expect_right(const Case &c)
{
    for (int64_t n = 0; n < c.rows; n++) {
        const std::vector<double> x = in_words(c.x, n, c.depth);
        for (int64_t o = 0; o < c.outputs; o++) {
            const std::vector<double> w = in_words(c.weight, o, c.depth);
            double sum = value(c.bias, static_cast<size_t>(o));
            double total = 0.0;
            for (size_t k = 0; k < x.size(); k++) {
                sum += x[k] * w[k];
                total += std::fabs(x[k] * w[k]);
            }
            const double steps = static_cast<double>(c.depth) / 4.0 + 4.0;
            const double bound =
                std::ldexp(steps * total, -13) + std::ldexp(std::fabs(sum), -8) + 1e-30;
            const double got = value(c.y, static_cast<size_t>(n * c.outputs + o));
            cr_assert(std::fabs(got - sum) <= bound, "row %d, output %d: %g, not %g +- %g", (int)n,
                      (int)o, got, sum, bound);
        }
    }
}

void run_on(int compute, Case *c)
{
    emulate_lt::compute = compute;
    run_case(describe_linear<Fp8RowsMode>(), compute, c);
    emulate_lt::compute = HOPPER;
}

/* Each row of x and of the weight another power of two as great, far beyond e4m3's own range. */
Case spread(Case c)
{
    const auto by = [](std::vector<uint16_t> *m, int64_t columns, int step) {
        for (size_t i = 0; i < m->size(); i++) {
            const int row = static_cast<int>(static_cast<int64_t>(i) / columns);
            (*m)[i] = assay_f64_to_bf16(std::ldexp(value(*m, i), step * (row % 9 - 4)));
        }
    };
    by(&c.x, c.depth, 5);
    by(&c.weight, c.depth, -4);
    return c;
}

} // namespace

Test(fp8, sums_of_the_scaled_operands)
{
    const int64_t shapes[][3] = {{1, 64, 32}, {5, 112, 16}, {33, 256, 64}, {300, 16, 16}};
    for (const auto &shape : shapes) {
        for (const int compute : {ADA, HOPPER}) {
            Case c = draw(shape[0], shape[1], shape[2]);
            run_on(compute, &c);
            expect_right(c);
            c = spread(draw(shape[0], shape[1], shape[2]));
            run_on(compute, &c);
            expect_right(c);
        }
    }
}

/* A scale is a power of two: the library's and ours give the same bits. */
Test(fp8, whoever_scales)
{
    Case library = spread(draw(21, 96, 48));
    library.bias.assign(48, 0); /* beside 2^-36, or 2^36 times as much, it hides the sum */
    Case ours = library;
    run_on(HOPPER, &library);
    run_on(ADA, &ours);
    cr_assert(library.y == ours.y);
}

/* A shape that the library scales nothing of, on a device on which it should. */
Test(fp8, we_scale_what_the_library_refuses)
{
    Case refused = draw(21, 80, 48);
    Case ours = refused;
    run_on(ADA, &ours);
    emulate_lt::compute = BLACKWELL;
    run_case(describe_linear<Fp8RowsMode>(), HOPPER, &refused);
    emulate_lt::compute = HOPPER;
    cr_assert(refused.y == ours.y);
}

/* A power of two in a row of x or of the weight is one in the outputs, bit for bit. */
Test(fp8, powers_of_two_pass_through)
{
    Case plain = draw(11, 64, 32);
    plain.bias.assign(32, 0);
    Case scaled = spread(plain);
    for (const int compute : {ADA, HOPPER}) {
        run_on(compute, &plain);
        run_on(compute, &scaled);
        for (int n = 0; n < 11; n++) {
            for (int o = 0; o < 32; o++) {
                const size_t at = static_cast<size_t>(n * 32 + o);
                const int exponent = 5 * (n % 9 - 4) - 4 * (o % 9 - 4);
                cr_assert(value(scaled.y, at) == std::ldexp(value(plain.y, at), exponent),
                          "row %d, output %d", n, o);
            }
        }
    }
}

Test(fp8, rows_that_are_not_finite_or_all_zeros)
{
    for (const int compute : {ADA, HOPPER}) {
        Case c = draw(4, 32, 16);
        c.x[1 * 32 + 5] = 0x7f80; /* infinity */
        c.x[2 * 32 + 9] = 0x7fc0; /* NaN */
        for (size_t k = 0; k < 32; k++) {
            c.x[3 * 32 + k] = 0;
        }
        c.weight[7 * 32] = 0xff80;
        run_on(compute, &c);
        for (size_t o = 0; o < 16; o++) {
            cr_assert(std::isnan(value(c.y, o)) == (o == 7));
            cr_assert(std::isnan(value(c.y, 16 + o)));
            cr_assert(std::isnan(value(c.y, 32 + o)));
            cr_assert(o == 7 || c.y[48 + o] == c.bias[o]);
        }
    }
}

/* The encoder's are the layer's before they are rounded to bf16. */
Test(fp8, an_encoder_is_a_layer_with_relu)
{
    Case c = draw(9, 64, 32);
    Case layer = c;
    run_on(ADA, &layer);
    const std::vector<float> ours = encode(describe_sae_encode<Fp8RowsMode>(), ADA, &c);
    cr_assert(ours == encode(describe_sae_encode<Fp8RowsMode>(), HOPPER, &c));
    expect_relu_of(layer, ours, 0);
}
