/* A product on weights that lie as integers of 8 bits with a scale a row (quantise.h) and are
 * spread to bf16, which holds them exactly, a slab of outputs at a time: into scratch that the
 * last cache of a GPU holds, so that of the weights its memory gives one byte for each. D is of
 * f32, the sums on the integers; scales are the caller's. */
#ifndef KERNELS_CUBLAS_SPREAD_H
#define KERNELS_CUBLAS_SPREAD_H

#include "kernels/cublas/draw.h"
#include "kernels/cublas/place.h"

namespace assay_cublas {

struct Spread {
    const int8_t *words; /* [outputs, pitch] */
    const float *scale;  /* [outputs] */
    int64_t outputs, depth, pitch;
    int64_t slab;        /* outputs at a time */
    Product whole, rest; /* of a slab; of the last one, where it is smaller */
};

/* Outputs of a slab of a matrix: a whole number of D's vectors. */
inline int64_t slab_of(int64_t outputs, int64_t depth)
{
#ifdef ASSAY_EMULATED /* more than one must show in small cases */
    constexpr size_t bytes = size_t{4} << 10;
#else
    constexpr size_t bytes = size_t{16} << 20;
#endif
    constexpr int64_t whole = VECTOR / static_cast<int64_t>(sizeof(float));
    const size_t row = static_cast<size_t>(pitch_of(ASSAY_I8, depth)) * sizeof(Bf16);
    return least(outputs, rows_that_fit(outputs, row * whole, bytes) * whole);
}

/* Scratch of a slab, beside the library's. */
inline size_t slab_bytes(int64_t outputs, int64_t depth)
{
    return whole(static_cast<size_t>(slab_of(outputs, depth) * pitch_of(ASSAY_I8, depth)) *
                 sizeof(Bf16));
}

/* Quantises weight [outputs, depth]; inputs are dense rows of bf16. */
assay_status open_spread(const assay_exec *exec, const Matrix &weight, int64_t outputs,
                         int64_t depth, Uploads *uploads, Spread *spread);

/* result [rows, outputs] = the sums, `pitch` floats (whole vectors) from row to row. slab:
 * slab_bytes; scratch: library_workspace(). */
assay_status run_spread(const assay_exec *exec, const Spread &spread, const Rows &rows,
                        float *result, int64_t pitch, void *slab, void *scratch);

} // namespace assay_cublas

#endif
