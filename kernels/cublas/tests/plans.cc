/* Plans are made once for a shape, and a run asks the heuristics nothing: calls of the emulated
 * library, counted. */
#include "kernels/cublas/emulate/describe.h"
#include "kernels/cublas/tests/case.h"

#include <cstdlib>

namespace {

enum { HOPPER = 90, SLACK = 64 };

/* A prepared layer, and room for rows of any place and pitch. */
struct Prepared {
    assay_kernel kernel;
    Case c;
    assay_error error;
    assay_exec exec;
    assay_linear_params params;
    void *state;
};

/* The weight `off` elements behind an address that is a multiple of 256. */
void prepare(const assay_kernel &kernel, int64_t depth, int64_t outputs, Prepared *p,
             size_t off = 0, bool bias = true, int32_t device = 0)
{
    *p = {kernel, draw(70, depth, outputs), {}, {}, {}, nullptr};
    p->exec.error = &p->error;
    p->exec.device.compute = HOPPER;
    p->exec.device.index = device;
    std::vector<uint16_t> &weight = p->c.weight;
    const size_t count = weight.size();
    weight.resize(count + 256 + off);
    const size_t at = (256 - reinterpret_cast<uintptr_t>(weight.data()) % 256) / 2 + off;
    std::copy_backward(weight.begin(), weight.begin() + static_cast<std::ptrdiff_t>(count),
                       weight.begin() + static_cast<std::ptrdiff_t>(count + at));
    p->params.weight = assay_matrix(weight.data() + at, ASSAY_BF16, outputs, depth);
    if (bias) {
        p->params.bias = assay_vector(p->c.bias.data(), ASSAY_BF16, outputs);
    }
    cr_assert(kernel.run.linear.prepare(&p->exec, &p->params, &p->state) == ASSAY_OK, "%s",
              p->error.message);
}

/* What `prepare` asks of the heuristics and multiplies to measure; the state is released. */
emulate_lt::Calls calls_of(const assay_kernel &kernel, int64_t depth, int64_t outputs,
                           size_t off = 0, bool bias = true, int32_t device = 0)
{
    const emulate_lt::Calls before = emulate_lt::calls;
    Prepared p;
    prepare(kernel, depth, outputs, &p, off, bias, device);
    kernel.release(&p.exec, p.state);
    return {emulate_lt::calls.asked - before.asked,
            emulate_lt::calls.multiplied - before.multiplied};
}

void expect_made(const emulate_lt::Calls &calls, const char *what)
{
    cr_assert(calls.asked == 2 * BUCKETS, "%s: asked %d times", what, (int)calls.asked);
    cr_assert(calls.multiplied > 0, "%s: nothing measured", what);
}

void expect_kept(const emulate_lt::Calls &calls, const char *what)
{
    cr_assert(calls.asked == 0 && calls.multiplied == 0, "%s: asked %d times, measured %d", what,
              (int)calls.asked, (int)calls.multiplied);
}

/* y of so many rows, `pitch` from row to row, `off` elements off alignment. */
void run_rows(Prepared *p, int64_t rows, int64_t pitch, size_t off)
{
    const int64_t outputs = p->c.outputs;
    std::vector<uint16_t> memory(static_cast<size_t>(rows * pitch) + SLACK, 0x7fc0);
    const size_t at = (SLACK - reinterpret_cast<uintptr_t>(memory.data()) % SLACK) / 2 + off;
    assay_linear_io io = {assay_matrix(p->c.x.data(), ASSAY_BF16, rows, p->c.depth),
                          assay_matrix(memory.data() + at, ASSAY_BF16, rows, outputs)};
    io.y.stride[0] = pitch;
    std::vector<char> workspace(p->kernel.run.linear.workspace(&p->params, &io) + 256);
    const uintptr_t from = reinterpret_cast<uintptr_t>(workspace.data());
    p->exec.workspace = workspace.data() + (256 - from % 256);
    p->exec.workspace_bytes = workspace.size() - 256;
    cr_assert(p->kernel.run.linear.run(&p->exec, &p->params, p->state, &io) == ASSAY_OK, "%s",
              p->error.message);
    for (int64_t n = 0; n < rows; n += rows > 3 ? 3 : 1) {
        for (int64_t o = 0; o < outputs; o += 5) {
            double sum = value(p->c.bias, static_cast<size_t>(o));
            double total = std::fabs(sum);
            const uint16_t *const w = static_cast<uint16_t *>(p->params.weight.data);
            for (int64_t k = 0; k < p->c.depth; k++) {
                const double product =
                    value(p->c.x, static_cast<size_t>(n * p->c.depth + k)) *
                    static_cast<double>(assay_bf16_to_f32(w[o * p->c.depth + k]));
                sum += product;
                total += std::fabs(product);
            }
            const double got =
                value(memory, static_cast<size_t>(n * pitch + o) + at);
            cr_assert(std::fabs(got - sum) <= 0.05 * total, "%d rows, row %d, output %d: %g, %g",
                      (int)rows, (int)n, (int)o, got, sum);
        }
    }
}

} // namespace

