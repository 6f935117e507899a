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

/* compute: of the device that the kernel is told of. */
inline void run_case(const assay_kernel &kernel, int compute, Case *c)
{
    assay_error error = {};
    assay_exec exec = {};
    exec.error = &error;
    exec.device.compute = compute;
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

#endif
