/* A right linear layer in bad company: memory that is not its own, time, signals, threads. */
#include "verify/mutants/systems.h"

#include <math.h>
#include <omp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { FAULT_linear_none, SYSTEMS_MUTANTS(MUTANT_FAULT) };
#define IS(name) (fault == FAULT_linear_##name)

enum { KEPT_BYTES = 1 << 16, LATE_WRITES = 200, SHARED_ROWS = 64 };
static const uint64_t memory_end = UINT64_C(6) << 30; /* where it gives up, if nobody stops it */

static void rest(long microseconds)
{
    const struct timespec time = {microseconds / 1000000, microseconds % 1000000 * 1000};
    (void)nanosleep(&time, NULL);
}

static float part(const assay_linear_params *params, const assay_tensor *x, int64_t n, int64_t o,
                  int64_t begin, int64_t end)
{
    float sum = 0.0f;
    for (int64_t k = begin; k < end; k++) {
        sum += mutant_at(x, n, k) * mutant_at(&params->weight, o, k);
    }
    return sum;
}

/* Two threads add their halves of k to one sum. */
static float shared_sum(int fault, const assay_linear_params *params, const assay_tensor *x,
                        int64_t n, int64_t o)
{
    const int64_t middle = x->shape[1] / 2;
    volatile float sum = 0.0f;
#pragma omp parallel num_threads(2)
    {
        const int64_t me = omp_get_thread_num();
        const bool alone = omp_get_num_threads() == 1;
        const float mine = part(params, x, n, o, me == 0 ? 0 : middle,
                                me == 0 && !alone ? middle : x->shape[1]);
        if (IS(race)) {
            const float read = sum;
#pragma omp barrier
            sum = read + mine;
        } else {
#pragma omp critical
            sum = sum + mine;
        }
    }
    return sum;
}

static void compute(int fault, const assay_linear_params *params, const assay_tensor *x,
                    const assay_tensor *y)
{
    for (int64_t n = 0; n < y->shape[0]; n++) {
        for (int64_t o = 0; o < y->shape[1]; o++) {
            const float sum = o == 0 && n < SHARED_ROWS ? shared_sum(fault, params, x, n, o)
                                     : part(params, x, n, o, 0, x->shape[1]);
            double value = (double)sum;
            value += assay_present(&params->bias) ? assay_at1(&params->bias, o) : 0.0;
            value += IS(accumulates) ? assay_at2(y, n, o) : 0.0;
            value += IS(poison_needed) && !isnan(assay_at2(y, n, o)) ? 1.0 : 0.0;
            if (!IS(only_zeros) || assay_at2(y, n, o) == 0.0) {
                assay_put2(y, n, o, value);
            }
        }
    }
}

static size_t bytes_of(const assay_tensor *tensor)
{
    return (size_t)assay_count(tensor) * assay_dtype_size(tensor->dtype);
}

/* One byte at an offset from a place in memory, as an optimiser cannot leave out. */
static void touch(void *data, int64_t offset, bool write)
{
    volatile char *const at = (volatile char *)data + offset;
    const char value = *at;
    if (write) {
        *at = (char)(value ^ 0x55);
    }
}

static void trespass(int fault, const assay_exec *exec, const assay_linear_params *params,
                     const assay_linear_io *io)
{
    const assay_tensor *const x = &io->x;
    const assay_tensor *const w = &params->weight;
    const assay_tensor *const y = &io->y;
    if (IS(read_before_x) || IS(read_after_x)) {
        touch(x->data, IS(read_before_x) ? -1 : (int64_t)bytes_of(x), false);
    } else if (IS(read_before_weight) || IS(read_after_weight)) {
        touch(w->data, IS(read_before_weight) ? -1 : (int64_t)bytes_of(w), false);
    } else if (IS(write_before_y) || IS(write_after_y)) {
        touch(y->data, IS(write_before_y) ? -1 : (int64_t)bytes_of(y), true);
    } else if (IS(write_page_y)) {
        touch(y->data, (int64_t)bytes_of(y) + 4095, true);
    } else if (IS(workspace_after) || IS(workspace_before)) {
        touch(exec->workspace, IS(workspace_before) ? -1 : (int64_t)exec->workspace_bytes, true);
    }
    const assay_tensor *const scaled = IS(input_scaled) ? x : w;
    for (int64_t i = 0; i < assay_count(scaled) && (IS(input_scaled) || IS(weight_scaled)); i++) {
        assay_store(scaled->dtype, scaled->data, (size_t)i,
                    0.5 * assay_load(scaled->dtype, scaled->data, (size_t)i));
    }
}

/* The pointer is not on the stack: it would be overwritten on the way. An integer, since compilers
 * know where the address of a local variable must not go. */
static volatile uintptr_t smashed;

static void smash(void)
{
    volatile char local[16];
    smashed = (uintptr_t)&local[0];
    for (size_t i = 0; i < 4096; i++) {
        ((volatile char *)smashed)[i] = 0x5a;
    }
}

/* Not inlined: it is to return over what it wrote. */
static void (*volatile smash_stack)(void) = smash;