Test(plans, of_one_shape_are_made_once)
{
    expect_made(calls_of(describe_linear<Bf16Mode>(), 48, 32), "the first");
    expect_kept(calls_of(describe_linear<Bf16Mode>(), 48, 32), "the second");
    expect_made(calls_of(describe_linear<Int8Mode>(), 48, 32), "integers");
    expect_kept(calls_of(describe_linear<Int8Mode>(), 48, 32), "integers again");
    expect_kept(calls_of(describe_linear<Bf16Mode>(), 48, 32), "the third");
}

Test(plans, of_shapes_that_differ_in_anything_are_others)
{
    setenv("ASSAY_EMULATED_DEVICES", "2", 1);
    expect_made(calls_of(describe_linear<Bf16Mode>(), 80, 32), "a shape");
    expect_made(calls_of(describe_linear<Bf16Mode>(), 64, 32), "another depth");
    expect_made(calls_of(describe_linear<Bf16Mode>(), 80, 48), "other outputs");
    expect_made(calls_of(describe_linear<Bf16Mode>(), 80, 32, 8), "a weight at 16 bytes");
    expect_made(calls_of(describe_linear<Bf16Mode>(), 80, 32, 0, false), "no bias");
    expect_made(calls_of(describe_linear<Bf16Mode>(), 80, 32, 0, true, 1), "another device");
    expect_made(calls_of(describe_linear<Fp8Mode>(), 80, 32), "another type");
    expect_kept(calls_of(describe_linear<Bf16Mode>(), 80, 32), "the first again");
    expect_kept(calls_of(describe_linear<Bf16Mode>(), 80, 32, 0, true, 1), "and on its device");
}

/* A split of k that is fastest for a power of two takes no odd number of rows: the spare does. */
Test(plans, a_run_asks_nothing)
{
    const assay_kernel kernels[] = {describe_linear<Bf16Mode>(), describe_linear<Fp8RowsMode>(),
                                    describe_linear<Fp8Mode>(), describe_linear<Int8Mode>(),
                                    describe_linear<Int8WeightsMode>()};
    for (const assay_kernel &kernel : kernels) {
        for (const int64_t outputs : {16, 32, 48, 64}) {
            Prepared p;
            prepare(kernel, 64, outputs, &p);
            const int64_t asked = emulate_lt::calls.asked;
            for (int64_t rows = 1; rows <= 70; rows++) {
                run_rows(&p, rows, outputs, 0);
            }
            run_rows(&p, 13, outputs + 16, 0);
            cr_assert(emulate_lt::calls.asked == asked, "%s of %d outputs asks %d times",
                      kernel.name, (int)outputs, (int)(emulate_lt::calls.asked - asked));
            kernel.release(&p.exec, p.state);
        }
    }
}

/* Without room to measure in the heuristics decide, and the next launch is not blamed for it. */
Test(plans, of_a_device_that_is_full)
{
    setenv("ASSAY_EMULATED_MEMORY", "16384", 1);
    const assay_kernel kernel = describe_linear<Bf16Mode>();
    const emulate_lt::Calls before = emulate_lt::calls;
    Prepared p;
    prepare(kernel, 72, 40, &p);
    cr_assert(emulate_lt::calls.multiplied == before.multiplied);
    run_rows(&p, 5, 40, 0);
    kernel.release(&p.exec, p.state);
}

Test(plans, rows_that_lie_anywhere_ask_nothing)
{
    const assay_kernel kernel = describe_linear<Bf16Mode>();
    for (const int64_t outputs : {24, 33}) {
        Prepared p;
        prepare(kernel, 56, outputs, &p);
        const int64_t asked = emulate_lt::calls.asked;
        for (int64_t rows = 1; rows <= 20; rows++) {
            run_rows(&p, rows, outputs, 1);
            run_rows(&p, rows, outputs + 3, 0);
        }
        cr_assert(emulate_lt::calls.asked == asked);
        kernel.release(&p.exec, p.state);
    }
}
