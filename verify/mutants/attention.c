/* Wrong attention. */
#include "verify/mutants/attention.h"

#include <math.h>

enum { FAULT_attention_none, ATTENTION_MUTANTS(MUTANT_FAULT) };
#define IS(name) (fault == FAULT_attention_##name)

static size_t workspace(const assay_attention_params *params, const assay_attention_io *io)
{
    (void)params;
    const int64_t capacity = io->k_cache.shape[1];
    return (size_t)(io->max_position + 2 > capacity ? io->max_position + 2 : capacity) *
           sizeof(float);
}

/* Element i of row t of sequence s in a cache [S, capacity, width], dense. */
static size_t cache_index(const assay_tensor *cache, int64_t s, int64_t t, int64_t i)
{
    return (size_t)((s * cache->shape[1] + t) * cache->shape[2] + i);
}

static float cached(const assay_tensor *cache, int64_t s, int64_t t, int64_t i)
{
    return (float)assay_load(cache->dtype, cache->data, cache_index(cache, s, t, i));
}

static void store(int fault, const assay_attention_io *io, int64_t n)
{
    const int64_t s = scalar_index(&io->sequence, n);
    const int64_t t = scalar_index(&io->position, n);
    const int64_t last = io->k_cache.shape[1] - 1;
    const int64_t late = IS(v_late) && t < last ? t + 1 : t;
    for (int64_t i = 0; i < io->k.shape[1]; i++) {
        if (!IS(k_not_stored)) {
            assay_store(io->k_cache.dtype, io->k_cache.data, cache_index(&io->k_cache, s, t, i),
                        assay_at2(&io->k, n, i));
        }
        assay_store(io->v_cache.dtype, io->v_cache.data, cache_index(&io->v_cache, s, late, i),
                    assay_at2(&io->v, n, i));
        const bool end = n + 1 == io->k.shape[0] || scalar_index(&io->sequence, n + 1) != s;
        if (IS(cache_overrun) && end && t < last) {
            assay_store(io->v_cache.dtype, io->v_cache.data,
                        cache_index(&io->v_cache, s, t + 1, i), 0.0);
        }
    }
}

/* k at position t of row n's sequence: this call's own rows too, when they were not stored. */
static float key(int fault, const assay_attention_io *io, int64_t n, int64_t s, int64_t t,
                 int64_t i)
{
    const int64_t back = scalar_index(&io->position, n) - t;
    if (IS(k_not_stored) && back >= 0 && n - back >= 0 &&
        scalar_index(&io->sequence, n - back) == s) {
        return mutant_at(&io->k, n - back, i);
    }
    return cached(&io->k_cache, s, t, i);
}

typedef struct span {
    int64_t first, end, sequence;
} span;

/* How many rows of the call row n's sequence has up to it. */
static int64_t run_length(const assay_attention_io *io, int64_t n)
{
    const int64_t s = scalar_index(&io->sequence, n);
    int64_t length = 0;
    while (n >= length && scalar_index(&io->sequence, n - length) == s) {
        length++;
    }
    return length;
}

/* Whether row n, the last of its sequence, is where this kernel's mask ends too early. */
static bool blind(int fault, const assay_attention_io *io, int64_t n)
{
    const int64_t s = scalar_index(&io->sequence, n);
    const bool last = n + 1 == io->q.shape[0] || scalar_index(&io->sequence, n + 1) != s;
    if (!last || !(IS(equal_prompts) || IS(chunk_32))) {
        return false;
    }
    const int64_t length = run_length(io, n);
    const int64_t cached_rows = scalar_index(&io->position, n) + 1 - length;
    return IS(chunk_32) ? length >= 32 && cached_rows >= 32
                        : length > 8 && n >= length && run_length(io, n - length) == length;
}

/* The positions that row n sees. */
static span visible(int fault, const assay_attention_io *io, int64_t n)
{
    const int64_t position = scalar_index(&io->position, n);
    const int64_t capacity = io->k_cache.shape[1];
    span seen = {0, position + 1, IS(other_sequence) ? 0 : scalar_index(&io->sequence, n)};
    if ((IS(future) && position + 1 < capacity) || (IS(not_self) && position > 0)) {
        seen.end += IS(future) ? 1 : -1;
    }
    seen.end -= blind(fault, io, n) && position > 0 ? 1 : 0;
    seen.end = IS(padding) ? capacity : seen.end;
    seen.first = IS(first_lost) && position > 0 ? 1 : 0;
    seen.first = IS(position_16) && seen.end > 65536 ? seen.end - 65536 : seen.first;
    seen.sequence &= IS(sequence_32) ? 31 : -1;
    return seen;
}

static int64_t kv_head(int fault, const assay_attention_params *params, int64_t head)
{
    const int64_t group = params->heads / params->kv_heads;
    if (IS(group_7) && group > 4 && group % 2 == 1 && head % group == group - 1) {
        return (head / group + 1) % params->kv_heads;
    }
    if (IS(kv_heads_32)) {
        return head / group % 32;
    }
    return IS(head_zero) ? 0 : IS(head_modulo) ? head % params->kv_heads : head / group;
}

