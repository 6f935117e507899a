/* Memory that the verifier owns: tensors with storage, conversion between types, poison. */
#ifndef VERIFY_BUFFER_H
#define VERIFY_BUFFER_H

#include "assay/status.h"
#include "assay/tensor.h"

/* Everything allocated from an arena is freed at once. Zero-initialise it before use. */
typedef struct assay_arena {
    void **block;
    size_t count, capacity;
} assay_arena;

/* Aligned to 64 bytes, zeroed; never NULL for size 0. NULL when memory is out. */
void *assay_arena_take(assay_arena *arena, size_t size);
void assay_arena_free(assay_arena *arena);

/* A new dense tensor of the given shape. */
assay_status assay_buffer_make(assay_arena *arena, assay_dtype dtype, int32_t rank,
                               const int64_t *shape, assay_tensor *tensor, assay_error *error);
/* A dense copy of source as dtype, each element rounded once. An absent source gives an absent
 * tensor. */
assay_status assay_buffer_convert(assay_arena *arena, const assay_tensor *source, assay_dtype dtype,
                                  assay_tensor *tensor, assay_error *error);
/* Fills a tensor with what no right kernel writes everywhere: NaN with a payload of its own for
 * real types, the least integer for integers. */
void assay_buffer_poison(const assay_tensor *tensor);
/* Ordinary numbers instead, as an earlier call may have left them: 1, 2, ... 5, 1, 2, ... */
void assay_buffer_stale(const assay_tensor *tensor);
/* True when element i (dense order) still holds the poison. */
bool assay_buffer_is_poison(const assay_tensor *tensor, int64_t i);

/* value rounded once to type. */
double assay_round_to(assay_dtype type, double value);
/* The distance between the numbers of type around value: one ulp. */
double assay_spacing(assay_dtype type, double value);

/* Dense element i as float64. */
double assay_buffer_get(const assay_tensor *tensor, int64_t i);
/* A 64-bit sum of a dense tensor's bytes, to see whether they changed. */
uint64_t assay_buffer_checksum(const assay_tensor *tensor);

#endif
