/* A fused encoder's functions, by an engine (state.h): rows rounded to bf16 and multiplied, bias,
 * threshold and the gathering of entries in the product's registers (entries.h). The sparse form
 * alone. topk is not fused: its scores go through memory, and are selected from as by `cuda`.
 * Internal linkage, as the kernels of entries.h have. */
#ifndef KERNELS_FUSED_RUN_H
#define KERNELS_FUSED_RUN_H

#include "kernels/fused/state.h"

#include <new>

namespace assay_fused {

template <typename Engine>
assay_status prepare(const assay_exec *exec, const assay_sae_encode_params *params, void **state)
{
    State<Engine> *const own = new (std::nothrow) State<Engine>();
    if (own == nullptr) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "sae_encode: no memory");
    }
    return settle(exec, open_state(exec, params->sae, own), own, release_state<State<Engine>>,
                  state);
}

/* Under the emulator enough for several clusters' rows, and too little for many latents. */
#ifdef ASSAY_EMULATED
constexpr size_t MOST = 16 * WORKSPACE_MOST;
#else
constexpr size_t MOST = WORKSPACE_MOST;
#endif

static Layout layout(const assay_sae &sae, int64_t rows)
{
    return layout_of(rows, sae.d_in, sae.d_sae);
}

static ScoresLayout scores_layout(const assay_sae &sae, int64_t rows)
{
    return scores_layout_of(rows, sae.d_in, sae.d_sae, segments_of(sae.d_sae), sizeof(Limit));
}

static int64_t rows_of_run(const assay_sae &sae, int64_t rows)
{
    return rows_at_once(rows, MOST, [&](int64_t some) {
        return sae.activation == ASSAY_TOPK ? scores_layout(sae, some).all
                                            : layout(sae, some).all;
    });
}

static size_t workspace(const assay_sae_encode_params *params, const assay_sae_encode_io *io)
{
    const int64_t rows = rows_of_run(params->sae, io->x.shape[0]);
    return params->sae.activation == ASSAY_TOPK ? scores_layout(params->sae, rows).all
                                                : layout(params->sae, rows).all;
}

/* Rows first .. as they are multiplied, and how TMA sees them. There is at least one. */
template <typename Engine>
assay_status place_rows(const assay_exec *exec, const Encoder &encoder, const Matrix &x,
                        int64_t first, int64_t rows, void *z, typename Engine::Map *map)
{
    const int64_t pitch = pitch_of(encoder.d_in);
    const Dimensions each = {dim3(static_cast<unsigned>(rows)), dim3(BLOCK), 0};
    ASSAY_LAUNCH(exec, encoder_rows<Bf16>, each, encoder, x, first, static_cast<Bf16 *>(z), pitch);
    return Engine::make_map(exec, "x", z, rows, encoder.d_in, pitch, map);
}

/* Entries of rows first .. ; slots.base has their carry at [carry_at]. */
template <typename Engine>
assay_status find_entries(const assay_exec *exec, const State<Engine> &own,
                          const typename Engine::Map &x, int64_t first, int64_t carry_at,
                          const Slots &slots, const Outputs &out)
{
    const Extent extent = {slots.rows, own.encoder.d_sae, own.encoder.d_in};
    const Dimensions each = {dim3(static_cast<unsigned>(slots.rows)), dim3(BLOCK), 0};
    const Dimensions one = {dim3(1), dim3(BLOCK), 0};
    const bool gated = own.encoder.gate.data != nullptr;
    const int64_t units = pairs_of(slots.rows) * slots.tiles;
    const Dimensions flags = {grid_stride(units), dim3(BLOCK), 0};
    ASSAY_LAUNCH(exec, clear_again, flags, slots.again, units);
    assay_status status =
        own.engine.multiply(exec, x, own.weight, extent, Find{own.column, gated, slots});
    if (status != ASSAY_OK) {
        return status;
    }
    ASSAY_LAUNCH(exec, count_rows, each, slots);
    Piece totals = {}; /* a row's entries are its only count */
    totals.found = slots.base;
    totals.rows = slots.rows;
    totals.segments = 1;
    ASSAY_LAUNCH(exec, sum_counts, one, totals, first, carry_at, out.row_offsets);
    ASSAY_LAUNCH(exec, place_slots, each, slots, out);
    return own.engine.multiply(exec, x, own.weight, extent,
                               Finish{own.column, gated, slots, out});
}

template <typename Engine>
assay_status run_entries(const assay_exec *exec, const State<Engine> &own, const assay_sae &sae,
                         const assay_sae_encode_io *io)
{
    const int64_t rows = io->x.shape[0];
    const int64_t at_once = rows_of_run(sae, rows);
    const Layout at = layout(sae, at_once);
    char *const base = static_cast<char *>(exec->workspace);
    Slots slots = {reinterpret_cast<float *>(base + at.value),
                   reinterpret_cast<uint8_t *>(base + at.latent),
                   reinterpret_cast<int32_t *>(base + at.count),
                   reinterpret_cast<int32_t *>(base + at.before),
                   reinterpret_cast<int64_t *>(base + at.base),
                   reinterpret_cast<int32_t *>(base + at.again),
                   0,
                   tiles_of(sae.d_sae)};
    const Outputs out = outputs_of(io);
    if (rows == 0) { /* the one offset is written */
        Piece none = {};
        none.found = slots.base;
        none.segments = 1;
        ASSAY_LAUNCH(exec, sum_counts, (Dimensions{dim3(1), dim3(BLOCK), 0}), none, int64_t{0},
                     int64_t{0}, out.row_offsets);
    }
    assay_status status = ASSAY_OK;
    for (int64_t first = 0; status == ASSAY_OK && first < rows; first += at_once) {
        typename Engine::Map x = {};
        slots.rows = least(at_once, rows - first);
        status = place_rows<Engine>(exec, own.encoder, matrix_of(io->x), first, slots.rows,
                                    base + at.z, &x);
        if (status == ASSAY_OK) {
            status = find_entries(exec, own, x, first, at_once, slots, out);
        }
    }
    return status;
}

