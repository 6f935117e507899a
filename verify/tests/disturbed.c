/* A bundle that has been tampered with is never a PASS: a disturbed expectation or input is told
 * of with its row (exit 1), and held against no kernel; a changed byte, a missing
 * tensor, a truncated file are errors (exit 3). */
#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixtures/io/bundle.h"

static const char source[] = ASSAY_SOURCE_DIR "/fixtures/golden/tiny-3.1-goodfire";
static char folder[64];

static void copy_bundle(void)
{
    char command[512];
    (void)snprintf(folder, sizeof folder, "./assay-test-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(command, sizeof command, "cp -r %s %s/bundle", source, folder);
    cr_assert_eq(system(command), 0);
}

static void remove_bundle(void)
{
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    cr_assert_eq(system(command), 0);
}

/* Runs verify on the copy; the output's text, and the exit status. */
static int verify(const char *arguments, char *output, size_t size)
{
    char command[512];
    (void)snprintf(command, sizeof command, "%s verify --golden %s/bundle %s 2>&1", ASSAY_BINARY,
                   folder, arguments);
    FILE *const pipe = popen(command, "r");
    cr_assert_not_null(pipe);
    const size_t got = fread(output, 1, size - 1, pipe);
    output[got] = '\0';
    const int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void path_of(const char *name, char *path, size_t size)
{
    (void)snprintf(path, size, "%s/bundle/%s", folder, name);
}

static void patch_file(const char *name, long offset, const void *bytes, size_t size)
{
    char path[128];
    path_of(name, path, sizeof path);
    FILE *const file = fopen(path, "r+b");
    cr_assert_not_null(file);
    cr_assert_eq(fseek(file, offset, SEEK_SET), 0);
    cr_assert_eq(fwrite(bytes, 1, size, file), size);
    cr_assert_eq(fclose(file), 0);
}

/* Makes the manifest's hash of tensors.safetensors true again, so that only the value is wrong. */
static void rehash(void)
{
    char path[128];
    char digest[65];
    uint64_t bytes = 0;
    assay_error error;
    path_of("tensors.safetensors", path, sizeof path);
    cr_assert_eq(assay_sha256_file(path, digest, &bytes, &error), ASSAY_OK);
    path_of("manifest.json", path, sizeof path);
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file);
    static char text[4 << 20];
    const size_t size = fread(text, 1, sizeof text - 1, file);
    text[size] = '\0';
    (void)fclose(file);
    cJSON *const root = cJSON_Parse(text);
    cJSON *const entry =
        cJSON_GetObjectItem(cJSON_GetObjectItem(root, "files"), "tensors.safetensors");
    cr_assert_not_null(entry);
    cJSON_SetValuestring(cJSON_GetObjectItem(entry, "sha256"), digest);
    char *const printed = cJSON_Print(root);
    file = fopen(path, "wb");
    cr_assert_not_null(file);
    (void)fputs(printed, file);
    (void)fclose(file);
    free(printed);
    cJSON_Delete(root);
}

/* Where a tensor's element stands in tensors.safetensors, and the RMS of its row. */
static long element_offset(const char *tensor_name, int64_t row, int64_t column, double *value,
                           double *rms)
{
    assay_bundle bundle = {0};
    assay_error error = {.message = ""};
    assay_tensor tensor;
    char path[128];
    path_of("", path, sizeof path);
    cr_assert_eq(assay_bundle_open(path, &bundle, &error), ASSAY_OK, "%s", error.message);
    cr_assert_eq(assay_safetensors_get(bundle.tensors, tensor_name, &tensor, &error), ASSAY_OK,
                 "%s", error.message);
    cr_assert_eq(tensor.dtype, ASSAY_F64);
    double square = 0.0;
    for (int64_t i = 0; i < tensor.shape[1]; i++) {
        square += assay_at2(&tensor, row, i) * assay_at2(&tensor, row, i);
    }
    *rms = sqrt(square / (double)tensor.shape[1]);
    *value = assay_at2(&tensor, row, column);
    const double *const data = tensor.data;
    const double *const wanted = data + row * tensor.shape[1] + column;
    /* The file is mapped whole: find the element by its neighbours' bytes. */
    char file_path[128];
    path_of("tensors.safetensors", file_path, sizeof file_path);
    FILE *const file = fopen(file_path, "rb");
    cr_assert_not_null(file);
    static char text[16 << 20];
    const size_t size = fread(text, 1, sizeof text, file);
    (void)fclose(file);
    const char *const found = memmem(text, size, wanted, 8 * sizeof(double));
    cr_assert_not_null(found);
    const long offset = (long)(found - text);
    assay_bundle_close(&bundle);
    return offset;
}

/* Changes element 5 of row 1 of a case's tensor: by a thousandth of the row, or to NaN. */
static int change(const char *case_id, const char *role, const char *op, bool to_nan, char *output,
                  size_t room)
{
    char name[128];
    char arguments[128];
    double value = 0.0;
    double rms = 0.0;
    (void)snprintf(name, sizeof name, "%s.%s", case_id, role);
    const long offset = element_offset(name, 1, 5, &value, &rms);
    const double wrong = to_nan ? NAN : value + 1e-3 * rms;
    patch_file("tensors.safetensors", offset, &wrong, sizeof wrong);
    rehash();
    (void)snprintf(arguments, sizeof arguments, "--op %s --impl 'scalar' --case %s", op, case_id);
    return verify(arguments, output, room);
}

static void disturb(const char *case_id, const char *role, const char *op)
{
    char output[16384];
    const int status = change(case_id, role, op, false, output, sizeof output);
    cr_assert_eq(status, 1, "exit %d: %s", status, output);
    cr_assert(strstr(output, " 1, column 5") != NULL, "%s", output);
}

/* It is the bundle that is wrong, and no kernel. */
static void blame(const char *case_id, const char *role, const char *op, bool to_nan)
{
    char output[16384];
    const int status = change(case_id, role, op, to_nan, output, sizeof output);
    cr_assert_eq(status, 1, "exit %d: %s", status, output);
    cr_expect_not_null(strstr(output, "VOID"), "%s", output);
    cr_expect_null(strstr(output, "FAIL"), "%s", output);
    cr_expect_not_null(strstr(output, "bundle tiny-3.1-goodfire: the oracle disagrees with the "
                                      "golden"), "%s", output);
}

TestSuite(disturbed, .init = copy_bundle, .fini = remove_bundle);

Test(disturbed, an_untouched_copy_passes)
{
    char output[16384];
    cr_assert_eq(verify("--op adapter --impl scalar", output, sizeof output), 0, "%s", output);
}

Test(disturbed, a_changed_byte_is_an_error)
{
    char output[16384];
    patch_file("model/model-00001-of-00002.safetensors", 4000, "\x5a\xa5", 2);
    cr_assert_eq(verify("--op sae_decode", output, sizeof output), 3, "%s", output);
    cr_assert(strstr(output, "sha256") != NULL, "%s", output);
}

Test(disturbed, a_truncated_file_is_an_error)
{
    char output[16384];
    char path[128];
    path_of("tensors.safetensors", path, sizeof path);
    cr_assert_eq(truncate(path, 100000), 0);
    cr_assert_eq(verify("--op sae_decode", output, sizeof output), 3, "%s", output);
}

Test(disturbed, a_missing_file_is_an_error)
{
    char output[16384];
    char path[128];
    path_of("model/config.json", path, sizeof path);
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(verify("--op capture", output, sizeof output), 3, "%s", output);
    cr_assert(strstr(output, "config.json") != NULL, "%s", output);
}

Test(disturbed, capture)
{
    disturb("capture-l1-output", "residual", "capture");
}

Test(disturbed, logits)
{
    disturb("logits", "logits", "logits");
}

Test(disturbed, decode)
{
    disturb("decode", "reconstruction", "sae_decode");
}

Test(disturbed, steer)
{
    disturb("steer-add", "x_steered", "sae_steer");
}

Test(disturbed, adapter)
{
    disturb("adapter-full-rank", "soft", "adapter");
}

Test(disturbed, a_golden_nan_is_the_bundles_fault)
{
    blame("decode", "reconstruction", "sae_decode", true);
}

Test(disturbed, a_golden_nan_of_an_adapter_is_too)
{
    blame("adapter-full-rank", "soft", "adapter", true);
}

Test(disturbed, so_is_an_input_that_is_not_the_one_computed_from)
{
    char output[16384];
    (void)change("adapter-identity", "x", "adapter", true, output, sizeof output);
    cr_assert_eq(verify("--op adapter --impl scalar --case adapter-full-rank", output,
                        sizeof output), 1, "%s", output);
    cr_expect_not_null(strstr(output, "bundle tiny-3.1-goodfire: the oracle disagrees"), "%s",
                       output);
    cr_expect_null(strstr(output, "FAIL"), "%s", output);
}

Test(disturbed, so_is_a_number_that_is_off)
{
    blame("steer-add", "x_steered", "sae_steer", false);
}

Test(disturbed, so_are_captured_rows)
{
    blame("capture-l1-output", "residual", "capture", true);
}

Test(disturbed, so_are_logits_that_are_off)
{
    blame("logits", "logits", "logits", false);
}
