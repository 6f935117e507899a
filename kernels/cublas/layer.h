/* A layer of weights and a bias in one mode: what linear is, and the full-rank adapter after its
 * rows are normalised. Weights of another type than the mode multiplies are packed once, when the
 * layer is prepared; inputs of another type, for a piece of rows at a time, in the workspace:
 *
 *   library  what cuBLASLt splits sums in
 *   input    [rows, pitch] elements, where the input is of another type
 *   result   [rows, outputs] of D's type, where a kernel of ours finishes */
#ifndef KERNELS_CUBLAS_LAYER_H
#define KERNELS_CUBLAS_LAYER_H

#include "kernels/cublas/matmul.h"
#include "kernels/cublas/mode.h"
#include "kernels/cuda/upload.h"

namespace assay_cublas {

struct Layer {
    Uploads uploads;
    Product product;
    Ending ending;
    Matrix bias; /* where our kernel adds it; else data NULL */
    int64_t outputs, depth;
};

/* Sizes of one row's scratch; `from` is the input's type. */
struct LayerRow {
    size_t input, result;
};

inline assay_dtype bias_type(const assay_tensor &bias)
{
    return assay_present(&bias) ? bias.dtype : ASSAY_NONE;
}

template <typename Mode>
LayerRow layer_row(const assay_tensor &weight, const assay_tensor &bias, assay_dtype from)
{
    const Ending ending = ending_of(Mode::element, Mode::io, bias_type(bias));
    const size_t size = assay_dtype_size(Mode::element);
    const size_t pitch = static_cast<size_t>(pitch_of(Mode::element, weight.shape[1]));
    return {from == Mode::element ? 0 : pitch * size,
            ending.finish
                ? static_cast<size_t>(weight.shape[0]) * assay_dtype_size(ending.result)
                : 0};
}

inline size_t layer_bytes(const LayerRow &row, int64_t rows)
{
    return library_workspace() + whole(static_cast<size_t>(rows) * row.input) +
           whole(static_cast<size_t>(rows) * row.result);
}

/* A weight as it is multiplied: as it lies where it is of the type, else packed. */
template <typename Element>
assay_status place_weight(const assay_exec *exec, assay_dtype type, const Matrix &weight,
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

/* Numbers between -1 and 1 to time products on: zeros would be faster than data is. */
template <typename Element>
static __global__ void draw_numbers(Element *to, int64_t count)
{
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count;
         i += step) {
        uint32_t word = static_cast<uint32_t>(i) * 2654435761u;
        word ^= word >> 15;
        word *= 2246822519u;
        word ^= word >> 13;
        narrow(static_cast<float>(word) * 0x1p-31f - 1.0f, to + i);
    }
}

template <typename Element>
assay_status draw(const assay_exec *exec, void *operand, int64_t count)
{
    const Dimensions size = {grid_stride(count), dim3(BLOCK), 0};
    ASSAY_LAUNCH(exec, draw_numbers<Element>, size, static_cast<Element *>(operand), count);
    return ASSAY_OK;
}

/* weight [outputs, depth] and bias (data NULL: none) on the device. Inputs of the mode's own type
 * are dense. */
template <typename Mode>
assay_status open_layer(const assay_exec *exec, const Matrix &weight, const Matrix &bias,
                        int64_t outputs, int64_t depth, assay_dtype from, Layer *layer)
{
    const assay_dtype bias_dtype =
        bias.data == nullptr ? ASSAY_NONE : static_cast<assay_dtype>(bias.dtype);
    layer->ending = ending_of(Mode::element, Mode::io, bias_dtype);
    layer->outputs = outputs;
    layer->depth = depth;
    layer->bias = {nullptr, 0, 0, ASSAY_F32};
    if (layer->ending.finish && !layer->ending.epilogue) {
        layer->bias = bias;
    }
    const void *placed = nullptr;
    void *added = nullptr;
    ProductShape shape = {};
    assay_status status =
        place_weight<typename Mode::Element>(exec, Mode::element, weight, outputs, depth,
                                             &layer->uploads, &placed, &shape.weight_pitch);
    if (status == ASSAY_OK && layer->ending.epilogue) {
        status = place_bias(exec, layer->ending.result, bias, outputs, &layer->uploads, &added);
    }
    shape.element = Mode::element;
    shape.result = layer->ending.result;
    shape.compute = Mode::compute;
    shape.bias = layer->ending.epilogue;
    shape.outputs = outputs;
    shape.depth = depth;
    shape.input_pitch = from == Mode::element ? depth : pitch_of(Mode::element, depth);
    shape.weight_alignment = alignment_of(placed);
    return status != ASSAY_OK ? status
                              : open_product(exec, shape, placed, added,
                                             draw<typename Mode::Element>, &layer->product);
}

inline void close_layer(Layer *layer)
{
    close_product(&layer->product);
    release_uploads(&layer->uploads);
}

/* y = D + bias, rounded once. */
template <typename T>
static __global__ void finish_rows(Matrix result, Matrix bias, Matrix y, int64_t rows,
                                   int64_t columns)
{
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t at = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
         at < rows * columns; at += step) {
        const int64_t row = at / columns;
        const int64_t column = at % columns;
        const double value = static_cast<double>(load(result, row, column)) +
                             element_or(bias, column, 0.0);
        narrow(value, address<T>(y, row, column));
    }
}

/* y = the layer of `rows` rows of x. workspace: layer_bytes of them. */
template <typename Mode>
assay_status run_layer(const assay_exec *exec, const Layer &layer, const Matrix &x, int64_t rows,
                       const Matrix &y, void *workspace)
{
    using Element = typename Mode::Element;
    char *const library = static_cast<char *>(workspace);
    char *at = library + library_workspace();
    const void *input = x.data;
    const int64_t pitch = layer.product.shape.input_pitch;
    assay_status status = ASSAY_OK;
    if (x.dtype != Mode::element) {
        Element *const packed = reinterpret_cast<Element *>(at);
        status = pack(exec, x, rows, layer.depth, packed, pitch);
        at += whole(static_cast<size_t>(rows * pitch) * sizeof(Element));
        input = packed;
    }
    void *const result = layer.ending.finish ? at : y.data;
    const int64_t result_pitch = layer.ending.finish ? layer.outputs : y.row;
    if (status == ASSAY_OK) {
        status = run_product(exec, layer.product, input, rows, result, result_pitch, library);
    }
    if (status == ASSAY_OK && layer.ending.finish) {
        const Matrix sums = {result, layer.outputs, 1, layer.ending.result};
        const Dimensions size = {grid_stride(rows * layer.outputs), dim3(BLOCK), 0};
        ASSAY_LAUNCH(exec, finish_rows<typename Mode::Io>, size, sums, layer.bias, y, rows,
                     layer.outputs);
    }
    return status;
}

/* The same matrix from a row on. */
inline Matrix from_row(const Matrix &m, int64_t row)
{
    const int64_t size =
        static_cast<int64_t>(assay_dtype_size(static_cast<assay_dtype>(m.dtype)));
    Matrix rest = m;
    rest.data = static_cast<char *>(m.data) + row * m.row * size;
    return rest;
}

} // namespace assay_cublas

#endif
