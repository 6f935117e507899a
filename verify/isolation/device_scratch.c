/* A workspace in device memory, between bands of the bytes that it is filled with. */
#include "verify/isolation/mirror.h"

enum { WORKSPACE_ALIGNMENT = 256 };

assay_status assay_device_scratch_reserve(assay_worker_device *device,
                                          assay_device_scratch *scratch, uint64_t bytes,
                                          uint8_t fill, bool keeps, assay_error *error)
{
    if (keeps && bytes == scratch->bytes) {
        return ASSAY_OK;
    }
    if (bytes > UINT64_MAX / 4) {
        return assay_fail(error, ASSAY_NO_MEMORY, "an impossible size");
    }
    scratch->bytes = bytes;
    scratch->fill = fill;
    scratch->start = NULL;
    if (bytes == 0) {
        return ASSAY_OK;
    }
    const uint64_t all = bytes + 2 * ASSAY_BAND_BYTES + 3 * WORKSPACE_ALIGNMENT;
    assay_status status = assay_device_reserve(device, all, "it needs", &scratch->block,
                                               &scratch->size, error);
    if (status == ASSAY_OK) {
        status = device->accelerator->fill(device->device.index, device->stream, scratch->block,
                                           fill, (size_t)all, error);
    }
    if (status == ASSAY_OK) {
        status = device->accelerator->synchronise(device->device.index, device->stream, error);
    }
    if (status == ASSAY_OK) {
        /* Aligned as promised and no better. */
        const uint64_t unit = 2 * WORKSPACE_ALIGNMENT;
        const uint64_t low = (uint64_t)(uintptr_t)scratch->block + ASSAY_BAND_BYTES;
        const uint64_t start = (low + unit - 1) / unit * unit + WORKSPACE_ALIGNMENT;
        scratch->start = (uint8_t *)scratch->block +
                         (start - (uint64_t)(uintptr_t)scratch->block);
    }
    return status;
}

assay_status assay_device_scratch_damage(assay_worker_device *device,
                                         const assay_device_scratch *scratch, uint64_t *before,
                                         uint64_t *behind, assay_error *error)
{
    const uint8_t *const seen = device->staging;
    *before = 0;
    *behind = 0;
    if (scratch->bytes == 0) {
        return ASSAY_OK;
    }
    assay_status status = assay_device_get(device, device->staging,
                                           scratch->start - ASSAY_BAND_BYTES, ASSAY_BAND_BYTES,
                                           error);
    for (uint64_t at = ASSAY_BAND_BYTES; status == ASSAY_OK && at > 0; at--) {
        *before = seen[at - 1] != scratch->fill ? ASSAY_BAND_BYTES - (at - 1) : *before;
    }
    status = status != ASSAY_OK ? status
                                : assay_device_get(device, device->staging,
                                                   scratch->start + scratch->bytes,
                                                   ASSAY_BAND_BYTES, error);
    for (uint64_t at = 0; status == ASSAY_OK && at < ASSAY_BAND_BYTES; at++) {
        *behind = seen[at] != scratch->fill ? at + 1 : *behind;
    }
    return status;
}

void assay_device_scratch_release(assay_worker_device *device, assay_device_scratch *scratch)
{
    if (scratch->block != NULL && !device->lost) {
        (void)device->accelerator->release(device->device.index, scratch->block, NULL);
    }
    *scratch = (assay_device_scratch){.block = NULL};
}
