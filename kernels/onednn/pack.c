#include "kernels/onednn/pack.h"

#include "kernels/scalar/row.h"
#include "kernels/simd/panels.h"

/* From [width, depth] as it is stored, which is [depth, width] with its columns dense. */
typedef struct reorder {
    dnnl_memory_desc_t from, scratch;
    dnnl_primitive_t primitive;
} reorder;

static dnnl_status_t open_reorder(assay_dtype element, const library_shape *shape,
                                  const dnnl_memory_desc_t *form, reorder *r)
{
    const onednn_context *const own = onednn_context_of();
    const dnnl_dims_t sizes = {shape->depth, shape->width};
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_primitive_desc_t description = NULL;
    dnnl_status_t status =
        dnnl_memory_desc_init_by_tag(&r->from, 2, sizes, onednn_type(element), dnnl_ba);
    if (status == dnnl_success) {
        status = dnnl_primitive_attr_create(&attributes);
    }
    if (status == dnnl_success) {
        status = dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user);
    }
    if (status == dnnl_success) {
        status = dnnl_reorder_primitive_desc_create(&description, &r->from, own->engine, form,
                                                    own->engine, attributes);
    }
    if (status == dnnl_success) {
        r->scratch = *dnnl_primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0);
        status = dnnl_primitive_create(&r->primitive, description);
    }
    (void)dnnl_primitive_desc_destroy(description);
    (void)dnnl_primitive_attr_destroy(attributes);
    return status;
}

/* The rows of one tile, as the library is to read them. */
static void gather(const assay_tensor *weight, const library_shape *shape, assay_dtype element,
                   int64_t tile, void *rows)
{
    for (int64_t i = 0; i < shape->width; i++) {
        const int64_t o = tile * shape->width + i;
        float *const wide = (float *)rows + i * shape->depth;
        uint16_t *const words = (uint16_t *)rows + i * shape->depth;
        if (element == ASSAY_BF16) {
            for (int64_t k = 0; k < shape->depth; k++) {
                words[k] = panel_bf16(weight, o, k);
            }
        } else if (o < shape->outputs) {
            const float *const from = scalar_piece(weight, o, 0, shape->depth, wide);
            if (from != wide) {
                memcpy(wide, from, (size_t)shape->depth * sizeof *wide);
            }
        } else {
            memset(wide, 0, (size_t)shape->depth * sizeof *wide);
        }
    }
}

static dnnl_status_t reorder_tile(const reorder *r, const dnnl_memory_desc_t *form, void *rows,
                                  void *scratch, void *packed)
{
    const onednn_context *const own = onednn_context_of();
    dnnl_exec_arg_t arguments[3] = {{DNNL_ARG_FROM, NULL}, {DNNL_ARG_TO, NULL},
                                    {DNNL_ARG_SCRATCHPAD, NULL}};
    dnnl_status_t status = dnnl_memory_create(&arguments[0].memory, &r->from, own->engine, rows);
    if (status == dnnl_success) {
        status = dnnl_memory_create(&arguments[1].memory, form, own->engine, packed);
    }
    if (status == dnnl_success) {
        status = dnnl_memory_create(&arguments[2].memory, &r->scratch, own->engine, scratch);
    }
    if (status == dnnl_success) {
        status = dnnl_primitive_execute(r->primitive, own->stream, 3, arguments);
    }
    for (int i = 0; i < 3; i++) {
        if (arguments[i].memory != NULL) {
            (void)dnnl_memory_destroy(arguments[i].memory);
        }
    }
    return status;
}

/* A thread's share of the tiles. */
static dnnl_status_t pack_share(const reorder *r, assay_dtype element, const assay_tensor *weight,
                                const library_shape *shape, const dnnl_memory_desc_t *form,
                                onednn_tiles *tiles)
{
    const simd_share mine = simd_share_of(shape->tiles);
    const size_t row_bytes = simd_round_up(
        (size_t)(shape->width * shape->depth) * assay_dtype_size(element), SIMD_LINE);
    unsigned char *const rows =
        simd_allocate(row_bytes + dnnl_memory_desc_get_size(&r->scratch));
    dnnl_status_t status = rows != NULL ? dnnl_success : dnnl_out_of_memory;
    for (int64_t t = mine.first; t < mine.last && status == dnnl_success; t++) {
        gather(weight, shape, element, t, rows);
        status = reorder_tile(r, form, rows, rows + row_bytes,
                              tiles->data + (size_t)t * tiles->tile_bytes);
    }
    free(rows);
    return status;
}

dnnl_status_t onednn_open_tiles(const assay_exec *exec, assay_dtype element,
                                const assay_tensor *weight, const library_shape *shape,
                                const dnnl_memory_desc_t *form, onednn_tiles *tiles)
{
    const int before = omp_get_max_threads();
    reorder r = {.primitive = NULL};
    tiles->tile_bytes = simd_round_up(dnnl_memory_desc_get_size(form), SIMD_LINE);
    tiles->data = simd_allocate((size_t)shape->tiles * tiles->tile_bytes);
    if (tiles->data == NULL) {
        return dnnl_out_of_memory;
    }
    omp_set_num_threads(1);
    dnnl_status_t status = open_reorder(element, shape, form, &r);
    omp_set_num_threads(before);
    if (status != dnnl_success) {
        return status;
    }
    const int64_t wanted = simd_threads(exec, shape->outputs * shape->depth);
    int failed = 0;
#pragma omp parallel num_threads((int)scalar_min(wanted, shape->tiles)) reduction(max : failed)
    {
        library_alone();
        failed = (int)pack_share(&r, element, weight, shape, form, tiles);
    }
    (void)dnnl_primitive_destroy(r.primitive);
    return (dnnl_status_t)failed;
}

void onednn_close_tiles(onednn_tiles *tiles)
{
    free(tiles->data);
    tiles->data = NULL;
}
