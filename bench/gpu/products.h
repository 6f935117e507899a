/* Peaks of whole products: what the plug-in's own linear kernels (cuBLASLt's, cuDNN's) reach on
 * large square matrices of random numbers, by the type that they multiply. */
#ifndef BENCH_GPU_PRODUCTS_H
#define BENCH_GPU_PRODUCTS_H

#include "bench/gpu/gpu.h"
#include "bench/probe/ceilings.h"
#include "kernels/plugin.h"

/* Adds `gpu/linear/` of each type to the ceilings, of several kernels of a type the best. A kernel
 * that the device or the library does not serve adds nothing. */
assay_status assay_gpu_probe_products(assay_gpu *gpu, const assay_plugin *plugin, bool quick,
                                      assay_ceilings *ceilings, assay_error *error);

#endif
