/* sae_encode: blocks of rows; pre-activations of a block, then its rows' active sets and counts,
 * then the offsets, then the entries. Nothing is allocated; capacity may be less than the count. */
#ifndef KERNELS_SCALAR_SAE_ENCODE_H
#define KERNELS_SCALAR_SAE_ENCODE_H

#include "kernels/scalar/sae.h"

/* A block's scratch, carved out of the workspace. */
typedef struct scalar_encode_scratch {
    float *z;        /* [rows, d_in] */
    float *pre;      /* [rows, d_sae] */
    int32_t *heap;   /* [rows, k], topk only */
    uint8_t *active; /* [rows, d_sae] */
    int64_t k;
} scalar_encode_scratch;

static inline size_t scalar_encode_workspace(const assay_sae_encode_params *params,
                                             const assay_sae_encode_io *io)
{
    const assay_sae *const sae = &params->sae;
    const int64_t k = sae->activation == ASSAY_TOPK ? scalar_min(sae->k, sae->d_sae) : 0;
    const int64_t words = sae->d_in + sae->d_sae + k;
    return (size_t)scalar_min(SCALAR_BLOCK, io->x.shape[0]) *
           ((size_t)words * sizeof(float) + (size_t)sae->d_sae);
}

static inline scalar_encode_scratch scalar_encode_carve(const assay_sae *sae, int64_t rows,
                                                        void *workspace)
{
    scalar_encode_scratch scratch = {.k = 0};
    scratch.k = sae->activation == ASSAY_TOPK ? scalar_min(sae->k, sae->d_sae) : 0;
    scratch.z = workspace;
    scratch.pre = scratch.z + rows * sae->d_in;
    scratch.heap = (int32_t *)(void *)(scratch.pre + rows * sae->d_sae);
    scratch.active = (uint8_t *)(scratch.heap + rows * scratch.k);
    return scratch;
}

/* One row's entries, from offset on, up to the capacity; and its dense form. */
static inline void scalar_encode_write(const assay_sae *sae, const assay_sae_encode_io *io,
                                       int64_t row, int64_t offset, int64_t capacity,
                                       const float *pre, const uint8_t *active)
{
    const bool dense = assay_present(&io->dense);
    int64_t at = offset;
    for (int64_t j = 0; j < sae->d_sae; j++) {
        if (active[j] != 0 && at < capacity) {
            assay_put1(&io->codes.latent, at, (double)j);
            assay_put1(&io->codes.value, at, (double)pre[j]);
        }
        at += active[j];
        if (dense) {
            assay_put2(&io->dense, row, j, active[j] != 0 ? (double)pre[j] : 0.0);
        }
    }
}

static inline int64_t scalar_encode_capacity(const assay_csr *codes)
{
    if (!assay_present(&codes->latent) || !assay_present(&codes->value)) {
        return 0;
    }
    return scalar_min(codes->latent.shape[0], codes->value.shape[0]);
}

/* Rows first .. of the batch; `start` entries were found before them. Returns how many are now. */
static inline int64_t scalar_encode_rows(const assay_exec *exec, const assay_sae *sae,
                                         const assay_sae_encode_io *io, int64_t first, int64_t rows,
                                         int64_t start, const scalar_encode_scratch *scratch)
{
    int64_t offset[SCALAR_BLOCK + 1] = {start};
    const int threads = scalar_threads(exec, rows * sae->d_sae);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t r = 0; r < rows; r++) {
        offset[r + 1] = scalar_sae_select(sae, scratch->pre + r * sae->d_sae,
                                          scratch->heap + r * scratch->k,
                                          scratch->active + r * sae->d_sae);
    }
    for (int64_t r = 0; r < rows; r++) {
        offset[r + 1] += offset[r];
        if (assay_present(&io->codes.row_offsets)) {
            assay_put1(&io->codes.row_offsets, first + r + 1, (double)offset[r + 1]);
        }
    }
    const int64_t capacity = scalar_encode_capacity(&io->codes);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t r = 0; r < rows; r++) {
        scalar_encode_write(sae, io, first + r, offset[r], capacity,
                            scratch->pre + r * sae->d_sae, scratch->active + r * sae->d_sae);
    }
    return offset[rows];
}

static inline assay_status scalar_sae_encode(const assay_precision *contract,
                                             const assay_exec *exec,
                                             const assay_sae_encode_params *params,
                                             const assay_sae_encode_io *io)
{
    const assay_sae *const sae = &params->sae;
    assay_status status = scalar_expect(exec, "x", &io->x, contract->output);
    status = status != ASSAY_OK
                 ? status
                 : scalar_expect_workspace(exec, scalar_encode_workspace(params, io));
    if (status != ASSAY_OK) {
        return status;
    }
    const int64_t total = io->x.shape[0];
    int64_t found = 0;
    if (assay_present(&io->codes.row_offsets)) {
        assay_put1(&io->codes.row_offsets, 0, 0.0);
    }
    for (int64_t first = 0; first < total; first += SCALAR_BLOCK) {
        const int64_t rows = scalar_min(SCALAR_BLOCK, total - first);
        const scalar_encode_scratch scratch = scalar_encode_carve(sae, rows, exec->workspace);
        scalar_sae_input(sae, &io->x, first, rows, scratch.z);
        scalar_sae_block(exec, sae, contract->output, scratch.z, rows, scratch.pre);
        found = scalar_encode_rows(exec, sae, io, first, rows, found, &scratch);
    }
    return ASSAY_OK;
}

#endif
