/* A layer of weights and a bias in one mode: what linear is, and the full-rank adapter after its
 * rows are normalised. Weights of another type than the mode multiplies are packed once, when the
 * layer is prepared; inputs of another type, for a piece of rows at a time, in the workspace:
 *
 *   library  what cuBLASLt splits sums in
 *   input    [rows, pitch] elements, where the input is of another type
 *   scale    [rows], in modes with scales
 *   result   [rows, outputs] of D's type, where a kernel of ours finishes */
#ifndef KERNELS_CUBLAS_LAYER_H
#define KERNELS_CUBLAS_LAYER_H

#include "kernels/cublas/draw.h"
#include "kernels/cublas/matmul.h"
#include "kernels/cublas/mode.h"
#include "kernels/cublas/quantise.h"
#include "kernels/cuda/upload.h"

namespace assay_cublas {

struct Layer {
    Uploads uploads;
    Product product;
    Ending ending;
    Matrix bias;               /* where our kernel adds it; else data NULL */
    const float *weight_scale; /* in modes with scales */
    int64_t outputs, depth;
};

/* Sizes of one row's scratch; `from` is the input's type. */
struct LayerRow {
    size_t input, scale, result;
};

inline size_t row_bytes(const LayerRow &row)
{
    return row.input + row.scale + row.result;
}

inline assay_dtype bias_type(const assay_tensor &bias)
{
    return assay_present(&bias) ? bias.dtype : ASSAY_NONE;
}

/* With scales room for the ending that needs most: which it is the device decides. */
template <typename Mode>
LayerRow layer_row(const assay_tensor &weight, const assay_tensor &bias, assay_dtype from)
{
    const Ending ending = ending_of(Mode::element, Mode::io, bias_type(bias),
                                    Mode::scaled ? BY_KERNEL : UNSCALED);
    const size_t size = assay_dtype_size(Mode::element);
    const size_t pitch = static_cast<size_t>(pitch_of(Mode::element, weight.shape[1]));
    return {from == Mode::element ? 0 : pitch * size, Mode::scaled ? sizeof(float) : 0,
            ending.finish
                ? static_cast<size_t>(weight.shape[0]) * assay_dtype_size(ending.result)
                : 0};
}

inline size_t layer_bytes(const LayerRow &row, int64_t rows)
{
    const size_t count = static_cast<size_t>(rows);
    return library_workspace() + whole(count * row.input) + whole(count * row.scale) +
           whole(count * row.result);
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

/* Who scales on the device that is prepared for. */
template <typename Mode> Scaling scaling_here(const assay_exec *exec)
{
    return scaling_of(Mode::scaled, CUBLAS_VERSION, cublasLtGetVersion(), exec->device.compute);
}

/* The product of what is placed, and how it ends. */
template <typename Mode>
assay_status end_layer(const assay_exec *exec, const Matrix &bias, Scaling scaling, Fixed fixed,
                       ProductShape shape, Layer *layer)
{
    const assay_dtype bias_dtype =
        bias.data == nullptr ? ASSAY_NONE : static_cast<assay_dtype>(bias.dtype);
    layer->ending = ending_of(Mode::element, Mode::io, bias_dtype, scaling);
    layer->bias = {nullptr, 0, 0, ASSAY_F32};
    if (layer->ending.finish && !layer->ending.epilogue) {
        layer->bias = bias;
    }
    assay_status status = ASSAY_OK;
    if (layer->ending.epilogue) {
        void *added = nullptr;
        status = place_bias(exec, layer->ending.result, bias, shape.outputs, &layer->uploads,
                            &added);
        fixed.bias = added;
    }
    shape.result = layer->ending.result;
    shape.bias = layer->ending.epilogue;
    shape.scaling = scaling;
    return status != ASSAY_OK ? status
                              : open_product(exec, shape, fixed, draw<typename Mode::Element>,
                                             &layer->product);
}

/* weight [outputs, depth] and bias (data NULL: none) on the device. Inputs of the mode's own type
 * are dense. Where the library turns out to scale nothing of this shape, our kernel does. */
template <typename Mode>
assay_status open_layer(const assay_exec *exec, const Matrix &weight, const Matrix &bias,
                        int64_t outputs, int64_t depth, assay_dtype from, Layer *layer)
{
    layer->outputs = outputs;
    layer->depth = depth;
    Fixed fixed = {};
    ProductShape shape = {};
    assay_status status = place_weight<Mode>(exec, weight, outputs, depth, &layer->uploads, &fixed,
                                             &shape.weight_pitch);
    layer->weight_scale = fixed.scale;
    shape.element = Mode::element;
    shape.compute = Mode::compute;
    shape.outputs = outputs;
    shape.depth = depth;
    shape.input_pitch = from == Mode::element ? depth : pitch_of(Mode::element, depth);
    shape.weight_alignment = alignment_of(fixed.weight);
    const Scaling scaling = scaling_here<Mode>(exec);
    status = status != ASSAY_OK ? status
                                : end_layer<Mode>(exec, bias, scaling, fixed, shape, layer);
    if (status == ASSAY_OK && scaling == BY_LIBRARY && !has_algorithm(layer->product)) {
        status = end_layer<Mode>(exec, bias, BY_KERNEL, fixed, shape, layer);
    }
    return status != ASSAY_OK ? status : expect_algorithm(exec, layer->product);
}

inline void close_layer(Layer *layer)
{
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

/* y of what the library left in D. */
template <typename Mode>
assay_status finish(const assay_exec *exec, const Layer &layer, void *result, const float *scale,
                    int64_t rows, const Matrix &y)
{
    using Io = typename Mode::Io;
    const Dimensions size = {grid_stride(rows * layer.outputs), dim3(BLOCK), 0};
    if constexpr (Mode::scaled) {
        if (layer.product.shape.scaling == BY_KERNEL) {
            ASSAY_LAUNCH(exec, (dequantise_sums<float, Io>), size, static_cast<float *>(result),
                         layer.outputs, scale, layer.weight_scale, layer.bias, y, rows,
                         layer.outputs);
            return ASSAY_OK;
        }
    }
    const Matrix sums = {result, layer.outputs, 1, layer.ending.result};
    ASSAY_LAUNCH(exec, finish_rows<Io>, size, sums, layer.bias, y, rows, layer.outputs);
    return ASSAY_OK;
}

/* y = the layer of `rows` rows of x. workspace: layer_bytes of them. */
template <typename Mode>
assay_status run_layer(const assay_exec *exec, const Layer &layer, const Matrix &x, int64_t rows,
                       const Matrix &y, void *workspace)
{
    using Element = typename Mode::Element;
    char *at = static_cast<char *>(workspace) + library_workspace();
    Rows input = {x.data, nullptr, rows};
    const int64_t pitch = layer.product.shape.input_pitch;
    assay_status status = ASSAY_OK;
    if (x.dtype != Mode::element) {
        Element *const packed = reinterpret_cast<Element *>(at);
        at += whole(static_cast<size_t>(rows * pitch) * sizeof(Element));
        if constexpr (Mode::scaled) {
            float *const scale = reinterpret_cast<float *>(at);
            at += whole(static_cast<size_t>(rows) * sizeof(float));
            status = quantise(exec, x, rows, layer.depth, packed, pitch, scale);
            input.scale = scale;
        } else {
            status = pack(exec, x, rows, layer.depth, packed, pitch);
        }
        input.data = packed;
    }
    void *const result = layer.ending.finish ? at : y.data;
    const int64_t result_pitch = layer.ending.finish ? layer.outputs : y.row;
    if (status == ASSAY_OK) {
        status = run_product(exec, layer.product, input, result, result_pitch, workspace);
    }
    return status == ASSAY_OK && layer.ending.finish
               ? finish<Mode>(exec, layer, result, input.scale, rows, y)
               : status;
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
