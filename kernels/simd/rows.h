/* Rows of activations, packed for products with panels, and the passes of panels over them. */
#ifndef KERNELS_SIMD_ROWS_H
#define KERNELS_SIMD_ROWS_H

#include "kernels/simd/panels.h"

/* Rows that are multiplied together: blocks of `most` rows, the last one of what is left. */
typedef struct simd_blocks {
    int64_t rows, blocks, most;
} simd_blocks;

static inline simd_blocks simd_blocks_of(int64_t rows, int64_t most)
{
    return (simd_blocks){rows, (rows + most - 1) / most, most};
}

static inline int64_t simd_block_first(const simd_blocks *b, int64_t block)
{
    return scalar_min(b->rows, block * b->most);
}

/* What a product asks for before it is needed: `bytes` from `from`, spread over its steps. */
typedef struct simd_ahead {
    const unsigned char *from;
    size_t bytes;
} simd_ahead;

/* How an instruction set multiplies. */
typedef struct simd_product {
    int64_t block_rows; /* most rows of a block */
    /* Bytes of a packed block of so many rows. */
    size_t (*packed_bytes)(const simd_panels *p, int64_t rows);
    /* Packs rows of K elements, f32 or (for pairs) bf16, stride elements apart. */
    void (*pack)(const simd_panels *p, const void *x, int64_t stride, int64_t rows, void *packed);
    /* One panel times one packed block: dots[r][PANEL_WIDTH]. */
    void (*run)(const simd_panels *p, const unsigned char *panel, const void *packed, int64_t rows,
                float *dots, const simd_ahead *ahead);
    void (*enter)(void); /* before a thread's products; NULL: nothing to do */
    void (*leave)(void); /* after them */
} simd_product;

enum {
    SIMD_CHUNK_MOST = 384,      /* rows that share one reading of the weights: with more of them
                                   the multiply-adds take far longer than the reading */
    SIMD_CHUNK_BYTES = 1 << 20, /* of packed rows, which stay in the second-level cache */
    SIMD_CHUNK_BLOCKS = 4,      /* at least, where rows are long */
    SIMD_GROUP_BYTES = 1 << 18, /* of panels that stay there beside a chunk, and as much again of
                                   those that come next */
    SIMD_AHEAD_BYTES = 2048,    /* how far a stream is asked for before it is needed: on the same
                                   page, where it leads the processor's own prefetcher on */
    SIMD_STREAM_PASSES = 2,     /* of blocks over a panel: with more the panel that comes next is
                                   asked for meanwhile */
    SIMD_BLOCK_MOST = 32        /* rows of a block of any instruction set */
};

static inline size_t simd_block_stride(const simd_product *product, const simd_panels *p,
                                       const simd_blocks *blocks)
{
    const int64_t rows = scalar_min(blocks->rows, blocks->most);
    return simd_round_up(product->packed_bytes(p, rows), SIMD_LINE);
}

/* Rows of a chunk of `total`: as few chunks as can be, as even as blocks allow. */
static inline int64_t simd_chunk_rows(const simd_product *product, const simd_panels *p,
                                      int64_t total)
{
    const int64_t block_rows = product->block_rows;
    const size_t block = product->packed_bytes(p, block_rows);
    const int64_t fit = block > 0 ? (int64_t)(SIMD_CHUNK_BYTES / block) : SIMD_CHUNK_MOST;
    const int64_t most = scalar_min(fit < SIMD_CHUNK_BLOCKS ? SIMD_CHUNK_BLOCKS : fit,
                                    SIMD_CHUNK_MOST / block_rows);
    const int64_t blocks = (total + block_rows - 1) / block_rows;
    const int64_t chunks = (blocks + most - 1) / most;
    return chunks <= 1 ? blocks * block_rows : (blocks + chunks - 1) / chunks * block_rows;
}

/* Workspace for the packed rows of a chunk. */
static inline size_t simd_rows_bytes(const simd_product *product, const simd_panels *p,
                                     int64_t rows)
{
    const simd_blocks blocks = simd_blocks_of(
        scalar_min(rows, simd_chunk_rows(product, p, rows)), product->block_rows);
    return (size_t)blocks.blocks * simd_block_stride(product, p, &blocks);
}

