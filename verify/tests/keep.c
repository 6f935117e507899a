/* A failing case's file is enough to compute the failure again. */
#include <criterion/criterion.h>

#include <cjson/cJSON.h>
#include <math.h>
#include <sys/stat.h>

#include "fixtures/io/safetensors.h"
#include "run_assay.h"
#include "verify/keep.h"

#define MUTANTS "--plugin " ASSAY_TEST_PLUGINS "/../assay_mutants.so --golden generated "

static assay_tensor tensor_of(const assay_safetensors *file, const char *name)
{
    assay_tensor tensor;
    assay_error error = {.message = ""};
    cr_assert_eq(assay_safetensors_get(file, name, &tensor, &error), ASSAY_OK, "%s",
                 error.message);
    return tensor;
}

/* A mutant fails on a case with --keep; its file, already opened and gone from disk. */
static assay_safetensors *fail(const char *op, const char *impl, const char *id)
{
    char folder[] = "./assay-keep-XXXXXX";
    char path[256];
    char command[512];
    assay_safetensors *file = NULL;
    assay_error error = {.message = ""};
    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(command, sizeof command,
                   "verify " MUTANTS "--op %s --impl %s --case %s --seed 7 --threads 1 --keep %s",
                   op, impl, id, folder);
    run_output run = run_assay(command);
    cr_assert_eq(run.status, 1, "%s%s", run.out, run.err);
    run_free(&run);
    (void)snprintf(path, sizeof path, "%s/%s-%s-%s.safetensors", folder, op, impl, id);
    cr_assert_eq(assay_safetensors_open(path, &file, &error), ASSAY_OK, "%s", error.message);
    (void)remove(path); /* the map stays */
    cr_assert_eq(rmdir(folder), 0);
    return file;
}

static cJSON *json_of(const assay_safetensors *file, const char *key)
{
    const char *const text = assay_safetensors_metadata(file, key);
    cr_assert_not_null(text, "no metadata '%s'", key);
    cJSON *const json = cJSON_Parse(text);
    cr_assert_not_null(json, "%s: %s", key, text);
    return json;
}

static double number(const cJSON *object, const char *key)
{
    const cJSON *const item = cJSON_GetObjectItemCaseSensitive(object, key);
    cr_assert(cJSON_IsNumber(item), "no number '%s'", key);
    return item->valuedouble;
}

static void expect_metadata(const assay_safetensors *file, const char *key, const char *value)
{
    const char *const found = assay_safetensors_metadata(file, key);
    cr_assert_not_null(found, "no metadata '%s'", key);
    cr_expect_str_eq(found, value, "%s: %s", key, found);
}

/* Row n of x times row o of the weight, and the bias. */
static double product_of(const assay_tensor *x, int64_t n, const assay_tensor *weight, int64_t o,
                         const assay_tensor *bias)
{
    double sum = assay_at1(bias, o);
    for (int64_t k = 0; k < x->shape[1]; k++) {
        sum += assay_at2(x, n, k) * assay_at2(weight, o, k);
    }
    return sum;
}

Test(keep, a_linear_case_is_computed_again_from_its_file)
{
    assay_safetensors *file = fail("linear", "m_linear_no_bias", "linear-17x65x33-normal-bias");
    const assay_tensor x = tensor_of(file, "in.x");
    const assay_tensor weight = tensor_of(file, "params.weight");
    const assay_tensor bias = tensor_of(file, "params.bias");
    const assay_tensor got = tensor_of(file, "got.y");
    const assay_tensor expected = tensor_of(file, "expected.y");
    const assay_tensor budget = tensor_of(file, "budget.y");
    int wrong = 0;
    for (int64_t n = 0; n < x.shape[0]; n++) {
        for (int64_t o = 0; o < weight.shape[0]; o++) {
            const double sum = product_of(&x, n, &weight, o, &bias);
            const double most = assay_at2(&budget, n, o);
            cr_expect(fabs(sum - assay_at2(&expected, n, o)) <= most);
            wrong += !(fabs(sum - assay_at2(&got, n, o)) <= most);
        }
    }
    cr_expect_gt(wrong, 0);
    expect_metadata(file, "verdict", "FAIL");
    expect_metadata(file, "check", "value");
    expect_metadata(file, "case", "linear-17x65x33-normal-bias");
    expect_metadata(file, "seed", "7");
    expect_metadata(file, "threads", "1");
    cJSON *const contract = json_of(file, "contract");
    cr_expect_eq(number(contract, "accumulate_bits"), 24);
    cJSON *const written = json_of(file, "case_json");
    cr_expect_eq(number(cJSON_GetObjectItem(written, "shape"), "k"), 65);
    cJSON_Delete(written);
    cJSON_Delete(contract);
    cr_expect_null(assay_safetensors_metadata(file, "left_out"));
    assay_safetensors_close(&file);
}

