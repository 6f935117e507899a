/* Bandwidth of every level of memory, with one thread and with all, each on memory of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/pin.h"
#include "bench/probe/probe_parts.h"
#include "bench/probe/region.h"

/* UNIT: the longest row; PAGE: the shortest. */
enum { PORTION = 8 << 20, UNIT = 16384, PAGE = 4096, DRAM = ASSAY_CACHE_LEVELS };
#define DRAM_LEAST ((uint64_t)256 << 20)

typedef enum kind { READ, WRITE, COPY, GATHER, GATHER_AHEAD } kind;
static const char *const kind_names[] = {"read", "write", "copy", "gather", "gather"};

/* Where a thread goes on, in bytes and in rows; on a cache line of its own. Never set back: what
 * was read last may still be in a cache. */
typedef struct progress {
    _Alignas(64) size_t at;
    size_t row;
} progress;

typedef struct memory_work {
    const assay_memory_loops *loops;
    kind kind;
    bool around;
    const assay_region *region;
    size_t span;      /* bytes of a thread's part in use: they fit the level, or exceed it */
    size_t portion;   /* bytes of one pass; the whole span where it fits a cache */
    size_t row;       /* gather: bytes of a row */
    uint32_t *order;  /* gather: the span's rows, shuffled */
    progress *threads;
} memory_work;

/* One after another through the span; a copy goes from its first half to its second. */
static void stream(const memory_work *work, int32_t thread, size_t times)
{
    uint8_t *const part = work->region->base + (size_t)thread * work->region->part;
    const assay_memory_loops *const loops = work->loops;
    const size_t half = work->span / 2;
    const size_t bytes = work->kind == COPY ? work->portion / 2 : work->portion;
    const size_t end = work->kind == COPY ? half : work->span;
    progress *const mine = &work->threads[thread];
    const size_t at = mine->at + bytes <= end ? mine->at : 0;
    mine->at = at + bytes;
    if (work->kind == READ) {
        assay_probe_use((double)loops->read(part + at, bytes, times));
    } else if (work->kind == WRITE) {
        (work->around ? loops->write_around : loops->write)(part + at, bytes, times);
    } else {
        (work->around ? loops->copy_around : loops->copy)(part + half + at, part + at, bytes,
                                                          times);
    }
}

/* The next rows of the shuffled order, as a decode reads its latents' rows. */
static void gather(const memory_work *work, int32_t thread)
{
    const uint8_t *const part = work->region->base + (size_t)thread * work->region->part;
    const size_t rows = work->span / work->row;
    size_t *const at = &work->threads[thread].row;
    uint64_t sum = 0;
    for (size_t i = 0; i < work->portion / work->row; i++) {
        *at = *at < rows ? *at : 0;
        const uint8_t *const from = part + work->order[*at] * work->row;
        *at = *at + 1 < rows ? *at + 1 : 0;
        sum ^= work->kind == GATHER
                   ? work->loops->read(from, work->row, 1)
                   : work->loops->read_row(from, work->row, part + work->order[*at] * work->row);
    }
    assay_probe_use((double)sum);
}

static void run(void *context, int32_t thread, size_t passes)
{
    const memory_work *const work = context;
    const bool cached = work->portion == work->span;
    if (work->kind < GATHER && cached) {
        stream(work, thread, passes);
        return;
    }
    for (size_t i = 0; i < passes; i++) {
        if (work->kind < GATHER) {
            stream(work, thread, 1);
        } else {
            gather(work, thread);
        }
    }
}

static void shuffle(uint32_t *order, size_t count)
{
    uint64_t state = 88172645463325252u;
    for (size_t i = 0; i < count; i++) {
        order[i] = (uint32_t)i;
    }
    for (size_t i = count; i > 1; i--) {
        const size_t j = (size_t)((assay_probe_random(&state) >> 16) % i);
        const uint32_t kept = order[i - 1];
        order[i - 1] = order[j];
        order[j] = kept;
    }
}

typedef struct place {
    assay_probe *probe;
    const char *level, *which;
    int32_t threads;
    memory_work work;
} place;

static void try_kind(place *p, const assay_memory_loops *loops, kind which, bool around)
{
    char name[ASSAY_CEILING_NAME];
    (void)snprintf(name, sizeof name, "bandwidth/%s/%s/%s", kind_names[which], p->level, p->which);
    p->work.loops = loops;
    p->work.kind = which;
    p->work.around = around;
    assay_probe_way(p->probe, name, (double)p->work.portion, run, &p->work, p->threads);
}

static void try_gather(place *p, const assay_memory_loops *loops)
{
    static const size_t rows[3] = {8192, PAGE, UNIT};
    const int count = p->probe->options->quick ? 1 : 3;
    for (int i = 0; i < count; i++) {
        p->work.row = p->work.span >= 4 * rows[i] ? rows[i] : rows[1];
        if (!p->probe->counting) {
            shuffle(p->work.order, p->work.span / p->work.row);
        }
        try_kind(p, loops, GATHER, false);
        try_kind(p, loops, GATHER_AHEAD, false);
    }
}

/* Writes to memory end in the caches until these are full: through them so much is written in a
 * round that what stays behind is little of it. Around them this is not so. */
static void try_streams(place *p, const assay_memory_loops *loops)
{
    const size_t portion = p->work.portion;
    const bool cached = portion == p->work.span;
    try_kind(p, loops, READ, false);
    p->work.portion = cached ? portion : p->work.span / (2 * UNIT) * UNIT;
    try_kind(p, loops, WRITE, false);
    try_kind(p, loops, COPY, false);
    p->work.portion = portion;
    if (!cached && loops->write_around != NULL) { /* into a cache it would be no use */
        try_kind(p, loops, WRITE, true);
        try_kind(p, loops, COPY, true);
    }
}

