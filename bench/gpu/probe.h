/* A device's ceilings, measured; and the least time they leave for an amount of work. */
#ifndef BENCH_GPU_PROBE_H
#define BENCH_GPU_PROBE_H

#include "bench/gpu/gpu.h"
#include "bench/probe/ceilings.h"

/* 16 hex digits of what makes a device the same kind of device: name, compute capability, memory,
 * cache, multiprocessors. Its ceilings are kept by this. */
void assay_gpu_digest(const assay_accelerator_device *facts, char digest[17]);

/* All of ceilings.h's `gpu/` names that the device has, in about a second; quick: a third. */
assay_status assay_gpu_probe(assay_gpu *gpu, bool quick, assay_ceilings *ceilings,
                             assay_error *error);

/* The ceiling of whole products of a type (products.h); "": none is measured. */
const char *assay_gpu_product_name(assay_dtype multiply);

/* What earlier probes left of a device that the plug-in's kernels run on, appended to the host's
 * ceilings. Nothing is appended where there is no device of that number, or none of its kind was
 * probed: *why says it. */
void assay_gpu_ceilings_load(const char *plugin, int32_t number, assay_ceilings *ceilings,
                             assay_error *why);

/* As assay_floor_of. cached: what is read may be in the device's cache, as far as that holds it
 * (device_cache_bytes; where that is not known, all of it): what is more than it holds comes from
 * memory. arithmetic false, for times that are called impossible: by bytes alone, since the peaks
 * above are not the most that every device can do, and of these by memory's rate only those that
 * the cache cannot hold. */
assay_floor assay_gpu_floor(const assay_ceilings *ceilings, const assay_floor_work *work,
                            bool cached, bool arithmetic);

#endif
