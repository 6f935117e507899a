#include "kernels/onednn/matmul.h"

#include <pthread.h>

static onednn_context context;

static void open_context(void)
{
    context.status = dnnl_engine_create(&context.engine, dnnl_cpu, 0);
    if (context.status == dnnl_success) {
        context.status =
            dnnl_stream_create(&context.stream, context.engine, dnnl_stream_default_flags);
    }
}

const onednn_context *onednn_context_of(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, open_context);
    return &context;
}

dnnl_data_type_t onednn_type(assay_dtype dtype)
{
    return dtype == ASSAY_BF16 ? dnnl_bf16 : dnnl_f32;
}

/* The environment may lower the precision of f32 products: not of these. */
static dnnl_status_t open_attributes(dnnl_primitive_attr_t *attributes)
{
    dnnl_status_t status = dnnl_primitive_attr_create(attributes);
    if (status == dnnl_success) {
        status = dnnl_primitive_attr_set_scratchpad_mode(*attributes, dnnl_scratchpad_mode_user);
    }
    return status != dnnl_success
               ? status
               : dnnl_primitive_attr_set_fpmath_mode(*attributes, dnnl_fpmath_mode_strict);
}

static dnnl_status_t describe_operands(assay_dtype element, const library_shape *shape,
                                       int64_t rows, const dnnl_memory_desc_t *weight,
                                       onednn_matmul *matmul)
{
    const dnnl_dims_t x = {rows, shape->depth};
    const dnnl_dims_t w = {shape->depth, shape->width};
    const dnnl_dims_t y = {rows, shape->width};
    const dnnl_data_type_t type = onednn_type(element);
    dnnl_status_t status =
        dnnl_memory_desc_init_by_tag(&matmul->source, 2, x, type, dnnl_ab);
    if (status == dnnl_success) {
        status = dnnl_memory_desc_init_by_tag(&matmul->target, 2, y, dnnl_f32, dnnl_ab);
    }
    if (status == dnnl_success && weight == NULL) {
        status =
            dnnl_memory_desc_init_by_tag(&matmul->weight, 2, w, type, dnnl_format_tag_any);
    } else if (status == dnnl_success) {
        matmul->weight = *weight;
    }
    return status;
}

dnnl_status_t onednn_describe(assay_dtype element, const library_shape *shape, int64_t rows,
                              const dnnl_memory_desc_t *weight, bool make, onednn_matmul *matmul)
{
    const onednn_context *const own = onednn_context_of();
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_primitive_desc_t description = NULL;
    dnnl_matmul_desc_t operation;
    dnnl_status_t status = own->status;
    if (status == dnnl_success) {
        status = describe_operands(element, shape, rows, weight, matmul);
    }
    if (status == dnnl_success) {
        status = open_attributes(&attributes);
    }
    if (status == dnnl_success) {
        status = dnnl_matmul_desc_init(&operation, &matmul->source, &matmul->weight, NULL,
                                       &matmul->target);
    }
    if (status == dnnl_success) {
        status = dnnl_primitive_desc_create(&description, &operation, attributes, own->engine,
                                            NULL);
    }
    if (status == dnnl_success) {
        matmul->weight = *dnnl_primitive_desc_query_md(description, dnnl_query_weights_md, 0);
        matmul->scratch = *dnnl_primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0);
        status = make ? dnnl_primitive_create(&matmul->primitive, description) : status;
    }
    (void)dnnl_primitive_desc_destroy(description);
    (void)dnnl_primitive_attr_destroy(attributes);
    return status;
}
