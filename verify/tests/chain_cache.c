/* Scales on disk: what was kept is found again, bit by bit; what is not exactly what was kept is
 * computed anew and replaced; nothing about the folder is ever an error. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernels/registry.h"
#include "verify/scales.h"
#include "verify/scales_file.h"

enum { ROWS = 2, COLUMNS = 8 };

static char folder[64];
static int runs;
static const double row_value[COLUMNS] = {1.0, -2.0, 3.0, 0.5, 7.0, -0.25, 1.5, 9.0};

/* y = x + x, perturbed. */
static assay_status run_add(const void *context, assay_chain_pass *pass)
{
    (void)context;
    const int64_t rows = ROWS * pass->replicas;
    double *const x = malloc((size_t)rows * sizeof row_value);
    double *const y = malloc((size_t)rows * sizeof row_value);
    const assay_add_params params = {.d = COLUMNS};
    runs++;
    for (int64_t i = 0; i < rows; i++) {
        memcpy(x + i * COLUMNS, row_value, sizeof row_value);
    }
    const assay_tensor a = assay_matrix(x, ASSAY_F64, rows, COLUMNS);
    const assay_add_io io = {a, a, assay_matrix(y, ASSAY_F64, rows, COLUMNS)};
    const assay_status status =
        pass->table->kernel[ASSAY_OP_add]->run.add.run(&pass->exec, &params, NULL, &io);
    if (status == ASSAY_OK) {
        assay_chain_tap(pass, 0, &io.y, NULL, ROWS, 0);
    }
    free(x);
    free(y);
    return status;
}

static const assay_chain_output output = {"sum", ROWS, COLUMNS};
static const assay_chain chain = {.run = run_add,
                                  .key = "an addition",
                                  .output = &output,
                                  .output_count = 1,
                                  .seed = 1};

