/* Operands that lie on the host, for kernels that want them on a device, or aligned. */
#include "kernels/exec/memory.h"
#include "kernels/exec/space.h"

enum { BRIDGED_MAX = 10 };

/* Where a tensor is in a struct of an op's; which way it goes. */
typedef struct place {
    size_t offset;
    bool input, output;
} place;

typedef struct places {
    place at[BRIDGED_MAX];
    int count;
} places;

#define IN(type, field) {offsetof(type, field), true, false}
#define OUT(type, field) {offsetof(type, field), false, true}
#define BOTH(type, field) {offsetof(type, field), true, true}

static const places weights[ASSAY_OP_COUNT] = {
    [ASSAY_OP_embed] = {{IN(assay_embed_params, table)}, 1},
    [ASSAY_OP_rmsnorm] = {{IN(assay_rmsnorm_params, weight)}, 1},
    [ASSAY_OP_linear] = {{IN(assay_linear_params, weight), IN(assay_linear_params, bias)}, 2},
    [ASSAY_OP_sae_encode] = {{IN(assay_sae_encode_params, sae.encoder),
                              IN(assay_sae_encode_params, sae.decoder)}, 2},
    [ASSAY_OP_sae_decode] = {{IN(assay_sae_decode_params, sae.encoder),
                              IN(assay_sae_decode_params, sae.decoder)}, 2},
    [ASSAY_OP_sae_steer] = {{IN(assay_sae_steer_params, sae.encoder),
                             IN(assay_sae_steer_params, sae.decoder)}, 2},
    [ASSAY_OP_adapter] = {{IN(assay_adapter_params, mean), IN(assay_adapter_params, log_scale),
                           IN(assay_adapter_params, bias), IN(assay_adapter_params, u),
                           IN(assay_adapter_params, v), IN(assay_adapter_params, weight)}, 6},
};

static const places operands[ASSAY_OP_COUNT] = {
    [ASSAY_OP_embed] = {{IN(assay_embed_io, id), IN(assay_embed_io, soft),
                         IN(assay_embed_io, soft_at), OUT(assay_embed_io, y)}, 4},
    [ASSAY_OP_add] = {{IN(assay_add_io, a), IN(assay_add_io, b), OUT(assay_add_io, y)}, 3},
    [ASSAY_OP_rmsnorm] = {{IN(assay_rmsnorm_io, x), OUT(assay_rmsnorm_io, y)}, 2},
    [ASSAY_OP_linear] = {{IN(assay_linear_io, x), OUT(assay_linear_io, y)}, 2},
    [ASSAY_OP_rope] = {{IN(assay_rope_io, x), IN(assay_rope_io, position),
                        OUT(assay_rope_io, y)}, 3},
    [ASSAY_OP_attention] = {{IN(assay_attention_io, q), IN(assay_attention_io, k),
                             IN(assay_attention_io, v), IN(assay_attention_io, sequence),
                             IN(assay_attention_io, position),
                             BOTH(assay_attention_io, k_cache),
                             BOTH(assay_attention_io, v_cache), OUT(assay_attention_io, y)}, 8},
    [ASSAY_OP_swiglu] = {{IN(assay_swiglu_io, gate), IN(assay_swiglu_io, up),
                          OUT(assay_swiglu_io, y)}, 3},
    [ASSAY_OP_sae_encode] = {{IN(assay_sae_encode_io, x),
                              OUT(assay_sae_encode_io, codes.row_offsets),
                              OUT(assay_sae_encode_io, codes.latent),
                              OUT(assay_sae_encode_io, codes.value),
                              OUT(assay_sae_encode_io, dense)}, 5},
    [ASSAY_OP_sae_decode] = {{IN(assay_sae_decode_io, codes.row_offsets),
                              IN(assay_sae_decode_io, codes.latent),
                              IN(assay_sae_decode_io, codes.value), IN(assay_sae_decode_io, x),
                              OUT(assay_sae_decode_io, y)}, 5},
    [ASSAY_OP_sae_steer] = {{IN(assay_sae_steer_io, x), OUT(assay_sae_steer_io, y)}, 2},
    [ASSAY_OP_adapter] = {{IN(assay_adapter_io, x), OUT(assay_adapter_io, y)}, 2},
    [ASSAY_OP_sample] = {{IN(assay_sample_io, logits), IN(assay_sample_io, stream),
                          IN(assay_sample_io, uniform), OUT(assay_sample_io, token),
                          OUT(assay_sample_io, probability)}, 5},
};

static assay_tensor *tensor_at(void *block, const place *p)
{
    return (assay_tensor *)(void *)((char *)block + p->offset);
}

static const assay_tensor *tensor_in(const void *block, const place *p)
{
    return (const assay_tensor *)(const void *)((const char *)block + p->offset);
}

