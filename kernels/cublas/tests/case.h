/* A drawn layer in bf16, and one run of a kernel on it. */
#ifndef KERNELS_CUBLAS_TESTS_CASE_H
#define KERNELS_CUBLAS_TESTS_CASE_H

#include "kernels/cublas/list.h"

#include <criterion/criterion.h>

#include <cmath>
#include <vector>

using namespace assay_cublas;

struct Case {
    int64_t rows, depth, outputs;
    std::vector<uint16_t> x, weight, bias, y; /* bf16 */
};

inline double drawn(uint64_t i)
{
    const uint64_t word = (i + 1) * 0x9e3779b97f4a7c15u;
    return static_cast<double>(word >> 40) / static_cast<double>(1 << 23) - 1.0;
}

inline Case draw(int64_t rows, int64_t depth, int64_t outputs)
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

inline double value(const std::vector<uint16_t> &m, size_t i)
{
    return static_cast<double>(assay_bf16_to_f32(m[i]));
}

/* A state prepared, run once and released. compute: of the device that the kernel is told of. */
template <typename Functions, typename Params, typename Io>
void run_once(const assay_kernel &kernel, const Functions &run, const Params &params,
              const Io &io, int compute)
{
    assay_error error = {};
    assay_exec exec = {};
    exec.error = &error;
    exec.device.compute = compute;
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

inline void run_case(const assay_kernel &kernel, int compute, Case *c)
{
    const assay_linear_params params = {
        assay_matrix(c->weight.data(), ASSAY_BF16, c->outputs, c->depth),
        assay_vector(c->bias.data(), ASSAY_BF16, c->outputs)};
    const assay_linear_io io = {assay_matrix(c->x.data(), ASSAY_BF16, c->rows, c->depth),
                                assay_matrix(c->y.data(), ASSAY_BF16, c->rows, c->outputs)};
    run_once(kernel, kernel.run.linear, params, io, compute);
}

/* The pre-activations of a ReLU encoder with that weight and bias. */
inline std::vector<float> encode(const assay_kernel &kernel, int compute, Case *c)
{
    assay_sae_encode_params params = {};
    params.sae.d_in = c->depth;
    params.sae.d_sae = c->outputs;
    params.sae.activation = ASSAY_RELU;
    params.sae.encoder = assay_matrix(c->weight.data(), ASSAY_BF16, c->outputs, c->depth);
    std::vector<double> bias;
    for (size_t o = 0; o < c->bias.size(); o++) {
        bias.push_back(value(c->bias, o));
    }
    params.sae.encode_bias = assay_vector(bias.data(), ASSAY_F64, c->outputs);
    std::vector<float> dense(static_cast<size_t>(c->rows * c->outputs));
    assay_sae_encode_io io = {};
    io.x = assay_matrix(c->x.data(), ASSAY_BF16, c->rows, c->depth);
    io.dense = assay_matrix(dense.data(), ASSAY_F32, c->rows, c->outputs);
    run_once(kernel, kernel.run.sae_encode, params, io, compute);
    return dense;
}

/* That these are the layer's outputs before they are rounded to bf16, where they are above 0: but
 * for so many roundings to f32, of a sum and of it with its bias, that the layer has not. */
inline void expect_relu_of(const Case &layer, const std::vector<float> &encoded, int roundings)
{
    size_t active = 0;
    for (size_t i = 0; i < encoded.size(); i++) {
        const double y = value(layer.y, i);
        const double own = static_cast<double>(encoded[i]);
        const double bias = value(layer.bias, i % static_cast<size_t>(layer.outputs));
        const double slack = std::ldexp(roundings * (own + std::fabs(bias)), -24);
        active += y > 0.0 ? 1 : 0;
        cr_assert(own >= 0.0 && (own > 0.0) == (y > 0.0));
        cr_assert(y <= 0.0 || (assay_f64_to_bf16(own - slack) <= layer.y[i] &&
                               layer.y[i] <= assay_f64_to_bf16(own + slack)),
                  "element %d", (int)i);
    }
    cr_assert(active > 20 && active < encoded.size());
}

#endif
