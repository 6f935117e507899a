#include "kernels/onednn/product.h"

#include <pthread.h>

#include "kernels/onednn/matmul.h"
#include "kernels/onednn/pack.h"

typedef struct onednn_product {
    assay_dtype element;
    library_shape shape;
    onednn_matmul matmul[ONEDNN_BUCKETS];
    onednn_tiles tiles;
} onednn_product;

/* Scratch of a product's calls: the greatest of its buckets'. Asking takes some hundred
 * microseconds and a stage asks before every step, so answers are kept for the process; they
 * depend on nothing but the key. */
typedef struct scratch_answer {
    assay_dtype element;
    int64_t depth, width;
    size_t bytes;
} scratch_answer;

enum { ANSWERS = 256 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static scratch_answer answers[ANSWERS];
static size_t answered; /* how many were kept so far; the oldest give way */

static size_t ask_scratch(assay_dtype element, const library_shape *shape)
{
    const int threads = omp_get_max_threads();
    onednn_matmul matmul = {.primitive = NULL};
    size_t most = 0;
    omp_set_num_threads(1);
    dnnl_status_t status =
        onednn_describe(element, shape, ONEDNN_ROWS_MOST, NULL, false, &matmul);
    const dnnl_memory_desc_t weight = matmul.weight;
    for (int b = 0; b < ONEDNN_BUCKETS && status == dnnl_success; b++) {
        status = onednn_describe(element, shape, onednn_rows[b], &weight, false, &matmul);
        const size_t bytes =
            status == dnnl_success ? dnnl_memory_desc_get_size(&matmul.scratch) : 0;
        most = bytes > most ? bytes : most;
    }
    omp_set_num_threads(threads);
    return most;
}

static size_t scratch_of(assay_dtype element, const library_shape *shape)
{
    scratch_answer wanted = {element, shape->depth, shape->width, 0};
    bool known = false;
    (void)pthread_mutex_lock(&lock);
    for (size_t i = 0; i < answered && i < ANSWERS && !known; i++) {
        const scratch_answer *const a = &answers[i];
        known = a->element == element && a->depth == wanted.depth && a->width == wanted.width;
        wanted.bytes = known ? a->bytes : 0;
    }
    if (!known) {
        wanted.bytes = ask_scratch(element, shape);
        answers[answered++ % ANSWERS] = wanted;
    }
    (void)pthread_mutex_unlock(&lock);
    return wanted.bytes;
}

static size_t scratch_f32(const library_shape *shape)
{
    return scratch_of(ASSAY_F32, shape);
}

static size_t scratch_bf16(const library_shape *shape)
{
    return scratch_of(ASSAY_BF16, shape);
}

static int64_t padded(int64_t rows)
{
    return onednn_rows[onednn_bucket(rows)];
}

static dnnl_status_t bf16_status;

static void try_bf16(void)
{
    const int threads = omp_get_max_threads();
    const library_shape small = {.outputs = 64, .depth = 64, .width = 64, .tiles = 1};
    onednn_matmul matmul = {.primitive = NULL};
    omp_set_num_threads(1);
    bf16_status = onednn_describe(ASSAY_BF16, &small, 1, NULL, false, &matmul);
    omp_set_num_threads(threads);
}

static assay_status serves_f32(const assay_tensor *weight, assay_error *error)
{
    (void)weight;
    const dnnl_status_t status = onednn_context_of()->status;
    return status == dnnl_success
               ? ASSAY_OK
               : assay_fail(error, ASSAY_UNSUPPORTED, "oneDNN has no engine here: its status %d",
                            (int)status);
}

static assay_status serves_bf16(const assay_tensor *weight, assay_error *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const assay_status status = serves_f32(weight, error);
    (void)pthread_once(&once, try_bf16);
    return status != ASSAY_OK || bf16_status == dnnl_success
               ? status
               : assay_fail(error, ASSAY_UNSUPPORTED,
                            "oneDNN multiplies no bf16 on this processor, or ONEDNN_MAX_CPU_ISA "
                            "keeps it from doing so: its status %d",
                            (int)bf16_status);
}

static void close_product(void *product)
{
    onednn_product *const p = product;
    for (int b = 0; b < ONEDNN_BUCKETS; b++) {
        if (p->matmul[b].primitive != NULL) {
            (void)dnnl_primitive_destroy(p->matmul[b].primitive);
        }
    }
    onednn_close_tiles(&p->tiles);
    free(p);
}

/* The greatest number of rows chooses the form of the weights. */
static dnnl_status_t make_primitives(onednn_product *p)
{
    const int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    dnnl_status_t status = dnnl_success;
    for (int b = ONEDNN_BUCKETS - 1; b >= 0 && status == dnnl_success; b--) {
        const bool last = b == ONEDNN_BUCKETS - 1;
        status = onednn_describe(p->element, &p->shape, onednn_rows[b],
                                 last ? NULL : &p->matmul[ONEDNN_BUCKETS - 1].weight, true,
                                 &p->matmul[b]);
    }
    omp_set_num_threads(threads);
    return status;
}

static assay_status open_product(assay_dtype element, const assay_exec *exec,
                                 const assay_tensor *weight, const library_shape *shape,
                                 void **product)
{
    onednn_product *const p = calloc(1, sizeof *p);
    if (p == NULL) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "no memory for a product's state");
    }
    p->element = element;
    p->shape = *shape;
    dnnl_status_t status = make_primitives(p);
    if (status == dnnl_success) {
        status = onednn_open_tiles(exec, element, weight, shape,
                                   &p->matmul[ONEDNN_BUCKETS - 1].weight, &p->tiles);
    }
    if (status != dnnl_success) {
        close_product(p);
        return assay_fail(exec->error,
                          status == dnnl_out_of_memory ? ASSAY_NO_MEMORY : ASSAY_INTERNAL,
                          "oneDNN: no product of %lld x %lld in %s: its status %d",
                          (long long)shape->outputs, (long long)shape->depth,
                          assay_dtype_name(element), (int)status);
    }
    *product = p;
    return ASSAY_OK;
}

