/* This machine's ceilings: the best rates and latencies ever measured on it, and the least time
 * they leave for a given amount of work. Names are those of the results' schema:
 *   bandwidth/{read,write,copy,gather}/{l1,l2,l3,dram}/{one,all}   B/s; copy counts bytes read and
 *                                    written, gather reads whole rows of 4 to 16 KiB at random
 *   multiply_add/{f32,bf16}/{instruction set}/{one,all}   FLOP/s, 2 a multiply-add
 *   multiply_add/int8/{instruction set}/{one,all}         OP/s, 2 a multiply-add
 *   latency/{call,barrier}                                s
 * and of a GPU, kept apart from the machine's by device (bench/gpu/probe.h):
 *   gpu/bandwidth/{read,copy}/{dram,l2}            B/s
 *   gpu/multiply_add/{bf16,f16,tf32,int8,e4m3}/mma FLOP/s, OP/s; what the older matrix instruction
 *                                    reaches, which newer devices' own ones may exceed
 *   gpu/linear/{f32,bf16,f16,tf32,int8,e4m3}       FLOP/s, OP/s; what the plug-in's own products
 *                                    reach, the packing of their operands included
 *   gpu/latency/{launch,kernel}                    s; from the host and back, one after another
 * `one` is one thread, `all` one on every core this process may use. */
#ifndef BENCH_PROBE_CEILINGS_H
#define BENCH_PROBE_CEILINGS_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/dtype.h"
#include "assay/status.h"

enum { ASSAY_CEILING_NAME = 48, ASSAY_CEILINGS_MAX = 128 };

typedef struct assay_ceiling {
    char name[ASSAY_CEILING_NAME];
    double value;             /* the newest probe's best round: a ceiling is what was reached */
    double median, low, high; /* of its rounds, in the same way of doing it */
    double best;              /* ever, on this machine: what floors and impossible times use */
} assay_ceiling;

typedef struct assay_ceilings {
    char date[24];    /* UTC, of the newest probe */
    char machine[17]; /* assay_machine_digest of the machine they were measured on */
    double device_cache_bytes; /* of the GPU whose ceilings are here; 0: none, or not known */
    size_t count;
    assay_ceiling entry[ASSAY_CEILINGS_MAX];
} assay_ceilings;

/* What this machine's probes have left in the cache folder, else (nothing there, or nothing usable)
 * a quick probe, which takes 8 s (more on a busy machine), pins the calling thread and lets it go
 * again, and is kept there. */
assay_status assay_ceilings_load(assay_ceilings *ceilings, assay_error *error);

/* Probes again, quickly, and keeps the better values: before a time is called impossible. */
assay_status assay_ceilings_refresh(assay_ceilings *ceilings, assay_error *error);

/* The best ever of that name; 0 when there is none. */
double assay_ceilings_find(const assay_ceilings *ceilings, const char *name);

/* "B/s", "FLOP/s", "OP/s" or "s", by the name. */
const char *assay_ceiling_unit(const char *name);

/* The schema's "ceilings" object; NULL when memory is out. */
cJSON *assay_ceilings_to_json(const assay_ceilings *ceilings);
/* Reads it back; `where` is what messages call it. Entries of unknown names are kept. */
assay_status assay_ceilings_from_json(const char *where, const cJSON *object,
                                      assay_ceilings *ceilings, assay_error *error);

/* Where a level of memory stands in assay_floor_work. */
enum { ASSAY_LEVEL_DRAM = 0, ASSAY_LEVEL_L1 = 1, ASSAY_LEVEL_L2 = 2, ASSAY_LEVEL_L3 = 3 };

typedef struct assay_floor_work {
    double flops;         /* 2 a multiply-add */
    double bytes_read;    /* distinct bytes: what is read again may come from a cache */
    double bytes_written;
    assay_dtype multiply; /* the contract's multiply type */
    int32_t threads;
    int32_t level;        /* of the fastest memory that can hold the bytes before the call */
} assay_floor_work;

typedef struct assay_floor {
    double seconds;                 /* 0: nothing is known that bounds it */
    char bound[ASSAY_CEILING_NAME]; /* the ceiling that sets it; empty without one */
} assay_floor;

/* The longest of: bytes read over the read ceiling, bytes written over the write ceiling, both over
 * the highest of read, write and copy; operations over the peak. All best ever. The peak of a type
 * is the highest of all instruction sets, at least f32's: a narrow type can be widened first.
 * Between one thread and all, n threads have n times one's, at most all's. A level counts as
 * no slower than those behind it; one that was not measured, nor any behind it, as the next faster
 * one. */
assay_floor assay_floor_of(const assay_ceilings *ceilings, const assay_floor_work *work);

/* The level whose cache, as `threads` threads see it, holds so many bytes. */
int32_t assay_level_for(double bytes, int32_t threads);

#endif
