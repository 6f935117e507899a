#include "verify/isolation/mirror.h"

#include "verify/isolation/slab.h"

static uint64_t room_of(const assay_region *region)
{
    return region->high - region->low;
}

assay_status assay_mirror_place(assay_worker_device *device, assay_mirror *mirror,
                                const assay_slab_layout *layout, const char *what,
                                assay_error *error)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < layout->count; i++) {
        bytes += room_of(&layout->region[i]) + 2 * ASSAY_BAND_BYTES;
    }
    /* Whole pages of a page's alignment, whatever the allocation's. */
    const uint64_t page = assay_page();
    mirror->layout.count = 0;
    const assay_status status =
        layout->count == 0 ? ASSAY_OK
                           : assay_device_reserve(device, bytes + page, what, &mirror->block,
                                                  &mirror->size, error);
    if (status != ASSAY_OK) {
        return status;
    }
    const uint64_t over = (uint64_t)(uintptr_t)mirror->block % page;
    uint8_t *at = (uint8_t *)mirror->block + (over == 0 ? 0 : page - over);
    mirror->layout = *layout;
    for (uint32_t i = 0; i < layout->count; i++) {
        mirror->low[i] = at + ASSAY_BAND_BYTES;
        at = mirror->low[i] + room_of(&layout->region[i]) + ASSAY_BAND_BYTES;
    }
    return ASSAY_OK;
}

void assay_mirror_release(assay_worker_device *device, assay_mirror *mirror)
{
    if (mirror->block != NULL && !device->lost) {
        (void)device->accelerator->release(device->device.index, mirror->block, NULL);
    }
    *mirror = (assay_mirror){.block = NULL};
}

void *assay_mirror_of(const assay_mirror *mirror, const uint8_t *base, const void *operand)
{
    const uint64_t start = (uint64_t)((const uint8_t *)operand - base);
    for (uint32_t i = 0; i < mirror->layout.count; i++) {
        const assay_region *const r = &mirror->layout.region[i];
        if (r->start == start) {
            return mirror->low[i] + (start - r->low);
        }
    }
    return NULL;
}

static const uint8_t *band(void)
{
    static uint8_t pattern[ASSAY_BAND_BYTES];
    if (pattern[1] == 0) { /* no canary is zero */
        assay_canary_write(pattern, sizeof pattern);
    }
    return pattern;
}

static assay_status enqueue(assay_worker_device *device, void *to, const void *from,
                            uint64_t bytes, assay_direction direction, assay_error *error)
{
    return bytes == 0 ? ASSAY_OK
                      : device->accelerator->copy(device->device.index, device->stream, to, from,
                                                  (size_t)bytes, direction, error);
}

assay_status assay_mirror_upload(assay_worker_device *device, const assay_mirror *mirror,
                                 const uint8_t *base, assay_error *error)
{
    const uint8_t *const canaries = band();
    assay_status status = ASSAY_OK;
    for (uint32_t i = 0; status == ASSAY_OK && i < mirror->layout.count; i++) {
        const assay_region *const r = &mirror->layout.region[i];
        uint8_t *const low = mirror->low[i];
        status = enqueue(device, low - ASSAY_BAND_BYTES, canaries, ASSAY_BAND_BYTES,
                         ASSAY_TO_DEVICE, error);
        if (status == ASSAY_OK) {
            status = enqueue(device, low, base + r->low, room_of(r), ASSAY_TO_DEVICE, error);
        }
        if (status == ASSAY_OK) {
            status = enqueue(device, low + room_of(r), canaries, ASSAY_BAND_BYTES,
                             ASSAY_TO_DEVICE, error);
        }
    }
    return status != ASSAY_OK
               ? status
               : device->accelerator->synchronise(device->device.index, device->stream, error);
}