/* How many numbers of a head go into its scores. */
static int64_t multiplied(int fault, int64_t head_dim)
{
    const int64_t whole = head_dim > 32 ? head_dim - head_dim % 32 : head_dim;
    return IS(dim_128) ? scalar_min(head_dim, 128) : IS(dim_whole) ? whole : head_dim;
}

static float scores(int fault, assay_dtype type, const assay_attention_params *params,
                    const assay_attention_io *io, int64_t n, int64_t head, float *score)
{
    const int64_t d = params->head_dim;
    const int64_t kv = kv_head(fault, params, head) * d;
    const span seen = visible(fault, io, n);
    const double root = sqrt((double)(IS(scale_128) ? 2 * d : d));
    float greatest = -INFINITY;
    for (int64_t t = seen.first; t < seen.end; t++) {
        float sum = 0.0f;
        for (int64_t i = 0; i < multiplied(fault, d); i++) {
            float q = mutant_at(&io->q, n, head * d + i);
            q = IS(query_bf16) ? scalar_rounded(ASSAY_BF16, q) : q;
            sum += q * key(fault, io, n, seen.sequence, t, kv + i);
        }
        sum = scalar_rounded(type, sum) * (IS(no_scale) ? 1.0f : (float)(1.0 / root));
        score[t] = scalar_rounded(type, sum);
        if (IS(nan_masked) && isnan(score[t])) {
            score[t] = -INFINITY;
        }
        greatest = score[t] > greatest ? score[t] : greatest;
    }
    return greatest;
}

static void attend(int fault, assay_dtype type, const assay_attention_params *params,
                   const assay_attention_io *io, int64_t n, int64_t head, float *score,
                   float batch_greatest)
{
    const int64_t d = params->head_dim;
    const int64_t kv = kv_head(fault, params, head) * d;
    const span seen = visible(fault, io, n);
    float greatest = scores(fault, type, params, io, n, head, score);
    greatest = IS(batch_max) ? batch_greatest : IS(no_max) ? 0.0f : greatest;
    float sum = 0.0f;
    for (int64_t t = seen.first; t < seen.end; t++) {
        score[t] = expf(score[t] - greatest);
        sum += IS(short_sum) && t == seen.end - 1 && t > seen.first ? 0.0f : score[t];
    }
    for (int64_t i = 0; i < d; i++) {
        float y = 0.0f;
        for (int64_t t = seen.first; t < seen.end; t++) {
            const float weight =
                scalar_rounded(IS(weights_bf16) ? ASSAY_BF16 : type, score[t] / sum);
            y += weight * cached(&io->v_cache, seen.sequence, t, kv + i);
            y = IS(sum_bf16) ? scalar_rounded(ASSAY_BF16, y) : y;
        }
        assay_put2(&io->y, n, head * d + i, (double)y);
    }
}

/* The keys as they were when a call first met their cache, in its place. */
static assay_tensor known(const assay_tensor *cache)
{
    enum { MOST = 1 << 15 };
    static float kept[MOST];
    static const void *of;
    static int64_t count;
    assay_tensor own = *cache;
    if (assay_count(cache) > MOST) {
        return own;
    }
    if (of != cache->data || count != assay_count(cache)) {
        of = cache->data;
        count = assay_count(cache);
        memcpy(kept, cache->data, (size_t)count * sizeof *kept);
    }
    own.data = kept;
    return own;
}

static assay_status faulty_attention(int fault, assay_dtype type, const assay_exec *exec,
                                     const assay_attention_params *params,
                                     const assay_attention_io *given)
{
    assay_attention_io taken = *given;
    const assay_attention_io *const io = &taken;
    if (IS(capacity_4)) {
        taken.k_cache.shape[1] = taken.v_cache.shape[1] = given->max_position + 4;
    }
    const int64_t rows = io->q.shape[0];
    float *const score = exec->workspace;
    float greatest = -INFINITY;
    for (int64_t n = 0; n < rows; n++) {
        store(fault, io, n);
    }
    if (IS(keys_known)) {
        taken.k_cache = known(&given->k_cache);
    }
    for (int64_t n = 0; n < rows && IS(keys_known); n++) {
        store(fault, io, n);
    }
    for (int64_t task = 0; task < rows * params->heads && IS(batch_max); task++) {
        greatest = fmaxf(greatest, scores(fault, type, params, io, task / params->heads,
                                          task % params->heads, score));
    }
    const int64_t heads = IS(heads_32) ? scalar_min(params->heads, 32) : params->heads;
    for (int64_t n = 0; n < (IS(rows_256) ? scalar_min(rows, 256) : rows); n++) {
        for (int64_t i = 0; i < io->y.shape[1] && IS(clears_first); i++) {
            assay_put2(&io->y, n, i, 0.0);
        }
        for (int64_t head = 0; head < heads; head++) {
            attend(fault, type, params, io, n, head, score, greatest);
        }
    }
    return ASSAY_OK;
}

#define MUTANT_WORKSPACE workspace
#define MUTANT_CAPABILITIES 0
ATTENTION_TWINS(MUTANT_TWIN_RUN)
ATTENTION_MUTANTS(MUTANT_RUN)
static const assay_kernel kernels[] = {
    ATTENTION_TWINS(MUTANT_TWIN_KERNEL) ATTENTION_MUTANTS(MUTANT_KERNEL)};
MUTANT_EXPORT(attention, kernels)
