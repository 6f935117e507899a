/* Floors from given ceilings, ceilings as JSON and on disk, whatever has been done to the file. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/gpu/probe.h"
#include "bench/probe/ceilings_file.h"
#include "verify/environment.h"
#include "verify/topology.h"

static void add(assay_ceilings *c, const char *name, double best)
{
    assay_ceiling *const entry = &c->entry[c->count++];
    snprintf(entry->name, sizeof entry->name, "%s", name);
    entry->value = entry->median = entry->low = entry->high = entry->best = best;
}

/* Powers of two, so that quotients are exact. */
static assay_ceilings sample(void)
{
    assay_ceilings c;
    memset(&c, 0, sizeof c);
    snprintf(c.date, sizeof c.date, "2026-01-02T03:04:05Z");
    assay_machine_digest(c.machine);
    add(&c, "bandwidth/read/dram/one", 0x1p34);
    add(&c, "bandwidth/read/dram/all", 0x1p35);
    add(&c, "bandwidth/write/dram/one", 0x1p33);
    add(&c, "bandwidth/write/dram/all", 0x1p34);
    add(&c, "bandwidth/copy/dram/one", 0x1p34);
    add(&c, "bandwidth/copy/dram/all", 0x1p35);
    add(&c, "bandwidth/read/l2/one", 0x1p36);
    add(&c, "bandwidth/read/l2/all", 0x1p37);
    add(&c, "multiply_add/f32/scalar/one", 0x1p34);
    add(&c, "multiply_add/f32/avx2/one", 0x1p36);
    add(&c, "multiply_add/f32/avx2/all", 0x1p37);
    add(&c, "multiply_add/bf16/amx_bf16/one", 0x1p40);
    add(&c, "multiply_add/bf16/amx_bf16/all", 0x1p41);
    add(&c, "multiply_add/int8/avx2/one", 0x1p35);
    add(&c, "latency/call", 0x1p-29);
    return c;
}

static void expect_floor(const assay_floor_work *work, double seconds, const char *bound)
{
    const assay_ceilings c = sample();
    const assay_floor floor = assay_floor_of(&c, work);
    cr_expect_eq(floor.seconds, seconds, "%a instead of %a", floor.seconds, seconds);
    cr_expect_str_eq(floor.bound, bound);
}

static void expect_gpu_floor(double cache, double bytes, bool cached, bool arithmetic,
                             double seconds, const char *bound)
{
    assay_ceilings c = {.device_cache_bytes = cache};
    const assay_floor_work work = {.bytes_read = 0.75 * bytes, .bytes_written = 0.25 * bytes,
                                   .multiply = ASSAY_F32};
    add(&c, "gpu/bandwidth/read/dram", 0x1p40);
    add(&c, "gpu/bandwidth/read/l2", 0x1p42);
    const assay_floor floor = assay_gpu_floor(&c, &work, cached, arithmetic);
    cr_expect_eq(floor.seconds, seconds, "%a instead of %a", floor.seconds, seconds);
    cr_expect_str_eq(floor.bound, bound);
}

Test(floor, of_a_warm_call_is_memorys_where_its_operands_exceed_a_gpus_cache)
{
    static const char memory[] = "gpu/bandwidth/read/dram";
    static const char cache[] = "gpu/bandwidth/read/l2";
    expect_gpu_floor(0x1p26, 0x1p26, true, true, 0x1p-16, cache); /* it just holds them */
    expect_gpu_floor(0x1p26, 0x1p27, true, true, 0x1p-13, memory);
    expect_gpu_floor(0x1p26, 0x1p26, false, true, 0x1p-14, memory);
    expect_gpu_floor(0.0, 0x1p27, true, true, 0x1p-15, cache); /* its size is not known */
    /* Impossible is what is faster even if the cache had kept all it can. */
    expect_gpu_floor(0x1p26, 0x1p27, true, false, 0x1p-14, memory);
    expect_gpu_floor(0x1p26, 0x1.1p26, true, false, 0x1.1p-16, cache);
    expect_gpu_floor(0x1p26, 0x1p27, false, false, 0x1p-13, memory);
}

Test(floor, is_the_longest_of_its_parts_exactly)
{
    assay_floor_work work = {.bytes_read = 0x1p30, .threads = 1, .multiply = ASSAY_F32};
    expect_floor(&work, 0x1p-4, "bandwidth/read/dram/one");
    work.bytes_written = 0x1p30; /* writing is slower here; both together as long */
    expect_floor(&work, 0x1p-3, "bandwidth/write/dram/one");
    work.bytes_read = 0x1p31;
    expect_floor(&work, 3 * 0x1p-4, "bandwidth/read/dram/one");
    work.flops = 0x1p36;
    expect_floor(&work, 1.0, "multiply_add/f32/avx2/one");
}

