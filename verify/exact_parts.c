#include "verify/exact_parts.h"

#include <math.h>

enum { PARALLEL_FROM = 1 << 15 };

int assay_exact_width(const assay_precision *contract, bool intermediate)
{
    int bits = contract->accumulate.bits;
    bits = bits > 53 ? 53 : bits;
    const int kept = assay_dtype_bits(contract->intermediate);
    return intermediate && kept > 0 && kept < bits ? kept : bits;
}

double assay_exact_limit(const assay_quantum *q, int bits)
{
    return ldexp(1.0, q->exponent + bits);
}

void assay_magnitude_make(assay_magnitudes *m, bool by_output, assay_tensor *tensor)
{
    const assay_tensor given = *tensor;
    if (m->status != ASSAY_OK || !assay_present(&given)) {
        return;
    }
    m->status = assay_buffer_make(m->arena, given.dtype, given.rank, given.shape, tensor, m->error);
    if (m->status != ASSAY_OK) {
        return;
    }
    const int64_t width = given.rank > 1 ? given.shape[1] : 1;
    const int64_t step = given.rank > 1 ? given.stride[1] : 0;
    const int64_t rows = by_output ? m->subset->column_count : given.shape[0];
#pragma omp parallel for schedule(static) if (rows * width >= PARALLEL_FROM)
    for (int64_t n = 0; n < rows; n++) {
        const int64_t row = by_output ? m->subset->columns[n] : n;
        for (int64_t k = 0; k < width; k++) {
            const int64_t from = row * given.stride[0] + k * step;
            assay_store(given.dtype, tensor->data, (size_t)(row * width + k),
                        fabs(assay_load(given.dtype, given.data, (size_t)from)));
        }
    }
}

assay_status assay_exact_promising(const double *truth, int64_t rows, int64_t columns, double limit,
                                   assay_arena *arena, assay_subset *subset, assay_error *error)
{
    int64_t *const list = assay_arena_take(arena, (size_t)(columns + 1) * sizeof *list);
    *subset = (assay_subset){.columns = list};
    if (list == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for %lld columns",
                          (long long)columns);
    }
    for (int64_t c = 0; c < columns; c++) {
        bool any = false;
        for (int64_t i = 0; i < rows && !any; i++) {
            any = fabs(truth[i * columns + c]) <= limit;
        }
        if (any) {
            list[subset->column_count++] = c;
        }
    }
    return ASSAY_OK;
}
