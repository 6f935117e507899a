/* What was stored is there again, whatever the journal's end looks like. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
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
    cJSON_AddStringToObject(object, "op", "add");
    cJSON_AddStringToObject(object, "impl", "scalar");
    cJSON_AddStringToObject(object, "case", "a");
    cJSON_AddNumberToObject(object, "batch", 1);
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

static void expect_refused(const char *file, const char *text, assay_status expected,
                           const char *part)
{
    assay_bench_store *store = NULL;
    assay_error error;
    FILE *const out = fopen(file, "w");
    cr_assert(fputs(text, out) >= 0);
    cr_assert_eq(fclose(out), 0);
    cr_expect_eq(assay_store_open(path, "a", true, &store, &error), expected, "%s", text);
    cr_expect(strstr(error.message, part) != NULL, "%s: %s", text, error.message);
    cr_expect_null(strchr(error.message, '\n'));
    cr_expect_null(store);
    unlink(file);
}

#define HEAD "{\"options\":\"a\"}\n"
#define LINE(list, item) "{\"list\":\"" list "\",\"item\":" item "}\n"
#define ITEM "{\"op\":\"add\",\"impl\":\"scalar\",\"case\":\"a\",\"batch\":1}"

/* Only a kill tears a journal, and only at its end: anything else was somebody's hand. */
Test(store, an_edited_journal_is_refused_by_line)
{
    static const struct {
        const char *text, *part;
    } wrong[] = {{"not JSON\n", "line 1"},
                 {"[1]\n", "line 1"},
                 {HEAD "not JSON\n" LINE("timings", ITEM), "line 2"},
                 {HEAD LINE("timings", ITEM) LINE("environment", ITEM), "line 3"},
                 {HEAD LINE("timings", "7"), "line 2"},
                 {HEAD LINE("timings", "{\"op\":\"add\"}"), "line 2"},
                 {HEAD LINE("skipped", "{\"op\":1,\"impl\":2,\"case\":3,\"batch\":\"4\"}"),
                  "line 2"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        expect_refused(journal, wrong[i].text, ASSAY_BAD_INPUT, wrong[i].part);
    }
}

Test(store, edited_results_are_refused_by_key)
{
    expect_refused(path, "{\"options\":\"a\",\"timings\":7}", ASSAY_BAD_INPUT, "'timings'");
    expect_refused(path, "{\"options\":\"a\",\"skipped\":[7]}", ASSAY_BAD_INPUT, "'skipped'");
    expect_refused(path, "{\"options\":\"a\",\"comparisons\":[{}]}", ASSAY_BAD_INPUT,
                   "'comparisons'");
    expect_refused(path, "{\"timings\":[]}", ASSAY_BAD_ARGUMENT, "not said");
    cr_expect_neq(access(journal, F_OK), 0, "nothing was begun");
}

/* Two at once would end with the results of one of them: the second is told so, by name, and the
 * first keeps what it has. */
Test(store, one_file_has_one_writer)
{
    int ready[2];
    int done[2];
    char byte = 0;
    assay_error error;
    assay_bench_store *store = NULL;
    cr_assert(pipe(ready) == 0 && pipe(done) == 0);
    const pid_t child = fork();
    if (child == 0) {
        const bool good = assay_store_open(path, "a", false, &store, &error) == ASSAY_OK &&
                          assay_store_add(store, "timings", item(1), &error) == ASSAY_OK &&
                          write(ready[1], &byte, 1) == 1 && read(done[0], &byte, 1) == 1;
        _exit(good ? 0 : 1); /* as a kill would: the journal stays */
    }
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    for (int resume = 0; resume < 2; resume++) {
        cr_expect_eq(assay_store_open(path, "a", resume == 1, &store, &error), ASSAY_IO);
        cr_expect(strstr(error.message, "another assay writes") != NULL, "%s", error.message);
        cr_expect_null(store);
    }
    int raw = 0;
    cr_assert_eq(write(done[1], &byte, 1), 1);
    cr_assert_eq(waitpid(child, &raw, 0), child);
    cr_expect_eq(raw, 0);
    store = store_opened("a", true);
    cr_expect_eq(stored(store), 1, "its writer is gone");
    assay_store_close(&store);
}

Test(store, a_device_keeps_no_journal_and_a_folder_is_refused)
{
    assay_error error;
    assay_bench_store *store = NULL;
    cr_assert_eq(assay_store_open("/dev/full", "a", false, &store, &error), ASSAY_OK);
    cr_assert_eq(assay_store_add(store, "timings", item(1), &error), ASSAY_OK);
    cr_expect_eq(assay_store_finish(store, cJSON_CreateObject(), &error), ASSAY_IO);
    cr_expect(strstr(error.message, "/dev/full") != NULL, "%s", error.message);
    assay_store_close(&store);
    cr_expect_neq(access("/dev/full.journal", F_OK), 0);
    cr_expect_eq(assay_store_open("/dev/null", "a", true, &store, &error), ASSAY_BAD_ARGUMENT);
    cr_expect_eq(assay_store_open(folder, "a", false, &store, &error), ASSAY_IO);
    cr_expect(strstr(error.message, "folder") != NULL, "%s", error.message);
}

Test(store, what_was_found_wrong_is_wrong_when_it_is_read_again)
{
    assay_error error;
    assay_bench_store *store = store_opened("a", false);
    cJSON *const bad = item(1);
    cJSON_AddStringToObject(bad, "reason", "TIMEOUT: no answer in 8 s");
    cJSON *const left_out = item(2);
    cJSON_AddStringToObject(left_out, "reason", "one call takes too long");
    cr_assert_eq(assay_store_add(store, "skipped", left_out, &error), ASSAY_OK);
    cr_expect(!assay_store_found_wrong(store));
    cr_assert_eq(assay_store_add(store, "skipped", bad, &error), ASSAY_OK);
    assay_store_close(&store);
    store = store_opened("a", true);
    cr_expect(assay_store_found_wrong(store));
    assay_store_close(&store);
}
