/* Chain scales: a linear chain's is the analytic one, passes of any size give the same, contracts
 * are told apart, and what is computed once is not computed twice. */
#include <criterion/criterion.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernels/registry.h"
#include "verify/chain_case.h"

enum { ROWS = 4, DEPTH = 48, WIDTH = 40, COLUMNS = 64 };

/* x -> x A^T -> (x A^T) B^T. */
typedef struct two_linears {
    double x[ROWS * DEPTH], a[WIDTH * DEPTH], b[COLUMNS * WIDTH];
    atomic_int runs;
    assay_chain_output output[2];
    assay_chain chain;
} two_linears;

static assay_status multiply(const assay_chain_pass *pass, double *x, double *weight, double *y,
                             int64_t rows, int64_t depth, int64_t columns)
{
    const assay_linear_params params = {.weight = assay_matrix(weight, ASSAY_F64, columns, depth)};
    const assay_linear_io io = {.x = assay_matrix(x, ASSAY_F64, rows, depth),
                                .y = assay_matrix(y, ASSAY_F64, rows, columns)};
    return pass->table->kernel[ASSAY_OP_linear]->run.linear.run(&pass->exec, &params, NULL, &io);
}

static assay_status run_two(const void *context, assay_chain_pass *pass)
{
    two_linears *const two = *(two_linears *const *)context;
    const int64_t rows = ROWS * pass->replicas;
    double *const x = malloc((size_t)rows * DEPTH * sizeof *x);
    double *const h = malloc((size_t)rows * WIDTH * sizeof *h);
    double *const y = malloc((size_t)rows * COLUMNS * sizeof *y);
    two->runs++;
    for (int64_t r = 0; r < pass->replicas; r++) {
        memcpy(x + r * ROWS * DEPTH, two->x, sizeof two->x);
    }
    assay_status status = multiply(pass, x, two->a, h, rows, DEPTH, WIDTH);
    if (status == ASSAY_OK) {
        status = multiply(pass, h, two->b, y, rows, WIDTH, COLUMNS);
    }
    if (status == ASSAY_OK) {
        const assay_tensor middle = assay_matrix(h, ASSAY_F64, rows, WIDTH);
        const assay_tensor end = assay_matrix(y, ASSAY_F64, rows, COLUMNS);
        assay_chain_tap(pass, 0, &middle, NULL, ROWS, 0);
        assay_chain_tap(pass, 1, &end, NULL, ROWS, 0);
    }
    free(x);
    free(h);
    free(y);
    return status;
}

static void fill(double *value, int64_t count, uint64_t stream)
{
    for (int64_t i = 0; i < count; i++) {
        /* multiples of 2^-8: exact in float32, so no input rounding comes into it */
        value[i] = floor(512.0 * assay_philox_uniform(5, stream, (uint64_t)i) - 256.0) / 256.0;
    }
}

static two_linears *make_two(uint64_t seed)
{
    two_linears *const two = calloc(1, sizeof *two);
    two_linears **const handle = malloc(sizeof *handle);
    fill(two->x, ROWS * DEPTH, 1);
    fill(two->a, WIDTH * DEPTH, 2);
    fill(two->b, COLUMNS * WIDTH, 3);
    two->output[0] = (assay_chain_output){"middle", ROWS, WIDTH};
    two->output[1] = (assay_chain_output){"end", ROWS, COLUMNS};
    *handle = two;
    two->chain = (assay_chain){.run = run_two,
                               .context = handle,
                               .key = "two linears",
                               .output = two->output,
                               .output_count = 2,
                               .seed = seed,
                               .bytes = 1.0};
    return two;
}

static void free_two(two_linears *two)
{
    free((void *)(uintptr_t)two->chain.context);
    free(two);
}

static assay_table table_of(const char *name)
{
    assay_table table;
    cr_assert_eq(assay_table_find(name, &table, NULL), ASSAY_OK);
    return table;
}

