/* assay probe as a user runs it: what it measures holds together, and it is kept. */
#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/probe/loops.h"
#include "kernels/registry.h"
#include "verify/tests/run_assay.h"

static double best(const cJSON *root, const char *name)
{
    const cJSON *const list =
        cJSON_GetObjectItem(cJSON_GetObjectItem(root, "ceilings"), "entries");
    const cJSON *entry;
    cJSON_ArrayForEach(entry, list)
    {
        if (strcmp(cJSON_GetObjectItem(entry, "name")->valuestring, name) == 0) {
            return cJSON_GetObjectItem(entry, "best")->valuedouble;
        }
    }
    return 0;
}

static cJSON *probe(const char *environment, const char *arguments)
{
    run_output run = run_assay_with(environment, arguments);
    cr_assert_eq(run.status, 0, "%s", run.err);
    cJSON *const root = cJSON_Parse(run.out);
    cr_assert_not_null(root, "not JSON: %s", run.out);
    run_free(&run);
    return root;
}

static void clean(const char *folder)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    cr_expect_eq(system(command), 0);
}

/* Orders of magnitude, not speeds: a busy machine is slower everywhere. */
Test(probe, what_is_measured_holds_together, .timeout = 300)
{
    char folder[] = "./assay-probe-XXXXXX";
    char environment[64];
    cr_assert_not_null(mkdtemp(folder));
    snprintf(environment, sizeof environment, "ASSAY_CACHE=%s", folder);
    cJSON *const first = probe(environment, "probe --quick --json -");
    static const char *const kinds[] = {"read", "write", "copy", "gather"};
    static const char *const which[] = {"one", "all"};
    for (size_t i = 0; i < 8; i++) {
        char name[64];
        snprintf(name, sizeof name, "bandwidth/%s/dram/%s", kinds[i / 2], which[i % 2]);
        const double rate = best(first, name);
        cr_expect(rate > 1e6 && rate < 1e14, "%s: %g", name, rate);
    }
    cr_expect(best(first, "multiply_add/f32/scalar/one") > 1e6);
    cr_expect(best(first, "multiply_add/int8/scalar/all") > 1e6);
    cr_expect(best(first, "latency/call") < 1e-3);
    cr_expect(best(first, "latency/barrier") > 0);
    cJSON *const second = probe(environment, "probe --quick --json -");
    const cJSON *entry;
    cJSON_ArrayForEach(entry,
                       cJSON_GetObjectItem(cJSON_GetObjectItem(first, "ceilings"), "entries"))
    {
        const char *const name = cJSON_GetObjectItem(entry, "name")->valuestring;
        const double before = best(first, name);
        const double after = best(second, name);
        cr_expect(strncmp(name, "latency/", 8) == 0 ? after <= before : after >= before,
                  "%s: the best ever was forgotten", name);
    }
    cJSON_Delete(first);
    cJSON_Delete(second);
    clean(folder);
}

/* Bests only grow, so what a busy moment hid comes out in a later probe. */
static bool in_order(const cJSON *root)
{
    const double l1 = best(root, "bandwidth/read/l1/one");
    const double dram = best(root, "bandwidth/read/dram/one");
    const double all = best(root, "bandwidth/read/dram/all");
    return (l1 == 0 || l1 >= dram) && all >= 0.5 * dram &&
           best(root, "multiply_add/f32/scalar/all") >=
               0.5 * best(root, "multiply_add/f32/scalar/one");
}

Test(probe, caches_are_faster_than_memory_and_all_threads_no_slower_than_one, .timeout = 300)
{
    char folder[] = "./assay-probe-XXXXXX";
    char environment[64];
    cr_assert_not_null(mkdtemp(folder));
    snprintf(environment, sizeof environment, "ASSAY_CACHE=%s", folder);
    bool good = false;
    for (int i = 0; i < 5 && !good; i++) {
        cJSON *const root = probe(environment, "probe --quick --json -");
        good = in_order(root);
        cJSON_Delete(root);
    }
    cr_expect(good);
    clean(folder);
}

Test(probe, a_broken_file_is_said_and_replaced, .timeout = 300)
{
    char folder[] = "./assay-probe-XXXXXX";
    char environment[64];
    char command[256];
    cr_assert_not_null(mkdtemp(folder));
    snprintf(environment, sizeof environment, "ASSAY_CACHE=%s", folder);
    cJSON_Delete(probe(environment, "probe --quick --json -"));
    snprintf(command, sizeof command, "for f in %s/probe-*.json; do echo '{' >$f; done", folder);
    cr_assert_eq(system(command), 0);
    run_output run = run_assay_with(environment, "probe --quick");
    cr_expect_eq(run.status, 0);
    cr_expect_not_null(strstr(run.err, "earlier values are not used"), "%s", run.err);
    cr_expect_eq(run_lines(run.err), 1, "%s", run.err);
    run_free(&run);
    run = run_assay_with(environment, "list devices");
    cr_expect_not_null(strstr(run.out, "ceilings known"), "%s", run.out);
    run_free(&run);
    clean(folder);
}

Test(probe, wrong_usage_is_said)
{
    run_output run = run_assay("probe --quik");
    cr_expect_eq(run.status, 2);
    cr_expect_not_null(strstr(run.err, "did you mean --quick"), "%s", run.err);
    run_free(&run);
    run = run_assay("probe something");
    cr_expect_eq(run.status, 2);
    run_free(&run);
}

/* Every loop this processor can run reads and copies what is there. */
Test(loops, read_all_bytes_and_copy_them)
{
    static const assay_memory_loops *const tables[] = {
        &assay_memory_scalar,
#if defined(__x86_64__)
        &assay_memory_avx2,
        &assay_memory_avx512,
#endif
    };
    enum { BYTES = 8192 };
    _Alignas(64) static uint8_t from[BYTES];
    _Alignas(64) static uint8_t to[BYTES];
    const uint32_t features = assay_host_device().features;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        const assay_memory_loops *const loops = tables[i];
        if ((features & loops->features) != loops->features) {
            continue;
        }
        for (size_t at = 0; at < BYTES; at += 97) { /* one byte anywhere changes what is returned */
            memset(from, 0, BYTES);
            from[at] = 1;
            cr_expect_neq(loops->read(from, BYTES, 1), 0, "%s %zu", loops->name, at);
            cr_expect_neq(loops->read_row(from, BYTES, from), 0, "%s %zu", loops->name, at);
        }
        for (int around = 0; around < 2; around++) {
            if (around && loops->copy_around == NULL) {
                continue;
            }
            for (size_t at = 0; at < BYTES; at++) {
                from[at] = (uint8_t)(at * 7 + at / 256);
                to[at] = 0;
            }
            (around ? loops->copy_around : loops->copy)(to, from, BYTES, 1);
            cr_expect_eq(memcmp(to, from, BYTES), 0, "%s", loops->name);
            (around ? loops->write_around : loops->write)(to, BYTES, 2);
            cr_expect(to[0] == 0x5a && memcmp(to, to + 1, BYTES - 1) == 0, "%s", loops->name);
        }
    }
}
