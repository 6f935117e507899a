#include "verify/isolation/extent.h"

#include "verify/buffer.h"

assay_status assay_extent(const assay_tensor *tensor, bool writable, const char *name,
                          uint64_t *bytes, assay_error *error)
{
    uint64_t last = 0; /* element */
    uint64_t count = 1;
    bool bad = tensor->rank < 0 || tensor->rank > ASSAY_RANK_MAX ||
               assay_dtype_size(tensor->dtype) == 0 || tensor->space != ASSAY_HOST;
    *bytes = 0;
    for (int32_t axis = bad ? -1 : tensor->rank - 1; axis >= 0; axis--) {
        uint64_t reach = 0;
        const int64_t size = tensor->shape[axis];
        const int64_t stride = tensor->stride[axis];
        bad = bad || size < 0 || stride < 0;
        if (writable && size > 1 && last >= (uint64_t)stride) {
            /* Not row-major: fine only when it fills its extent, as a transposed view does. */
            writable = false;
            uint64_t whole = 0;
            const assay_status status = assay_extent(tensor, false, name, &whole, error);
            if (status != ASSAY_OK) {
                return status;
            }
            bad = bad || whole != (uint64_t)assay_count(tensor) * assay_dtype_size(tensor->dtype);
        }
        bad = bad || __builtin_mul_overflow((uint64_t)(size > 0 ? size - 1 : 0), (uint64_t)stride,
                                            &reach) ||
              __builtin_add_overflow(last, reach, &last) ||
              __builtin_mul_overflow(count, (uint64_t)size, &count);
    }
    bad = bad || last > (UINT64_MAX >> 8) || count > (UINT64_MAX >> 8);
    if (bad) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "operand '%s': shape and strides are none that memory could hold", name);
    }
    *bytes = count == 0 ? 0 : (last + 1) * assay_dtype_size(tensor->dtype);
    return ASSAY_OK;
}

/* The innermost axes that are one block of memory, and the outer ones to walk. */
typedef struct walk {
    const assay_tensor *tensor;
    size_t size;
    int64_t block; /* elements */
    int32_t outer; /* axes left */
    int64_t index[ASSAY_RANK_MAX];
    bool ended;
} walk;

static walk walk_begin(const assay_tensor *tensor)
{
    walk w = {.tensor = tensor, .size = assay_dtype_size(tensor->dtype), .block = 1};
    w.outer = tensor->rank;
    while (w.outer > 0 && (tensor->shape[w.outer - 1] == 1 ||
                           tensor->stride[w.outer - 1] == w.block)) {
        w.block *= tensor->shape[--w.outer];
    }
    w.ended = assay_count(tensor) == 0;
    return w;
}

/* Byte offset of the present block. */
static uint64_t walk_at(const walk *w)
{
    uint64_t at = 0;
    for (int32_t axis = 0; axis < w->outer; axis++) {
        at += (uint64_t)w->index[axis] * (uint64_t)w->tensor->stride[axis];
    }
    return at * w->size;
}

static void walk_next(walk *w)
{
    int32_t axis = w->outer - 1;
    while (axis >= 0 && ++w->index[axis] == w->tensor->shape[axis]) {
        w->index[axis--] = 0;
    }
    w->ended = axis < 0;
}

/* An extent without gaps is copied whole, whatever the order of its strides. */
static bool has_gaps(const assay_tensor *tensor, uint64_t extent)
{
    return (uint64_t)assay_count(tensor) * assay_dtype_size(tensor->dtype) < extent;
}

/* Shared memory is handed out page by page at its first touch: by all threads, where there is much
 * of it. */
static void copy_block(const char *from, char *to, uint64_t bytes)
{
    static const uint64_t piece = 1u << 20;
    const uint64_t pieces = (bytes + piece - 1) / piece;
#pragma omp parallel for schedule(static) if (pieces >= 16)
    for (uint64_t p = 0; p < pieces; p++) {
        const uint64_t at = p * piece;
        memcpy(to + at, from + at, bytes - at < piece ? bytes - at : piece);
    }
}

void assay_extent_copy(const assay_tensor *tensor, const void *from, void *to)
{
    uint64_t extent = 0;
    (void)assay_extent(tensor, false, "", &extent, NULL);
    if (!has_gaps(tensor, extent)) {
        copy_block(from, to, extent);
        return;
    }
    for (walk w = walk_begin(tensor); !w.ended; walk_next(&w)) {
        const uint64_t at = walk_at(&w);
        memcpy((char *)to + at, (const char *)from + at, (size_t)w.block * w.size);
    }
}

void assay_extent_poison(const assay_tensor *tensor, bool stale, void *to)
{
    for (walk w = walk_begin(tensor); !w.ended; walk_next(&w)) {
        const assay_tensor block = assay_vector((char *)to + walk_at(&w), tensor->dtype, w.block);
        if (stale) {
            assay_buffer_stale(&block);
        } else {
            assay_buffer_poison(&block);
        }
    }
}

void assay_extent_zero(const assay_tensor *tensor, void *to)
{
    const size_t size = assay_dtype_size(tensor->dtype);
    for (walk w = walk_begin(tensor); !w.ended; walk_next(&w)) {
        memset((char *)to + walk_at(&w), 0, (size_t)w.block * size);
    }
}

uint64_t assay_extent_gaps(const assay_tensor *tensor, uint64_t extent,
                           bool (*differs)(const void *context, uint64_t at), const void *context)
{
    uint64_t end = 0; /* of the blocks so far */
    uint64_t found = 0;
    if (!has_gaps(tensor, extent)) {
        return 0;
    }
    for (walk w = walk_begin(tensor); !w.ended; walk_next(&w)) {
        const uint64_t at = walk_at(&w);
        for (; end < at; end++) {
            found = differs(context, end) ? end + 1 : found;
        }
        end = at + (uint64_t)w.block * w.size;
    }
    return found;
}
