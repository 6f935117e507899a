#include "bench/gpu/probe.h"

#include <stdlib.h>

#include "assay/philox.h"
#include "bench/clock.h"
#include "bench/probe/ceilings_file.h"
#include "bench/probe/probe_parts.h"

enum { ROUNDS = 30, QUICK_ROUNDS = 10, CACHES_OF_MEMORY = 16, CACHE_TIMES = 64, SPINS = 64 };

static const double multiply_seconds = 2e-3;

typedef struct probing {
    assay_gpu *gpu;
    int32_t device;
    assay_ceilings *found;
    size_t rounds;
    void *from, *to;
    size_t bytes;
    uint32_t times;   /* of a sweep; rounds of multiply-adds */
    bool writes;
    assay_dtype type;
    double operations;
    assay_error *error;
} probing;

static assay_status sweep(void *context)
{
    const probing *const p = context;
    return p->gpu->timing->sweep(p->device, p->gpu->stream, p->writes ? p->to : NULL, p->from,
                                 p->bytes, p->times, p->error);
}

static assay_status multiply(void *context)
{
    probing *const p = context;
    return p->gpu->timing->multiply(p->device, p->gpu->stream, p->type, p->to, p->from,
                                    p->times, &p->operations, p->error);
}

static assay_status spins(void *context)
{
    const probing *const p = context;
    assay_status status = ASSAY_OK;
    for (int i = 0; i < SPINS && status == ASSAY_OK; i++) {
        status = p->gpu->timing->spin(p->device, p->gpu->stream, 0, p->error);
    }
    return status;
}

/* Rounds of one way; parts: of what a round times, in equal shares. */
static assay_status measure(probing *p, const char *name, double amount, double parts, bool cold,
                            assay_gpu_work *work)
{
    assay_probe_rounds rounds = {.count = p->rounds};
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < p->rounds && status == ASSAY_OK; i++) {
        assay_gpu_sample sample;
        status = assay_gpu_time(p->gpu, cold, work, p, &sample, p->error);
        rounds.seconds[i] = sample.seconds / parts;
    }
    if (status == ASSAY_OK) {
        assay_probe_keep(p->found, name, amount, &rounds);
    }
    return status;
}

static assay_status bandwidths(probing *p, size_t all)
{
    const double bytes = (double)all;
    p->bytes = all;
    p->times = 1;
    p->writes = false;
    assay_status status = measure(p, "gpu/bandwidth/read/dram", bytes, 1.0, true, sweep);
    p->writes = true;
    if (status == ASSAY_OK) {
        status = measure(p, "gpu/bandwidth/copy/dram", 2.0 * bytes, 1.0, true, sweep);
    }
    p->bytes = (size_t)p->gpu->facts.cache_bytes / 4 / 64 * 64;
    p->times = CACHE_TIMES;
    p->writes = false;
    if (status == ASSAY_OK && p->bytes > 0) {
        const double passed = (double)p->bytes * CACHE_TIMES;
        status = measure(p, "gpu/bandwidth/read/l2", passed, 1.0, false, sweep);
        p->writes = true;
        p->bytes /= 2;
        status = status == ASSAY_OK
                     ? measure(p, "gpu/bandwidth/copy/l2", passed, 1.0, false, sweep)
                     : status;
    }
    return status;
}

/* Numbers between 1 and 2 of either sign, so that sums stay numbers: sign and fraction random. */
static assay_status give_numbers(probing *p, uint32_t fixed, uint32_t drawn)
{
    enum { WORDS = ASSAY_MULTIPLY_NUMBERS / 4 };
    uint32_t *const words = malloc(WORDS * sizeof *words);
    if (words == NULL) {
        return assay_fail(p->error, ASSAY_NO_MEMORY, "no memory for the numbers of a probe");
    }
    for (size_t i = 0; i < WORDS; i += 4) {
        const assay_philox_block block = assay_philox(1, i, 0);
        for (size_t k = 0; k < 4; k++) {
            words[i + k] = fixed | (block.word[k] & drawn);
        }
    }
    assay_status status =
        p->gpu->accelerator->copy(p->device, p->gpu->stream, p->from, words,
                                  ASSAY_MULTIPLY_NUMBERS, ASSAY_TO_DEVICE, p->error);
    status = status == ASSAY_OK ? assay_gpu_settle(p->gpu, p->error) : status;
    free(words);
    return status;
}