/* The variance of one linear's own error, by its model. */
static void own_variance(const double *x, const double *weight, int64_t depth, int64_t columns,
                         const assay_table *table, double *y, double *variance)
{
    double bound[ROWS * COLUMNS] = {0};
    double sigma[ROWS * COLUMNS] = {0};
    const assay_linear_params params = {
        .weight = assay_matrix((void *)(uintptr_t)weight, ASSAY_F64, columns, depth)};
    const assay_linear_io io = {.x = assay_matrix((void *)(uintptr_t)x, ASSAY_F64, ROWS, depth),
                                .y = assay_matrix(y, ASSAY_F64, ROWS, columns)};
    const assay_error_model model = {.bound = assay_matrix(bound, ASSAY_F64, ROWS, columns),
                                     .sigma = assay_matrix(sigma, ASSAY_F64, ROWS, columns)};
    cr_assert_eq(assay_ref_linear(&params, &io, NULL,
                                  &table->kernel[ASSAY_OP_linear]->precision, &model, NULL),
                 ASSAY_OK);
    for (int64_t i = 0; i < ROWS * columns; i++) {
        variance[i] = bound[i] * bound[i] / 3.0 + sigma[i] * sigma[i];
    }
}

/* Over seeds, the mean square of the measured scales is the variance that propagates: bound^2/3 +
 * sigma^2 of each op, the first one's through the second's weights. Only elements above their
 * row's floor are unaltered, so the row's mean is compared, which the floor leaves in place from
 * below. */
Test(chain, scale_of_a_linear_chain_is_analytic)
{
    enum { SEEDS = 24 };
    static const char *const names[] = {"scalar", "scalar_bf16"};
    for (int n = 0; n < 2; n++) {
        const assay_table table = table_of(names[n]);
        double measured[ROWS] = {0};
        double h[ROWS * WIDTH];
        double y[ROWS * COLUMNS];
        double first[ROWS * WIDTH];
        double second[ROWS * COLUMNS];
        two_linears *two = make_two(1);
        own_variance(two->x, two->a, DEPTH, WIDTH, &table, h, first);
        own_variance(h, two->b, WIDTH, COLUMNS, &table, y, second);
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            float middle[ROWS * WIDTH];
            float end[ROWS * COLUMNS];
            float *const scale[2] = {middle, end};
            two->chain.seed = seed;
            cr_assert_eq(assay_chain_scales(&two->chain, &table, NULL, scale, NULL), ASSAY_OK);
            for (int64_t row = 0; row < ROWS; row++) {
                double least = INFINITY; /* the floor: the row's RMS over elements and runs */
                for (int64_t i = 0; i < COLUMNS; i++) {
                    least = fmin(least, (double)end[row * COLUMNS + i]);
                }
                measured[row] += least * least / SEEDS;
            }
        }
        for (int64_t row = 0; row < ROWS; row++) {
            double expected = 0.0;
            for (int64_t i = 0; i < COLUMNS; i++) {
                expected += second[row * COLUMNS + i] / COLUMNS;
                for (int64_t j = 0; j < WIDTH; j++) {
                    const double w = two->b[i * WIDTH + j];
                    expected += w * w * first[row * WIDTH + j] / COLUMNS;
                }
            }
            /* 24 seeds x 16 runs of a row whose elements move together by 40 roundings at most:
             * a relative sampling error below sqrt(2 / 384) = 0.07, and 5 times that is allowed */
            cr_expect_float_eq(measured[row] / expected, 1.0, 0.3, "%s row %d: %g, expected %g",
                               names[n], (int)row, measured[row], expected);
        }
        free_two(two);
    }
}

