/* What the library has no algorithm for is refused when it is prepared, with the library's answer:
 * a run would be too late to say so. */
#include "kernels/cublas/emulate/describe.h"
#include "kernels/cublas/tests/case.h"
#include "kernels/cuda/emulate/memory.h"

#include <cstring>

namespace {

enum { ROWS = 3, DEPTH = 64, OUTPUTS = 48, HOPPER = 90, BLACKWELL = 100 };

struct Refusal {
    assay_status status;
    assay_error error;
    void *state;
};

/* A layer's `prepare`, an encoder's or an adapter's, on a library that does not serve the type. */
Refusal prepare(const assay_kernel &kernel, int compute, int32_t unserved)
{
    Case c = draw(ROWS, DEPTH, kernel.op == ASSAY_OP_adapter ? DEPTH : OUTPUTS);
    Refusal r = {ASSAY_OK, {}, nullptr};
    assay_exec exec = {};
    exec.error = &r.error;
    exec.device.compute = compute;
    emulate_lt::unserved = unserved;
    const assay_tensor weight = assay_matrix(c.weight.data(), ASSAY_BF16, c.outputs, c.depth);
    if (kernel.op == ASSAY_OP_linear) {
        const assay_linear_params params = {
            weight, assay_vector(c.bias.data(), ASSAY_BF16, c.outputs)};
        r.status = kernel.run.linear.prepare(&exec, &params, &r.state);
    } else if (kernel.op == ASSAY_OP_sae_encode) {
        assay_sae_encode_params params = {};
        params.sae.d_in = c.depth;
        params.sae.d_sae = c.outputs;
        params.sae.encoder = weight;
        r.status = kernel.run.sae_encode.prepare(&exec, &params, &r.state);
    } else {
        assay_adapter_params params = {};
        params.type = ASSAY_ADAPTER_FULL_RANK;
        params.weight = weight;
        r.status = kernel.run.adapter.prepare(&exec, &params, &r.state);
    }
    emulate_lt::unserved = -1;
    if (r.state != nullptr) {
        kernel.release(&exec, r.state);
    }
    return r;
}

void expect_refused(const assay_kernel &kernel, int compute, int32_t type, const char *types)
{
    const size_t before = emulate::memory_used();
    const Refusal r = prepare(kernel, compute, type);
    cr_assert(r.status == ASSAY_UNSUPPORTED && r.state == nullptr, "%s of %s: %d", kernel.name,
              assay_op_name(kernel.op), static_cast<int>(r.status));
    const char *const words[] = {"cuBLASLt", types, "of 64 inputs", "CUBLAS_STATUS_NOT_SUPPORTED"};
    for (const char *const word : words) {
        cr_assert(strstr(r.error.message, word) != nullptr, "%s: no '%s' in: %s", kernel.name,
                  word, r.error.message);
    }
    cr_assert(emulate::memory_used() == before, "%s keeps memory", kernel.name);
}

} // namespace

Test(unserved, integers)
{
    expect_refused(describe_linear<Int8Mode>(), BLACKWELL, CUDA_R_8I, "i8 x i8 -> i32");
    expect_refused(describe_sae_encode<Int8Mode>(), HOPPER, CUDA_R_8I, "i8 x i8 -> i32");
    expect_refused(describe_linear<Int8WeightsMode>(), HOPPER, CUDA_R_16BF, "bf16 x bf16 -> f32");
}

/* Neither scaled by the library nor by us. */
Test(unserved, fp8)
{
    for (const int compute : {HOPPER, BLACKWELL}) {
        expect_refused(describe_linear<Fp8Mode>(), compute, CUDA_R_8F_E4M3, "e4m3 x e4m3 -> bf16");
        expect_refused(describe_linear<Fp8RowsMode>(), compute, CUDA_R_8F_E4M3,
                       "e4m3 x e4m3 -> f32");
        expect_refused(describe_sae_encode<Fp8RowsMode>(), compute, CUDA_R_8F_E4M3,
                       "e4m3 x e4m3 -> f32");
        expect_refused(describe_adapter<Fp8Mode>(), compute, CUDA_R_8F_E4M3,
                       "e4m3 x e4m3 -> bf16");
    }
}

