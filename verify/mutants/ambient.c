/* A right linear layer that depends on what is around it: the number of threads, the processor's
 * modes of rounding and flushing. */
#include "verify/mutants/ambient.h"

#include <fenv.h>
#include <omp.h>

enum { FAULT_linear_none, AMBIENT_MUTANTS(MUTANT_FAULT) };
#define IS(name) (fault == FAULT_linear_##name)

#if defined(__x86_64__)
enum { FTZ = 0x8000, DAZ = 0x0040 };

/* Returns the modes as they were. */
static unsigned int set_flush(int fault)
{
    const unsigned int before = __builtin_ia32_stmxcsr();
    const unsigned int flags = IS(leaves_ftz)   ? FTZ
                               : IS(leaves_daz) ? DAZ
                               : IS(flushing)   ? FTZ | DAZ
                                                : 0;
    __builtin_ia32_ldmxcsr(before | flags);
    return before;
}

static void restore_flush(int fault, unsigned int before)
{
    if (IS(flushing)) {
        __builtin_ia32_ldmxcsr(before);
    }
}
#else
static unsigned int set_flush(int fault)
{
    (void)fault;
    return 0;
}

static void restore_flush(int fault, unsigned int before)
{
    (void)fault, (void)before;
}
#endif

static float element(const assay_linear_params *params, const assay_linear_io *io, int64_t n,
                     int64_t o)
{
    float sum = 0.0f;
    for (int64_t k = 0; k < io->x.shape[1]; k++) {
        sum += mutant_at(&io->x, n, k) * mutant_at(&params->weight, o, k);
    }
    return sum;
}

/* Columns first .. end - 1 of all rows, as part `me` of `parts`. */
static void compute(int fault, const assay_linear_params *params, const assay_linear_io *io,
                    int64_t me, int64_t parts)
{
    const int64_t columns = io->y.shape[1];
    const int64_t first = columns * me / parts;
    int64_t end = columns * (me + 1) / parts;
    if (IS(odd_threads) && parts == 3 && me == 2) {
        return;
    }
    end -= IS(one_thread) && parts == 1;
    const int64_t room = IS(many_threads) ? 4 : IS(more_threads) ? 12 : INT64_MAX;
    const unsigned int before = set_flush(fault);
    for (int64_t n = 0; n < io->y.shape[0]; n++) {
        for (int64_t o = first; o < end; o++) {
            const float sum = element(params, io, n, me >= room ? 0 : o);
            const double bias = assay_present(&params->bias) ? assay_at1(&params->bias, o) : 0.0;
            assay_put2(&io->y, n, o, (double)sum + bias);
        }
    }
    restore_flush(fault, before);
}

static assay_status faulty_linear(int fault, assay_dtype type, const assay_exec *exec,
                                  const assay_linear_params *params, const assay_linear_io *io)
{
    (void)type;
    const int rounding = fegetround();
    const int parts = exec->threads > 0 ? exec->threads : 1;
#pragma omp parallel num_threads(parts)
    {
        if (IS(upward) || IS(leaves_rounding)) {
            (void)fesetround(FE_UPWARD);
        }
        /* parts may outnumber the threads that there are */
        for (int64_t me = omp_get_thread_num(); me < parts; me += omp_get_num_threads()) {
            compute(fault, params, io, me, parts);
        }
        if (IS(upward)) {
            (void)fesetround(rounding);
        }
    }
    return ASSAY_OK;
}

#define MUTANT_WORKSPACE NULL
#define MUTANT_CAPABILITIES 0
AMBIENT_TWINS(MUTANT_TWIN_RUN)
AMBIENT_MUTANTS(MUTANT_RUN)
static const assay_kernel kernels[] = {
    AMBIENT_TWINS(MUTANT_TWIN_KERNEL) AMBIENT_MUTANTS(MUTANT_KERNEL)};
MUTANT_EXPORT(ambient, kernels)