static void set_up(void)
{
    runs = 0;
    (void)snprintf(folder, sizeof folder, "./assay-cache-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(setenv("ASSAY_CACHE", folder, 1), 0);
}

static void tear_down(void)
{
    char command[256];
    (void)snprintf(command, sizeof command, "chmod -R u+w %s; rm -rf %s", folder, folder);
    cr_assert_eq(system(command), 0);
}

/* Asks a new store, so only the disk can remember. */
static void ask(const char *identity, const assay_chain *of, const char *impl,
                float scale[ROWS * COLUMNS])
{
    assay_table table;
    assay_scales *scales = NULL;
    const float *found = NULL;
    cr_assert_eq(assay_table_find(impl, &table, NULL), ASSAY_OK);
    cr_assert_eq(assay_scales_open(identity, &scales, NULL), ASSAY_OK);
    cr_assert_eq(assay_scales_find(scales, of, 0, &table, &found, NULL), ASSAY_OK);
    memcpy(scale, found, ROWS * COLUMNS * sizeof *scale);
    assay_scales_close(&scales);
}

/* The one file in the folder. */
static void only_file(char path[256])
{
    DIR *const directory = opendir(folder);
    int count = 0;
    for (const struct dirent *e = readdir(directory); e != NULL; e = readdir(directory)) {
        if (e->d_name[0] != '.') {
            (void)snprintf(path, 256, "%s/%.100s", folder, e->d_name);
            count++;
        }
    }
    (void)closedir(directory);
    cr_assert_eq(count, 1);
}

TestSuite(cache, .init = set_up, .fini = tear_down);

Test(cache, a_hit_gives_the_same_scales)
{
    float first[ROWS * COLUMNS];
    float second[ROWS * COLUMNS];
    ask("bundle", &chain, "scalar", first);
    ask("bundle", &chain, "scalar", second);
    cr_expect_eq(runs, 1);
    cr_expect_eq(memcmp(first, second, sizeof first), 0);
    cr_expect_gt(first[0], 0.0f);
}

Test(cache, whatever_it_depends_on_misses)
{
    float scale[ROWS * COLUMNS];
    assay_chain other = chain;
    ask("bundle", &chain, "scalar", scale);
    ask("another bundle", &chain, "scalar", scale);
    cr_expect_eq(runs, 2);
    ask("bundle", &chain, "scalar_bf16", scale);
    cr_expect_eq(runs, 3);
    other.seed = 2;
    ask("bundle", &other, "scalar", scale);
    cr_expect_eq(runs, 4);
    other = chain;
    other.key = "another chain";
    ask("bundle", &other, "scalar", scale);
    cr_expect_eq(runs, 5);
    ask("bundle", &chain, "scalar", scale);
    cr_expect_eq(runs, 5);
}

/* Each byte in turn is changed: never used, never an error, and mended by the run that follows. */
Test(cache, a_changed_file_is_ignored_and_replaced)
{
    float first[ROWS * COLUMNS];
    float scale[ROWS * COLUMNS];
    char path[256];
    struct stat about;
    ask("bundle", &chain, "scalar", first);
    only_file(path);
    cr_assert_eq(stat(path, &about), 0);
    for (off_t at = 0; at < about.st_size; at++) {
        const int file = open(path, O_RDWR);
        char byte = 0;
        cr_assert_eq(pread(file, &byte, 1, at), 1);
        byte ^= 1;
        cr_assert_eq(pwrite(file, &byte, 1, at), 1);
        (void)close(file);
        runs = 0;
        ask("bundle", &chain, "scalar", scale);
        cr_assert_eq(runs, 1, "byte %d", (int)at);
        cr_assert_eq(memcmp(first, scale, sizeof scale), 0);
    }
    runs = 0;
    ask("bundle", &chain, "scalar", scale);
    cr_expect_eq(runs, 0, "mended");
}

Test(cache, truncated_longer_and_foreign_files_are_ignored)
{
    float scale[ROWS * COLUMNS];
    char path[256];
    struct stat about;
    ask("bundle", &chain, "scalar", scale);
    only_file(path);
    cr_assert_eq(stat(path, &about), 0);
    const off_t sizes[] = {0, 1, about.st_size / 2, about.st_size - 1, about.st_size + 1, 1 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        cr_assert_eq(truncate(path, sizes[i]), 0);
        runs = 0;
        ask("bundle", &chain, "scalar", scale);
        cr_expect_eq(runs, 1, "size %ld", (long)sizes[i]);
    }
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(mkdir(path, 0777), 0);
    ask("bundle", &chain, "scalar", scale);
    cr_assert_eq(rmdir(path), 0);
    cr_assert_eq(mkfifo(path, 0666), 0);
    ask("bundle", &chain, "scalar", scale);
    cr_assert_eq(unlink(path), 0);
}

/* Another output's file under this one's name has a right checksum of its own content. */
Test(cache, a_file_under_anothers_name_is_ignored)
{
    float scale[ROWS * COLUMNS];
    char path[256];
    char copy[300];
    ask("bundle", &chain, "scalar_bf16", scale);
    only_file(path);
    (void)snprintf(copy, sizeof copy, "%s.kept", path);
    cr_assert_eq(rename(path, copy), 0);
    ask("bundle", &chain, "scalar", scale);
    const float right = scale[0];
    cr_assert_eq(unlink(copy), 0);
    ask("bundle", &chain, "scalar_bf16", scale);
    DIR *const directory = opendir(folder);
    char name[2][256];
    int count = 0;
    for (const struct dirent *e = readdir(directory); e != NULL; e = readdir(directory)) {
        if (e->d_name[0] != '.' && count < 2) {
            (void)snprintf(name[count++], 256, "%s/%.100s", folder, e->d_name);
        }
    }
    (void)closedir(directory);
    cr_assert_eq(count, 2);
    cr_assert_eq(rename(name[0], copy), 0);
    cr_assert_eq(rename(name[1], name[0]), 0);
    cr_assert_eq(rename(copy, name[1]), 0);
    runs = 0;
    ask("bundle", &chain, "scalar", scale);
    cr_expect_eq(runs, 1);
    cr_expect_eq(scale[0], right);
}

Test(cache, no_folder_is_no_error)
{
    float scale[ROWS * COLUMNS];
    char file[128];
    (void)snprintf(file, sizeof file, "%s/file", folder);
    const int made = open(file, O_CREAT | O_WRONLY, 0666);
    (void)close(made);
    (void)strcat(file, "/below");
    cr_assert_eq(setenv("ASSAY_CACHE", file, 1), 0);
    ask("bundle", &chain, "scalar", scale);
    ask("bundle", &chain, "scalar", scale);
    cr_expect_eq(runs, 2);
}

Test(cache, off_neither_reads_nor_writes)
{
    float scale[ROWS * COLUMNS];
    ask("bundle", &chain, "scalar", scale);
    assay_scales_set_disk(false);
    ask("bundle", &chain, "scalar", scale);
    cr_expect_eq(runs, 2);
    ask(NULL, &chain, "scalar", scale);
    ask("", &chain, "scalar_bf16", scale);
    assay_scales_set_disk(true);
    char path[256];
    only_file(path);
}

/* The oldest go first, and only scales. */
Test(cache, trimming_keeps_the_newest)
{
    char path[128];
    for (int i = 0; i < 10; i++) {
        (void)snprintf(path, sizeof path, "%s/%d.scales", folder, i);
        const int file = open(path, O_CREAT | O_WRONLY, 0666);
        cr_assert_eq(ftruncate(file, 1000), 0);
        const struct timespec used[2] = {{1000 + i, 0}, {1000 + i, 0}};
        cr_assert_eq(futimens(file, used), 0);
        (void)close(file);
    }
    (void)snprintf(path, sizeof path, "%s/not-ours", folder);
    const int foreign = open(path, O_CREAT | O_WRONLY, 0666);
    cr_assert_eq(ftruncate(foreign, 100000), 0);
    (void)close(foreign);
    assay_scales_trim(folder, 3500);
    for (int i = 0; i < 10; i++) {
        (void)snprintf(path, sizeof path, "%s/%d.scales", folder, i);
        cr_expect_eq(access(path, F_OK) == 0, i >= 7, "%d", i);
    }
    (void)snprintf(path, sizeof path, "%s/not-ours", folder);
    cr_expect_eq(access(path, F_OK), 0);
}
