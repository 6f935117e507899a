/* A CPU library's module: its bits do not depend on the number of threads, it starts no more than
 * it may, and leaves OpenMP's setting as it was. */
#include <dirent.h>
#include <omp.h>

#include "kernels/plugin.h"
#include "kernels/tests/support.h"

enum { DEPTH = 517, OUTPUTS = 1500, ROWS_MOST = 300, COUNTS = 3 };

static const int counts[COUNTS] = {1, 2, 5};
static const int64_t row_counts[] = {1, 37, ROWS_MOST};

/* Threads of this process. */
static int tasks(void)
{
    DIR *const folder = opendir("/proc/self/task");
    cr_assert_not_null(folder);
    int count = -2; /* the folder itself and the one above */
    while (readdir(folder) != NULL) {
        count++;
    }
    (void)closedir(folder);
    return count;
}

/* Calls check for every kernel of the op that this processor serves. */
static void for_each(assay_op op, void (*check)(const assay_kernel *kernel))
{
    assay_plugin plugin;
    assay_error error;
    cr_assert_eq(assay_plugin_open(ASSAY_MODULE, &plugin, &error), ASSAY_OK, "%s", error.message);
    int checked = 0;
    for (size_t i = 0; i < plugin.count; i++) {
        const assay_kernel *const kernel = plugin.kernels[i];
        if (kernel->op == op && (kernel->features & ~assay_host_device().features) == 0) {
            check(kernel);
            checked++;
        }
    }
    cr_assert_gt(checked, 0);
    assay_plugin_close(&plugin);
}

/* An exec of so many threads, with a workspace of NaN. */
static assay_exec exec_of(int threads, size_t workspace, assay_error *error)
{
    assay_exec exec = host_exec(threads, error);
    exec.workspace_bytes = workspace;
    exec.workspace = aligned_alloc(256, (workspace / 256 + 1) * 256);
    cr_assert_not_null(exec.workspace);
    memset(exec.workspace, 0xff, workspace);
    return exec;
}

static void run_linear(const assay_kernel *kernel, const assay_linear_params *params,
                       const assay_linear_io *io, int threads)
{
    const assay_linear_functions *const f = &kernel->run.linear;
    assay_error error;
    void *state = NULL;
    const assay_exec exec = exec_of(threads, f->workspace(params, io), &error);
    cr_assert_eq(f->prepare(&exec, params, &state), ASSAY_OK, "%s", error.message);
    cr_assert_eq(f->run(&exec, params, state, io), ASSAY_OK, "%s", error.message);
    kernel->release(&exec, state);
    free(exec.workspace);
}

static void check_linear(const assay_kernel *kernel)
{
    const char *const name = kernel->name;
    const assay_dtype type = kernel->precision.output;
    const assay_linear_params params = {.weight = random_matrix(ASSAY_F32, OUTPUTS, DEPTH, 1, 0.1),
                                        .bias = random_vector(ASSAY_F32, OUTPUTS, 2, 1.0)};
    const int team = omp_get_max_threads();
    const int before = tasks();
    for (int c = 0; c < COUNTS; c++) { /* fewest first: a team that was is kept */
        for (size_t i = 0; i < sizeof row_counts / sizeof *row_counts; i++) {
            const int64_t rows = row_counts[i];
            const assay_tensor x = random_matrix(type, rows, DEPTH, 3, 1.0);
            const assay_linear_io one = {x, blank(type, rows, OUTPUTS)};
            const assay_linear_io io = {x, blank(type, rows, OUTPUTS)};
            run_linear(kernel, &params, &io, counts[c]);
            cr_assert_leq(tasks(), before + counts[c] - 1, "%s: %d threads more, %d may run", name,
                          tasks() - before, counts[c]);
            cr_assert_eq(omp_get_max_threads(), team);
            run_linear(kernel, &params, &one, 1);
            cr_assert(same_bits(&io.y, &one.y), "%s: %d threads, %lld rows", name, counts[c],
                      (long long)rows);
        }
    }
}

typedef struct encoded {
    int64_t offsets[ROWS_MOST + 1];
    int32_t latent[ROWS_MOST * OUTPUTS];
    float value[ROWS_MOST * OUTPUTS];
} encoded;

static void run_encode(const assay_kernel *kernel, const assay_sae_encode_params *params,
                       const assay_tensor *x, encoded *out, int threads)
{
    const assay_sae_encode_functions *const f = &kernel->run.sae_encode;
    const assay_sae_encode_io io = {
        .x = *x,
        .codes = {.row_offsets = assay_vector(out->offsets, ASSAY_I64, x->shape[0] + 1),
                  .latent = assay_vector(out->latent, ASSAY_I32, ROWS_MOST * OUTPUTS),
                  .value = assay_vector(out->value, ASSAY_F32, ROWS_MOST * OUTPUTS)}};
    assay_error error;
    void *state = NULL;
    const assay_exec exec = exec_of(threads, f->workspace(params, &io), &error);
    cr_assert_eq(f->prepare(&exec, params, &state), ASSAY_OK, "%s", error.message);
    cr_assert_eq(f->run(&exec, params, state, &io), ASSAY_OK, "%s", error.message);
    kernel->release(&exec, state);
    free(exec.workspace);
}

static void check_encode(const assay_kernel *kernel, assay_activation activation)
{
    const char *const name = kernel->name;
    const assay_sae_encode_params params = {
        .sae = {.d_in = DEPTH,
                .d_out = DEPTH,
                .d_sae = OUTPUTS,
                .encoder = random_matrix(ASSAY_F32, OUTPUTS, DEPTH, 1, 0.1),
                .encode_bias = random_vector(ASSAY_F64, OUTPUTS, 2, 1.0),
                .activation = activation,
                .k = 50}};
    encoded *const one = calloc(1, sizeof *one);
    encoded *const many = calloc(1, sizeof *many);
    cr_assert(one != NULL && many != NULL);
    for (size_t i = 0; i < sizeof row_counts / sizeof *row_counts; i++) {
        const int64_t rows = row_counts[i];
        const assay_tensor x = random_matrix(kernel->precision.output, rows, DEPTH, 3, 1.0);
        run_encode(kernel, &params, &x, one, 1);
        cr_assert_gt(one->offsets[rows], rows);
        for (int c = 1; c < COUNTS; c++) {
            run_encode(kernel, &params, &x, many, counts[c]);
            const size_t found = (size_t)one->offsets[rows];
            cr_assert_eq(memcmp(one->offsets, many->offsets,
                                (size_t)(rows + 1) * sizeof *one->offsets),
                         0, "%s: offsets by %d threads", name, counts[c]);
            cr_assert_eq(memcmp(one->latent, many->latent, found * sizeof *one->latent), 0);
            cr_assert_eq(memcmp(one->value, many->value, found * sizeof *one->value), 0,
                         "%s: values by %d threads", name, counts[c]);
        }
    }
    free(one);
    free(many);
}

static void check_relu(const assay_kernel *kernel)
{
    check_encode(kernel, ASSAY_RELU);
}

static void check_topk(const assay_kernel *kernel)
{
    check_encode(kernel, ASSAY_TOPK);
}

Test(threads, linear)
{
    for_each(ASSAY_OP_linear, check_linear);
}

Test(threads, encode)
{
    for_each(ASSAY_OP_sae_encode, check_relu);
    for_each(ASSAY_OP_sae_encode, check_topk);
}
