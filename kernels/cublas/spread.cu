#include "kernels/cublas/spread.h"

namespace assay_cublas {

namespace {

/* What a thread reads and writes at once. */
struct alignas(VECTOR) Sixteen {
    int8_t word[VECTOR];
};
struct alignas(2 * VECTOR) Wide {
    Bf16 word[VECTOR];
};

__global__ void spread_words(const Sixteen *from, int64_t count, Wide *to)
{
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count;
         i += step) {
        const Sixteen narrow_ones = from[i];
        Wide wide;
#pragma unroll
        for (int j = 0; j < VECTOR; j++) {
            narrow(static_cast<float>(narrow_ones.word[j]), &wide.word[j]);
        }
        to[i] = wide;
    }
}

ProductShape shape_of(const Spread &spread, int64_t outputs, const void *slab)
{
    ProductShape shape = {};
    shape.element = ASSAY_BF16;
    shape.result = ASSAY_F32;
    shape.compute = CUBLAS_COMPUTE_32F;
    shape.outputs = outputs;
    shape.depth = spread.depth;
    shape.weight_pitch = spread.pitch;
    shape.input_pitch = spread.depth;
    shape.weight_alignment = alignment_of(slab);
    return shape;
}

/* Planned on a slab of numbers that is freed again: a run brings its own. */
assay_status plan_slabs(const assay_exec *exec, Uploads *scratch, Spread *spread)
{
    void *slab = nullptr;
    const int64_t count = spread->slab * spread->pitch;
    assay_status status =
        reserve(exec, slab_bytes(spread->outputs, spread->depth), scratch, &slab);
    status = status != ASSAY_OK ? status : draw<Bf16>(exec, slab, count);
    const Fixed fixed = {slab, nullptr, nullptr};
    if (status == ASSAY_OK) {
        status = open_product(exec, shape_of(*spread, spread->slab, slab), fixed, draw<Bf16>,
                              &spread->whole);
        status = status != ASSAY_OK ? status : expect_algorithm(exec, spread->whole);
    }
    const int64_t rest = spread->outputs % spread->slab;
    if (status == ASSAY_OK && rest != 0) {
        status = open_product(exec, shape_of(*spread, rest, slab), fixed, draw<Bf16>,
                              &spread->rest);
        status = status != ASSAY_OK ? status : expect_algorithm(exec, spread->rest);
    }
    return status;
}

} // namespace

assay_status open_spread(const assay_exec *exec, const Matrix &weight, int64_t outputs,
                         int64_t depth, Uploads *uploads, Spread *spread)
{
    spread->outputs = outputs;
    spread->depth = depth;
    spread->pitch = pitch_of(ASSAY_I8, depth);
    spread->slab = slab_of(outputs, depth);
    Fixed fixed = {};
    assay_status status =
        place_words<int8_t>(exec, weight, outputs, depth, spread->pitch, uploads, &fixed);
    spread->words = static_cast<const int8_t *>(fixed.weight);
    spread->scale = fixed.scale;
    Uploads scratch = {};
    status = status != ASSAY_OK ? status : plan_slabs(exec, &scratch, spread);
    release_uploads(&scratch); /* waits for what is on the device */
    return status;
}

assay_status run_spread(const assay_exec *exec, const Spread &spread, const Rows &rows,
                        float *result, int64_t pitch, void *slab, void *scratch)
{
    for (int64_t first = 0; first < spread.outputs; first += spread.slab) {
        const int64_t outputs = least(spread.slab, spread.outputs - first);
        const int64_t count = outputs * spread.pitch / VECTOR;
        const int8_t *const from = spread.words + first * spread.pitch;
        ASSAY_LAUNCH(exec, spread_words, (Dimensions{grid_stride(count), dim3(BLOCK), 0}),
                     reinterpret_cast<const Sixteen *>(from), count, static_cast<Wide *>(slab));
        Product product = outputs == spread.slab ? spread.whole : spread.rest;
        product.fixed.weight = slab;
        const assay_status status =
            run_product(exec, product, rows, result + first, pitch, scratch);
        if (status != ASSAY_OK) {
            return status;
        }
    }
    return ASSAY_OK;
}

} // namespace assay_cublas
