/* What a fused encoder prepares: the weights as its engine reads them, and what stands beside each
 * latent. An engine multiplies: kernels/hopper/product.h (wgmma), kernels/tensor/product.h
 * (mma.sync). It has
 *
 *   Map                             a matrix of bf16 as it reads it
 *   make_map(...)                   as kernels/hopper/map.h says
 *   open(exec)                      before any other call
 *   prepare<Ending>(exec)           before that ending's first multiply
 *   multiply(exec, x, weight, extent, ending)   every unit that the ending wants, to the ending
 *
 * Internal linkage, as the kernels of entries.h have. */
#ifndef KERNELS_FUSED_STATE_H
#define KERNELS_FUSED_STATE_H

#include "kernels/cuda/pack.h"
#include "kernels/fused/entries.h"

namespace assay_fused {

template <typename Engine> struct State {
    Uploads uploads;
    Encoder encoder;
    Engine engine;
    typename Engine::Map weight;
    Column *column; /* whole tiles */
    int64_t weight_pitch;
};

/* The encoder as the engine reads it: as it lies where it is bf16 in rows of whole vectors, else a
 * copy, each element rounded once. */
template <typename Engine>
assay_status place_encoder(const assay_exec *exec, const Matrix &weight, State<Engine> *own)
{
    const int64_t rows = own->encoder.d_sae;
    const int64_t columns = own->encoder.d_in;
    const bool fits = weight.dtype == ASSAY_BF16 && weight.column == 1 &&
                      weight.row >= columns && weight.row % (VECTOR / 2) == 0 &&
                      reinterpret_cast<uintptr_t>(weight.data) % VECTOR == 0;
    const void *data = weight.data;
    own->weight_pitch = fits ? weight.row : pitch_of(columns);
    if (!fits) {
        void *packed = nullptr;
        assay_status status =
            reserve(exec, static_cast<size_t>(rows * own->weight_pitch) * sizeof(Bf16),
                    &own->uploads, &packed);
        status = status != ASSAY_OK ? status
                                    : pack(exec, weight, rows, columns,
                                           static_cast<Bf16 *>(packed), own->weight_pitch);
        if (status != ASSAY_OK) {
            return status;
        }
        data = packed;
    }
    return Engine::make_map(exec, "the encoder", data, rows, columns, own->weight_pitch,
                            &own->weight);
}

template <typename Engine>
assay_status place_columns(const assay_exec *exec, State<Engine> *own)
{
    const int64_t count = tiles_of(own->encoder.d_sae) * TILE_LATENTS;
    void *memory = nullptr;
    const assay_status status =
        reserve(exec, static_cast<size_t>(count) * sizeof(Column), &own->uploads, &memory);
    if (status != ASSAY_OK) {
        return status;
    }
    own->column = static_cast<Column *>(memory);
    const Dimensions size = {dim3(static_cast<unsigned>(blocks_for(count, BLOCK))), dim3(BLOCK),
                             0};
    ASSAY_LAUNCH(exec, pack_columns, size, own->encoder, own->column, count);
    return ASSAY_OK;
}

template <typename Engine>
assay_status open_state(const assay_exec *exec, const assay_sae &sae, State<Engine> *own)
{
    const Operand others[] = {{"encoder", &sae.encoder}};
    assay_status status = expect(exec, ASSAY_BF16, nullptr, 0, others, 1);
    status = status != ASSAY_OK ? status : upload_encoder(exec, sae, &own->uploads, &own->encoder);
    status = status != ASSAY_OK ? status : place_encoder(exec, own->encoder.weight, own);
    status = status != ASSAY_OK ? status : place_columns(exec, own);
    status = status != ASSAY_OK ? status : own->engine.open(exec);
    status = status != ASSAY_OK ? status : Engine::template prepare<Find>(exec);
    status = status != ASSAY_OK ? status : Engine::template prepare<Finish>(exec);
    status = status != ASSAY_OK ? status : Engine::template prepare<Score>(exec);
    if (status == ASSAY_OK) { /* what was packed is there for runs in any stream */
        ASSAY_CUDA_TRY(exec, cudaStreamSynchronize(static_cast<cudaStream_t>(exec->stream)));
    }
    return status;
}

} // namespace assay_fused

#endif
