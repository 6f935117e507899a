/* linear and a greedy sample as one call (assay/fusion.h), by 512-bit vectors: of what linear would
 * write each thread keeps the greatest numbers of its panels and their tokens, lane by lane, and
 * nothing is written. Compiled with AVX-512. */
#ifndef KERNELS_SIMD_LINEAR_SAMPLE_H
#define KERNELS_SIMD_LINEAR_SAMPLE_H

#include "assay/fusion.h"
#include "kernels/simd/avx512.h"
#include "kernels/simd/linear.h"

/* Of one row: the greatest number that each lane has seen, and the first token that had it. */
typedef struct simd_lanes {
    float best[PANEL_WIDTH];
    int32_t token[PANEL_WIDTH];
} simd_lanes;

/* What a consumer of dots gets; sink.y is not used. */
typedef struct simd_choice {
    simd_linear_sink sink;
    simd_lanes *lanes; /* [rows of the chunk] */
} simd_choice;

/* A NaN stands above all numbers, and stays. */
static inline __attribute__((always_inline)) void
simd_lanes_take(simd_lanes *lanes, int64_t half, __m512 value, int32_t token, __mmask16 mask)
{
    const __m512 best = _mm512_load_ps(lanes->best + half);
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __mmask16 number = _mm512_mask_cmp_ps_mask(mask, best, best, _CMP_ORD_Q);
    const __mmask16 greater = _mm512_mask_cmp_ps_mask(number, value, best, _CMP_NLE_UQ);
    if (greater != 0) {
        _mm512_mask_store_ps(lanes->best + half, greater, value);
        _mm512_mask_store_epi32(lanes->token + half, greater,
                                _mm512_add_epi32(lane, _mm512_set1_epi32(token)));
    }
}

/* What linear's consumers of these contracts store, bit for bit: sums scaled where weights have
 * scales, biases added, rounded to bf16 where outputs are. */
static inline __attribute__((always_inline)) void
simd_choose(const bool scaled, const assay_dtype type, const simd_choice *choice, int64_t panel,
            int64_t first, int64_t rows, const float *dots)
{
    const simd_linear_sink *const sink = &choice->sink;
    const int64_t begin = panel * PANEL_WIDTH;
    for (int64_t half = 0; half < PANEL_WIDTH; half += PANEL_HALF) {
        const int64_t o = begin + half;
        const __m512 scale = scaled ? _mm512_load_ps(sink->scale + o) : _mm512_set1_ps(1.0f);
        const __m512 bias = _mm512_load_ps(sink->bias + o);
        const __mmask16 mask = avx512_first(sink->width - o);
        for (int64_t r = 0; r < rows; r++) {
            const __m512 dot = _mm512_load_ps(dots + r * PANEL_WIDTH + half);
            const __m512 sum = _mm512_fmadd_ps(dot, scale, bias);
            const __m512 value = type == ASSAY_BF16 ? avx512_from_bf16(avx512_to_bf16(sum)) : sum;
            simd_lanes_take(choice->lanes + first + r, half, value, (int32_t)o, mask);
        }
    }
}

typedef struct simd_best {
    float value;
    int32_t token;
} simd_best;

/* In the order of sample: the first NaN, else the greatest, the lowest token among equals. */
static inline bool simd_is_before(simd_best a, simd_best b)
{
    if (isnan(a.value) || isnan(b.value)) {
        return isnan(a.value) && (!isnan(b.value) || a.token < b.token);
    }
    return a.value > b.value || (a.value == b.value && a.token < b.token);
}

/* Where all logits are -Inf no lane takes one: then it is the first token. */
static const simd_best simd_best_none = {-INFINITY, 0};

static inline void simd_lanes_clear(simd_lanes *lanes)
{
    for (int i = 0; i < PANEL_WIDTH; i++) {
        lanes->best[i] = -INFINITY;
        lanes->token[i] = INT32_MAX;
    }
}

static inline simd_best simd_lanes_best(const simd_lanes *lanes)
{
    simd_best best = simd_best_none;
    for (int i = 0; i < PANEL_WIDTH; i++) {
        const simd_best lane = {lanes->best[i], lanes->token[i]};
        best = simd_is_before(lane, best) ? lane : best;
    }
    return best;
}

static inline assay_status simd_linear_sample_supports(const assay_device *device,
                                                       const assay_linear_sample_steps *steps,
                                                       const assay_linear_sample_io *io,
                                                       assay_error *error)
{
    (void)device;
    (void)io;
    return steps->sample.params->temperature > 0.0
               ? assay_fail(error, ASSAY_UNSUPPORTED,
                            "linear_sample: a draw needs all logits; greedy alone is fused")
               : ASSAY_OK;
}