template <typename Engine>
assay_status run_topk(const assay_exec *exec, const State<Engine> &own, const assay_sae &sae,
                      const assay_sae_encode_io *io)
{
    const int64_t at_once = rows_of_run(sae, io->x.shape[0]);
    const ScoresLayout at = scores_layout(sae, at_once);
    char *const base = static_cast<char *>(exec->workspace);
    Piece piece = {};
    piece.rows = at_once;
    piece.segments = segments_of(sae.d_sae);
    piece.pre = reinterpret_cast<float *>(base + at.pre);
    piece.found = reinterpret_cast<int64_t *>(base + at.found);
    piece.limit = reinterpret_cast<Limit *>(base + at.limit);
    const auto score = [&](int64_t first, const Piece &part) -> assay_status {
        if (part.rows == 0) {
            return ASSAY_OK;
        }
        typename Engine::Map x = {};
        const Extent extent = {part.rows, sae.d_sae, sae.d_in};
        assay_status status = place_rows<Engine>(exec, own.encoder, matrix_of(io->x), first,
                                                 part.rows, base + at.z, &x);
        if (status == ASSAY_OK) {
            status = own.engine.multiply(exec, x, own.weight, extent,
                                         Score{own.column, part.pre, part.rows, sae.d_sae});
        }
        if (status != ASSAY_OK) {
            return status;
        }
        const Dimensions rows = {dim3(static_cast<unsigned>(part.rows)), dim3(BLOCK), 0};
        ASSAY_LAUNCH(exec, limit_rows, rows, own.encoder, part.pre, part.limit);
        return ASSAY_OK;
    };
    return encode_in_pieces(exec, own.encoder, io, piece, score);
}

template <typename Engine>
assay_status run(const assay_exec *exec, const assay_sae_encode_params *params, const void *state,
                 const assay_sae_encode_io *io)
{
    const Operand typed[] = {{"x", &io->x}};
    const Operand others[] = {{"row_offsets", &io->codes.row_offsets},
                              {"latent", &io->codes.latent},
                              {"value", &io->codes.value}};
    assay_status status = expect(exec, ASSAY_BF16, typed, others);
    status = status != ASSAY_OK ? status : expect_workspace(exec, workspace(params, io));
    if (status != ASSAY_OK) {
        return status;
    }
    const State<Engine> &own = *static_cast<const State<Engine> *>(state);
    return params->sae.activation == ASSAY_TOPK ? run_topk(exec, own, params->sae, io)
                                                : run_entries(exec, own, params->sae, io);
}

template <typename Engine>
uint64_t bytes_read(const assay_sae_encode_params *params, const void *state,
                    const assay_sae_encode_io *)
{
    return static_cast<uint64_t>(params->sae.d_sae *
                                 static_cast<const State<Engine> *>(state)->weight_pitch) *
           sizeof(Bf16);
}

/* Who an encoder is: NAME, BACKEND, SUMMARY; where it runs: serves(compute), in words NEEDS. */
template <typename Who>
assay_status supports(const assay_device *device, const assay_sae_encode_params *params,
                      const assay_sae_encode_io *, assay_error *error)
{
    const assay_status status = device_served(device, error);
#ifndef ASSAY_EMULATED
    if (status == ASSAY_OK && !Who::serves(device->compute)) {
        return assay_fail(error, ASSAY_UNSUPPORTED, "%s needs %s; CUDA device %d has %d.%d",
                          Who::NAME, Who::NEEDS, static_cast<int>(device->index),
                          static_cast<int>(device->compute / 10),
                          static_cast<int>(device->compute % 10));
    }
#endif
    return status != ASSAY_OK ? status : weight_served("encoder", params->sae.encoder, error);
}

template <typename Engine, typename Who> assay_kernel encoder_kernel()
{
#ifdef ASSAY_EMULATED
    const char *const backend = "emulated";
#else
    const char *const backend = Who::BACKEND;
#endif
    assay_kernel kernel =
        assay_kernel_of(ASSAY_OP_sae_encode, Who::NAME, backend, Who::SUMMARY);
    kernel.space = SPACE;
    kernel.precision.multiply = ASSAY_BF16;
    kernel.precision.accumulate = {24, ASSAY_TRUNCATE, 4}; /* as kernels/cublas/mode.h says why */
    kernel.precision.intermediate = ASSAY_F32;
    kernel.precision.output = ASSAY_BF16;
    kernel.precision.order = ASSAY_ORDER_BLOCKED;
    kernel.alignment[0] = VECTOR; /* encoder */
    kernel.capabilities = ASSAY_CAN_SPARSE;
    kernel.run.sae_encode.supports = supports<Who>;
    kernel.run.sae_encode.workspace = workspace;
    kernel.run.sae_encode.prepare = prepare<Engine>;
    kernel.run.sae_encode.run = run<Engine>;
    kernel.run.sae_encode.bytes_read = bytes_read<Engine>;
    kernel.release = release_state<State<Engine>>;
    return kernel;
}

} // namespace assay_fused

#endif
