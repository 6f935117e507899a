/* The loops the ceilings are measured with, one table entry for every way of doing a thing that
 * this machine may have. Loops for instruction sets are compiled by target attributes whatever the
 * build's own set is, and run only where the processor has them. */
#ifndef BENCH_PROBE_LOOPS_H
#define BENCH_PROBE_LOOPS_H

#include <stddef.h>
#include <stdint.h>

#include "assay/exec.h"

/* Memory: `bytes` is a multiple of 1024, both places are aligned to 64, and it is done `times`
 * times over. Each returns something that depends on all it read. */
typedef uint64_t assay_probe_read(const void *from, size_t bytes, size_t times);
/* One row, once; asks for `next`, the row that comes after, line by line. */
typedef uint64_t assay_probe_read_row(const void *from, size_t bytes, const void *next);
typedef void assay_probe_write(void *to, size_t bytes, size_t times);
typedef void assay_probe_copy(void *to, const void *from, size_t bytes, size_t times);

typedef struct assay_memory_loops {
    const char *name;
    uint32_t features; /* assay_feature bits it needs */
    assay_probe_read *read;
    assay_probe_read_row *read_row;
    assay_probe_write *write, *write_around; /* around: not through the caches; may be NULL */
    assay_probe_copy *copy, *copy_around;
} assay_memory_loops;

/* Multiply-adds in registers: independent chains of c = c + a*b long enough to hide the latency.
 * `operands` are ASSAY_PROBE_OPERANDS random bytes, finite small numbers in each type, aligned to
 * 64. Returns something that depends on all sums. */
typedef double assay_probe_multiply(const void *operands, size_t iterations);

enum { ASSAY_PROBE_OPERANDS = 4096 };

typedef struct assay_multiply_loop {
    const char *type; /* "f32", "bf16", "int8" */
    const char *set;  /* "scalar", "avx2", … */
    uint32_t features;
    double operations; /* of one iteration, 2 a multiply-add */
    assay_probe_multiply *run;
} assay_multiply_loop;

extern const assay_memory_loops assay_memory_scalar;
extern const assay_multiply_loop assay_multiply_scalar[];
#if defined(__x86_64__)
extern const assay_memory_loops assay_memory_avx2;
extern const assay_memory_loops assay_memory_avx512;
extern const assay_multiply_loop assay_multiply_avx2[];
extern const assay_multiply_loop assay_multiply_avx512[];
extern const assay_multiply_loop assay_multiply_amx[];
#endif

#endif
