/* `assay compare --project`: estimates of another GPU, from files that name one. */
#include <math.h>

#include "reports/tests/files.h"

static void set(cJSON *object, const char *key, cJSON *value)
{
    cJSON_DeleteItemFromObject(object, key);
    cJSON_AddItemToObject(object, key, value);
}

/* Frees what it has written. */
static void write_results(const char *folder, const char *name, cJSON *root)
{
    char *const text = cJSON_PrintUnformatted(root);
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *const file = fopen(path, "w");
    cr_assert(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
    cJSON_free(text);
    cJSON_Delete(root);
}

/* The generated file as a GPU's: every timing but those of `rmsnorm` (which stay a host's), with
 * numbers that are easily divided. */
static void begin(char *folder)
{
    generate_options o = GENERATE_DEFAULTS;
    o.samples = 8;
    files_begin(folder, "host.json", &o);
    cJSON *const root = run_json(folder, "host.json");
    cJSON *t;
    cJSON_ArrayForEach(t, cJSON_GetObjectItem(root, "timings"))
    {
        if (strcmp(run_text(t, "op"), "rmsnorm") == 0) {
            continue;
        }
        cJSON *const work = cJSON_GetObjectItem(t, "work");
        const bool encodes = strcmp(run_text(t, "op"), "sae_encode") == 0;
        cJSON *const gpu = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(gpu, "name", "Example accelerator");
        (void)cJSON_AddStringToObject(gpu, "timer", "events");
        set(t, "gpu", gpu);
        set(t, "precision", cJSON_CreateString("bf16"));
        set(work, "bytes_read", cJSON_CreateNumber(4.7e9));
        set(work, "bytes_written", cJSON_CreateNumber(0.1e9));
        set(work, "flops", cJSON_CreateNumber(encodes ? 9.894e12 : 0.0));
        cJSON *const floor = cJSON_GetObjectItem(t, "floor");
        set(floor, "fraction", cJSON_CreateNumber(0.5));
        set(floor, "bound", cJSON_CreateString(encodes ? "gpu/linear/bf16"
                                                       : "gpu/bandwidth/read/dram"));
    }
    write_results(folder, "gpu.json", root);
}

/* An H200 reads 4.8e9 bytes in 1 ms and makes 9.894e12 operations in 10 ms: at half of its floor a
 * case takes 2 ms, or 20. A T4 has no rate for bf16. */
Test(project, a_case_takes_the_floor_there_over_the_fraction_here)
{
    char folder[64];
    begin(folder);
    run_expect(0, "compare %s/gpu.json --project h200 --json %s/p.json", folder, folder);
    cJSON *const root = run_json(folder, "p.json");
    const cJSON *item;
    int encodes = 0;
    int others = 0;
    cr_expect_str_eq(run_text(root, "device"), "H200");
    cr_expect(cJSON_IsFalse(cJSON_GetObjectItem(root, "measured")));
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(root, "cases"))
    {
        const bool encode = strcmp(run_text(item, "op"), "sae_encode") == 0;
        const double seconds = cJSON_GetObjectItem(item, "projected_seconds")->valuedouble;
        cr_expect_float_eq(seconds, encode ? 20e-3 : 2e-3, 1e-12);
        cr_expect_str_eq(run_text(item, "bound"), encode ? "arithmetic" : "memory");
        cr_expect_str_neq(run_text(item, "op"), "rmsnorm", "it ran on the host");
        encodes += encode;
        others += !encode;
    }
    cr_expect(encodes > 0 && others > 0);
    cJSON_Delete(root);
    run_output said = run_program("compare %s/gpu.json --project T4 --op sae_encode", folder);
    cr_expect_eq(said.status, 0);
    cr_expect_not_null(strstr(said.out, "PROJECTED onto T4 (sm_75), not measured"), "%s", said.out);
    cr_expect_not_null(strstr(said.out, "no rate of its type"), "%s", said.out);
    run_free(&said);
    run_remove(folder);
}

