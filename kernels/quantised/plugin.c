/* A plug-in of whole backends: scalar's kernels, with the weights of the Llama's products or of the
 * SAE in another form. It shows where accuracy ends: assay evaluate --plugin assay_quantised.so */
#include "assay/plugin.h"
#include "kernels/quantised/matrix.h"
#include "kernels/registry.h"

enum { STEPS = ASSAY_OP_capture, FORMS = 7 };

/* Each form's own prepare: a kernel is not told under which name it runs. */
#define QUANTISED_LINEAR(name, storage_, bits_, group_)                                            \
    static const quantised_form form_##name = {storage_, bits_, group_};                           \
    static assay_status linear_##name(const assay_exec *exec, const assay_linear_params *params,   \
                                      void **state)                                                \
    {                                                                                              \
        return quantised_linear_prepare(exec, &form_##name, params, state);                        \
    }
#define QUANTISED_SAE(name, storage_, bits_, group_)                                               \
    static const quantised_form form_##name = {storage_, bits_, group_};                           \
    static assay_status encode_##name(const assay_exec *exec,                                      \
                                      const assay_sae_encode_params *params, void **state)         \
    {                                                                                              \
        return quantised_encode_prepare(exec, &form_##name, params, state);                        \
    }                                                                                              \
    static assay_status decode_##name(const assay_exec *exec,                                      \
                                      const assay_sae_decode_params *params, void **state)         \
    {                                                                                              \
        return quantised_decode_prepare(exec, &form_##name, params, state);                        \
    }

QUANTISED_LINEAR(int8, ASSAY_NONE, 8, 0)
QUANTISED_LINEAR(fp8, ASSAY_E4M3, 0, 0)
QUANTISED_LINEAR(int5, ASSAY_NONE, 5, 0)
QUANTISED_LINEAR(int4, ASSAY_NONE, 4, 32)
QUANTISED_LINEAR(int3, ASSAY_NONE, 3, 0)
QUANTISED_SAE(sae_int8, ASSAY_NONE, 8, 0)
QUANTISED_SAE(sae_fp8, ASSAY_E4M3, 0, 0)

typedef struct quantised_backend {
    const char *name, *summary;
    const quantised_form *form;
    assay_status (*linear)(const assay_exec *, const assay_linear_params *, void **);
    assay_status (*encode)(const assay_exec *, const assay_sae_encode_params *, void **);
    assay_status (*decode)(const assay_exec *, const assay_sae_decode_params *, void **);
} quantised_backend;

static const quantised_backend backends[FORMS] = {
    {"llama_int8", "the Llama's products on int8 weights, a scale a row", &form_int8, linear_int8,
     NULL, NULL},
    {"llama_fp8", "the Llama's products on e4m3 weights", &form_fp8, linear_fp8, NULL, NULL},
    {"llama_int5", "the Llama's products on int5 weights, a scale a row", &form_int5, linear_int5,
     NULL, NULL},
    {"llama_int4_g32", "the Llama's products on int4 weights, a scale for 32", &form_int4,
     linear_int4, NULL, NULL},
    {"llama_int3", "the Llama's products on int3 weights, a scale a row", &form_int3, linear_int3,
     NULL, NULL},
    {"sae_int8", "the SAE on int8 weights, a scale a latent", &form_sae_int8, NULL,
     encode_sae_int8, decode_sae_int8},
    {"sae_fp8", "the SAE on e4m3 weights", &form_sae_fp8, NULL, encode_sae_fp8, decode_sae_fp8}};

static void state_form(const quantised_backend *backend, assay_kernel *kernel)
{
    kernel->precision.storage = backend->form->storage;
    kernel->precision.quant_bits = backend->form->bits;
    kernel->precision.quant_group = backend->form->group;
    kernel->summary = backend->summary;
    kernel->release = quantised_release;
}

static void take_form(const quantised_backend *backend, assay_kernel *kernel)
{
    if (kernel->op == ASSAY_OP_linear && backend->linear != NULL) {
        state_form(backend, kernel);
        kernel->run.linear =
            (assay_linear_functions){.workspace = quantised_linear_workspace,
                                     .prepare = backend->linear,
                                     .run = quantised_linear_run,
                                     .bytes_read = quantised_linear_bytes};
    } else if (kernel->op == ASSAY_OP_sae_encode && backend->encode != NULL) {
        state_form(backend, kernel);
        kernel->run.sae_encode =
            (assay_sae_encode_functions){.workspace = quantised_encode_workspace,
                                         .prepare = backend->encode,
                                         .run = quantised_encode_run,
                                         .bytes_read = quantised_encode_bytes};
    } else if (kernel->op == ASSAY_OP_sae_decode && backend->decode != NULL) {
        state_form(backend, kernel);
        kernel->release = quantised_decode_release;
        kernel->run.sae_decode =
            (assay_sae_decode_functions){.prepare = backend->decode,
                                         .run = quantised_decode_run,
                                         .bytes_read = quantised_decode_bytes};
    }
}

ASSAY_PLUGIN_EXPORT const assay_kernel *const *assay_plugin_kernels(size_t *count);
const assay_kernel *const *assay_plugin_kernels(size_t *count)
{
    static assay_kernel kernel[FORMS * STEPS];
    static const assay_kernel *pointer[FORMS * STEPS];
    *count = 0;
    for (int form = 0; form < FORMS; form++) {
        for (int op = 0; op < STEPS; op++) {
            assay_kernel *const made = &kernel[*count];
            *made = *assay_kernel_find((assay_op)op, "scalar");
            made->name = backends[form].name;
            take_form(&backends[form], made);
            pointer[(*count)++] = made;
        }
    }
    return pointer;
}
