/* The encoder in 8 bits and what is proved with: the vectors of screen.h. */
#ifndef KERNELS_SIMD_SCREEN_PACK_H
#define KERNELS_SIMD_SCREEN_PACK_H

#include "kernels/simd/screen.h"

/* How much larger than the others' mean a column's size must be to be kept in bf16, and how many
 * latents are looked at for it. */
enum { SCREEN_COLUMN_FACTOR = 4, SCREEN_COLUMN_LATENTS = 1024 };

static inline float screen_weight(const screen_state *s, int64_t j, int64_t k)
{
    return assay_bf16_to_f32(s->rows[j * s->words + k]);
}

/* Latents first .. last-1 of the encoder as rows of bf16. */
static inline void screen_copy(screen_state *s, const assay_tensor *encoder, int64_t first,
                               int64_t last)
{
    const int64_t d = s->exact.panels.depth;
    for (int64_t j = first; j < last; j++) {
        uint16_t *const row = s->rows + j * s->words;
        for (int64_t k = 0; k < d; k++) {
            row[k] = panel_bf16(encoder, j, k);
        }
        memset(row + d, 0, (size_t)(s->words - d) * sizeof *row);
    }
}

/* Chooses O by the columns' sizes over some latents; `size` [d] is scratch. */
static inline void screen_choose(screen_state *s, double *size)
{
    const simd_panels *const p = &s->exact.panels;
    const int64_t every = (p->outputs + SCREEN_COLUMN_LATENTS - 1) / SCREEN_COLUMN_LATENTS;
    memset(size, 0, (size_t)p->depth * sizeof *size);
    for (int64_t j = 0; j < p->outputs; j += every) {
        for (int64_t k = 0; k < p->depth; k++) {
            const double w = (double)screen_weight(s, j, k);
            size[k] += w * w;
        }
    }
    double mean = 0.0;
    for (int64_t k = 0; k < p->depth; k++) {
        size[k] = sqrt(size[k]);
        mean += size[k] / (double)p->depth;
    }
    s->columns = 0;
    for (int64_t k = 0; k < p->depth && s->columns < SCREEN_COLUMNS; k++) {
        if (size[k] > SCREEN_COLUMN_FACTOR * mean && isfinite(size[k])) {
            s->column[s->columns++] = k;
        }
    }
}

/* Takes O out of a latent's weights, as f32. */
static inline void screen_split(const screen_state *s, int64_t j, float *w)
{
    const int64_t d = s->exact.panels.depth;
    for (int64_t k = 0; k < d; k++) {
        w[k] = screen_weight(s, j, k);
    }
    for (int64_t c = 0; c < s->columns; c++) {
        w[s->column[c]] = 0.0f;
    }
}

/* |w|, |w'|, |e| and max|e_k| of a latent, and q. */
typedef struct screen_sizes {
    double weight, near, error, most;
    float step; /* W */
} screen_sizes;

static inline screen_sizes screen_quantise(const float *w, int64_t d, int8_t *q)
{
    screen_sizes z = {0};
    float most = 0.0f;
    for (int64_t k = 0; k < d; k++) {
        z.weight += (double)w[k] * (double)w[k];
        most = fabsf(w[k]) > most ? fabsf(w[k]) : most;
    }
    const bool whole = isfinite(z.weight); /* a NaN is in the sum, not in the maximum */
    z.step = whole ? most / (float)SCREEN_LEVELS : 0.0f;
    const float inverse = z.step >= FLT_MIN ? 1.0f / z.step : 0.0f;
    for (int64_t k = 0; k < d; k++) {
        const float at = whole ? rintf(w[k] * inverse) : 0.0f;
        const float above = at < (float)-SCREEN_LEVELS ? (float)-SCREEN_LEVELS : at;
        const float inside = above > (float)SCREEN_LEVELS ? (float)SCREEN_LEVELS : above;
        const double near = (double)z.step * (double)inside;
        const double error = (double)w[k] - near;
        q[k] = (int8_t)inside;
        z.near += near * near;
        z.error += error * error;
        z.most = fabs(error) > z.most ? fabs(error) : z.most;
    }
    z.weight = sqrt(z.weight);
    z.near = sqrt(z.near);
    z.error = sqrt(z.error);
    return z;
}