static void try_level(place *p)
{
    static const assay_memory_loops *const tables[] = {
        &assay_memory_scalar,
#if defined(__x86_64__)
        &assay_memory_avx2, &assay_memory_avx512,
#endif
    };
    const assay_memory_loops *widest = tables[0];
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        widest = assay_probe_has(p->probe, tables[i]->features) ? tables[i] : widest;
    }
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        const assay_memory_loops *const loops = tables[i];
        if (assay_probe_has(p->probe, loops->features) &&
            (loops == widest || !p->probe->options->quick)) {
            try_streams(p, loops);
        }
    }
    try_gather(p, widest);
}

/* Bytes a thread works on so that all of them stay in that cache: three quarters of the first
 * level, half of what a thread's share of the others is, but more than the level before holds. */
static size_t span_of(const assay_topology *topology, int level, int32_t threads)
{
    const uint64_t bytes = topology->cache_bytes[level];
    const int32_t sharing = threads > 1 ? topology->cache_cores[level] : 1;
    uint64_t span = level == 0 ? bytes / 4 * 3 : bytes / 2 / (uint64_t)sharing;
    if (level == 2 && threads == 1) {
        span /= 2; /* others on the same chip want some of it */
    }
    if (level > 0 && span < 2 * topology->cache_bytes[level - 1]) {
        span = 2 * topology->cache_bytes[level - 1];
    }
    const uint64_t unit = span >= 4 * UNIT ? UNIT : PAGE;
    return (size_t)(span < unit ? unit : span / unit * unit);
}

/* So much that no cache keeps what was read until it is read again. */
static size_t dram_span(const assay_topology *topology, int32_t threads)
{
    const uint64_t last = assay_topology_last_cache(topology);
    int32_t sharing = 1;
    for (int i = 0; i < ASSAY_CACHE_LEVELS; i++) {
        sharing = topology->cache_bytes[i] > 0 ? topology->cache_cores[i] : sharing;
    }
    const uint64_t caches = (uint64_t)((threads + sharing - 1) / sharing);
    const uint64_t total = 8 * last * caches > DRAM_LEAST ? 8 * last * caches : DRAM_LEAST;
    return (size_t)(total / (uint64_t)threads / UNIT + 4) * UNIT;
}

static void set_span(memory_work *work, size_t span, bool cached)
{
    const size_t part = span / 4 < PORTION ? span / 4 : PORTION;
    work->portion = cached ? span : part / UNIT * UNIT;
    work->span = span / work->portion * work->portion;
}

static void measure(assay_probe *probe, int32_t threads, const char *which, memory_work *work)
{
    static const char *const names[ASSAY_CACHE_LEVELS + 1] = {"l1", "l2", "l3", "", "dram"};
    const assay_topology *const topology = assay_topology_get();
    place p = {.probe = probe, .which = which, .threads = threads, .work = *work};
    for (int level = 0; level <= DRAM; level++) {
        const bool cache = level < DRAM;
        if (names[level][0] == '\0' || (cache && topology->cache_bytes[level] == 0)) {
            continue;
        }
        p.level = names[level];
        set_span(&p.work, cache ? span_of(topology, level, threads) : dram_span(topology, threads),
                 cache);
        try_level(&p);
    }
}

static assay_status allocate(memory_work *work, int32_t threads, assay_error *error)
{
    const assay_topology *const topology = assay_topology_get();
    const size_t longest = dram_span(topology, 1) > dram_span(topology, threads)
                               ? dram_span(topology, 1)
                               : dram_span(topology, threads);
    work->order = malloc(longest / PAGE * sizeof *work->order);
    work->threads = aligned_alloc(64, (size_t)threads * sizeof *work->threads);
    if (work->order == NULL || work->threads == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for the probe");
    }
    memset(work->threads, 0, (size_t)threads * sizeof *work->threads);
    return ASSAY_OK;
}

/* Between nodes each thread count has memory of its own; within one node it is the same memory:
 * getting it can take a second. */
static assay_status with_region(assay_probe *probe, memory_work *work, assay_error *error)
{
    const assay_topology *const topology = assay_topology_get();
    const size_t one = dram_span(topology, 1);
    const size_t all = dram_span(topology, probe->all);
    const bool shared = topology->nodes <= 1;
    const size_t share = (one + (size_t)probe->all - 1) / (size_t)probe->all;
    assay_region region = {.mapping = NULL};
    work->region = &region;
    assay_status status = ASSAY_OK;
    if (!probe->counting && !shared) {
        status = assay_region_open(one, 1, &region, error);
        if (status == ASSAY_OK) {
            measure(probe, 1, "one", work);
        }
        assay_region_close(&region);
    }
    if (status == ASSAY_OK && !probe->counting) {
        status = assay_region_open(all > share ? all : share, probe->all, &region, error);
    }
    if (status == ASSAY_OK && (shared || probe->counting)) {
        measure(probe, 1, "one", work);
    }
    if (status == ASSAY_OK) {
        measure(probe, probe->all, "all", work);
    }
    assay_region_close(&region);
    return status;
}

assay_status assay_probe_bandwidths(assay_probe *probe, assay_error *error)
{
    memory_work work = {.order = NULL};
    assay_status status = allocate(&work, probe->all, error);
    if (status == ASSAY_OK) {
        status = with_region(probe, &work, error);
    }
    free(work.order);
    free(work.threads);
    return status;
}
