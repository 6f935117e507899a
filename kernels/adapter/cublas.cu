/* adapter: the full-rank one is a layer of normalised rows (kernels/cublas/layer.h); the others are no
 * large product, and the CUDA kernel's. */
#include "kernels/cublas/layer.h"
#include "kernels/cublas/list.h"
#include "kernels/cuda/adapter.h"
#include "kernels/cuda/state.h"

namespace assay_cublas {
namespace {

struct State {
    Uploads uploads;
    Matrix mean;
    Layer layer;
    void *other; /* of the CUDA kernel; NULL: this is full rank */
};

template <typename Mode> const assay_kernel &cuda_kernel()
{
    static const assay_kernel kernel = cuda_adapter(Mode::io);
    return kernel;
}

/* The CUDA kernel's low-rank products are in f32: only there do they keep this mode's contract. */
template <typename Mode>
assay_status type_served(const assay_adapter_params *params, assay_error *error)
{
    const bool low_rank = params->type == ASSAY_ADAPTER_LOW_RANK_ONLY ||
                          params->type == ASSAY_ADAPTER_SCALAR_AFFINE_PLUS_LOW_RANK;
    return low_rank && Mode::element != ASSAY_F32
               ? assay_fail(error, ASSAY_UNSUPPORTED,
                            "low-rank adapters are multiplied in f32, which is not the contract of "
                            "'%s'; cublas and the cuda backend have them", Mode::name)
               : ASSAY_OK;
}

template <typename Mode> void release_adapter(const assay_exec *exec, void *state)
{
    State *const own = static_cast<State *>(state);
    if (own != nullptr && own->other != nullptr) {
        cuda_kernel<Mode>().release(exec, own->other);
    }
    release_state<State>(exec, state);
}

template <typename Mode> LayerForm form_in(const assay_adapter_params *params)
{
    return form_of(params->weight, params->bias, ASSAY_F32, Mode::io);
}

template <typename Mode>
assay_status open(const assay_exec *exec, const assay_adapter_params *params, State *own)
{
    const assay_status served = type_served<Mode>(params, exec->error);
    if (served != ASSAY_OK || params->type != ASSAY_ADAPTER_FULL_RANK) {
        return served != ASSAY_OK
                   ? served
                   : cuda_kernel<Mode>().run.adapter.prepare(exec, params, &own->other);
    }
    Matrix weight = {};
    Matrix bias = {};
    assay_status status = upload(exec, "mean", params->mean, false, &own->uploads, &own->mean);
    status = status != ASSAY_OK
                 ? status
                 : upload(exec, "bias", params->bias, false, &own->uploads, &bias);
    status = status != ASSAY_OK
                 ? status
                 : upload(exec, "weight", params->weight, false, &own->uploads, &weight);
    return status != ASSAY_OK ? status
                              : open_layer<Mode>(exec, form_in<Mode>(params), weight, bias,
                                                 &own->uploads, &own->layer);
}

template <typename Mode>
assay_status prepare(const assay_exec *exec, const assay_adapter_params *params, void **state)
{
    return prepare_state<State>(exec, "adapter", state, [&](State *own) {
        return open<Mode>(exec, params, own);
    });
}

/* Of one row: its v in f32, and the layer's. */
template <typename Mode>
int64_t rows_at_once(const assay_adapter_params *params, const assay_adapter_io *io)
{
    const LayerRow row = layer_row<Mode>(form_in<Mode>(params));
    const size_t v = static_cast<size_t>(io->x.shape[1]) * sizeof(float);
    return rows_that_fit(io->x.shape[0], row_bytes(row) + v, WORKSPACE_MOST);
}

template <typename Mode>
size_t layer_part(const assay_adapter_params *params, const assay_adapter_io *io)
{
    return layer_bytes(layer_row<Mode>(form_in<Mode>(params)), rows_at_once<Mode>(params, io));
}

template <typename Mode>
size_t workspace(const assay_adapter_params *params, const assay_adapter_io *io)
{
    return params->type != ASSAY_ADAPTER_FULL_RANK
               ? cuda_kernel<Mode>().run.adapter.workspace(params, io)
               : layer_part<Mode>(params, io) +
                     static_cast<size_t>(rows_at_once<Mode>(params, io) * io->x.shape[1]) *
                         sizeof(float);
}

template <typename Mode>
assay_status run(const assay_exec *exec, const assay_adapter_params *params, const void *state,
                 const assay_adapter_io *io)
{
    const State &own = *static_cast<const State *>(state);
    if (own.other != nullptr) {
        return cuda_kernel<Mode>().run.adapter.run(exec, params, own.other, io);
    }
    const Operand typed[] = {{"y", &io->y}};
    const Operand others[] = {{"x", &io->x}};
    assay_status status = expect(exec, Mode::io, typed, others);
    status = status != ASSAY_OK ? status : expect_workspace(exec, workspace<Mode>(params, io));
    const int64_t rows = io->x.shape[0];
    const int64_t d = io->x.shape[1];
    const int64_t at_once = rows_at_once<Mode>(params, io);
    float *const v = reinterpret_cast<float *>(static_cast<char *>(exec->workspace) +
                                               layer_part<Mode>(params, io));
    for (int64_t first = 0; status == ASSAY_OK && first < rows; first += at_once) {
        const int64_t here = least(at_once, rows - first);
        const Dimensions size = {dim3(static_cast<unsigned>(here)), dim3(BLOCK), 0};
        ASSAY_LAUNCH(exec, input_rows, size, matrix_of(io->x), own.mean, first, d,
                     params->normalize_input, v);
        status = run_layer<Mode>(exec, own.layer, {v, d, 1, ASSAY_F32}, here,
                                 from_row(matrix_of(io->y), first), exec->workspace);
    }
    return status;
}

template <typename Mode>
assay_status supports(const assay_device *device, const assay_adapter_params *params,
                      const assay_adapter_io *io, assay_error *error)
{
    assay_status status = mode_served<Mode>(device, error);
    status = status != ASSAY_OK ? status : type_served<Mode>(params, error);
    if (status == ASSAY_OK && params->type != ASSAY_ADAPTER_FULL_RANK) {
        return cuda_kernel<Mode>().run.adapter.supports(device, params, io, error);
    }
    status = status != ASSAY_OK ? status
                                : shape_served<Mode>(params->weight.shape[0],
                                                     params->weight.shape[1], error);
    status = status != ASSAY_OK ? status : weight_served("weight", params->weight, error);
    return status != ASSAY_OK ? status
                              : rows_served<Mode>(device, form_in<Mode>(params), io->x.shape[0],
                                                  rows_at_once<Mode>(params, io), error);
}

} // namespace

template <typename Mode> assay_kernel describe_adapter()
{
    assay_kernel kernel =
        describe<Mode>(ASSAY_OP_adapter, "full rank: cuBLASLt, bias in its epilogue");
    kernel.alignment[5] = VECTOR; /* weight */
    kernel.alignment[7] = VECTOR; /* y */
    kernel.run.adapter.supports = supports<Mode>;
    kernel.run.adapter.workspace = workspace<Mode>;
    kernel.run.adapter.prepare = prepare<Mode>;
    kernel.run.adapter.run = run<Mode>;
    kernel.release = release_adapter<Mode>;
    return kernel;
}

ASSAY_CUBLAS_UNSCALED(ASSAY_CUBLAS_INSTANTIATE, adapter)

} // namespace assay_cublas