Test(keep, numbers_beside_the_tensors_are_there_too)
{
    assay_safetensors *file = fail("rmsnorm", "m_rmsnorm_no_weight", "rmsnorm-5x128-normal");
    cJSON *const scalars = json_of(file, "scalars");
    cr_expect_gt(number(scalars, "eps"), 0.0);
    (void)tensor_of(file, "params.weight");
    cJSON_Delete(scalars);
    assay_safetensors_close(&file);
}

Test(keep, an_encoder_has_its_weights_threshold_and_activation)
{
    assay_safetensors *file =
        fail("sae_encode", "m_sae_encode_no_threshold", "sae-encode-jumprelu-5x33x67-normal");
    const assay_tensor encoder = tensor_of(file, "params.encoder");
    const assay_tensor bias = tensor_of(file, "params.encode_bias");
    const assay_tensor x = tensor_of(file, "in.x");
    const assay_tensor pre = tensor_of(file, "expected.pre");
    const assay_tensor budget = tensor_of(file, "budget.pre");
    for (int64_t n = 0; n < x.shape[0]; n++) {
        for (int64_t m = 0; m < encoder.shape[0]; m++) {
            const double sum = product_of(&x, n, &encoder, m, &bias);
            cr_expect(fabs(sum - assay_at2(&pre, n, m)) <= assay_at2(&budget, n, m));
        }
    }
    cJSON *const scalars = json_of(file, "scalars");
    cr_expect_str_eq(cJSON_GetStringValue(cJSON_GetObjectItem(scalars, "activation")),
                     "jumprelu");
    cr_expect_eq(tensor_of(file, "params.threshold").shape[0], number(scalars, "d_sae"));
    cJSON_Delete(scalars);
    assay_safetensors_close(&file);
}

Test(keep, a_sampler_has_its_distribution_and_the_number_that_draws)
{
    assay_safetensors *file = fail("sample", "m_sample_no_temperature", "sample-warm-7x1031-normal");
    const assay_tensor logits = tensor_of(file, "in.logits");
    const assay_tensor expected = tensor_of(file, "expected.probability");
    const assay_tensor budget = tensor_of(file, "budget.probability");
    const assay_tensor token = tensor_of(file, "expected.token");
    const assay_tensor uniform = tensor_of(file, "expected.uniform");
    cJSON *const scalars = json_of(file, "scalars");
    const double heat = number(scalars, "temperature");
    cr_expect_gt(heat, 0.0);
    for (int64_t row = 0; row < logits.shape[0]; row++) {
        double sum = 0.0;
        double below = 0.0;
        for (int64_t t = 0; t < logits.shape[1]; t++) {
            sum += exp((assay_at2(&logits, row, t) - assay_at2(&logits, row, 0)) / heat);
        }
        for (int64_t t = 0; t < logits.shape[1]; t++) {
            const double p = exp((assay_at2(&logits, row, t) - assay_at2(&logits, row, 0)) / heat);
            cr_expect(fabs(p / sum - assay_at2(&expected, row, t)) <=
                      assay_at2(&budget, row, t) + 1e-12);
            below += t < (int64_t)assay_at1(&token, row) ? assay_at2(&expected, row, t) : 0.0;
        }
        const double own = assay_at2(&expected, row, (int64_t)assay_at1(&token, row));
        cr_expect(below <= assay_at1(&uniform, row) + 1e-12 &&
                  assay_at1(&uniform, row) <= below + own + 1e-12);
    }
    cJSON_Delete(scalars);
    assay_safetensors_close(&file);
}

Test(keep, what_is_too_large_is_named_and_a_view_is_kept_dense)
{
    static double numbers[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    static assay_kept kept = {.most = 64};
    assay_arena arena = {0};
    const assay_tensor large = assay_matrix(numbers, ASSAY_F64, 3, 4);
    assay_tensor turned = assay_matrix(numbers, ASSAY_F64, 2, 3);
    turned.stride[0] = 1;
    turned.stride[1] = 2;
    assay_kept_add(&kept, &arena, "params", "encoder", &large);
    assay_kept_add(&kept, &arena, "params", "decoder", &turned);
    cr_assert_eq(kept.count, 1);
    cr_expect_str_eq(kept.left_out, "params.encoder f64 [3, 4]");
    cr_expect_str_eq(kept.tensor[0].name, "params.decoder");
    cr_assert(assay_is_dense(&kept.tensor[0].tensor));
    for (int64_t i = 0; i < 6; i++) {
        cr_expect_eq(assay_at2(&kept.tensor[0].tensor, i / 3, i % 3),
                     assay_at2(&turned, i / 3, i % 3));
    }
    assay_arena_free(&arena);
}
