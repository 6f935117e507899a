/* Wrong embeddings, additions and gates. */
#include "verify/mutants/elementwise.h"

#include <float.h>
#include <math.h>

enum { FAULT_embed_none, EMBED_MUTANTS(MUTANT_FAULT) };
enum { FAULT_add_none, ADD_MUTANTS(MUTANT_FAULT) };
enum { FAULT_swiglu_none, SWIGLU_MUTANTS(MUTANT_FAULT) };

#define MUTANT_WORKSPACE NULL
#define MUTANT_CAPABILITIES 0

#define IS(name) (fault == FAULT_embed_##name)

static int64_t id_of(int fault, const assay_embed_params *params, const assay_embed_io *io,
                     int64_t n)
{
    const int64_t vocab = params->table.shape[0];
    if (IS(id_halved) && io->id.dtype == ASSAY_I64) {
        return ((const int32_t *)io->id.data)[n];
    }
    const int64_t id = (scalar_index(&io->id, n) + (IS(id_plus_one) ? 1 : 0)) % vocab;
    if (IS(id_edge) && id >= 65536 && id < 65600) {
        return id - 65536;
    }
    if (IS(alike) && mutant_alike(&params->table, id, id - 1, 8)) {
        return id - 1;
    }
    return IS(id_17) ? id & 0x1ffff : id;
}

static void put(int fault, const assay_embed_io *io, int64_t n, int64_t i, double value)
{
    assay_put2(&io->y, n, i,
               IS(through_f16) ? (double)scalar_rounded(ASSAY_F16, (float)value) : value);
}

static void inject(int fault, const assay_embed_params *params, const assay_embed_io *io, int64_t s)
{
    const int64_t rows = io->y.shape[0];
    const int64_t at = scalar_index(&io->soft_at, s);
    const int64_t n = IS(first_rows) ? s : IS(place_late) ? (at + 1) % rows : at;
    for (int64_t i = 0; i < io->y.shape[1]; i++) {
        const int64_t column = IS(scalar_broadcast) ? 0 : i;
        double value = IS(soft_type) ? assay_load(io->y.dtype, io->soft.data,
                                                  (size_t)(s * io->y.shape[1] + column))
                                     : assay_at2(&io->soft, s, column);
        if (IS(soft_added)) {
            value += assay_at2(&params->table, scalar_index(&io->id, n), i);
        }
        put(fault, io, n, i, value);
    }
}

static assay_status faulty_embed(int fault, assay_dtype type, const assay_exec *exec,
                                 const assay_embed_params *params, const assay_embed_io *io)
{
    (void)type;
    (void)exec;
    const int64_t rows = io->y.shape[0];
    const int64_t apart = IS(table_dense) ? io->y.shape[1] : params->table.stride[0];
    for (int64_t n = 0; n < (IS(row_limit) ? scalar_min(rows, 65536) : rows); n++) {
        const int64_t id = id_of(fault, params, io, n);
        for (int64_t i = 0; i < io->y.shape[1]; i++) {
            const float value = (float)assay_load(params->table.dtype, params->table.data,
                                                  (size_t)(id * apart + i));
            if (IS(nan_carried) && isnan(value)) {
                const uint32_t word = assay_f32_bits(value);
                ((uint16_t *)io->y.data)[n * io->y.stride[0] + i] =
                    (uint16_t)((word + 0x7fffu + ((word >> 16) & 1u)) >> 16);
                continue;
            }
            put(fault, io, n, i,
                (double)(IS(f16_flushed) ? mutant_f16_flushed(&params->table, value) : value));
        }
    }
    const int64_t count = assay_present(&io->soft_at) ? io->soft_at.shape[0] : 0;
    for (int64_t s = 0; s < count && !IS(not_injected) && (s == 0 || !IS(one_soft)); s++) {
        inject(fault, params, io, s);
    }
    return ASSAY_OK;
}

EMBED_TWINS(MUTANT_TWIN_RUN)
EMBED_MUTANTS(MUTANT_RUN)
static const assay_kernel embed_kernels[] = {
    EMBED_TWINS(MUTANT_TWIN_KERNEL) EMBED_MUTANTS(MUTANT_KERNEL)};
MUTANT_EXPORT(embed, embed_kernels)

#undef IS
#define IS(name) (fault == FAULT_add_##name)

static float sum_of(int fault, float a, float b)
{
    if (IS(in_bf16)) {
        a = scalar_rounded(ASSAY_BF16, a);
        b = scalar_rounded(ASSAY_BF16, b);
    }
    const float sum = a + (IS(twice_a) ? a : b);
    const bool overflow = isfinite(a) && isfinite(b);
    if (isinf(sum) && (IS(clipped) || (IS(overflow_clipped) && overflow))) {
        return sum > 0.0f ? FLT_MAX : -FLT_MAX;
    }
    if (IS(cancelled) && fabsf(sum) < 0x1p-20f * fabsf(a)) {
        return 0.0f;
    }
    return (IS(quiet_nan) && isnan(sum)) || (IS(flush) && fabsf(sum) < FLT_MIN) ? 0.0f : sum;
}

