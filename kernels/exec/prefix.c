#include "kernels/exec/prefix.h"

#include <stdlib.h>

#include "kernels/exec/check.h"

static int compare_places(const void *a, const void *b)
{
    const assay_soft_place *const x = a;
    const assay_soft_place *const y = b;
    return x->sequence != y->sequence ? (x->sequence > y->sequence) - (x->sequence < y->sequence)
                                      : (x->position > y->position) - (x->position < y->position);
}

assay_status assay_prefixes_open(assay_prefixes *prefixes, const assay_prompts *prompts,
                                 assay_error *error)
{
    const int64_t batch = prompts->lengths.shape[0];
    const assay_tensor *const at = &prompts->soft_at;
    const int64_t count = assay_present(at) ? at->shape[0] : 0;
    prefixes->prompts = prompts;
    prefixes->place = malloc((size_t)(count + 1) * sizeof *prefixes->place);
    prefixes->first = calloc((size_t)batch + 1, sizeof *prefixes->first);
    if (prefixes->place == NULL || prefixes->first == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory for the places of %lld soft tokens",
                          (long long)count);
    }
    for (int64_t s = 0; s < count; s++) {
        prefixes->place[s] = (assay_soft_place){assay_int2(at, s, 0), assay_int2(at, s, 1), s};
        prefixes->first[prefixes->place[s].sequence + 1]++;
    }
    for (int64_t b = 0; b < batch; b++) {
        prefixes->first[b + 1] += prefixes->first[b];
    }
    qsort(prefixes->place, (size_t)count, sizeof *prefixes->place, compare_places);
    return ASSAY_OK;
}

void assay_prefixes_close(assay_prefixes *prefixes)
{
    free(prefixes->place);
    free(prefixes->first);
    *prefixes = (assay_prefixes){0};
}

static bool is_same_soft(const assay_tensor *soft, int64_t a, int64_t b)
{
    const size_t size = assay_dtype_size(soft->dtype);
    const char *const x = (const char *)soft->data + (size_t)(a * soft->stride[0]) * size;
    const char *const y = (const char *)soft->data + (size_t)(b * soft->stride[0]) * size;
    if (soft->stride[1] == 1) {
        return memcmp(x, y, (size_t)soft->shape[1] * size) == 0;
    }
    bool same = true;
    for (int64_t i = 0; i < soft->shape[1] && same; i++) {
        const size_t at = (size_t)(i * soft->stride[1]) * size;
        same = memcmp(x + at, y + at, size) == 0;
    }
    return same;
}

int64_t assay_prefixes_common(const assay_prefixes *prefixes, int64_t a, int64_t b)
{
    const assay_prompts *const prompts = prefixes->prompts;
    const assay_soft_place *const place = prefixes->place;
    const int64_t *const first = prefixes->first;
    const int64_t length_a = assay_int1(&prompts->lengths, a);
    const int64_t length_b = assay_int1(&prompts->lengths, b);
    const int64_t most = length_a < length_b ? length_a : length_b;
    int64_t i = first[a];
    int64_t j = first[b];
    for (int64_t t = 0; t < most; t++) {
        const bool soft = i < first[a + 1] && place[i].position == t;
        if (soft != (j < first[b + 1] && place[j].position == t)) {
            return t;
        }
        const bool same = soft ? is_same_soft(&prompts->soft, place[i++].soft, place[j++].soft)
                               : assay_int2(&prompts->tokens, a, t) ==
                                     assay_int2(&prompts->tokens, b, t);
        if (!same) {
            return t;
        }
    }
    return most;
}

void assay_prefix_copy(const assay_forward *forward, int64_t from, int64_t to, int64_t count)
{
    const size_t position = (size_t)(forward->model.kv_heads * forward->model.head_dim) *
                            assay_dtype_size(forward->type);
    const size_t slot = (size_t)forward->capacity * position;
    for (int64_t i = 0; i < 2 * forward->layer_count; i++) { /* keys and values in turn */
        char *const cache = (char *)forward->cache.data +
                            (size_t)i * (size_t)forward->slots * slot;
        memcpy(cache + (size_t)to * slot, cache + (size_t)from * slot, (size_t)count * position);
    }
}
