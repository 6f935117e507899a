/* What the kernels of CPU libraries are made of: rows times a matrix, tile by tile.
 *
 * A tile is some neighbouring outputs. Threads are ours: they share the tiles, and each has the
 * library multiply, alone, a chunk of rows by one tile into a block [rows, width] of f32 that stays
 * in its second-level cache; what an op does with sums (bias, rounding, threshold, compaction) is
 * done there, so nothing dense is written that is not asked for. Tiles and chunks depend on the
 * shape alone: a sum knows neither how many threads there are nor which of them took it.
 *
 * Left to themselves the libraries would start as many threads as they like: one divides its work
 * when a primitive is made, long before a run says how many it may use. Inside a parallel region
 * both stay on the calling thread; where the team is of one, library_alone tells them so. */
#ifndef KERNELS_LIBRARY_PRODUCT_H
#define KERNELS_LIBRARY_PRODUCT_H

#include "kernels/simd/kernel.h"

enum {
    LIBRARY_SEATS = 64, /* most threads: the workspace does not know how many there will be */
    LIBRARY_SHARES = 16 /* tiles of a matrix, where they get neither too narrow nor too wide */
};

typedef struct library_shape {
    int64_t outputs, depth;
    int64_t width, tiles; /* outputs of a tile; how many, the last one possibly of fewer outputs */
} library_shape;

typedef struct library_call {
    int64_t tile, rows;
    const void *x; /* [rows, depth] of the library's element, dense */
    float *out;    /* [rows, width] */
    void *scratch;
} library_call;

typedef struct library {
    const char *name;
    assay_dtype element;       /* of rows and weights as they are multiplied */
    int64_t rows_most;         /* of one call */
    int64_t grain, width_most; /* of a tile's width: what it is a multiple of, a multiple of 32 */
    /* How many rows a call of so many must have: those beyond are zeros. */
    int64_t (*padded)(int64_t rows);
    size_t (*scratch)(const library_shape *shape); /* bytes of a call */
    /* Whether the library found, and this processor, serve these weights. */
    assay_status (*serves)(const assay_tensor *weight, assay_error *error);
    assay_status (*open)(const assay_exec *exec, const assay_tensor *weight,
                         const library_shape *shape, void **product);
    void (*close)(void *product);
    uint64_t (*bytes)(const void *product); /* of weights that all tiles read */
    int (*multiply)(const void *product, const library_call *call); /* 0: good */
} library;

/* Where a run's scratch lies: rows that are not the operand's own, then a seat for each thread. */
typedef struct library_plan {
    library_shape shape;
    int64_t chunk; /* rows at a time, padded */
    int64_t seats;
    size_t rows_bytes, out_bytes, scratch_bytes, seat_bytes;
    size_t bytes;
} library_plan;

static inline library_shape library_shape_of(const library *l, int64_t outputs, int64_t depth)
{
    const int64_t share = (outputs + LIBRARY_SHARES - 1) / LIBRARY_SHARES;
    const int64_t whole = (int64_t)simd_round_up((size_t)share, (size_t)l->grain);
    const int64_t width = scalar_min(whole < l->grain ? l->grain : whole, l->width_most);
    return (library_shape){outputs, depth, width, (outputs + width - 1) / width};
}

static inline library_plan library_plan_of(const library *l, int64_t outputs, int64_t depth,
                                           int64_t rows)
{
    library_plan p = {.shape = library_shape_of(l, outputs, depth)};
    p.chunk = l->padded(scalar_min(rows, l->rows_most));
    p.seats = scalar_min(p.shape.tiles, LIBRARY_SEATS);
    p.rows_bytes =
        simd_round_up((size_t)(p.chunk * depth) * assay_dtype_size(l->element), SIMD_LINE);
    p.out_bytes = (size_t)(p.chunk * p.shape.width) * sizeof(float);
    p.scratch_bytes = simd_round_up(l->scratch(&p.shape), SIMD_LINE);
    /* A row that is being made, in f32, lies where the call's scratch will. */
    const size_t row = simd_round_up((size_t)depth * sizeof(float), SIMD_LINE);
    p.scratch_bytes = p.scratch_bytes > row ? p.scratch_bytes : row;
    p.seat_bytes = p.out_bytes + p.scratch_bytes;
    p.bytes = p.rows_bytes + (size_t)p.seats * p.seat_bytes;
    return p;
}