static inline size_t simd_linear_sample_workspace(const simd_product *product, panel_kind kind,
                                                  const assay_linear_sample_steps *steps,
                                                  const assay_linear_sample_io *io)
{
    const int64_t outputs = steps->linear.params->weight.shape[0];
    const simd_panels p = panels_shape(kind, outputs, io->x.shape[1]);
    return simd_round_up(simd_rows_bytes(product, &p, io->x.shape[0]), SIMD_LINE) +
           SIMD_CHUNK_MOST * sizeof(simd_best);
}

/* The calling thread's part of a chunk: its best of every row goes into `best`. */
static inline void simd_linear_sample_chunk(const simd_product *product,
                                            const simd_linear_state *s, const assay_tensor *x,
                                            int64_t first, int64_t rows, unsigned char *packed,
                                            simd_consume_fn *consume, simd_best *best)
{
    _Alignas(SIMD_LINE) simd_lanes lanes[SIMD_CHUNK_MOST];
    simd_choice choice = {{s->bias, s->scale, NULL, s->panels.outputs}, lanes};
    for (int64_t r = 0; r < rows; r++) {
        simd_lanes_clear(&lanes[r]);
    }
    simd_multiply_chunk(product, &s->panels, x, first, rows, packed, consume, &choice.sink);
#pragma omp critical(simd_linear_sample)
    for (int64_t r = 0; r < rows; r++) {
        const simd_best mine = simd_lanes_best(&lanes[r]);
        best[r] = simd_is_before(mine, best[r]) ? mine : best[r];
    }
#pragma omp barrier
}

static inline assay_status simd_linear_sample(const simd_product *product, assay_dtype type,
                                              const assay_exec *exec,
                                              const assay_linear_sample_steps *steps,
                                              const assay_linear_sample_io *io,
                                              simd_consume_fn *consume)
{
    const simd_linear_state *const s = steps->linear.state;
    const simd_panels *const p = &s->panels;
    const int64_t total = io->x.shape[0];
    const size_t packed = simd_round_up(simd_rows_bytes(product, p, total), SIMD_LINE);
    assay_status status = scalar_expect(exec, "x", &io->x, type);
    status = status != ASSAY_OK
                 ? status
                 : scalar_expect_workspace(exec, packed + SIMD_CHUNK_MOST * sizeof(simd_best));
    if (status != ASSAY_OK) {
        return status;
    }
    unsigned char *const workspace = exec->workspace;
    simd_best *const best = (simd_best *)(void *)(workspace + packed);
    const int threads = simd_threads(exec, total * p->outputs * p->depth);
    const int64_t chunk = simd_chunk_rows(product, p, total);
#pragma omp parallel num_threads(threads)
    for (int64_t first = 0; first < total; first += chunk) {
        const int64_t rows = scalar_min(chunk, total - first);
#pragma omp single
        for (int64_t r = 0; r < rows; r++) {
            best[r] = simd_best_none;
        }
        simd_linear_sample_chunk(product, s, &io->x, first, rows, workspace, consume, best);
#pragma omp single
        for (int64_t r = 0; r < rows; r++) {
            assay_put1(&io->token, first + r, (double)best[r].token);
        }
    }
    return ASSAY_OK;
}

/* The fusion of an implementation: kind_, product_ and type_ as in SIMD_LINEAR_FUNCTIONS. */
#define SIMD_LINEAR_SAMPLE(impl, kind_, product_, type_, scaled_)                                  \
    static void choose(void *context, int64_t panel, int64_t first, int64_t rows,                  \
                       const float *dots)                                                          \
    {                                                                                              \
        simd_choose(scaled_, type_, context, panel, first, rows, dots);                            \
    }                                                                                              \
    static size_t choice_workspace(const assay_linear_sample_steps *steps,                         \
                                   const assay_linear_sample_io *io)                               \
    {                                                                                              \
        const assay_linear_params *const params = steps->linear.params;                            \
        const panel_kind kind = kind_;                                                             \
        (void)params;                                                                              \
        return simd_linear_sample_workspace(product_, kind, steps, io);                            \
    }                                                                                              \
    static assay_status choice_run(const assay_exec *exec, const assay_linear_sample_steps *steps, \
                                   const assay_linear_sample_io *io)                               \
    {                                                                                              \
        const panel_kind kind = ((const simd_linear_state *)steps->linear.state)->panels.kind;     \
        (void)kind;                                                                                \
        return simd_linear_sample(product_, type_, exec, steps, io, choose);                       \
    }                                                                                              \
    const assay_linear_sample_functions assay_linear_sample_##impl = {                             \
        .supports = simd_linear_sample_supports,                                                   \
        .workspace = choice_workspace,                                                             \
        .run = choice_run}

#endif
