/* Two devices in one process: a handle is of one, and the emulated library refuses others. */
#include "kernels/cublas/tests/case.h"

#include <cstdlib>

namespace {

/* A layer prepared on each of two devices, and then run there in turn. */
void expect_same(const assay_kernel &kernel)
{
    enum { DEVICES = 2, ROUNDS = 3, ROWS = 19 };
    Case all[DEVICES];
    assay_exec exec[DEVICES] = {};
    assay_linear_params params[DEVICES];
    void *state[DEVICES] = {};
    assay_error error = {};
    std::vector<char> workspace;
    for (int32_t d = 0; d < DEVICES; d++) {
        Case *const c = &all[d];
        *c = draw(ROWS, 64, 48);
        params[d] = {assay_matrix(c->weight.data(), ASSAY_BF16, c->outputs, c->depth),
                     assay_vector(c->bias.data(), ASSAY_BF16, c->outputs)};
        exec[d].error = &error;
        exec[d].device.index = d;
        exec[d].device.compute = 90;
        cr_assert(kernel.run.linear.prepare(&exec[d], &params[d], &state[d]) == ASSAY_OK, "%s",
                  error.message);
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int32_t d = 0; d < DEVICES; d++) {
            Case *const c = &all[d];
            assay_linear_io io = {assay_matrix(c->x.data(), ASSAY_BF16, c->rows, c->depth),
                                  assay_matrix(c->y.data(), ASSAY_BF16, c->rows, c->outputs)};
            c->y.assign(c->y.size(), 0x7fc0);
            workspace.resize(kernel.run.linear.workspace(&params[d], &io) + 256);
            const uintptr_t at = reinterpret_cast<uintptr_t>(workspace.data());
            exec[d].workspace = workspace.data() + (256 - at % 256);
            exec[d].workspace_bytes = workspace.size() - 256;
            cr_assert(kernel.run.linear.run(&exec[d], &params[d], state[d], &io) == ASSAY_OK,
                      "%s", error.message);
        }
        cr_assert(all[0].y == all[1].y && std::isfinite(value(all[0].y, 5)));
    }
    for (int32_t d = 0; d < DEVICES; d++) {
        kernel.release(&exec[d], state[d]);
    }
}

} // namespace

Test(devices, layers_in_turn)
{
    setenv("ASSAY_EMULATED_DEVICES", "2", 1);
    expect_same(describe_linear<Bf16Mode>());
    expect_same(describe_linear<Fp8RowsMode>());
    expect_same(describe_linear<Int8Mode>());
}

Test(devices, one_that_is_not_there)
{
    assay_error error = {};
    assay_exec exec = {};
    void *state = nullptr;
    Case c = draw(2, 32, 16);
    const assay_linear_params params = {
        assay_matrix(c.weight.data(), ASSAY_BF16, c.outputs, c.depth),
        assay_vector(c.bias.data(), ASSAY_BF16, c.outputs)};
    exec.error = &error;
    exec.device.index = 1;
    const assay_kernel kernel = describe_linear<Bf16Mode>();
    cr_assert(kernel.run.linear.prepare(&exec, &params, &state) != ASSAY_OK);
    cr_assert(error.message[0] != '\0' && state == nullptr);
}
