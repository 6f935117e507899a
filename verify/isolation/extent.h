/* A tensor's memory with its strides: how far it reaches, and copying, poisoning and checking what
 * lies within. A region holds a tensor's extent; elements keep their strides in it. */
#ifndef VERIFY_ISOLATION_EXTENT_H
#define VERIFY_ISOLATION_EXTENT_H

#include "assay/status.h"
#include "assay/tensor.h"

/* Bytes from the first element to behind the last; 0 for an empty tensor. Negative sizes or strides
 * and overflow are ASSAY_BAD_ARGUMENT. Writable tensors may not overlap themselves, and their
 * gaps, if they have any, lie behind rows. */
assay_status assay_extent(const assay_tensor *tensor, bool writable, const char *name,
                          uint64_t *bytes, assay_error *error);

/* Elements from one memory to another of the same strides; gaps stay as they are. */
void assay_extent_copy(const assay_tensor *tensor, const void *from, void *to);
/* assay_buffer_poison, or assay_buffer_stale, of every element at `to`. */
void assay_extent_poison(const assay_tensor *tensor, bool stale, void *to);
/* All its elements 0. */
void assay_extent_zero(const assay_tensor *tensor, void *to);
/* Bytes up to and including the last one between elements for which differs() holds: 0 for none. */
uint64_t assay_extent_gaps(const assay_tensor *tensor, uint64_t extent,
                           bool (*differs)(const void *context, uint64_t at), const void *context);

#endif