static assay_status open_f32(const assay_exec *exec, const assay_tensor *weight,
                             const library_shape *shape, void **product)
{
    return open_product(ASSAY_F32, exec, weight, shape, product);
}

static assay_status open_bf16(const assay_exec *exec, const assay_tensor *weight,
                              const library_shape *shape, void **product)
{
    return open_product(ASSAY_BF16, exec, weight, shape, product);
}

static uint64_t bytes(const void *product)
{
    const onednn_product *const p = product;
    return (uint64_t)p->shape.tiles * p->tiles.tile_bytes;
}

/* A description of memory is the library's own to write to, so each call makes its own: states are
 * only read. */
static int multiply(const void *product, const library_call *call)
{
    const onednn_product *const p = product;
    const onednn_context *const own = onednn_context_of();
    const onednn_matmul *const m = &p->matmul[onednn_bucket(call->rows)];
    const struct {
        int argument;
        const dnnl_memory_desc_t *description;
        void *data;
    } operand[] = {{DNNL_ARG_SRC, &m->source, (void *)(uintptr_t)call->x},
                   {DNNL_ARG_WEIGHTS, &m->weight,
                    p->tiles.data + (size_t)call->tile * p->tiles.tile_bytes},
                   {DNNL_ARG_DST, &m->target, call->out},
                   {DNNL_ARG_SCRATCHPAD, &m->scratch, call->scratch}};
    enum { OPERANDS = sizeof operand / sizeof *operand };
    dnnl_exec_arg_t arguments[OPERANDS] = {{0, NULL}};
    dnnl_status_t status = dnnl_success;
    for (int i = 0; i < OPERANDS && status == dnnl_success; i++) {
        arguments[i].arg = operand[i].argument;
        status = dnnl_memory_create(&arguments[i].memory, operand[i].description, own->engine,
                                    operand[i].data);
    }
    if (status == dnnl_success) {
        status = dnnl_primitive_execute(m->primitive, own->stream, OPERANDS, arguments);
    }
    for (int i = 0; i < OPERANDS; i++) {
        if (arguments[i].memory != NULL) {
            (void)dnnl_memory_destroy(arguments[i].memory);
        }
    }
    return (int)status;
}

#define ONEDNN_LIBRARY(element_, scratch_, serves_, open_)                                         \
    {                                                                                              \
        .name = "oneDNN", .element = (element_), .rows_most = ONEDNN_ROWS_MOST, .grain = 64,       \
        .width_most = 256, .padded = padded, .scratch = (scratch_), .serves = (serves_),           \
        .open = (open_), .close = close_product, .bytes = bytes, .multiply = multiply              \
    }

const library onednn_library = ONEDNN_LIBRARY(ASSAY_F32, scratch_f32, serves_f32, open_f32);
const library onednn_bf16_library =
    ONEDNN_LIBRARY(ASSAY_BF16, scratch_bf16, serves_bf16, open_bf16);