/* Random bits, a mebibyte of them again and again. */
static assay_status fill_all(probing *p, size_t all)
{
    const assay_accelerator *const a = p->gpu->accelerator;
    assay_status status = give_numbers(p, 0, 0xffffffffu);
    for (size_t done = ASSAY_MULTIPLY_NUMBERS; done < all && status == ASSAY_OK; done *= 2) {
        const size_t more = all - done < done ? all - done : done;
        status = a->copy(p->device, p->gpu->stream, (char *)p->from + done, p->from, more,
                         ASSAY_WITHIN_DEVICE, p->error);
    }
    return status == ASSAY_OK ? assay_gpu_settle(p->gpu, p->error) : status;
}

static assay_status peak(probing *p, const char *name)
{
    assay_gpu_sample sample = {.seconds = 0.0};
    assay_status status = ASSAY_OK;
    p->times = 256;
    for (int tries = 0; tries < 20 && sample.seconds < multiply_seconds; tries++) {
        status = assay_gpu_time(p->gpu, false, multiply, p, &sample, p->error);
        if (status != ASSAY_OK) {
            return status == ASSAY_UNSUPPORTED ? ASSAY_OK : status;
        }
        p->times *= sample.seconds < multiply_seconds ? 2 : 1;
    }
    return measure(p, name, p->operations, 1.0, false, multiply);
}

static assay_status peaks(probing *p)
{
    static const struct {
        assay_dtype type;
        const char *name;
        uint32_t fixed, drawn;
    } types[] = {{ASSAY_BF16, "gpu/multiply_add/bf16/mma", 0x3f803f80u, 0x807f807fu},
                 {ASSAY_F16, "gpu/multiply_add/f16/mma", 0x3c003c00u, 0x83ff83ffu},
                 {ASSAY_TF32, "gpu/multiply_add/tf32/mma", 0x3f800000u, 0x807fe000u},
                 {ASSAY_I8, "gpu/multiply_add/int8/mma", 0, 0xffffffffu},
                 {ASSAY_E4M3, "gpu/multiply_add/e4m3/mma", 0x38383838u, 0x87878787u}};
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < sizeof types / sizeof *types && status == ASSAY_OK; i++) {
        p->type = types[i].type;
        status = give_numbers(p, types[i].fixed, types[i].drawn);
        status = status == ASSAY_OK ? peak(p, types[i].name) : status;
    }
    return status;
}

static assay_status latencies(probing *p)
{
    assay_probe_rounds rounds = {.count = p->rounds};
    assay_status status = measure(p, "gpu/latency/kernel", 0.0, SPINS, false, spins);
    for (size_t i = 0; i < p->rounds && status == ASSAY_OK; i++) {
        const double start = assay_clock_now();
        status = p->gpu->timing->spin(p->device, p->gpu->stream, 0, p->error);
        status = status == ASSAY_OK ? assay_gpu_settle(p->gpu, p->error) : status;
        rounds.seconds[i] = assay_clock_now() - start;
    }
    if (status == ASSAY_OK) {
        assay_probe_keep(p->found, "gpu/latency/launch", 0.0, &rounds);
    }
    return status;
}

assay_status assay_gpu_probe(assay_gpu *gpu, bool quick, assay_ceilings *ceilings,
                             assay_error *error)
{
    const assay_accelerator *const a = gpu->accelerator;
    const size_t room = (size_t)(gpu->device.memory_bytes / 4);
    size_t all = CACHES_OF_MEMORY * (gpu->flush_bytes / 2);
    all = (all < room ? all : room) / 64 * 64;
    all = all < ASSAY_MULTIPLY_NUMBERS ? ASSAY_MULTIPLY_NUMBERS : all;
    probing p = {.gpu = gpu, .device = gpu->device.index, .found = ceilings,
                 .rounds = quick ? QUICK_ROUNDS : ROUNDS, .error = error};
    memset(ceilings, 0, sizeof *ceilings);
    assay_gpu_digest(&gpu->facts, ceilings->machine);
    assay_probe_stamp(ceilings);
    assay_status status = a->allocate(p.device, all, &p.from, error);
    status = status == ASSAY_OK ? a->allocate(p.device, all, &p.to, error) : status;
    status = status == ASSAY_OK ? fill_all(&p, all) : status;
    status = status == ASSAY_OK ? assay_gpu_settle_clock(gpu, error) : status;
    status = status == ASSAY_OK ? bandwidths(&p, all) : status;
    status = status == ASSAY_OK ? peaks(&p) : status;
    status = status == ASSAY_OK ? latencies(&p) : status;
    (void)assay_gpu_settle(gpu, NULL);
    (void)a->release(p.device, p.from, NULL);
    (void)a->release(p.device, p.to, NULL);
    return status;
}