Test(floor, uses_the_level_and_the_type_that_are_given)
{
    assay_floor_work work = {.bytes_read = 0x1p30, .threads = 1, .multiply = ASSAY_F32};
    work.level = ASSAY_LEVEL_L2;
    expect_floor(&work, 0x1p-6, "bandwidth/read/l2/one");
    work.level = ASSAY_LEVEL_L1; /* not measured: those behind it bound it from below */
    expect_floor(&work, 0x1p-6, "bandwidth/read/l2/one");
    work.level = ASSAY_LEVEL_L3; /* not measured, DRAM behind it was */
    expect_floor(&work, 0x1p-4, "bandwidth/read/dram/one");
    work = (assay_floor_work){.flops = 0x1p40, .threads = 1, .multiply = ASSAY_BF16};
    expect_floor(&work, 1.0, "multiply_add/bf16/amx_bf16/one");
    work.multiply = ASSAY_I8; /* widened to f32 it is faster here than as it is */
    expect_floor(&work, 0x1p4, "multiply_add/f32/avx2/one");
}

Test(floor, of_every_core_uses_what_all_reach)
{
    const int32_t cores = assay_topology_threads(assay_topology_get());
    assay_floor_work work = {.bytes_read = 0x1p35, .threads = cores, .multiply = ASSAY_F32};
    expect_floor(&work, cores > 1 ? 1.0 : 2.0,
                 cores > 1 ? "bandwidth/read/dram/all" : "bandwidth/read/dram/one");
}

Test(floor, nothing_known_bounds_nothing)
{
    assay_ceilings none;
    memset(&none, 0, sizeof none);
    const assay_floor_work work = {.flops = 1e12, .bytes_read = 1e12, .threads = 3};
    const assay_floor floor = assay_floor_of(&none, &work);
    cr_expect_eq(floor.seconds, 0);
    cr_expect_str_eq(floor.bound, "");
}

Test(floor, bytes_fit_the_smallest_cache_that_holds_them)
{
    const assay_topology *const topology = assay_topology_get();
    for (int32_t level = 1; level <= 3; level++) {
        const double bytes = (double)topology->cache_bytes[level - 1];
        if (bytes > 0) {
            cr_expect_leq(assay_level_for(bytes, 1), level);
            cr_expect_neq(assay_level_for(bytes + 1, 1), level);
        }
    }
    cr_expect_eq(assay_level_for(1e15, 1), ASSAY_LEVEL_DRAM);
}