/* A thread's own place. */
typedef struct library_seat {
    float *out;
    void *scratch;
} library_seat;

static inline library_seat library_seat_of(const library_plan *p, void *workspace)
{
    char *const at = (char *)workspace + p->rows_bytes +
                     (size_t)omp_get_thread_num() * p->seat_bytes;
    return (library_seat){(float *)(void *)at, at + p->out_bytes};
}

static inline int library_threads(const library_plan *p, const assay_exec *exec, int64_t rows)
{
    const int wanted = simd_threads(exec, rows * p->shape.outputs * p->shape.depth);
    return (int)scalar_min(wanted, p->seats < 1 ? 1 : p->seats);
}

/* In a parallel region, by each of its threads: what it calls has one thread. It is the setting of
 * the thread's own implicit task and ends with the region. */
static inline void library_alone(void)
{
    omp_set_num_threads(1);
}

static inline assay_status library_expect_dense(const assay_exec *exec, const char *operand,
                                                const assay_tensor *tensor, assay_dtype dtype)
{
    const assay_status status = scalar_expect(exec, operand, tensor, dtype);
    return status != ASSAY_OK || assay_is_dense(tensor)
               ? status
               : assay_fail(exec->error, ASSAY_BAD_ARGUMENT,
                            "operand %s: rows must be dense; copy it first", operand);
}

/* A chunk's rows as a call reads them: the operand's own, or a copy with zeros behind. By every
 * thread of a team; a barrier must follow. */
static inline const void *library_place(const library *l, const library_plan *p,
                                        const assay_tensor *x, int64_t first, int64_t rows,
                                        void *workspace)
{
    const size_t row = (size_t)p->shape.depth * assay_dtype_size(l->element);
    const char *const from = (const char *)x->data + (size_t)first * row;
    const int64_t padded = l->padded(rows);
    if (padded == rows) {
        return from;
    }
    const simd_share mine = simd_share_of(padded);
    for (int64_t r = mine.first; r < mine.last; r++) {
        char *const to = (char *)workspace + (size_t)r * row;
        if (r < rows) {
            memcpy(to, from + (size_t)r * row, row);
        } else {
            memset(to, 0, row);
        }
    }
    return workspace;
}

/* What is done with the sums of one tile: out [rows, width], of which row `first` of the operand is
 * the first. */
typedef void library_take_fn(void *context, int64_t tile, int64_t first, int64_t rows,
                             const float *out);

/* A thread's tiles times a chunk of rows; returns the library's first error, 0: none. */
static inline int library_multiply(const library *l, const void *product, simd_share tiles,
                                   const void *x, int64_t first, int64_t rows,
                                   const library_seat *seat, library_take_fn *take, void *context)
{
    library_call call = {
        .rows = l->padded(rows), .x = x, .out = seat->out, .scratch = seat->scratch};
    int failed = 0;
    for (call.tile = tiles.first; call.tile < tiles.last && failed == 0; call.tile++) {
        failed = l->multiply(product, &call);
        if (failed == 0) {
            take(context, call.tile, first, rows, seat->out);
        }
    }
    return failed;
}

static inline assay_status library_settle(const library *l, const assay_exec *exec, int failed)
{
    return failed == 0 ? ASSAY_OK
                       : assay_fail(exec->error, ASSAY_INTERNAL,
                                    "%s could not multiply: its status %d", l->name, failed);
}

#endif
