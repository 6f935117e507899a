/* swiglu: silu in f32, rounded between its steps as the contract says. Fused with the two products
 * before it, a warp or a block takes the same columns of both, one after the other. */
#include "kernels/cuda/biased.h"
#include "kernels/cuda/pairs.h"

namespace assay_cuda {
namespace {

/* The weights and biases of gate and up. */
struct Sides {
    Matrix gate, gate_bias, up, up_bias;
};

#ifdef ASSAY_EMULATED
bool is_there(const Sides &sides)
{
    return assay_cuda::is_there(sides.gate) && assay_cuda::is_there(sides.gate_bias) &&
           assay_cuda::is_there(sides.up) && assay_cuda::is_there(sides.up_bias);
}
#endif

/* Of two dots: each rounded as linear's output is, then as swiglu does it. */
template <typename T>
__device__ __forceinline__ void store_gated(const Sides &sides, const Matrix &y, int64_t n,
                                            int64_t o, float gate, float up)
{
    const float g = widen(biased<T>(sides.gate_bias, o, gate));
    const float u = widen(biased<T>(sides.up_bias, o, up));
    narrow(GatedProduct::of<T>(g, u), address<T>(y, n, o));
}

template <typename A, typename B, typename T>
__global__ void __launch_bounds__(BLOCK, RESIDENT)
    gated_columns(Matrix x, Sides sides, Matrix y, int64_t rows, int64_t columns, int64_t depth)
{
    const int64_t o = static_cast<int64_t>(blockIdx.x) * WARPS + threadIdx.x / WARP;
    const int64_t first = static_cast<int64_t>(blockIdx.y) * ROWS_OF_WARP;
    if (o >= columns) {
        return; /* with its whole warp; there is no barrier of the block */
    }
    float gate[ROWS_OF_WARP] = {};
    float up[ROWS_OF_WARP] = {};
    lane_dots<A, B>(x, sides.gate, rows, depth, first, o, gate);
    lane_dots<A, B>(x, sides.up, rows, depth, first, o, up);
#pragma unroll
    for (int n = 0; n < ROWS_OF_WARP; n++) {
        if (first + n < rows) {
            const float g = warp_reduce<Sum>(gate[n]);
            const float u = warp_reduce<Sum>(up[n]);
            if (threadIdx.x % WARP == 0) {
                store_gated<T>(sides, y, first + n, o, g, u);
            }
        }
    }
}

template <typename T>
__global__ void __launch_bounds__(BLOCK, RESIDENT)
    gated_tile(Matrix x, Sides sides, Matrix y, int64_t rows, int64_t columns, int64_t depth,
               int64_t first)
{
    ASSAY_SHARED(float, stage, 2 * TILE_DEPTH * TILE_PITCH);
    const int64_t row_first = static_cast<int64_t>(blockIdx.y) * TILE;
    const int64_t column_first = static_cast<int64_t>(blockIdx.x) * TILE;
    float gate[OWN][OWN];
    float up[OWN][OWN];
    tile_dots(x, sides.gate, rows, columns, depth, row_first, column_first, stage, gate);
    tile_dots(x, sides.up, rows, columns, depth, row_first, column_first, stage, up);
#pragma unroll
    for (int i = 0; i < OWN; i++) {
#pragma unroll
        for (int j = 0; j < OWN; j++) {
            const int64_t n = row_first + own_row() + i;
            const int64_t o = column_first + own_column() + j;
            if (n < rows && o < columns) {
                store_gated<T>(sides, y, first + n, o, gate[i][j], up[i][j]);
            }
        }
    }
}

template <typename A, typename B, typename T>
assay_status few_rows(const assay_exec *exec, const Sides &sides,
                      const assay_gate_up_swiglu_io *io)
{
    const int64_t columns = io->y.shape[1];
    const dim3 grid = grid_of_few(blocks_for(columns, WARPS), io->x.shape[0]);
    ASSAY_LAUNCH(exec, (gated_columns<A, B, T>), (Dimensions{grid, dim3(BLOCK), 0}),
                 matrix_of(io->x), sides, matrix_of(io->y), io->x.shape[0], columns,
                 io->x.shape[1]);
    return ASSAY_OK;
}

template <typename T>
assay_status many_rows(const assay_exec *exec, const Sides &sides,
                       const assay_gate_up_swiglu_io *io)
{
    const int64_t columns = io->y.shape[1];
    return in_tiles(matrix_of(io->x), io->x.shape[0],
                    [&](const Matrix &part, int64_t first, int64_t count, unsigned tall) {
                        const dim3 grid(static_cast<unsigned>(blocks_for(columns, TILE)), tall);
                        ASSAY_LAUNCH(exec, gated_tile<T>, (Dimensions{grid, dim3(BLOCK), 0}), part,
                                     sides, matrix_of(io->y), count, columns, io->x.shape[1],
                                     first);
                        return ASSAY_OK;
                    });
}

template <typename T>
assay_status run_gated(const assay_exec *exec, const assay_gate_up_swiglu_steps *steps,
                       const assay_gate_up_swiglu_io *io)
{
    const assay_linear_params *const gate = steps->gate.params;
    const assay_linear_params *const up = steps->up.params;
    const Operand typed[] = {{"x", &io->x}, {"y", &io->y}};
    const Operand others[] = {{"gate", &gate->weight}, {"gate's bias", &gate->bias},
                              {"up", &up->weight}, {"up's bias", &up->bias}};
    const assay_status status = expect(exec, Flow<T>::type, typed, others);
    if (status != ASSAY_OK) {
        return status;
    }
    const Sides sides = {matrix_of(gate->weight), matrix_of(gate->bias), matrix_of(up->weight),
                         matrix_of(up->bias)};
    if (io->x.shape[0] > FEW_ROWS) {
        return many_rows<T>(exec, sides, io);
    }
    const Form form = form_of(matrix_of(io->x), sides.gate, io->x.shape[1]);
    const bool alike = form == form_of(matrix_of(io->x), sides.up, io->x.shape[1]);
    return by_form(alike ? form : FORM_ANY, [&](auto of_x, auto of_weight) {
        return few_rows<decltype(of_x), decltype(of_weight), T>(exec, sides, io);
    });
}

assay_status supports_gated(const assay_device *device, const assay_gate_up_swiglu_steps *steps,
                            const assay_gate_up_swiglu_io *, assay_error *error)
{
    assay_status status = device_served(device, error);
    for (const assay_linear_params *params : {steps->gate.params, steps->up.params}) {
        status = status != ASSAY_OK ? status : weight_served("weight", params->weight, error);
        status = status != ASSAY_OK ? status : weight_served("bias", params->bias, error);
    }
    return status;
}

template <typename T>
assay_status run(const assay_exec *exec, const assay_swiglu_params *, const void *,
                 const assay_swiglu_io *io)
{
    return run_pairs<T, GatedProduct>(exec, {"gate", &io->gate}, {"up", &io->up}, io->y);
}

assay_status supports(const assay_device *device, const assay_swiglu_params *,
                      const assay_swiglu_io *, assay_error *error)
{
    return device_served(device, error);
}

template <typename T> assay_kernel describe_op()
{
    assay_kernel kernel =
        describe<T>(ASSAY_OP_swiglu, "silu by an f32 exponential", ASSAY_ORDER_SEQUENTIAL);
    kernel.run.swiglu.supports = supports;
    kernel.run.swiglu.run = run<T>;
    return kernel;
}

} // namespace

ASSAY_CUDA_KERNEL(swiglu)

assay_gate_up_swiglu_functions cuda_gate_up_swiglu(assay_dtype type)
{
    return {supports_gated, nullptr, type == ASSAY_BF16 ? run_gated<Bf16> : run_gated<float>};
}

} // namespace assay_cuda
