#include "bench/gpu/products.h"

#include <stdlib.h>

#include "assay/philox.h"
#include "bench/gpu/probe.h"
#include "bench/probe/probe_parts.h"

/* Sizes double from the least until a product takes long enough. */
enum { ROUNDS = 20, QUICK_ROUNDS = 6, SIZE_LEAST = 64, SIZE_MOST = 8192, PATTERN = 1 << 20 };
static const double long_enough = 4e-3, quickly_enough = 1e-3;

typedef struct squares {
    assay_gpu *gpu;
    const assay_kernel *kernel;
    assay_exec exec;
    assay_linear_params params;
    assay_linear_io io;
    void *memory[3], *workspace, *state;
    assay_error *error;
} squares;

static bool is_peak(const assay_gpu *gpu, const assay_kernel *kernel)
{
    const assay_precision *const p = &kernel->precision;
    return kernel->op == ASSAY_OP_linear && kernel->space == ASSAY_CUDA &&
           (kernel->features & ~gpu->device.features) == 0 &&
           assay_gpu_product_name(p->multiply)[0] != '\0' &&
           (p->quant_bits == 0 || p->multiply == ASSAY_I8);
}

static void close_squares(squares *s)
{
    const assay_accelerator *const a = s->gpu->accelerator;
    (void)assay_gpu_settle(s->gpu, NULL);
    if (s->kernel->release != NULL && s->state != NULL) {
        s->kernel->release(&s->exec, s->state);
    }
    for (int i = 0; i < 3; i++) {
        (void)a->release(s->gpu->device.index, s->memory[i], NULL);
    }
    (void)a->release(s->gpu->device.index, s->workspace, NULL);
}

/* Random signs and fractions of numbers between 1 and 2, again and again. */
static assay_status fill(const squares *s, assay_dtype type, void *to, size_t bytes)
{
    const assay_accelerator *const a = s->gpu->accelerator;
    const int32_t device = s->gpu->device.index;
    const uint32_t one = type == ASSAY_F32   ? 0x3f800000u
                         : type == ASSAY_F16 ? 0x3c003c00u
                                             : 0x3f803f80u;
    const uint32_t drawn = type == ASSAY_F32   ? 0x807fffffu
                           : type == ASSAY_F16 ? 0x83ff83ffu
                                               : 0x807f807fu;
    const size_t first = bytes < PATTERN ? bytes : PATTERN;
    uint32_t *const words = malloc(PATTERN);
    if (words == NULL) {
        return assay_fail(s->error, ASSAY_NO_MEMORY, "no memory for the numbers of a probe");
    }
    for (size_t i = 0; i < PATTERN / sizeof *words; i++) {
        words[i] = one | (assay_philox(2, i / 4, 0).word[i % 4] & drawn);
    }
    assay_status status =
        a->copy(device, s->gpu->stream, to, words, first, ASSAY_TO_DEVICE, s->error);
    for (size_t done = first; done < bytes && status == ASSAY_OK; done *= 2) {
        const size_t more = bytes - done < done ? bytes - done : done;
        status = a->copy(device, s->gpu->stream, (char *)to + done, to, more, ASSAY_WITHIN_DEVICE,
                         s->error);
    }
    status = status == ASSAY_OK ? assay_gpu_settle(s->gpu, s->error) : status;
    free(words);
    return status;
}

static assay_tensor on_device(void *memory, assay_dtype type, int64_t n)
{
    assay_tensor tensor = assay_matrix(memory, type, n, n);
    tensor.space = ASSAY_CUDA;
    return tensor;
}

/* x, weight and y, n x n, and the prepared kernel. UNSUPPORTED: it does not serve them. */
static assay_status open_squares(squares *s, int64_t n)
{
    const assay_accelerator *const a = s->gpu->accelerator;
    const assay_linear_functions *const run = &s->kernel->run.linear;
    const int32_t device = s->gpu->device.index;
    const assay_dtype type = s->kernel->precision.output;
    const size_t bytes = (size_t)(n * n) * assay_dtype_size(type);
    assay_status status = ASSAY_OK;
    for (int i = 0; i < 3 && status == ASSAY_OK; i++) {
        status = a->allocate(device, bytes, &s->memory[i], s->error);
        status = status == ASSAY_OK ? fill(s, type, s->memory[i], bytes) : status;
    }
    s->io.x = on_device(s->memory[0], type, n);
    s->params.weight = on_device(s->memory[1], type, n);
    s->io.y = on_device(s->memory[2], type, n);
    if (status == ASSAY_OK && run->supports != NULL) {
        status = run->supports(&s->gpu->device, &s->params, &s->io, s->error);
    }
    if (status == ASSAY_OK && run->workspace != NULL) {
        s->exec.workspace_bytes = run->workspace(&s->params, &s->io);
        status = a->allocate(device, s->exec.workspace_bytes, &s->workspace, s->error);
        s->exec.workspace = s->workspace;
    }
    if (status == ASSAY_OK && run->prepare != NULL) {
        status = run->prepare(&s->exec, &s->params, &s->state);
    }
    return status == ASSAY_OK ? assay_gpu_settle(s->gpu, s->error) : status;
}

static assay_status multiply(void *context)
{
    const squares *const s = context;
    return s->kernel->run.linear.run(&s->exec, &s->params, s->state, &s->io);
}

/* One size. *last: it takes long enough, or no larger one follows; only then is it kept. */
static assay_status take_size(squares *s, int64_t n, bool quick, assay_ceilings *ceilings,
                              bool *last)
{
    assay_gpu_sample sample = {.seconds = 0.0};
    assay_probe_rounds rounds = {.count = quick ? QUICK_ROUNDS : ROUNDS};
    assay_status status = open_squares(s, n);
    for (int i = 0; i < 2 && status == ASSAY_OK; i++) { /* the first one loads code */
        status = i == 0 ? multiply(s)
                        : assay_gpu_time(s->gpu, false, multiply, s, &sample, s->error);
        status = status == ASSAY_OK ? assay_gpu_settle(s->gpu, s->error) : status;
    }
    *last = status != ASSAY_OK || 2 * n > SIZE_MOST ||
            sample.seconds >= (quick ? quickly_enough : long_enough);
    for (size_t i = 0; i < rounds.count && *last && status == ASSAY_OK; i++) {
        status = assay_gpu_time(s->gpu, false, multiply, s, &sample, s->error);
        rounds.seconds[i] = sample.seconds;
    }
    if (*last && status == ASSAY_OK) {
        const double operations = 2.0 * (double)n * (double)n * (double)n;
        assay_probe_keep(ceilings, assay_gpu_product_name(s->kernel->precision.multiply),
                         operations, &rounds);
    }
    return status;
}

assay_status assay_gpu_probe_products(assay_gpu *gpu, const assay_plugin *plugin, bool quick,
                                      assay_ceilings *ceilings, assay_error *error)
{
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < plugin->count && status == ASSAY_OK; i++) {
        bool last = !is_peak(gpu, plugin->kernels[i]);
        for (int64_t n = SIZE_LEAST; !last && status == ASSAY_OK; n *= 2) {
            squares s = {.gpu = gpu, .kernel = plugin->kernels[i], .error = error,
                         .exec = {.device = gpu->device, .stream = gpu->stream, .error = error}};
            status = take_size(&s, n, quick, ceilings, &last);
            close_squares(&s);
        }
        status = status == ASSAY_UNSUPPORTED || status == ASSAY_NO_MEMORY ? ASSAY_OK : status;
    }
    return status;
}
