/* Two linear layers on bf16 weights: one takes the byte where a row of them begins in 31 bits. */
#include "assay/plugin.h"

static assay_status multiply(const assay_linear_params *params, const assay_linear_io *io,
                             uint64_t mask)
{
    const int64_t depth = io->x.shape[1];
    if (params->weight.dtype != ASSAY_BF16 || io->x.dtype != ASSAY_F32) {
        return ASSAY_UNSUPPORTED;
    }
    for (int64_t n = 0; n < io->y.shape[0]; n++) {
        const float *const x = (const float *)io->x.data + n * depth;
        for (int64_t o = 0; o < io->y.shape[1]; o++) {
            const uint64_t begin = (uint64_t)(o * depth) * sizeof(uint16_t) & mask;
            const uint16_t *const w =
                (const uint16_t *)(const void *)((const char *)params->weight.data + begin);
            float sum = 0.0f;
            for (int64_t k = 0; k < depth; k++) {
                const uint32_t bits = (uint32_t)w[k] << 16;
                float weight;
                memcpy(&weight, &bits, sizeof weight);
                sum += x[k] * weight;
            }
            assay_put2(&io->y, n, o, (double)sum);
        }
    }
    return ASSAY_OK;
}

#define FAR(its_name, mask)                                                                        \
    static assay_status run_##its_name(const assay_exec *exec, const assay_linear_params *params,  \
                                       const void *state, const assay_linear_io *io)               \
    {                                                                                              \
        (void)exec;                                                                                \
        (void)state;                                                                               \
        return multiply(params, io, mask);                                                         \
    }                                                                                              \
    static const assay_kernel kernel_##its_name = {                                                \
        .abi = ASSAY_ABI, .size = sizeof(assay_kernel), .op = ASSAY_OP_linear, .name = #its_name,  \
        .backend = "far", .summary = #its_name, .space = ASSAY_HOST,                               \
        .precision = {.multiply = ASSAY_F32, .accumulate = {.bits = 24, .block = 1},               \
                      .intermediate = ASSAY_F32, .output = ASSAY_F32,                              \
                      .order = ASSAY_ORDER_SEQUENTIAL},                                            \
        .run.linear = {.run = run_##its_name}}

FAR(whole_offsets, UINT64_MAX);
FAR(offsets_of_31_bits, INT32_MAX);

assay_plugin_kernels_fn assay_plugin_kernels;
const assay_kernel *const *assay_plugin_kernels(size_t *count)
{
    static const assay_kernel *const all[] = {&kernel_whole_offsets, &kernel_offsets_of_31_bits};
    *count = sizeof all / sizeof *all;
    return all;
}