/* The vectors of latent j; kept: |w in O|. */
static inline void screen_bound(const screen_state *s, int64_t j, const screen_sizes *z,
                                double kept)
{
    const encode_state *const e = &s->exact;
    const double factor = (double)e->gate[j] * (double)e->scale[j];
    const double bias = (double)e->gate[j] * (double)e->bias[j];
    const double size = fabs(factor);
    const double norm = sqrt(z->weight * z->weight + kept * kept) + z->near;
    const bool fits = norm <= screen_limit && fabs((double)e->gate[j]) <= screen_limit &&
                      fabs((double)e->scale[j]) <= screen_limit && size <= screen_limit &&
                      fabs((double)e->bias[j]) <= screen_bias_limit &&
                      fabs(bias) <= screen_bias_limit;
    const double slack = 0x1p-20 * fabs(bias) + 0x1p-70 * size + 0x1p-60;
    const float value[SCREEN_VECTORS] = {
        [SCREEN_STEP] = fits ? (float)(factor * (double)z->step) : 0.0f,
        [SCREEN_FACTOR] = fits ? (float)factor : 0.0f,
        [SCREEN_BASE] = fits ? (float)(bias + slack) : 0.0f,
        [SCREEN_MOST] = fits ? screen_up(size * z->most) : 0.0f,
        [SCREEN_ERROR] = fits ? screen_up(size * z->error) : INFINITY,
        [SCREEN_NORM] = fits ? screen_up(size * norm) : 0.0f,
        [SCREEN_THRESHOLD] = e->threshold[j]};
    float *const to = screen_vectors(&e->panels, j / PANEL_WIDTH) + j % PANEL_WIDTH;
    for (int v = 0; v < SCREEN_VECTORS; v++) {
        to[v * PANEL_WIDTH] = value[v];
    }
}

/* One panel: 8-bit weights, the columns of O and the vectors. w [d] and q [4 steps] are scratch. */
static inline void screen_panel(screen_state *s, int64_t panel, float *w, int8_t *q)
{
    const simd_panels *const p = &s->exact.panels;
    unsigned char *const to = p->data + (size_t)panel * p->bytes;
    uint16_t *const kept = s->kept + panel * s->columns * PANEL_WIDTH;
    memset(q, 0, (size_t)(p->steps * SCREEN_FOUR));
    for (int64_t i = 0; i < PANEL_WIDTH; i++) {
        const int64_t j = panel * PANEL_WIDTH + i;
        double squares = 0.0;
        for (int64_t c = 0; c < s->columns; c++) {
            const double value = (double)screen_weight(s, j, s->column[c]);
            kept[c * PANEL_WIDTH + i] = s->rows[j * s->words + s->column[c]];
            squares += value * value;
        }
        screen_split(s, j, w);
        const screen_sizes sizes = screen_quantise(w, p->depth, q);
        screen_bound(s, j, &sizes, sqrt(squares));
        for (int64_t k = 0; k < p->steps * SCREEN_FOUR; k++) {
            to[(size_t)(k / SCREEN_FOUR) * p->step_bytes + (size_t)(i * SCREEN_FOUR) +
               (size_t)(k % SCREEN_FOUR)] = (unsigned char)(q[k] + SCREEN_OFFSET);
        }
    }
}

static inline assay_status screen_allocate(const assay_exec *exec, const assay_sae *sae,
                                           screen_state *s)
{
    simd_panels *const p = &s->exact.panels;
    *p = screen_panels(sae);
    const size_t width = (size_t)p->count * PANEL_WIDTH;
    s->words = (int64_t)simd_round_up((size_t)p->depth, SCREEN_WORDS);
    p->data = simd_allocate((size_t)p->count * p->bytes);
    s->rows = simd_allocate(width * (size_t)s->words * sizeof *s->rows);
    s->kept = simd_allocate(width * SCREEN_COLUMNS * sizeof *s->kept);
    if (p->data == NULL || s->rows == NULL || s->kept == NULL) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY,
                          "no memory for packed weights of %lld x %lld", (long long)sae->d_sae,
                          (long long)sae->d_in);
    }
    return encode_open_vectors(exec, sae, &s->exact);
}

static inline assay_status screen_fill(const assay_exec *exec, const assay_sae *sae,
                                       screen_state *s)
{
    const simd_panels *const p = &s->exact.panels;
    const int threads = simd_threads(exec, p->outputs * p->depth);
    const size_t depth = simd_round_up((size_t)(p->steps * SCREEN_FOUR), SIMD_LINE);
    const size_t row = depth * (sizeof(double) + sizeof(int8_t));
    unsigned char *const scratch = simd_allocate((size_t)threads * row);
    if (scratch == NULL) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "no memory for %d rows of %lld", threads,
                          (long long)p->depth);
    }
#pragma omp parallel num_threads(threads)
    {
        unsigned char *const mine = scratch + (size_t)omp_get_thread_num() * row;
        const simd_share share = simd_share_of(p->count);
        screen_copy(s, &sae->encoder, share.first * PANEL_WIDTH, share.last * PANEL_WIDTH);
#pragma omp barrier
#pragma omp master
        screen_choose(s, (double *)(void *)mine);
#pragma omp barrier
        for (int64_t i = share.first; i < share.last; i++) {
            screen_panel(s, i, (float *)(void *)mine,
                         (int8_t *)mine + depth * sizeof(double));
        }
    }
    free(scratch);
    return ASSAY_OK;
}

static inline assay_status screen_prepare(const assay_exec *exec,
                                          const assay_sae_encode_params *params, void **state)
{
    screen_state *const s = calloc(1, sizeof *s);
    if (s == NULL) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "no memory for an encoder's state");
    }
    assay_status status = screen_allocate(exec, &params->sae, s);
    status = status != ASSAY_OK ? status : screen_fill(exec, &params->sae, s);
    if (status != ASSAY_OK) {
        screen_release(exec, s);
        return status;
    }
    *state = s;
    return ASSAY_OK;
}

#endif
