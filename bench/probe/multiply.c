/* Multiply-add peaks and latencies. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/clock.h"
#include "bench/probe/probe_parts.h"

enum { ITERATIONS = 4096 };

typedef struct multiply_work {
    const assay_multiply_loop *loop;
    const void *operands;
} multiply_work;

static void multiply(void *context, int32_t thread, size_t passes)
{
    const multiply_work *const work = context;
    (void)thread;
    assay_probe_use(work->loop->run(work->operands, passes * ITERATIONS));
}

/* Pairs of bytes are bf16 numbers between 2^-7 and 1 in size, so pairs of those are f32 numbers of
 * the same size: sums of such products neither overflow nor become subnormal. */
static void fill_operands(uint16_t *words)
{
    uint64_t state = 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < ASSAY_PROBE_OPERANDS / sizeof *words; i++) {
        const uint64_t random = assay_probe_random(&state) >> 11;
        const uint64_t exponent = 120 + random % 7;
        words[i] = (uint16_t)(((random >> 8) & 0x8000u) | exponent << 7 | ((random >> 32) & 0x7fu));
    }
}

static void measure_table(assay_probe *probe, const assay_multiply_loop *loops,
                          const void *operands, int32_t threads, const char *which)
{
    for (const assay_multiply_loop *loop = loops; loop->run != NULL; loop++) {
        multiply_work work = {loop, operands};
        char name[ASSAY_CEILING_NAME];
        (void)snprintf(name, sizeof name, "multiply_add/%s/%s/%s", loop->type, loop->set, which);
        if (assay_probe_has(probe, loop->features)) {
            assay_probe_way(probe, name, loop->operations * ITERATIONS, multiply, &work, threads);
        }
    }
}

assay_status assay_probe_peaks(assay_probe *probe, assay_error *error)
{
    static const assay_multiply_loop *const tables[] = {
        assay_multiply_scalar,
#if defined(__x86_64__)
        assay_multiply_avx2, assay_multiply_avx512, assay_multiply_amx,
#endif
    };
    uint16_t *const operands = aligned_alloc(64, ASSAY_PROBE_OPERANDS);
    if (operands == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for the probe's operands");
    }
    fill_operands(operands);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        measure_table(probe, tables[i], operands, 1, "one");
        measure_table(probe, tables[i], operands, probe->all, "all");
    }
    free(operands);
    return ASSAY_OK;
}

static void nothing(void *context)
{
    __asm__ volatile("" : : "r"(context) : "memory");
}

static void call(void *context, int32_t thread, size_t passes)
{
    assay_timed *volatile const hidden = nothing; /* from the compiler, or there is no call */
    assay_timed *const function = hidden;
    (void)thread;
    for (size_t i = 0; i < passes; i++) {
        function(context);
    }
}

/* As kernels meet it, by the waiting policy this process runs under. */
static void openmp_barrier(void *context, int32_t thread, size_t passes)
{
    (void)context;
    (void)thread;
    for (size_t i = 0; i < passes; i++) {
#pragma omp barrier
    }
}

static void spin_barrier(void *context, int32_t thread, size_t passes)
{
    (void)thread;
    for (size_t i = 0; i < passes; i++) {
        assay_spin_barrier_wait(context);
    }
}

void assay_probe_latencies(assay_probe *probe)
{
    assay_spin_barrier barrier = {.threads = probe->all};
    assay_probe_way(probe, "latency/call", 0, call, NULL, 1);
    assay_probe_way(probe, "latency/barrier", 0, openmp_barrier, NULL, probe->all);
    assay_probe_way(probe, "latency/barrier", 0, spin_barrier, &barrier, probe->all);
}