/* one.json: the encodings alone, of this type and bound, still at half of their floor. */
static void write_one(const char *folder, const char *bound, const char *type, double flops)
{
    cJSON *const root = run_json(folder, "gpu.json");
    cJSON *const list = cJSON_GetObjectItem(root, "timings");
    for (int i = cJSON_GetArraySize(list) - 1; i >= 0; i--) {
        cJSON *const t = cJSON_GetArrayItem(list, i);
        if (strcmp(run_text(t, "op"), "sae_encode") != 0) {
            cJSON_DeleteItemFromArray(list, i);
            continue;
        }
        set(t, "precision", cJSON_CreateString(type));
        set(cJSON_GetObjectItem(t, "work"), "flops", cJSON_CreateNumber(flops));
        set(cJSON_GetObjectItem(t, "floor"), "bound", cJSON_CreateString(bound));
    }
    write_results(folder, "one.json", root);
}

Test(project, types_and_bounds_are_those_that_bench_writes)
{
    char folder[64];
    begin(folder);
    static const struct {
        const char *bound, *type;
        double flops, seconds;
        const char *on;
        const char *words; /* what binds it, or why there is no estimate */
    } rows[] = {
        {"gpu/multiply_add/e4m3/mma", "e4m3", 1.9789e13, 20e-3, "H200", "arithmetic"},
        {"gpu/linear/e4m3", "e4m3", 3.303e12, 20e-3, "RTX-4090", "arithmetic"},
        {"gpu/linear/int8", "i8", 6.606e12, 20e-3, "RTX-4090", "arithmetic"},
        {"gpu/bandwidth/copy/dram", "i8", 6.606e12, 20e-3, "RTX-4090", "arithmetic"},
        {"gpu/bandwidth/copy/dram", "e5m2", 1.0, 2e-3, "H200", "memory"},
        {"gpu/linear/tf32", "tf32", 4.947e12, 20e-3, "H200", "arithmetic"},
        {"gpu/bandwidth/read/dram", "f32", 6.69e10, 2e-3, "H200", "memory"},
        {"gpu/bandwidth/read/dram", "f32", 6.69e11, 10e-3, "H200", "arithmetic"},
        {"gpu/bandwidth/read/l2", "bf16", 1.0, (double)NAN, "H200", "time it cold"},
        {"gpu/linear/e4m3", "e4m3", 1.0, (double)NAN, "T4", "no rate of its type"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        write_one(folder, rows[i].bound, rows[i].type, rows[i].flops);
        run_expect(0, "compare %s/one.json --project %s --json %s/p.json", folder, rows[i].on,
                   folder);
        cJSON *const root = run_json(folder, "p.json");
        const cJSON *const item = cJSON_GetObjectItem(root, "cases")->child;
        const cJSON *const seconds = cJSON_GetObjectItem(item, "projected_seconds");
        if (isnan(rows[i].seconds)) {
            cr_expect(!cJSON_IsNumber(seconds), "row %zu", i);
            cr_expect_not_null(strstr(run_text(item, "not_projected"), rows[i].words), "row %zu",
                               i);
        } else {
            cr_expect_float_eq(seconds->valuedouble, rows[i].seconds, 1e-9, "row %zu: %g", i,
                               seconds->valuedouble);
            cr_expect_str_eq(run_text(item, "bound"), rows[i].words, "row %zu", i);
        }
        cJSON_Delete(root);
    }
    run_remove(folder);
}

Test(project, what_cannot_be_projected_is_refused)
{
    char folder[64];
    begin(folder);
    static const struct {
        const char *arguments, *words;
        int status;
    } wrong[] = {{"host.json --project H200", "no timing of a GPU", 3},
                 {"gpu.json --project H300", "known are T4, ", 2},
                 {"gpu.json --project H200 --op nothing", "no timing of a GPU", 3},
                 {"gpu.json --project H200 --gate", "--project estimates", 2},
                 {"gpu.json --project H200 --impl a=b", "--project estimates", 2},
                 {"none.json --project H200", "none.json", 3}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        run_output said = run_program("compare %s/%s", folder, wrong[i].arguments);
        cr_expect_eq(said.status, wrong[i].status, "%s: %d", wrong[i].arguments, said.status);
        cr_expect_not_null(strstr(said.err, wrong[i].words), "%s: %s", wrong[i].arguments,
                           said.err);
        run_free(&said);
    }
    run_output two = run_program("compare %s/gpu.json %s/gpu.json --project H200", folder, folder);
    cr_expect_eq(two.status, 2);
    run_free(&two);
    run_remove(folder);
}