assay_status assay_mirror_download(assay_worker_device *device, const assay_mirror *mirror,
                                   uint8_t *base, assay_error *error)
{
    assay_status status = ASSAY_OK;
    for (uint32_t i = 0; status == ASSAY_OK && i < mirror->layout.count; i++) {
        const assay_region *const r = &mirror->layout.region[i];
        if (r->writable != 0) {
            status = enqueue(device, base + r->low, mirror->low[i], room_of(r), ASSAY_FROM_DEVICE,
                             error);
        }
    }
    return status != ASSAY_OK
               ? status
               : device->accelerator->synchronise(device->device.index, device->stream, error);
}

static uint64_t in_elements(uint64_t bytes, uint32_t element)
{
    return element == 0 ? bytes : (bytes + element - 1) / element * element;
}

/* The bands around a region: bytes that were written, counted from the operand. */
static assay_status check_bands(assay_worker_device *device, const assay_mirror *mirror, uint32_t i,
                                assay_trespass *trespass, assay_error *error)
{
    const assay_region *const r = &mirror->layout.region[i];
    const uint8_t *const canaries = band();
    const uint8_t *const seen = device->staging;
    assay_status status = assay_device_get(device, device->staging,
                                           mirror->low[i] - ASSAY_BAND_BYTES, ASSAY_BAND_BYTES,
                                           error);
    for (uint64_t at = 0; status == ASSAY_OK && at < ASSAY_BAND_BYTES; at++) {
        if (seen[at] != canaries[at]) {
            const uint64_t bytes = r->start - r->low + ASSAY_BAND_BYTES - at;
            *trespass = (assay_trespass){ASSAY_TRESPASS_BEFORE, i, in_elements(bytes, r->element)};
            return ASSAY_OK;
        }
    }
    status = status != ASSAY_OK
                 ? status
                 : assay_device_get(device, device->staging, mirror->low[i] + room_of(r),
                                    ASSAY_BAND_BYTES, error);
    for (uint64_t at = ASSAY_BAND_BYTES; status == ASSAY_OK && at > 0; at--) {
        if (seen[at - 1] != canaries[at - 1]) {
            const uint64_t bytes = r->high - (r->start + r->bytes) + at;
            *trespass = (assay_trespass){ASSAY_TRESPASS_BEHIND, i, in_elements(bytes, r->element)};
            return ASSAY_OK;
        }
    }
    return status;
}

static assay_status check_content(assay_worker_device *device, const assay_mirror *mirror,
                                  uint32_t i, const uint8_t *base, assay_trespass *trespass,
                                  assay_error *error)
{
    const assay_region *const r = &mirror->layout.region[i];
    assay_status status = ASSAY_OK;
    for (uint64_t at = 0; status == ASSAY_OK && at < room_of(r); at += ASSAY_STAGING_BYTES) {
        const uint64_t left = room_of(r) - at;
        const uint64_t bytes = left < ASSAY_STAGING_BYTES ? left : ASSAY_STAGING_BYTES;
        status = assay_device_get(device, device->staging, mirror->low[i] + at, bytes, error);
        if (status == ASSAY_OK && memcmp(device->staging, base + r->low + at, bytes) != 0) {
            *trespass = (assay_trespass){ASSAY_TRESPASS_CHANGED, i, bytes};
            return ASSAY_OK;
        }
    }
    return status;
}

assay_status assay_mirror_check(assay_worker_device *device, const assay_mirror *mirror,
                                const uint8_t *base, assay_trespass *trespass,
                                assay_error *error)
{
    assay_status status = ASSAY_OK;
    *trespass = (assay_trespass){.kind = ASSAY_TRESPASS_NONE};
    /* Bands first: who runs over one operand's end may reach the next one. */
    for (uint32_t i = 0; status == ASSAY_OK && trespass->kind == ASSAY_TRESPASS_NONE &&
                         i < mirror->layout.count; i++) {
        status = check_bands(device, mirror, i, trespass, error);
    }
    for (uint32_t i = 0; status == ASSAY_OK && trespass->kind == ASSAY_TRESPASS_NONE &&
                         i < mirror->layout.count; i++) {
        status = check_content(device, mirror, i, base, trespass, error);
    }
    return status;
}