/* y = a, then y += b: right unless y is b. */
static void copy_first(const assay_add_io *io, int64_t n)
{
    for (int64_t i = 0; i < io->y.shape[1]; i++) {
        assay_put2(&io->y, n, i, assay_at2(&io->a, n, i));
    }
    for (int64_t i = 0; i < io->y.shape[1]; i++) {
        assay_put2(&io->y, n, i, (double)(mutant_at(&io->y, n, i) + mutant_at(&io->b, n, i)));
    }
}

static assay_status faulty_add(int fault, assay_dtype type, const assay_exec *exec,
                               const assay_add_params *params, const assay_add_io *io)
{
    (void)type;
    (void)exec;
    (void)params;
    const int64_t d = io->y.shape[1];
    const int64_t rows = io->y.shape[0];
    const int64_t columns = IS(tail) ? d - d % 16 : IS(wide) ? scalar_min(d, 16384) : d;
    for (int64_t n = 0; n < (IS(row_limit) ? scalar_min(rows, 65536) : rows); n++) {
        if (IS(copies_first)) {
            copy_first(io, n);
            continue;
        }
        for (int64_t i = 0; i < columns; i++) {
            const int64_t flat = (n * d + i) % (1 << 20);
            const float a = IS(flat_20) ? mutant_at(&io->a, flat / d, flat % d)
                                        : mutant_at(&io->a, n, i);
            const float b = mutant_at(&io->b, n, i);
            const float sum = sum_of(fault, a, IS(one_far) && n * d + i == 1000003 ? -b : b);
            if (IS(sum_truncate)) {
                mutant_truncate(&io->y, n, i, sum);
            } else {
                assay_put2(&io->y, n, i, (double)sum);
            }
        }
    }
    return ASSAY_OK;
}

ADD_TWINS(MUTANT_TWIN_RUN)
ADD_MUTANTS(MUTANT_RUN)
static const assay_kernel add_kernels[] = {
    ADD_TWINS(MUTANT_TWIN_KERNEL) ADD_MUTANTS(MUTANT_KERNEL)};
MUTANT_EXPORT(add, add_kernels)

#undef IS
#define IS(name) (fault == FAULT_swiglu_##name)

static float activated(int fault, float value)
{
    if (IS(clamped)) {
        value = value > 20.0f ? 20.0f : value < -20.0f ? -20.0f : value;
    }
    if (IS(exp_over_exp) && isfinite(value)) {
        return value * (expf(value) / (1.0f + expf(value)));
    }
    const double gate = (double)value;
    if (IS(near_zero) && fabs(gate) < 1e-4) {
        return 0.5f * value;
    }
    if (IS(gelu)) {
        return (float)(gate * 0.5 * (1.0 + erf(gate / sqrt(2.0))));
    }
    double e = exp(-gate);
    e = IS(fast_exp) && isfinite((float)e) ? (double)mutant_bits((float)e, 12) : e;
    return (float)((IS(sigmoid) ? 1.0 : gate) / (1.0 + e));
}

static assay_status faulty_swiglu(int fault, assay_dtype type, const assay_exec *exec,
                                  const assay_swiglu_params *params, const assay_swiglu_io *io)
{
    (void)exec;
    (void)params;
    const assay_tensor *const gate = IS(swapped) ? &io->up : &io->gate;
    const assay_tensor *const up = IS(swapped) ? &io->gate : &io->up;
    /* Backwards: y may be gate, and gate_row reads the row before. */
    const int64_t rows = io->y.shape[0];
    for (int64_t n = (IS(row_limit) ? scalar_min(rows, 65536) : rows) - 1; n >= 0; n--) {
        for (int64_t i = 0; i < io->y.shape[1]; i++) {
            const bool before = (IS(gate_row) && n > 0) ||
                                (IS(alike) && mutant_alike(gate, n, n - 1, 8));
            float g = mutant_at(gate, before ? n - 1 : n, i);
            g = IS(gate_flushed) && fabsf(g) < FLT_MIN ? 0.0f : g;
            const float a = scalar_rounded(type, activated(fault, g));
            if (IS(up_late)) {
                assay_put2(&io->y, n, i, (double)a);
            }
            const int64_t j = IS(wide) && i >= 8192 ? i - 8192 : i;
            const float u = IS(no_up) ? 1.0f : mutant_at(up, n, j);
            assay_put2(&io->y, n, i, IS(up_zero) && u == 0.0f ? 0.0 : (double)(a * u));
        }
    }
    return ASSAY_OK;
}

SWIGLU_TWINS(MUTANT_TWIN_RUN)
SWIGLU_MUTANTS(MUTANT_RUN)
static const assay_kernel swiglu_kernels[] = {
    SWIGLU_TWINS(MUTANT_TWIN_KERNEL) SWIGLU_MUTANTS(MUTANT_KERNEL)};
MUTANT_EXPORT(swiglu, swiglu_kernels)