/* Replicas that go through one at a time (memory is short) give the bits of all at once. */
Test(chain, passes_of_any_size_agree)
{
    const assay_table table = table_of("scalar_bf16");
    two_linears *const two = make_two(3);
    float a[2][ROWS * COLUMNS];
    float b[2][ROWS * COLUMNS];
    float *const whole[2] = {a[0], a[1]};
    float *const single[2] = {b[0], b[1]};
    cr_assert_eq(assay_chain_scales(&two->chain, &table, NULL, whole, NULL), ASSAY_OK);
    cr_assert_eq(two->runs, 1);
    two->chain.bytes = 1e15;
    cr_assert_eq(assay_chain_scales(&two->chain, &table, NULL, single, NULL), ASSAY_OK);
    cr_assert_eq(two->runs, 1 + ASSAY_CHAIN_RUNS);
    cr_expect_eq(memcmp(a[0], b[0], ROWS * WIDTH * sizeof(float)), 0);
    cr_expect_eq(memcmp(a[1], b[1], ROWS * COLUMNS * sizeof(float)), 0);
    free_two(two);
}

/* The truth is the oracle's own, and perturbing leaves it alone. */
Test(chain, truth_is_unperturbed)
{
    const assay_table table = table_of("scalar_bf16");
    two_linears *const two = make_two(3);
    double alone[ROWS * COLUMNS];
    double beside[ROWS * COLUMNS];
    double *const first[2] = {NULL, alone};
    double *const second[2] = {NULL, beside};
    cr_assert_eq(assay_chain_truth(&two->chain, NULL, first, NULL), ASSAY_OK);
    cr_assert_eq(assay_chain_scales(&two->chain, &table, second, NULL, NULL), ASSAY_OK);
    cr_expect_eq(memcmp(alone, beside, sizeof alone), 0);
    free_two(two);
}

Test(chain, contracts_are_told_apart_by_what_they_say)
{
    const assay_table f32 = table_of("scalar");
    const assay_table bf16 = table_of("scalar_bf16");
    assay_table renamed = f32;
    assay_table changed = f32;
    assay_kernel linear = *f32.kernel[ASSAY_OP_linear];
    char digest[4][65];
    renamed.name = "another";
    linear.precision.accumulate.bits--;
    changed.kernel[ASSAY_OP_linear] = &linear;
    assay_contract_digest(&f32, digest[0]);
    assay_contract_digest(&renamed, digest[1]);
    assay_contract_digest(&bf16, digest[2]);
    assay_contract_digest(&changed, digest[3]);
    cr_expect_str_eq(digest[0], digest[1]);
    cr_expect_str_neq(digest[0], digest[2]);
    cr_expect_str_neq(digest[0], digest[3]);
    linear.precision.accumulate.bits++;
    linear.precision.operand_scale = ASSAY_SCALE_ROW;
    assay_contract_digest(&changed, digest[3]);
    cr_expect_str_neq(digest[0], digest[3]);
}

typedef struct asker {
    assay_scales *scales;
    two_linears *two;
    const assay_table *table;
    size_t output;
    const float *scale;
    assay_status status;
} asker;

static void *ask(void *context)
{
    asker *const a = context;
    a->status =
        assay_scales_find(a->scales, &a->two->chain, a->output, a->table, &a->scale, NULL);
    return NULL;
}

/* Threads that want outputs of one chain: it runs once. Another contract is another run. */
Test(chain, threads_share_one_run)
{
    enum { THREADS = 8 };
    const assay_table tables[2] = {table_of("scalar"), table_of("scalar_bf16")};
    two_linears *const two = make_two(3);
    pthread_t thread[THREADS];
    asker asked[THREADS];
    assay_scales *scales = NULL;
    cr_assert_eq(assay_scales_open(NULL, &scales, NULL), ASSAY_OK);
    for (int i = 0; i < THREADS; i++) {
        asked[i] = (asker){scales, two, &tables[i / 4], (size_t)i % 2, NULL, ASSAY_INTERNAL};
        cr_assert_eq(pthread_create(&thread[i], NULL, ask, &asked[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(thread[i], NULL);
        cr_assert_eq(asked[i].status, ASSAY_OK);
    }
    cr_expect_eq(two->runs, 2);
    cr_expect_eq(asked[0].scale, asked[2].scale);
    cr_expect_neq(asked[0].scale, asked[4].scale);
    cr_expect_gt(asked[4].scale[0], 100.0f * asked[0].scale[0], "bf16 errs more than f32");
    assay_scales_close(&scales);
    cr_expect_null(scales);
    free_two(two);
}