/* A cache folder of the test's own. */
static char *new_folder(void)
{
    static char folder[64];
    snprintf(folder, sizeof folder, "./assay-ceilings-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    setenv("ASSAY_CACHE", folder, 1);
    return folder;
}

static char *file_in(const char *folder)
{
    static char path[160];
    char machine[ASSAY_MACHINE_DIGEST + 1];
    assay_machine_digest(machine);
    snprintf(path, sizeof path, "%s/probe-%s.json", folder, machine);
    return path;
}

static void remove_folder(const char *folder)
{
    unlink(file_in(folder));
    cr_expect_eq(rmdir(folder), 0, "something was left in %s", folder);
}

Test(ceilings, come_back_from_disk_as_they_were)
{
    char *const folder = new_folder();
    const assay_ceilings c = sample();
    assay_ceilings back;
    assay_error error = {.message = ""};
    cr_assert_eq(assay_ceilings_read(&back, &error), ASSAY_UNSUPPORTED);
    cr_expect_not_null(strstr(error.message, "assay probe"), "%s", error.message);
    cr_assert_eq(assay_ceilings_write(&c, &error), ASSAY_OK, "%s", error.message);
    cr_assert_eq(assay_ceilings_read(&back, &error), ASSAY_OK, "%s", error.message);
    cr_expect_eq(back.count, c.count);
    cr_expect_str_eq(back.date, c.date);
    for (size_t i = 0; i < c.count; i++) {
        cr_expect_eq(assay_ceilings_find(&back, c.entry[i].name), c.entry[i].best);
    }
    remove_folder(folder);
}

Test(ceilings, the_better_of_two_probes_is_kept)
{
    assay_ceilings newer = sample();
    assay_ceilings older = sample();
    newer.entry[0].best = 0x1p33;
    older.entry[1].best = 0x1p30;
    newer.entry[newer.count - 1].best = 0x1p-20; /* a latency: less is better */
    newer.count--;
    add(&newer, "latency/barrier", 1e-6);
    add(&older, "latency/barrier", 1e-7);
    assay_ceilings_merge(&newer, &older);
    cr_expect_eq(assay_ceilings_find(&newer, older.entry[0].name), 0x1p34);
    cr_expect_eq(assay_ceilings_find(&newer, older.entry[1].name), 0x1p35);
    cr_expect_eq(assay_ceilings_find(&newer, "latency/call"), 0x1p-29, "gone from the newer");
    cr_expect_eq(assay_ceilings_find(&newer, "latency/barrier"), 1e-7);
    cr_expect_eq(newer.count, older.count);
}

static char *slurp(const char *path, size_t *size)
{
    FILE *const file = fopen(path, "rb");
    cr_assert_not_null(file);
    char *const text = malloc(1 << 16);
    *size = fread(text, 1, (1 << 16) - 1, file);
    text[*size] = '\0';
    fclose(file);
    return text;
}

static void spill(const char *path, const char *text, size_t size)
{
    FILE *const file = fopen(path, "wb");
    cr_assert_not_null(file);
    fwrite(text, 1, size, file);
    fclose(file);
}

static void expect_refused(const char *path, const char *what)
{
    assay_ceilings back;
    assay_error error = {.message = ""};
    const assay_status status = assay_ceilings_read(&back, &error);
    cr_expect_eq(status, ASSAY_BAD_INPUT, "%s: status %d", what, (int)status);
    cr_expect_not_null(strstr(error.message, path), "%s: %s", what, error.message);
    cr_expect_null(strchr(error.message, '\n'), "%s: %s", what, error.message);
}

Test(ceilings, a_truncated_file_is_refused_at_every_length)
{
    char *const folder = new_folder();
    char *const path = file_in(folder);
    const assay_ceilings c = sample();
    size_t size = 0;
    cr_assert_eq(assay_ceilings_write(&c, NULL), ASSAY_OK);
    char *const text = slurp(path, &size);
    for (size_t length = 0; length + 2 < size; length += 1 + length / 16) {
        spill(path, text, length);
        expect_refused(path, "truncated");
    }
    free(text);
    remove_folder(folder);
}

Test(ceilings, hostile_edits_are_refused)
{
    static const char *const edits[][2] = {
        {"\"best\":\t", "\"best\":\t1e300, \"was\":\t"},
        {"\"best\":\t", "\"best\":\t-1, \"was\":\t"},
        {"\"best\":\t", "\"best\":\t\"fast\", \"was\":\t"},
        {"\"value\":\t", "\"value\":\t0, \"was\":\t"},
        {"\"value\":\t", "\"nothing\":\t"},
        {"bandwidth/read/dram/one", "bandwidth/read/dram/all"},
        {"bandwidth/read/dram/one", "bandwidth/\\u001b[2J"},
        {"bandwidth/read/dram/one", "a name that is much longer than any ceiling's name may be"},
        {"\"entries\":\t[", "\"entries\":\t7, \"was\":\t["},
        {"\"ceilings\"", "\"ceilinks\""},
        {"\"method\"", "\"methods\""},
        {"assay-results", "assay-something"},
    };
    char *const folder = new_folder();
    char *const path = file_in(folder);
    const assay_ceilings c = sample();
    size_t size = 0;
    cr_assert_eq(assay_ceilings_write(&c, NULL), ASSAY_OK);
    char *const text = slurp(path, &size);
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        char *changed = NULL;
        char *const at = strstr(text, edits[i][0]);
        cr_assert_not_null(at, "%s", edits[i][0]);
        const int length = asprintf(&changed, "%.*s%s%s", (int)(at - text), text, edits[i][1],
                                    at + strlen(edits[i][0]));
        spill(path, changed, (size_t)length);
        expect_refused(path, edits[i][1]);
        free(changed);
    }
    free(text);
    remove_folder(folder);
}

Test(ceilings, those_of_another_machine_are_refused)
{
    char *const folder = new_folder();
    assay_ceilings c = sample();
    snprintf(c.machine, sizeof c.machine, "%s", "0123456789abcdef");
    cr_assert_eq(assay_ceilings_write(&c, NULL), ASSAY_OK);
    expect_refused(file_in(folder), "0123456789abcdef");
    remove_folder(folder);
}
