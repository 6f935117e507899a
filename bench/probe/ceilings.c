#include "bench/probe/ceilings.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "verify/topology.h"

static const char *const level_names[] = {"dram", "l1", "l2", "l3"};
enum { LEVELS = sizeof level_names / sizeof *level_names };

double assay_ceilings_find(const assay_ceilings *ceilings, const char *name)
{
    for (size_t i = 0; i < ceilings->count; i++) {
        if (strcmp(ceilings->entry[i].name, name) == 0) {
            return ceilings->entry[i].best;
        }
    }
    return 0;
}

const char *assay_ceiling_unit(const char *name)
{
    name += strncmp(name, "gpu/", 4) == 0 ? 4 : 0;
    if (strncmp(name, "bandwidth/", 10) == 0) {
        return "B/s";
    }
    if (strncmp(name, "multiply_add/", 13) == 0) {
        return strncmp(name + 13, "int8/", 5) == 0 ? "OP/s" : "FLOP/s";
    }
    if (strncmp(name, "linear/", 7) == 0) {
        return strcmp(name + 7, "int8") == 0 ? "OP/s" : "FLOP/s";
    }
    return "s";
}

/* What n threads reach of what one and all do. */
static double scaled(double one, double all, int32_t threads, int32_t cores)
{
    const double most = fmax(one, all);
    if (threads <= 1 && one > 0) {
        return one;
    }
    return threads >= cores || one <= 0 ? most : fmin(one * (double)threads, most);
}

/* prefix/{one,all} for that many threads. */
static double rate_of(const assay_ceilings *ceilings, const char *prefix, int32_t threads)
{
    char name[2 * ASSAY_CEILING_NAME];
    (void)snprintf(name, sizeof name, "%.60s/one", prefix);
    const double one = assay_ceilings_find(ceilings, name);
    (void)snprintf(name, sizeof name, "%.60s/all", prefix);
    const double all = assay_ceilings_find(ceilings, name);
    return scaled(one, all, threads, assay_topology_threads(assay_topology_get()));
}

static void name_bound(char *bound, const char *prefix, int32_t threads)
{
    (void)snprintf(bound, ASSAY_CEILING_NAME, "%.*s/%s", ASSAY_CEILING_NAME - 5, prefix,
                   threads > 1 ? "all" : "one");
}

/* bandwidth/<kind>/<level>: the highest of that level and all slower ones (a fast level may have
 * been measured at a bad moment); where none was measured, of the next faster one. */
static double bandwidth(const assay_ceilings *ceilings, const char *kind, int32_t level,
                        int32_t threads, char *prefix)
{
    const int32_t first = level <= 0 || level >= LEVELS ? LEVELS : level;
    double highest = 0;
    for (int32_t at = first; at <= LEVELS || (highest <= 0 && at <= LEVELS + first - 1); at++) {
        char name[ASSAY_CEILING_NAME];
        const int32_t here = at <= LEVELS ? at : LEVELS + first - at; /* beyond: ever faster */
        (void)snprintf(name, sizeof name, "bandwidth/%s/%s", kind, level_names[here % LEVELS]);
        const double value = rate_of(ceilings, name, threads);
        if (value > highest) {
            highest = value;
            (void)snprintf(prefix, ASSAY_CEILING_NAME, "%s", name);
        }
    }
    return highest;
}

static void raise_floor(assay_floor *floor, double amount, double rate_per_second,
                        const char *prefix, int32_t threads)
{
    const double seconds = amount > 0 && rate_per_second > 0 ? amount / rate_per_second : 0;
    if (seconds > floor->seconds) {
        floor->seconds = seconds;
        name_bound(floor->bound, prefix, threads);
    }
}

static void bound_by_memory(const assay_ceilings *ceilings, const assay_floor_work *work,
                            assay_floor *floor)
{
    static const char *const kinds[3] = {"read", "write", "copy"};
    const double amounts[2] = {work->bytes_read, work->bytes_written};
    char prefix[3][ASSAY_CEILING_NAME];
    double rates[3];
    int fastest = 0;
    for (int i = 0; i < 3; i++) {
        rates[i] = bandwidth(ceilings, kinds[i], work->level, work->threads, prefix[i]);
        fastest = rates[i] > rates[fastest] ? i : fastest;
    }
    for (int i = 0; i < 2; i++) {
        raise_floor(floor, amounts[i], rates[i], prefix[i], work->threads);
    }
    raise_floor(floor, amounts[0] + amounts[1], rates[fastest], prefix[fastest], work->threads);
}

static const char *peak_type(assay_dtype multiply)
{
    switch (multiply) {
    case ASSAY_BF16: return "bf16";
    case ASSAY_I8:
    case ASSAY_U8: return "int8";
    default: return "f32";
    }
}

/* The highest peak of multiply_add/<type>/<any set>. */
static double peak(const assay_ceilings *ceilings, const char *type, int32_t threads,
                   char prefix[ASSAY_CEILING_NAME])
{
    char start[32];
    double highest = 0;
    const int length = snprintf(start, sizeof start, "multiply_add/%s/", type);
    for (size_t i = 0; i < ceilings->count; i++) {
        const char *const name = ceilings->entry[i].name;
        const char *const end = strrchr(name, '/');
        if (strncmp(name, start, (size_t)length) != 0 || end < name + length) {
            continue;
        }
        char set[ASSAY_CEILING_NAME];
        (void)snprintf(set, sizeof set, "%.*s", (int)(end - name), name);
        const double value = rate_of(ceilings, set, threads);
        if (value > highest) {
            highest = value;
            (void)snprintf(prefix, ASSAY_CEILING_NAME, "%s", set);
        }
    }
    return highest;
}

assay_floor assay_floor_of(const assay_ceilings *ceilings, const assay_floor_work *work)
{
    assay_floor floor = {.seconds = 0, .bound = ""};
    char prefix[ASSAY_CEILING_NAME] = "";
    char widened[ASSAY_CEILING_NAME] = "";
    bound_by_memory(ceilings, work, &floor);
    const double operations = peak(ceilings, peak_type(work->multiply), work->threads, prefix);
    const double wide = peak(ceilings, "f32", work->threads, widened);
    const bool narrow = operations >= wide;
    raise_floor(&floor, work->flops, narrow ? operations : wide, narrow ? prefix : widened,
                work->threads);
    return floor;
}

int32_t assay_level_for(double bytes, int32_t threads)
{
    const assay_topology *const topology = assay_topology_get();
    for (int32_t i = 0; i < 3; i++) {
        const int32_t shared = topology->cache_cores[i] > 0 ? topology->cache_cores[i] : 1;
        const int32_t instances = (threads + shared - 1) / shared;
        if (topology->cache_bytes[i] > 0 &&
            bytes <= (double)topology->cache_bytes[i] * (double)(instances > 1 ? instances : 1)) {
            return i + 1;
        }
    }
    return ASSAY_LEVEL_DRAM;
}