Test(unserved, floats)
{
    expect_refused(describe_linear<F32Mode>(), HOPPER, CUDA_R_32F, "f32 x f32 -> f32");
    expect_refused(describe_sae_encode<Bf16Mode>(), HOPPER, CUDA_R_16BF, "bf16 x bf16 -> f32");
}

namespace {

/* What `supports` says of so many rows of the layer, or of the encoder. */
Refusal supports(const assay_kernel &kernel, int64_t rows)
{
    Case c = draw(rows, DEPTH, OUTPUTS);
    Refusal r = {ASSAY_OK, {}, nullptr};
    assay_device device = {};
    device.compute = HOPPER;
    const assay_tensor weight = assay_matrix(c.weight.data(), ASSAY_BF16, OUTPUTS, DEPTH);
    const assay_tensor x = assay_matrix(c.x.data(), ASSAY_BF16, rows, DEPTH);
    if (kernel.op == ASSAY_OP_linear) {
        const assay_linear_params params = {weight,
                                            assay_vector(c.bias.data(), ASSAY_BF16, OUTPUTS)};
        const assay_linear_io io = {x, assay_matrix(c.y.data(), ASSAY_BF16, rows, OUTPUTS)};
        r.status = kernel.run.linear.supports(&device, &params, &io, &r.error);
    } else {
        assay_sae_encode_params params = {};
        params.sae.d_in = DEPTH;
        params.sae.d_sae = OUTPUTS;
        params.sae.encoder = weight;
        assay_sae_encode_io io = {};
        io.x = x;
        r.status = kernel.run.sae_encode.supports(&device, &params, &io, &r.error);
    }
    return r;
}

} // namespace

/* A run is too late to say that no algorithm takes so many rows. */
Test(unserved, numbers_of_rows)
{
    enum { TILE = 8 };
    const assay_kernel kernels[] = {describe_linear<Int8Mode>(), describe_linear<Fp8Mode>(),
                                    describe_linear<Fp8RowsMode>(),
                                    describe_sae_encode<Int8Mode>(),
                                    describe_sae_encode<Fp8RowsMode>()};
    emulate_lt::tile = TILE;
    for (const assay_kernel &kernel : kernels) {
        for (int64_t rows = 1; rows <= 2 * TILE + 1; rows++) {
            const Refusal r = supports(kernel, rows);
            const bool served = rows % TILE == 0;
            cr_assert(r.status == (served ? ASSAY_OK : ASSAY_UNSUPPORTED), "%s, %d rows: %s",
                      kernel.name, (int)rows, r.error.message);
            char words[32];
            (void)snprintf(words, sizeof words, "for %d rows", (int)rows);
            cr_assert(served || (strstr(r.error.message, words) != nullptr &&
                                 strstr(r.error.message, "CUBLAS_STATUS_NOT_SUPPORTED") != nullptr),
                      "%s: %s", kernel.name, r.error.message);
        }
    }
    cr_assert(supports(describe_linear<Bf16Mode>(), 3).status == ASSAY_OK);
}

/* That it is the type: the same layers are prepared where another one is missing. */
Test(unserved, others_are_served)
{
    cr_assert(prepare(describe_linear<Int8Mode>(), BLACKWELL, CUDA_R_16BF).status == ASSAY_OK);
    cr_assert(prepare(describe_linear<Bf16Mode>(), BLACKWELL, CUDA_R_8I).status == ASSAY_OK);
    cr_assert(prepare(describe_sae_encode<Fp8RowsMode>(), HOPPER, CUDA_R_32F).status == ASSAY_OK);
}
