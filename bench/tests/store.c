/* What was stored is there again, whatever the journal's end looks like. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/store.h"

static char folder[] = "./assay-store-XXXXXX";
static char path[64], journal[80];

static void begin(void)
{
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/r.json", folder);
    snprintf(journal, sizeof journal, "%s.journal", path);
}

static void end(void)
{
    unlink(path);
    unlink(journal);
    rmdir(folder);
}

TestSuite(store, .init = begin, .fini = end);

static cJSON *item(double value)
{
    cJSON *const object = cJSON_CreateObject();
    cJSON_AddNumberToObject(object, "value", value);
    return object;
}

static assay_bench_store *store_opened(const char *options, bool resume)
{
    assay_bench_store *store = NULL;
    assay_error error;
    const assay_status status = assay_store_open(path, options, resume, &store, &error);
    cr_assert_eq(status, ASSAY_OK, "%s", error.message);
    return store;
}

static int stored(const assay_bench_store *store)
{
    return cJSON_GetArraySize(
        cJSON_GetObjectItemCaseSensitive(assay_store_lists(store), "timings"));
}

static void fill(int count)
{
    assay_bench_store *store = store_opened("a", false);
    assay_error error;
    for (int i = 0; i < count; i++) {
        cr_assert_eq(assay_store_add(store, "timings", item(i), &error), ASSAY_OK);
    }
    assay_store_close(&store);
    cr_assert_null(store);
}

static off_t size_of(const char *name)
{
    struct stat info;
    cr_assert_eq(stat(name, &info), 0);
    return info.st_size;
}

Test(store, a_journal_torn_anywhere_gives_back_every_whole_line)
{
    fill(3);
    const off_t whole = size_of(journal);
    int before = 3;
    for (off_t size = whole; size > 0; size -= 7) {
        cr_assert_eq(truncate(journal, size), 0);
        assay_bench_store *store = store_opened("a", true);
        const int now = stored(store);
        cr_expect(now <= before && (size < whole || now == 3), "%d of 3 at %lld bytes", now,
                  (long long)size);
        cr_expect_eq(now, size == whole ? 3 : now);
        before = now;
        assay_store_close(&store);
    }
    cr_expect_eq(before, 0);
}

Test(store, after_a_torn_end_what_is_added_is_read_again)
{
    assay_error error;
    fill(2);
    cr_assert_eq(truncate(journal, size_of(journal) - 5), 0);
    assay_bench_store *store = store_opened("a", true);
    cr_assert_eq(stored(store), 1);
    cr_assert_eq(assay_store_add(store, "timings", item(7), &error), ASSAY_OK);
    assay_store_close(&store);
    store = store_opened("a", true);
    cr_assert_eq(stored(store), 2);
    const cJSON *const list = cJSON_GetObjectItemCaseSensitive(assay_store_lists(store), "timings");
    cr_expect_eq(cJSON_GetObjectItemCaseSensitive(list->child->next, "value")->valuedouble, 7.0);
    assay_store_close(&store);
}

Test(store, a_run_with_other_options_is_not_gone_on_with)
{
    assay_bench_store *store = NULL;
    assay_error error;
    fill(1);
    cr_assert_eq(assay_store_open(path, "b", true, &store, &error), ASSAY_BAD_ARGUMENT);
    cr_expect(strstr(error.message, "other options") != NULL, "%s", error.message);
    cr_expect_null(store);
    store = store_opened("b", false);
    cr_expect_eq(stored(store), 0, "begun anew");
    assay_store_close(&store);
}

Test(store, finishing_writes_the_file_and_drops_the_journal)
{
    assay_error error;
    assay_bench_store *store = store_opened("a", false);
    cr_assert_eq(assay_store_add(store, "timings", item(1), &error), ASSAY_OK);
    cr_assert_eq(assay_store_finish(store, item(0), &error), ASSAY_OK);
    cr_expect_eq(access(path, F_OK), 0);
    cr_expect_neq(access(journal, F_OK), 0);
    assay_store_close(&store);
}

Test(store, a_finished_run_has_nothing_left_to_do)
{
    assay_error error;
    assay_bench_store *store = store_opened("a", false);
    cr_assert_eq(assay_store_add(store, "timings", item(1), &error), ASSAY_OK);
    cr_assert_eq(assay_store_finish(store, cJSON_CreateObject(), &error), ASSAY_OK);
    assay_store_close(&store);
    store = store_opened("a", true);
    cr_expect_eq(stored(store), 1);
    assay_store_close(&store);
    unlink(journal);
    cr_assert_eq(assay_store_open(path, "b", true, &store, &error), ASSAY_BAD_ARGUMENT);
    cr_expect(strstr(error.message, "other options") != NULL, "%s", error.message);
}

Test(store, a_folder_that_is_not_there_is_named)
{
    assay_bench_store *store = NULL;
    assay_error error;
    cr_assert_eq(assay_store_open("./no-such-folder/r.json", "a", false, &store, &error), ASSAY_IO);
    cr_expect(strstr(error.message, "no-such-folder") != NULL, "%s", error.message);
}