/* Packs rows first .. of x, by every thread of a team; a barrier must follow. */
static inline void simd_pack_rows(const simd_product *product, const simd_panels *p,
                                  const assay_tensor *x, int64_t first, const simd_blocks *blocks,
                                  unsigned char *packed)
{
    const size_t stride = simd_block_stride(product, p, blocks);
    const simd_share mine = simd_share_of(blocks->blocks);
    for (int64_t b = mine.first; b < mine.last; b++) {
        const int64_t row = simd_block_first(blocks, b);
        const char *const from = (const char *)x->data +
                                 (first + row) * x->stride[0] * (int64_t)assay_dtype_size(x->dtype);
        product->pack(p, from, x->stride[0], simd_block_first(blocks, b + 1) - row,
                      packed + (size_t)b * stride);
    }
}

/* What is done with the dots of one panel and one block, of which row `first` is the first. */
typedef void simd_consume_fn(void *context, int64_t panel, int64_t first, int64_t rows,
                             const float *dots);

/* What the pass of block b of `passes` over a panel asks for. */
static inline simd_ahead simd_look_ahead(const simd_panels *p, const unsigned char *panel,
                                         int64_t b, int64_t passes, const unsigned char *next)
{
    if (passes > SIMD_STREAM_PASSES) {
        return (simd_ahead){next, p->bytes / (size_t)passes};
    }
    return (simd_ahead){panel + SIMD_AHEAD_BYTES, b == 0 ? p->bytes : 0};
}

/* Panels first .. last-1 times blocks from .. to-1 of a chunk of packed rows, block b at
 * x + b * stride. Panels are taken in groups that stay in the cache while the blocks pass;
 * meanwhile the next group is asked for. With few blocks the weights are a stream. */
static inline void simd_multiply(const simd_product *product, const simd_panels *p, int64_t first,
                                 int64_t last, const unsigned char *x, size_t stride,
                                 const simd_blocks *blocks, int64_t from, int64_t to,
                                 simd_consume_fn *consume, void *context)
{
    _Alignas(SIMD_LINE) float dots[SIMD_BLOCK_MOST * PANEL_WIDTH];
    const int64_t passes = to - from;
    const int64_t fit = p->bytes > 0 ? (int64_t)(SIMD_GROUP_BYTES / p->bytes) : 1;
    const int64_t size = passes <= SIMD_STREAM_PASSES || fit < 1 ? 1 : fit;
    if (product->enter != NULL) {
        product->enter();
    }
    for (int64_t group = first; group < last; group += size) {
        const int64_t end = scalar_min(group + size, last);
        const unsigned char *next = p->data + (size_t)end * p->bytes;
        for (int64_t b = from; b < to; b++) {
            const int64_t row = simd_block_first(blocks, b);
            const int64_t rows = simd_block_first(blocks, b + 1) - row;
            for (int64_t i = group; i < end; i++) {
                const unsigned char *const panel = p->data + (size_t)i * p->bytes;
                const simd_ahead ahead = simd_look_ahead(p, panel, b - from, passes, next);
                product->run(p, panel, x + (size_t)b * stride, rows, dots, &ahead);
                consume(context, i, row, rows, dots);
                next += ahead.bytes;
            }
        }
    }
    if (product->leave != NULL) {
        product->leave();
    }
}

/* Whether threads share the blocks of so many rows, since panels are too few to share: each element
 * is summed in the same order either way. */
static inline bool simd_by_rows(const simd_panels *p, const simd_product *product, int64_t rows,
                                int threads)
{
    const simd_blocks blocks = simd_blocks_of(rows, product->block_rows);
    return p->count < 4 * (int64_t)threads && blocks.blocks > p->count;
}

/* Rows first .. of x times all panels, by every thread of a team, which packs them together and
 * then shares the panels or the rows. */
static inline void simd_multiply_chunk(const simd_product *product, const simd_panels *p,
                                       const assay_tensor *x, int64_t first, int64_t rows,
                                       unsigned char *packed, simd_consume_fn *consume,
                                       void *context)
{
    const simd_blocks blocks = simd_blocks_of(rows, product->block_rows);
    const size_t stride = simd_block_stride(product, p, &blocks);
    simd_pack_rows(product, p, x, first, &blocks, packed);
#pragma omp barrier
    const bool by_rows = simd_by_rows(p, product, rows, omp_get_num_threads());
    const simd_share mine = simd_share_of(by_rows ? blocks.blocks : p->count);
    if (by_rows) {
        simd_multiply(product, p, 0, p->count, packed, stride, &blocks, mine.first, mine.last,
                      consume, context);
    } else {
        simd_multiply(product, p, mine.first, mine.last, packed, stride, &blocks, 0, blocks.blocks,
                      consume, context);
    }
}

#endif