/* The strictest of a kernel's wishes: which operand has it does not matter for a copy. */
static uint64_t alignment_of(const assay_kernel *kernel)
{
    uint64_t most = 1;
    for (int i = 0; i < ASSAY_OPERANDS_MAX; i++) {
        most = kernel->alignment[i] > most ? kernel->alignment[i] : most;
    }
    return most;
}

/* Whether the kernel is given a copy. */
static bool moves(const assay_runner *runner, const assay_kernel *kernel,
                  const assay_tensor *tensor)
{
    return assay_present(tensor) && tensor->space == ASSAY_HOST &&
           (runner->accelerator != NULL ||
            (uintptr_t)tensor->data % alignment_of(kernel) != 0);
}

static uint64_t round_up(uint64_t bytes, uint64_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

/* As what assay_space_take gives, each operand is aligned to 256, or to what the kernel wants. */
static uint64_t unit_of(const assay_kernel *kernel)
{
    const uint64_t wanted = alignment_of(kernel);
    return wanted > 256 ? wanted : 256;
}

/* A copy of what `tensor` names goes to `to`, or room alone, and it names that. */
static assay_status move(const assay_runner *runner, assay_tensor *tensor, void *to, bool content)
{
    const void *const from = tensor->data;
    tensor->data = to;
    assay_space_mark(runner, tensor);
    return content ? assay_space_write(runner, from, tensor) : ASSAY_OK;
}

static void *aligned(void *memory, uint64_t unit)
{
    const uintptr_t from = (uintptr_t)memory;
    return memory == NULL ? NULL : (char *)memory + (round_up(from, unit) - from);
}

assay_status assay_space_weights(const assay_runner *runner, const assay_kernel *kernel,
                                 void *params, assay_uploads *uploads)
{
    const places *const list = &weights[kernel->op];
    const uint64_t unit = unit_of(kernel);
    assay_status status = ASSAY_OK;
    uploads->count = 0;
    for (int i = 0; status == ASSAY_OK && i < list->count; i++) {
        assay_tensor *const tensor = tensor_at(params, &list->at[i]);
        if (!moves(runner, kernel, tensor)) {
            continue;
        }
        void **const block = &uploads->block[uploads->count++];
        status = assay_space_take(runner, assay_tensor_extent(tensor) + unit, "a weight", block);
        if (status == ASSAY_OK) {
            status = move(runner, tensor, aligned(*block, unit), true);
        }
    }
    return status;
}

void assay_space_forget(const assay_runner *runner, assay_uploads *uploads)
{
    for (int i = 0; i < uploads->count; i++) {
        assay_space_return(runner, &uploads->block[i]);
    }
    uploads->count = 0;
}

static assay_status reserve(assay_runner *runner, const assay_kernel *kernel, const places *list,
                            const void *io)
{
    const uint64_t unit = unit_of(kernel);
    uint64_t bytes = unit;
    for (int i = 0; i < list->count; i++) {
        const assay_tensor *const tensor = tensor_in(io, &list->at[i]);
        bytes += moves(runner, kernel, tensor) ? round_up(assay_tensor_extent(tensor), unit) : 0;
    }
    if (bytes == unit || bytes <= runner->bridge_bytes) {
        return ASSAY_OK;
    }
    assay_space_return(runner, &runner->bridge);
    runner->bridge_bytes = 0;
    const assay_status status = assay_space_take(runner, bytes, "operands from the host",
                                                 &runner->bridge);
    runner->bridge_bytes = status == ASSAY_OK ? bytes : 0;
    return status;
}

assay_status assay_bridge_in(assay_runner *runner, const assay_kernel *kernel, void *io)
{
    const places *const list = &operands[kernel->op];
    const uint64_t unit = unit_of(kernel);
    assay_status status = reserve(runner, kernel, list, io);
    char *at = aligned(runner->bridge, unit);
    for (int i = 0; status == ASSAY_OK && i < list->count; i++) {
        assay_tensor *const tensor = tensor_at(io, &list->at[i]);
        if (!moves(runner, kernel, tensor)) {
            continue;
        }
        const uint64_t extent = assay_tensor_extent(tensor);
        const bool gaps = extent !=
                          (uint64_t)assay_count(tensor) * assay_dtype_size(tensor->dtype);
        /* What lies between an output's rows stays. */
        status = move(runner, tensor, at, list->at[i].input || gaps);
        at += round_up(extent, unit);
    }
    return status;
}

assay_status assay_bridge_out(const assay_runner *runner, const assay_kernel *kernel,
                              const void *io, const void *placed)
{
    const places *const list = &operands[kernel->op];
    assay_status status = ASSAY_OK;
    for (int i = 0; status == ASSAY_OK && i < list->count; i++) {
        const assay_tensor *const to = tensor_in(io, &list->at[i]);
        if (list->at[i].output && moves(runner, kernel, to)) {
            status = assay_space_read(runner, tensor_in(placed, &list->at[i]), to->data);
        }
    }
    return status;
}
