/* linear: f32 products and sums (kernels/cuda/product.h); the bias is added before the one rounding
 * to the output type. Several of one x are one grid, whose blocks are dealt out among them. */
#include "kernels/cuda/biased.h"

namespace assay_cuda {
namespace {

template <typename T> struct Biased {
    Matrix bias, y;
    int64_t first; /* row of y that row 0 is */

    Biased from(int64_t row) const { return {bias, y, row}; }

    __device__ __forceinline__ void operator()(int64_t n, int64_t o, float dot) const
    {
        *address<T>(y, first + n, o) = biased<T>(bias, o, dot);
    }
};

/* One of several: its blocks begin at `block` of the grid. */
struct Layer {
    Matrix weight, bias, y;
    int64_t columns, block;
};

struct Layers {
    Layer layer[ASSAY_LINEARS_MAX]; /* those that are not there begin where the grid ends */
};

#ifdef ASSAY_EMULATED
bool is_there(const Layers &layers)
{
    bool there = true;
    for (const Layer &layer : layers.layer) {
        there = there && assay_cuda::is_there(layer.weight) && assay_cuda::is_there(layer.bias) &&
                assay_cuda::is_there(layer.y);
    }
    return there;
}
#endif

/* Field by field: a choice between references would put the layers on the stack. */
__device__ __forceinline__ Matrix chosen(bool second, const Matrix &a, const Matrix &b)
{
    return {second ? b.data : a.data, second ? b.row : a.row, second ? b.column : a.column,
            second ? b.dtype : a.dtype};
}

__device__ __forceinline__ Layer layer_of(const Layers &layers, int64_t block)
{
    Layer own = layers.layer[0];
#pragma unroll
    for (int i = 1; i < ASSAY_LINEARS_MAX; i++) {
        const Layer &next = layers.layer[i];
        const bool later = block >= next.block;
        own = {chosen(later, own.weight, next.weight), chosen(later, own.bias, next.bias),
               chosen(later, own.y, next.y), later ? next.columns : own.columns,
               later ? next.block : own.block};
    }
    return own;
}

template <typename A, typename B, typename T>
__global__ void __launch_bounds__(BLOCK, RESIDENT)
    layers_columns(Matrix x, Layers layers, int64_t rows, int64_t depth)
{
    const Layer own = layer_of(layers, blockIdx.x);
    columns_of_block<A, B>(x, own.weight, rows, own.columns, depth, blockIdx.x - own.block,
                           Biased<T>{own.bias, own.y, 0});
}

template <typename T>
__global__ void __launch_bounds__(BLOCK, RESIDENT)
    layers_tile(Matrix x, Layers layers, int64_t rows, int64_t depth, int64_t first)
{
    const Layer own = layer_of(layers, blockIdx.x);
    tile_of_block(x, own.weight, rows, own.columns, depth, blockIdx.x - own.block,
                  Biased<T>{own.bias, own.y, first});
}

template <typename T>
assay_status run(const assay_exec *exec, const assay_linear_params *params, const void *,
                 const assay_linear_io *io)
{
    const Operand typed[] = {{"x", &io->x}, {"y", &io->y}};
    const Operand others[] = {{"weight", &params->weight}, {"bias", &params->bias}};
    const assay_status status = expect(exec, Flow<T>::type, typed, others);
    if (status != ASSAY_OK) {
        return status;
    }
    const Biased<T> finish = {matrix_of(params->bias), matrix_of(io->y), 0};
    return product(exec, matrix_of(io->x), matrix_of(params->weight), io->x.shape[0],
                   io->y.shape[1], io->x.shape[1], finish);
}

assay_status supports(const assay_device *device, const assay_linear_params *params,
                      const assay_linear_io *, assay_error *error)
{
    assay_status status = device_served(device, error);
    status = status != ASSAY_OK ? status : weight_served("weight", params->weight, error);
    return status != ASSAY_OK ? status : weight_served("bias", params->bias, error);
}

/* The layers in blocks of so many columns; *blocks of the grid. */
Layers deal(const assay_linears_steps *steps, const assay_linears_io *io, int64_t of_each,
            int64_t *blocks)
{
    Layers layers = {};
    *blocks = 0;
    for (int i = 0; i < ASSAY_LINEARS_MAX; i++) {
        Layer *const layer = &layers.layer[i];
        layer->block = *blocks;
        if (i < steps->count) {
            const assay_linear_params *const params = steps->linear[i].params;
            layer->weight = matrix_of(params->weight);
            layer->bias = matrix_of(params->bias);
            layer->y = matrix_of(io->y[i]);
            layer->columns = io->y[i].shape[1];
            *blocks += blocks_for(layer->columns, of_each);
        }
    }
    return layers;
}

template <typename A, typename B, typename T>
assay_status few_rows(const assay_exec *exec, const assay_linears_steps *steps,
                      const assay_linears_io *io)
{
    int64_t blocks = 0;
    const Layers layers = deal(steps, io, WARPS, &blocks);
    const dim3 grid = grid_of_few(blocks, io->x.shape[0]);
    ASSAY_LAUNCH(exec, (layers_columns<A, B, T>), (Dimensions{grid, dim3(BLOCK), 0}),
                 matrix_of(io->x), layers, io->x.shape[0], io->x.shape[1]);
    return ASSAY_OK;
}

template <typename T>
assay_status many_rows(const assay_exec *exec, const assay_linears_steps *steps,
                       const assay_linears_io *io)
{
    int64_t blocks = 0;
    const Layers layers = deal(steps, io, TILE, &blocks);
    return in_tiles(matrix_of(io->x), io->x.shape[0],
                    [&](const Matrix &part, int64_t first, int64_t count, unsigned tall) {
                        const dim3 grid(static_cast<unsigned>(blocks), tall);
                        ASSAY_LAUNCH(exec, layers_tile<T>, (Dimensions{grid, dim3(BLOCK), 0}), part,
                                     layers, count, io->x.shape[1], first);
                        return ASSAY_OK;
                    });
}

template <typename T>
assay_status run_layers(const assay_exec *exec, const assay_linears_steps *steps,
                        const assay_linears_io *io)
{
    const Matrix x = matrix_of(io->x);
    Form form = FORM_ANY;
    bool alike = true; /* one code serves all */
    for (int i = 0; i < steps->count; i++) {
        const assay_linear_params *const params = steps->linear[i].params;
        const Operand typed[] = {{"x", &io->x}, {"y", &io->y[i]}};
        const Operand others[] = {{"weight", &params->weight}, {"bias", &params->bias}};
        const assay_status status = expect(exec, Flow<T>::type, typed, others);
        if (status != ASSAY_OK) {
            return status;
        }
        const Form own = form_of(x, matrix_of(params->weight), io->x.shape[1]);
        alike = alike && (i == 0 || own == form);
        form = own;
    }
    if (io->x.shape[0] > FEW_ROWS) {
        return many_rows<T>(exec, steps, io);
    }
    return by_form(alike ? form : FORM_ANY, [&](auto of_x, auto of_weight) {
        return few_rows<decltype(of_x), decltype(of_weight), T>(exec, steps, io);
    });
}

assay_status supports_layers(const assay_device *device, const assay_linears_steps *steps,
                             const assay_linears_io *, assay_error *error)
{
    assay_status status = ASSAY_OK;
    for (int i = 0; status == ASSAY_OK && i < steps->count; i++) {
        status = supports(device, steps->linear[i].params, nullptr, error);
    }
    return status;
}

template <typename T> assay_kernel describe_op()
{
    assay_kernel kernel = describe<T>(
        ASSAY_OP_linear, "tiles of 64 x 64, or a warp a column for few rows", ASSAY_ORDER_LANES);
    kernel.run.linear.supports = supports;
    kernel.run.linear.run = run<T>;
    return kernel;
}

} // namespace

ASSAY_CUDA_KERNEL(linear)

assay_linears_functions cuda_linears(assay_dtype type)
{
    return {supports_layers, nullptr, type == ASSAY_BF16 ? run_layers<Bf16> : run_layers<float>};
}

} // namespace assay_cuda
