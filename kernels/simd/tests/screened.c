/* The screening encoders: active set and values are avx512bf16's, bit for bit, whatever the
 * numbers are, at every thread count; above all where every score is an ulp above its
 * threshold, so that one bound that does not hold loses a latent. */
#include "kernels/plugin.h"
#include "kernels/tests/support.h"

enum { THREADS_MOST = 8 };

typedef struct shape {
    int64_t d, m, rows;
} shape;

static const shape shapes[] = {{1, 1, 1},    {3, 31, 2},   {7, 33, 5},    {64, 200, 6}, {67, 65, 7},
                               {130, 96, 16}, {257, 515, 17}, {512, 2000, 3}, {1030, 1100, 40}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* How the numbers of a case are drawn. */
typedef enum kind {
    PLAIN,
    OUTLIERS,  /* weights with large columns, rows with large elements */
    DENSE,     /* rows with nearly every latent active beside ordinary ones */
    SPECIAL,   /* NaN, Inf and numbers near f32's largest in rows and weights */
    TINY,      /* subnormal rows and weights among ordinary ones */
    CANCELLING /* weights and rows whose products nearly cancel */
} kind;

typedef struct output {
    int64_t *offsets;
    int32_t *latent;
    float *value, *dense;
    int64_t found;
} output;

static double draw(uint64_t seed, int64_t i)
{
    return uniform(seed, 2 * i) + uniform(seed, 2 * i + 1) - 1.0;
}

static double weight_of(kind what, const shape *s, uint64_t seed, int64_t j, int64_t k)
{
    const double w = draw(seed, j * s->d + k);
    switch (what) {
    case OUTLIERS: return k % 61 == 5 ? 40.0 * w : j % 5 == 0 && k == 2 ? 100.0 * w : w;
    case SPECIAL:
        return (j * s->d + k) % 4999 == 7    ? (double)NAN
               : (j * s->d + k) % 4999 == 77 ? (double)INFINITY
               : j % 97 == 3                 ? 3e37 * w
                                             : w;
    case TINY: return j % 3 == 0 ? 1e-39 * w : j % 3 == 1 ? 1e-20 * w : w;
    case CANCELLING: return k % 2 == 0 ? 1.0 + w / 256.0 : -1.0 + w / 256.0;
    default: return w;
    }
}

static double x_of(kind what, const shape *s, uint64_t seed, int64_t r, int64_t k)
{
    const double x = draw(seed + 1, r * s->d + k);
    switch (what) {
    case OUTLIERS: return k == (r + 1) % s->d ? 700.0 : k % 61 == 5 ? 30.0 * x : x;
    case DENSE: return r % 2 == 0 ? 300.0 * x : x;
    case SPECIAL:
        return r % 4 == 1 && k == r % s->d   ? (double)NAN
               : r % 4 == 2 && k == r % s->d ? (double)-INFINITY
               : r % 4 == 3                  ? 1e38 * x
                                             : x;
    case TINY: return r % 3 == 0 ? 1e-39 * x : r % 3 == 1 ? 1e-25 * x : x;
    case CANCELLING: return 1000.0 + x;
    default: return x;
    }
}

static assay_tensor weights_of(kind what, const shape *s, assay_dtype type, uint64_t seed)
{
    const assay_tensor t = blank(type, s->m, s->d);
    for (int64_t j = 0; j < s->m; j++) {
        for (int64_t k = 0; k < s->d; k++) {
            assay_put2(&t, j, k, weight_of(what, s, seed, j, k));
        }
    }
    return t;
}

static assay_tensor rows_of(kind what, const shape *s, uint64_t seed)
{
    const assay_tensor t = blank(ASSAY_BF16, s->rows, s->d);
    for (int64_t r = 0; r < s->rows; r++) {
        for (int64_t k = 0; k < s->d; k++) {
            assay_put2(&t, r, k, x_of(what, s, seed, r, k));
        }
    }
    return t;
}

/* A vector of size * draw + mean. */
static assay_tensor vector_of(int64_t n, uint64_t seed, double size, double mean)
{
    const assay_tensor t = blank_vector(ASSAY_F64, n);
    for (int64_t i = 0; i < n; i++) {
        assay_put1(&t, i, size * draw(seed, i) + mean);
    }
    return t;
}

static output run(const assay_kernel *kernel, const assay_sae *sae, const assay_tensor *x,
                  int threads)
{
    const int64_t rows = x->shape[0];
    const int64_t room = rows * sae->d_sae;
    output out = {.offsets = malloc((size_t)(rows + 1) * sizeof(int64_t)),
                  .latent = calloc((size_t)room, sizeof(int32_t)),
                  .value = calloc((size_t)room, sizeof(float)),
                  .dense = malloc((size_t)room * sizeof(float))};
    const assay_sae_encode_params params = {.sae = *sae};
    const assay_sae_encode_io io = {
        .x = *x,
        .codes = {.row_offsets = assay_vector(out.offsets, ASSAY_I64, rows + 1),
                  .latent = assay_vector(out.latent, ASSAY_I32, room),
                  .value = assay_vector(out.value, ASSAY_F32, room)},
        .dense = assay_matrix(out.dense, ASSAY_F32, rows, sae->d_sae)};
    const assay_sae_encode_functions *const f = &kernel->run.sae_encode;
    assay_error error;
    assay_exec exec = host_exec(threads, &error);
    void *state = NULL;
    exec.workspace_bytes = f->workspace(&params, &io);
    exec.workspace = aligned_alloc(256, (exec.workspace_bytes / 256 + 1) * 256);
    memset(exec.workspace, 0xff, exec.workspace_bytes);
    cr_assert_eq(f->prepare(&exec, &params, &state), ASSAY_OK, "%s", error.message);
    cr_assert_eq(f->run(&exec, &params, state, &io), ASSAY_OK, "%s", error.message);
    kernel->release(&exec, state);
    free(exec.workspace);
    out.found = out.offsets[rows];
    return out;
}

static void drop(output *out)
{
    free(out->offsets);
    free(out->latent);
    free(out->value);
    free(out->dense);
}

static void expect_same(const output *got, const output *truth, const shape *s, const char *what)
{
    const size_t entries = (size_t)truth->found;
    for (int64_t r = 0; r <= s->rows; r++) {
        cr_assert_eq(got->offsets[r], truth->offsets[r], "%s: offset %ld is %ld, not %ld", what,
                     (long)r, (long)got->offsets[r], (long)truth->offsets[r]);
    }
    cr_assert_eq(memcmp(got->latent, truth->latent, entries * sizeof(int32_t)), 0, "%s", what);
    cr_assert_eq(memcmp(got->value, truth->value, entries * sizeof(float)), 0, "%s", what);
    cr_assert_eq(memcmp(got->dense, truth->dense,
                        (size_t)(s->rows * s->m) * sizeof(float)), 0, "%s: dense", what);
}

typedef struct kernels {
    assay_plugin plugin;
    const assay_kernel *exact;
    const assay_kernel *screened[4];
    int count;
} kernels;

/* Those of the module that this processor serves: none where it lacks what they need. */
static kernels kernels_of(void)
{
    kernels k = {0};
    assay_error error;
    const uint32_t has = assay_host_device().features;
    cr_assert_eq(assay_plugin_open(ASSAY_MODULE, &k.plugin, &error), ASSAY_OK, "%s",
                 error.message);
    int named = 0;
    for (size_t i = 0; i < k.plugin.count; i++) {
        const assay_kernel *const kernel = k.plugin.kernels[i];
        const bool served = (kernel->features & ~has) == 0;
        if (kernel->op == ASSAY_OP_sae_encode && strcmp(kernel->name, "avx512bf16") == 0) {
            k.exact = kernel;
        } else if (strstr(kernel->name, "_screened") != NULL) {
            named++;
            if (served) {
                k.screened[k.count++] = kernel;
            }
        }
    }
    cr_assert_gt(named, 0);
    cr_assert_not_null(k.exact);
    return k;
}

/* At 1 and at some other number of threads; at every number where `all`. */
static void compare(const kernels *k, const assay_sae *sae, const assay_tensor *x, const shape *s,
                    const char *what, bool all)
{
    for (int i = 0; i < k->count; i++) {
        output truth = run(k->exact, sae, x, 2);
        for (int threads = 1; threads <= THREADS_MOST; threads += all ? 1 : 4) {
            output got = run(k->screened[i], sae, x, threads);
            char where[160];
            (void)snprintf(where, sizeof where, "%s: %s, %ld x %ld, %ld rows, %d threads",
                           k->screened[i]->name, what, (long)s->m, (long)s->d, (long)s->rows,
                           threads);
            expect_same(&got, &truth, s, where);
            drop(&got);
        }
        drop(&truth);
    }
}

/* The exact kernel's own scores of row r become the thresholds: for offset 0 none of that row's is
 * active, for -1 (an ulp less) each one is. */
static void thresholds_at(const kernels *k, assay_sae *sae, const assay_tensor *x, int64_t r,
                          int offset)
{
    const int64_t m = sae->d_sae;
    for (int64_t j = 0; j < m; j++) {
        assay_put1(&sae->threshold, j, (double)-INFINITY);
    }
    output all = run(k->exact, sae, x, 1);
    for (int64_t j = 0; j < m; j++) {
        const float gate = assay_present(&sae->gate) ? (float)assay_at1(&sae->gate, j) : 1.0f;
        const float score = gate * all.dense[r * m + j];
        const float at = offset == 0 ? score : nextafterf(score, -INFINITY);
        assay_put1(&sae->threshold, j, isnan(at) ? 0.0 : (double)at);
    }
    drop(&all);
}

static void check(kind what, const char *name, assay_activation activation, bool vectors)
{
    kernels k = kernels_of();
    for (int i = 0; k.count > 0 && i < SHAPES; i++) {
        const shape *const s = &shapes[i];
        const uint64_t seed = 100 * (uint64_t)what + (uint64_t)i;
        const double spread = 0.4 * sqrt((double)s->d);
        assay_sae sae = {.d_in = s->d, .d_out = s->d, .d_sae = s->m, .activation = activation,
                         .k = s->m < 40 ? 3 : 40};
        sae.encoder = weights_of(what, s, i % 2 == 0 ? ASSAY_BF16 : ASSAY_F32, seed);
        sae.encode_bias = vector_of(s->m, seed + 7, 0.5, -0.9 * spread);
        if (activation == ASSAY_JUMPRELU) {
            sae.threshold = vector_of(s->m, seed + 8, 0.2, 0.3);
            assay_put1(&sae.threshold, s->m / 2, INFINITY);
        }
        if (vectors) {
            sae.encode_scale = vector_of(s->m, seed + 9, 2.0, 0.5);
            sae.gate = vector_of(s->m, seed + 10, 2.0, 0.5);
            sae.pre_bias = vector_of(s->d, seed + 11, 0.3, 0.0);
            sae.layer_norm = s->d > 1 && i % 2 == 1;
        }
        const assay_tensor x = rows_of(what, s, seed);
        compare(&k, &sae, &x, s, name, i == SHAPES - 1);
        for (int64_t r = 0; activation == ASSAY_JUMPRELU && r < s->rows && r < 4; r++) {
            for (int offset = -1; offset <= 0; offset++) {
                thresholds_at(&k, &sae, &x, r, offset);
                compare(&k, &sae, &x, s, name, false);
            }
        }
    }
    assay_plugin_close(&k.plugin);
}

/* More bytes than 32-bit sums hold. */
Test(screened, rows_too_long_to_screen)
{
    const shape s = {65540, 33, 3};
    kernels k = kernels_of();
    assay_sae sae = {.d_in = s.d, .d_out = s.d, .d_sae = s.m, .activation = ASSAY_RELU,
                     .encoder = weights_of(PLAIN, &s, ASSAY_BF16, 1)};
    const assay_tensor x = rows_of(PLAIN, &s, 1);
    compare(&k, &sae, &x, &s, "long rows", false);
    assay_plugin_close(&k.plugin);
}

#define SCREENED(name, what)                                                                       \
    Test(screened, name)                                                                           \
    {                                                                                              \
        check(what, #name, ASSAY_JUMPRELU, false);                                                 \
        check(what, #name " with vectors", ASSAY_JUMPRELU, true);                                  \
        check(what, #name " relu", ASSAY_RELU, false);                                             \
        check(what, #name " topk", ASSAY_TOPK, false);                                             \
        check(what, #name " topk with vectors", ASSAY_TOPK, true);                                 \
    }

SCREENED(ordinary_numbers, PLAIN)
SCREENED(outlying_columns_and_elements, OUTLIERS)
SCREENED(dense_rows, DENSE)
SCREENED(nan_inf_and_huge_numbers, SPECIAL)
SCREENED(subnormal_numbers, TINY)
SCREENED(products_that_cancel, CANCELLING)