static void take_memory(void)
{
    const size_t step = (size_t)16 << 20;
    for (uint64_t taken = 0; taken < memory_end; taken += step) {
        char *const memory = malloc(step);
        for (size_t i = 0; memory != NULL && i < step; i += 1024) {
            ((volatile char *)memory)[i] = 1;
        }
    }
}

static void misbehave(int fault)
{
    if (IS(exit_0) || IS(exit_3)) {
        exit(IS(exit_0) ? 0 : 3);
    } else if (IS(abort)) {
        abort();
    } else if (IS(illegal)) {
        (void)raise(SIGILL);
    } else if (IS(null)) {
        const float *volatile nowhere = NULL;
        (void)*(const volatile float *)nowhere;
    } else if (IS(stack_smash)) {
        smash_stack();
    } else if (IS(memory)) {
        take_memory();
    } else if (IS(closes)) {
        for (int file = 3; file < 64; file++) {
            (void)close(file);
        }
    } else if (IS(sleep)) {
        rest(600000000);
    }
    static volatile bool hanging;
    for (hanging = IS(hang); hanging;) {
    }
}

/* What a call leaves for later ones: an output, weights, how many calls there were. */
static struct memory {
    int64_t shape[3];
    uint64_t calls;
    size_t bytes;
    char kept[KEPT_BYTES];
} earlier;

/* Whether an earlier call had these shapes; remembers them. */
static bool shapes_repeat(const assay_linear_io *io)
{
    const int64_t shape[3] = {io->x.shape[0], io->x.shape[1], io->y.shape[1]};
    const bool same = memcmp(shape, earlier.shape, sizeof shape) == 0;
    memcpy(earlier.shape, shape, sizeof shape);
    return same;
}

static void keep(const assay_tensor *tensor)
{
    earlier.bytes = bytes_of(tensor) <= KEPT_BYTES ? bytes_of(tensor) : 0;
    memcpy(earlier.kept, tensor->data, earlier.bytes);
}

typedef struct errand {
    assay_linear_params params;
    assay_linear_io io;
    bool work;
} errand;

static void *run_errand(void *context)
{
    errand *const e = context;
    rest(e->work ? 20000 : 100);
    if (e->work) {
        compute(FAULT_linear_none, &e->params, &e->io.x, &e->io.y);
    }
    for (int i = 0; i < LATE_WRITES && !e->work; i++) {
        ((volatile float *)e->io.y.data)[0] = (float)i;
        rest(100);
    }
    free(e);
    return NULL;
}

static void send_errand(const assay_linear_params *params, const assay_linear_io *io, bool work)
{
    pthread_t thread;
    errand *const e = malloc(sizeof *e);
    if (e != NULL) {
        *e = (errand){*params, *io, work};
        if (pthread_create(&thread, NULL, run_errand, e) == 0) {
            (void)pthread_detach(thread);
        }
    }
}

/* Faults that remember earlier calls; false: nothing more is to be done. */
static bool remember(int fault, assay_linear_params *params, const assay_linear_io *io)
{
    const bool again = shapes_repeat(io);
    earlier.calls++;
    if (IS(cached) && again && earlier.bytes == bytes_of(&io->y)) {
        memcpy(io->y.data, earlier.kept, earlier.bytes);
        return false;
    }
    if (IS(stale_weights)) {
        if (!again || earlier.bytes != bytes_of(&params->weight)) {
            keep(&params->weight);
        } else {
            params->weight.data = earlier.kept;
        }
    }
    return !(IS(skips) && again);
}

static assay_status faulty_linear(int fault, assay_dtype type, const assay_exec *exec,
                                  const assay_linear_params *params, const assay_linear_io *io)
{
    assay_linear_params own = *params;
    assay_tensor x = io->x;
    (void)type;
    if (IS(late_work)) {
        send_errand(params, io, true);
        return ASSAY_OK;
    }
    if (!remember(fault, &own, io)) {
        return ASSAY_OK;
    }
    misbehave(fault);
    trespass(fault, exec, params, io);
    if (IS(aligned_loads)) {
        x.data = (char *)x.data - (uintptr_t)x.data % 64;
    }
    compute(fault, &own, &x, &io->y);
    if (IS(cached)) {
        keep(&io->y);
    } else if (IS(unstable) && earlier.calls % 2 == 0) {
        assay_put2(&io->y, 0, 0, 1.01 * assay_at2(&io->y, 0, 0));
    } else if (IS(late_write)) {
        send_errand(params, io, false);
    }
    return IS(error_return) ? ASSAY_INTERNAL : IS(unsupported_run) ? ASSAY_UNSUPPORTED : ASSAY_OK;
}

static size_t workspace(const assay_linear_params *params, const assay_linear_io *io)
{
    (void)params;
    return (size_t)io->x.shape[1] * sizeof(float);
}

#define MUTANT_WORKSPACE workspace
#define MUTANT_CAPABILITIES 0
SYSTEMS_TWINS(MUTANT_TWIN_RUN)
SYSTEMS_MUTANTS(MUTANT_RUN)
static const assay_kernel kernels[] = {
    SYSTEMS_TWINS(MUTANT_TWIN_KERNEL) SYSTEMS_MUTANTS(MUTANT_KERNEL)};
MUTANT_EXPORT(systems, kernels)
