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
#include "kernels/cublas/place.h"

namespace assay_cublas {

/* What a layer is before it has weights. */
struct LayerForm {
    int64_t outputs, depth;
    assay_dtype bias;   /* NONE: none */
    assay_dtype from;   /* inputs; of the mode's own type: dense; NONE: the caller packs them */
    assay_dtype output; /* y */
};

inline LayerForm form_of(const assay_tensor &weight, const assay_tensor &bias, assay_dtype from,
                         assay_dtype output)
{
    return {weight.shape[0], weight.shape[1], assay_present(&bias) ? bias.dtype : ASSAY_NONE, from,
            output};
}

struct Layer {
    LayerForm form;
    Product product;
    Ending ending;
    Matrix bias;               /* where our kernel adds it; else data NULL */
    const float *weight_scale; /* in modes with scales */
};

/* Sizes of one row's scratch. */
struct LayerRow {
    size_t input, scale, result;
};

inline size_t row_bytes(const LayerRow &row)
{
    return row.input + row.scale + row.result;
}

/* With scales room for the ending that needs most: which it is the device decides. */
template <typename Mode> LayerRow layer_row(const LayerForm &form)
{
    const Ending ending = ending_of(Mode::element, form.output, form.bias,
                                    Mode::scaled ? BY_KERNEL : UNSCALED);
    const size_t size = assay_dtype_size(Mode::element);
    const size_t pitch = static_cast<size_t>(pitch_of(Mode::element, form.depth));
    return {form.from == Mode::element ? 0 : pitch * size, Mode::scaled ? sizeof(float) : 0,
            ending.finish ? static_cast<size_t>(form.outputs) * assay_dtype_size(ending.result)
                          : 0};
}

inline size_t layer_bytes(const LayerRow &row, int64_t rows)
{
    const size_t count = static_cast<size_t>(rows);
    return library_workspace() + whole(count * row.input) + whole(count * row.scale) +
           whole(count * row.result);
}

/* Who scales on a device. The library does so of fp8 alone. */
template <typename Mode> Scaling scaling_on(const assay_device &device)
{
    return Mode::element == ASSAY_I8
               ? BY_KERNEL
               : scaling_of(Mode::scaled, CUBLAS_VERSION, cublasLtGetVersion(), device.compute);
}

/* The product of a layer whose weight is packed. */
template <typename Mode> ProductShape shape_of(const LayerForm &form, Scaling scaling)
{
    const Ending ending = ending_of(Mode::element, form.output, form.bias, scaling);
    ProductShape shape = {};
    shape.element = Mode::element;
    shape.result = ending.result;
    shape.compute = Mode::compute;
    shape.bias = ending.epilogue;
    shape.scaling = scaling;
    shape.outputs = form.outputs;
    shape.depth = form.depth;
    shape.weight_pitch = pitch_of(Mode::element, form.depth);
    shape.input_pitch = form.from == Mode::element ? form.depth : shape.weight_pitch;
    shape.weight_alignment = VECTOR;
    return shape;
}

/* ASSAY_UNSUPPORTED, with the library's answer, unless it multiplies so many rows, `at_once` at a
 * time: what `supports` ends with, as 8-bit products may want whole tiles of them. */
template <typename Mode>
assay_status rows_served(const assay_device *device, const LayerForm &form, int64_t rows,
                         int64_t at_once, assay_error *error)
{
    if (multiple_of(Mode::element) == 1 || rows == 0) {
        return ASSAY_OK;
    }
    ProductShape shape = shape_of<Mode>(form, scaling_on<Mode>(*device));
    if (shape.scaling == BY_LIBRARY && !any_rows_served(device, shape)) {
        shape = shape_of<Mode>(form, BY_KERNEL);
    }
    const assay_status status = expect_rows(device, shape, least(rows, at_once), error);
    return status != ASSAY_OK || rows % at_once == 0
               ? status
               : expect_rows(device, shape, rows % at_once, error);
}

/* The product of what is placed, and how it ends. */
template <typename Mode>
assay_status end_layer(const assay_exec *exec, const Matrix &bias, Scaling scaling, Fixed fixed,
                       int64_t weight_pitch, Uploads *uploads, Layer *layer)
{
    ProductShape shape = shape_of<Mode>(layer->form, scaling);
    shape.weight_pitch = weight_pitch;
    shape.weight_alignment = alignment_of(fixed.weight);
    layer->ending = ending_of(Mode::element, layer->form.output, layer->form.bias, scaling);
    layer->bias = {nullptr, 0, 0, ASSAY_F32};
    if (layer->ending.finish && !layer->ending.epilogue) {
        layer->bias = bias;
    }
    assay_status status = ASSAY_OK;
    if (layer->ending.epilogue) {
        void *added = nullptr;
        status = place_bias(exec, layer->ending.result, bias, shape.outputs, uploads, &added);
        fixed.bias = added;
    }
    return status != ASSAY_OK ? status
                              : open_product(exec, shape, fixed, draw<typename Mode::Element>,
                                             &layer->product);
}

/* weight [outputs, depth] and bias (data NULL: none) on the device. Where the library turns out to
 * scale nothing of this shape, our kernel does. */
template <typename Mode>
assay_status open_layer(const assay_exec *exec, const LayerForm &form, const Matrix &weight,
                        const Matrix &bias, Uploads *uploads, Layer *layer)
{
    layer->form = form;
    Fixed fixed = {};
    int64_t pitch = 0;
    assay_status status = shape_served<Mode>(form.outputs, form.depth, exec->error);
    status = status != ASSAY_OK ? status
                                : place_weight<Mode>(exec, weight, form.outputs, form.depth,
                                                     uploads, &fixed, &pitch);
    layer->weight_scale = fixed.scale;
    const Scaling scaling = scaling_on<Mode>(exec->device);
    status = status != ASSAY_OK ? status
                                : end_layer<Mode>(exec, bias, scaling, fixed, pitch, uploads,
                                                  layer);
    if (status == ASSAY_OK && scaling == BY_LIBRARY && !has_algorithm(layer->product)) {
        status = end_layer<Mode>(exec, bias, BY_KERNEL, fixed, pitch, uploads, layer);
    }
    return status != ASSAY_OK ? status : expect_algorithm(exec, layer->product);
}

/* Bytes of the weight that a run reads. */
template <typename Mode> uint64_t layer_bytes_read(const Layer &layer)
{
    const ProductShape &shape = layer.product.shape;
    const size_t scale = Mode::scaled ? sizeof(float) : 0;
    return static_cast<uint64_t>(shape.outputs) *
           (static_cast<uint64_t>(shape.weight_pitch) * assay_dtype_size(shape.element) + scale);
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
    const int64_t outputs = layer.form.outputs;
    const Dimensions size = {grid_stride(rows * outputs), dim3(BLOCK), 0};
    if constexpr (Mode::scaled) {
        using Total = typename Mode::Total;
        if (layer.product.shape.scaling == BY_KERNEL) {
            ASSAY_LAUNCH(exec, (dequantise_sums<Total, Io>), size, static_cast<Total *>(result),
                         outputs, scale, layer.weight_scale, layer.bias, y, rows, outputs);
            return ASSAY_OK;
        }
    }
    const Matrix sums = {result, outputs, 1, layer.ending.result};
    ASSAY_LAUNCH(exec, finish_rows<Io>, size, sums, layer.bias, y, rows, outputs);
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
            status = quantise(exec, x, rows, layer.form.depth, packed, pitch, scale);
            input.scale = scale;
        } else {
            status = pack(exec, x, rows, layer.form.depth, packed, pitch);
        }
        input.data = packed;
    }
    void *const result = layer.ending.finish ? at : y.data;
    const int64_t result_pitch = layer.ending.finish ? layer.form.outputs : y.row;
    if (status == ASSAY_OK) {
        status = run_product(exec, layer.product, input, result, result_pitch, workspace);
    }
    return status == ASSAY_OK && layer.ending.finish
               ? finish<Mode>(exec, layer, result, input.scale, rows, y)
               : status;
}

} // namespace assay_cublas

#endif
