/* A layer's weights and bias as they are multiplied and added: packed once, when the layer is
 * prepared, unless they lie so. */
#ifndef KERNELS_CUBLAS_PLACE_H
#define KERNELS_CUBLAS_PLACE_H

#include "kernels/cublas/matmul.h"
#include "kernels/cublas/mode.h"
#include "kernels/cublas/quantise.h"
#include "kernels/cuda/upload.h"

namespace assay_cublas {

/* The same matrix from a row on. */
inline Matrix from_row(const Matrix &m, int64_t row)
{
    const int64_t size =
        static_cast<int64_t>(assay_dtype_size(static_cast<assay_dtype>(m.dtype)));
    Matrix rest = m;
    rest.data = static_cast<char *>(m.data) + row * m.row * size;
    return rest;
}

/* A weight as words with a scale for each row. */
template <typename Element>
assay_status place_words(const assay_exec *exec, const Matrix &weight, int64_t rows,
                         int64_t columns, int64_t pitch, Uploads *uploads, Fixed *placed)
{
    void *words = nullptr;
    void *scale = nullptr;
    assay_status status =
        reserve(exec, static_cast<size_t>(rows * pitch) * sizeof(Element), uploads, &words);
    status = status != ASSAY_OK
                 ? status
                 : reserve(exec, static_cast<size_t>(rows) * sizeof(float), uploads, &scale);
    placed->weight = words;
    placed->scale = static_cast<float *>(scale);
    return status != ASSAY_OK ? status
                              : quantise(exec, weight, rows, columns, static_cast<Element *>(words),
                                         pitch, static_cast<float *>(scale));
}

/* A weight as it is multiplied: as it lies where it is of the type, else packed. */
template <typename Element>
assay_status pack_weight(const assay_exec *exec, assay_dtype type, const Matrix &weight,
                          int64_t rows, int64_t columns, Uploads *uploads, const void **placed,
                          int64_t *pitch)
{
    if (weight.dtype == type && weight.column == 1) {
        *placed = weight.data;
        *pitch = weight.row;
        return ASSAY_OK;
    }
    void *memory = nullptr;
    *pitch = pitch_of(type, columns);
    const size_t bytes = static_cast<size_t>(rows * *pitch) * sizeof(Element);
    const assay_status status = reserve(exec, bytes, uploads, &memory);
    *placed = memory;
    return status != ASSAY_OK
               ? status
               : pack(exec, weight, rows, columns, static_cast<Element *>(memory), *pitch);
}

/* One or the other. */
template <typename Mode>
assay_status place_weight(const assay_exec *exec, const Matrix &weight, int64_t rows,
                          int64_t columns, Uploads *uploads, Fixed *placed, int64_t *pitch)
{
    if constexpr (Mode::scaled) {
        *pitch = pitch_of(Mode::element, columns);
        return place_words<typename Mode::Element>(exec, weight, rows, columns, *pitch, uploads,
                                                   placed);
    } else {
        return pack_weight<typename Mode::Element>(exec, Mode::element, weight, rows, columns,
                                                   uploads, &placed->weight, pitch);
    }
}

/* A bias in the type that the library adds it in. */
inline assay_status place_bias(const assay_exec *exec, assay_dtype type, const Matrix &bias,
                               int64_t count, Uploads *uploads, void **placed)
{
    const size_t bytes = static_cast<size_t>(count) * assay_dtype_size(type);
    const assay_status status = reserve(exec, bytes, uploads, placed);
    if (status != ASSAY_OK) {
        return status;
    }
    return type == ASSAY_BF16 ? pack(exec, bias, 1, count, static_cast<Bf16 *>(*placed), count)
                              : pack(exec, bias, 1, count, static_cast<float *>(*placed), count);
}

} // namespace assay_cublas

#endif
