/* The devices that a plug-in's kernels can run on, as JSON. */
#ifndef VERIFY_DEVICES_H
#define VERIFY_DEVICES_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "assay/status.h"

/* Appends an object for each device that the plug-in's accelerator sees, asked in a worker: {index,
 * model, identity, compute_capability, multiprocessors, memory_bytes (free), memory_total_bytes,
 * cache_bytes, driver_version, runtime_version}. How many; *why says it where there is none. */
int32_t assay_devices_add(const char *plugin, cJSON *list, assay_error *why);

/* Of an option --device: ASSAY_BAD_INPUT, with how many there are, where the plug-in's accelerator
 * has none of that number. */
assay_status assay_devices_expect(const char *plugin, int32_t number, assay_error *error);

#endif
