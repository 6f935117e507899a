#include "verify/buffer.h"

#include <math.h>
#include <stdlib.h>

enum { ALIGNMENT = 64 };

/* A quiet NaN that no arithmetic makes, truncated to each type's width. */
static const uint64_t poison_f64 = 0x7ff8a55aa55aa55aull;
static const uint32_t poison_f32 = 0x7fc5a55au;
static const uint16_t poison_bf16 = 0x7fe5u;
static const uint16_t poison_f16 = 0x7f5au;

void *assay_arena_take(assay_arena *arena, size_t size)
{
    if (arena->count == arena->capacity) {
        const size_t capacity = arena->capacity == 0 ? 16 : arena->capacity * 2;
        void **const grown = realloc(arena->block, capacity * sizeof *grown);
        if (grown == NULL) {
            return NULL;
        }
        arena->block = grown;
        arena->capacity = capacity;
    }
    if (size > SIZE_MAX - 2 * ALIGNMENT) {
        return NULL;
    }
    /* calloc: pages of large blocks that nobody touches stay unmapped. */
    unsigned char *const memory = calloc(1, size + ALIGNMENT);
    if (memory == NULL) {
        return NULL;
    }
    arena->block[arena->count++] = memory;
    return memory + (size_t)(-(uintptr_t)memory % ALIGNMENT);
}

void assay_arena_free(assay_arena *arena)
{
    for (size_t i = 0; i < arena->count; i++) {
        free(arena->block[i]);
    }
    free(arena->block);
    memset(arena, 0, sizeof *arena);
}

assay_status assay_buffer_make(assay_arena *arena, assay_dtype dtype, int32_t rank,
                               const int64_t *shape, assay_tensor *tensor, assay_error *error)
{
    *tensor = assay_dense(NULL, dtype, rank, shape);
    size_t bytes = assay_dtype_size(dtype);
    for (int32_t axis = 0; axis < rank; axis++) {
        if (shape[axis] < 0 || __builtin_mul_overflow(bytes, (size_t)shape[axis], &bytes)) {
            return assay_fail(error, ASSAY_BAD_ARGUMENT, "a tensor of an impossible size");
        }
    }
    tensor->data = assay_arena_take(arena, bytes);
    if (tensor->data == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a tensor of %zu bytes", bytes);
    }
    return ASSAY_OK;
}

static int64_t strided_offset(const assay_tensor *tensor, int64_t i)
{
    int64_t offset = 0;
    for (int32_t axis = tensor->rank - 1; axis >= 0; axis--) {
        offset += i % tensor->shape[axis] * tensor->stride[axis];
        i /= tensor->shape[axis];
    }
    return offset;
}

assay_status assay_buffer_convert(assay_arena *arena, const assay_tensor *source, assay_dtype dtype,
                                  assay_tensor *tensor, assay_error *error)
{
    if (!assay_present(source)) {
        memset(tensor, 0, sizeof *tensor);
        return ASSAY_OK;
    }
    const assay_status status =
        assay_buffer_make(arena, dtype, source->rank, source->shape, tensor, error);
    if (status != ASSAY_OK) {
        return status;
    }
    const int64_t count = assay_count(source);
    if (dtype == source->dtype && assay_is_dense(source)) {
        memcpy(tensor->data, source->data, (size_t)count * assay_dtype_size(dtype));
        return ASSAY_OK;
    }
    const bool dense = assay_is_dense(source);
    for (int64_t i = 0; i < count; i++) {
        const size_t from = dense ? (size_t)i : (size_t)strided_offset(source, i);
        assay_store(dtype, tensor->data, (size_t)i,
                    assay_load(source->dtype, source->data, from));
    }
    return ASSAY_OK;
}

#define FILL_WITH(type, value)                                                                     \
    for (int64_t i = 0; i < count; i++) {                                                          \
        ((type *)tensor->data)[i] = (value);                                                       \
    }                                                                                              \
    break

void assay_buffer_poison(const assay_tensor *tensor)
{
    const int64_t count = assay_count(tensor);
    switch (tensor->dtype) {
    case ASSAY_F64: FILL_WITH(uint64_t, poison_f64);
    case ASSAY_TF32:
    case ASSAY_F32: FILL_WITH(uint32_t, poison_f32);
    case ASSAY_BF16: FILL_WITH(uint16_t, poison_bf16);
    case ASSAY_F16: FILL_WITH(uint16_t, poison_f16);
    case ASSAY_I64: FILL_WITH(int64_t, INT64_MIN);
    case ASSAY_I32: FILL_WITH(int32_t, INT32_MIN);
    case ASSAY_E4M3:
    case ASSAY_E5M2: FILL_WITH(uint8_t, 0xff); /* NaN in both */
    case ASSAY_U8: FILL_WITH(uint8_t, 0xa5);
    case ASSAY_I8: FILL_WITH(int8_t, INT8_MIN);
    case ASSAY_NONE: break;
    }
}

void assay_buffer_stale(const assay_tensor *tensor)
{
    enum { KINDS = 5 };
    const size_t size = assay_dtype_size(tensor->dtype);
    const size_t bytes = (size_t)assay_count(tensor) * size;
    const size_t period = KINDS * size;
    char *const to = tensor->data;
    for (int64_t i = 0; i < KINDS && i < assay_count(tensor); i++) {
        assay_store(tensor->dtype, to, (size_t)i, (double)(1 + i));
    }
    /* what is there already, twice as much every time */
    for (size_t done = period; done < bytes; done *= 2) {
        memcpy(to + done, to, bytes - done < done ? bytes - done : done);
    }
}

bool assay_buffer_is_poison(const assay_tensor *tensor, int64_t i)
{
    switch (tensor->dtype) {
    case ASSAY_F64: return ((const uint64_t *)tensor->data)[i] == poison_f64;
    case ASSAY_TF32:
    case ASSAY_F32: return ((const uint32_t *)tensor->data)[i] == poison_f32;
    case ASSAY_BF16: return ((const uint16_t *)tensor->data)[i] == poison_bf16;
    case ASSAY_F16: return ((const uint16_t *)tensor->data)[i] == poison_f16;
    case ASSAY_I64: return ((const int64_t *)tensor->data)[i] == INT64_MIN;
    case ASSAY_I32: return ((const int32_t *)tensor->data)[i] == INT32_MIN;
    default: return false;
    }
}

double assay_buffer_get(const assay_tensor *tensor, int64_t i)
{
    const int64_t offset = assay_is_dense(tensor) ? i : strided_offset(tensor, i);
    return assay_load(tensor->dtype, tensor->data, (size_t)offset);
}

double assay_round_to(assay_dtype type, double value)
{
    uint64_t place = 0;
    assay_store(type, &place, 0, value);
    return assay_load(type, &place, 0);
}

double assay_spacing(assay_dtype type, double value)
{
    const int least = assay_dtype_least_exponent(type);
    int exponent = 0;
    (void)frexp(value, &exponent); /* value in [2^(exponent-1), 2^exponent) */
    const int spacing = exponent - assay_dtype_bits(type);
    return ldexp(1.0, value == 0.0 || spacing < least ? least : spacing);
}

uint64_t assay_buffer_checksum(const assay_tensor *tensor)
{
    const uint8_t *const bytes = tensor->data;
    const size_t size = (size_t)assay_count(tensor) * assay_dtype_size(tensor->dtype);
    uint64_t hash = 0xcbf29ce484222325ull; /* FNV-1a */
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ bytes[i]) * 0x100000001b3ull;
    }
    return hash;
}
