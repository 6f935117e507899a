#include "verify/isolation/device.h"

#include <stdlib.h>

#include "kernels/registry.h"

static assay_status open_device(assay_worker_device *d)
{
    const assay_accelerator *const a = d->accelerator;
    assay_accelerator_device facts;
    int32_t count = 0;
    assay_error why = {.message = ""};
    assay_status status = a->count(&count, &why);
    if (status != ASSAY_OK || count < 1) {
        return assay_fail(&d->said, ASSAY_UNSUPPORTED, "no device: %.900s",
                          why.message[0] != '\0' ? why.message : "there is none");
    }
    if (d->number < 0 || d->number >= count) {
        return assay_fail(&d->said, ASSAY_UNSUPPORTED, "no device %d: there are %d", (int)d->number,
                          (int)count);
    }
    status = a->describe(d->number, &facts, &why);
    status = status != ASSAY_OK ? status : a->stream_open(d->number, &d->stream, &why);
    if (status != ASSAY_OK) {
        return assay_fail(&d->said, ASSAY_UNSUPPORTED, "no device: %.900s", why.message);
    }
    d->device = facts.device;
    d->device.features = assay_host_device().features;
    return ASSAY_OK;
}

bool assay_device_ready(assay_worker_device *device, const assay_accelerator *accelerator)
{
    if (!device->tried) {
        device->tried = true;
        device->accelerator = accelerator;
        device->staging = malloc(ASSAY_STAGING_BYTES);
        if (accelerator == NULL || device->staging == NULL) {
            (void)assay_fail(&device->said, ASSAY_UNSUPPORTED,
                             "no device: %s", accelerator == NULL ? "nobody brings one"
                                                                  : "no memory to copy through");
        } else {
            device->open = open_device(device) == ASSAY_OK;
        }
    }
    return device->open && !device->lost;
}

void assay_device_close(assay_worker_device *device)
{
    if (device->open && !device->lost) {
        (void)device->accelerator->stream_close(device->device.index, device->stream, NULL);
    }
    free(device->staging);
    *device = (assay_worker_device){.accelerator = NULL};
}

uint64_t assay_device_free(const assay_worker_device *device)
{
    assay_accelerator_device facts;
    return device->accelerator->describe(device->device.index, &facts, NULL) == ASSAY_OK
               ? facts.device.memory_bytes
               : 0;
}

assay_status assay_device_settle(assay_worker_device *device, assay_error *error)
{
    const assay_accelerator *const a = device->accelerator;
    bool lost = false;
    assay_error why = {.message = ""};
    assay_status status = a->synchronise(device->device.index, device->stream, &why);
    const assay_status left =
        a->last_error(device->device.index, &lost, status == ASSAY_OK ? &why : NULL);
    status = status != ASSAY_OK ? status : left;
    if (lost && !device->lost) {
        device->lost = true;
        device->said = why;
    }
    if (status != ASSAY_OK && error != NULL) {
        *error = why;
    }
    return status;
}

static assay_status copied(assay_worker_device *device, assay_status status, assay_error *error)
{
    return status != ASSAY_OK
               ? status
               : device->accelerator->synchronise(device->device.index, device->stream, error);
}

assay_status assay_device_put(assay_worker_device *device, void *to, const void *from,
                              uint64_t bytes, assay_error *error)
{
    const assay_accelerator *const a = device->accelerator;
    return copied(device, a->copy(device->device.index, device->stream, to, from, (size_t)bytes,
                                  ASSAY_TO_DEVICE, error), error);
}

assay_status assay_device_get(assay_worker_device *device, void *to, const void *from,
                              uint64_t bytes, assay_error *error)
{
    const assay_accelerator *const a = device->accelerator;
    return copied(device, a->copy(device->device.index, device->stream, to, from, (size_t)bytes,
                                  ASSAY_FROM_DEVICE, error), error);
}

assay_status assay_device_reserve(assay_worker_device *device, uint64_t bytes, const char *what,
                                  void **memory, uint64_t *size, assay_error *error)
{
    static const uint64_t keep = 64u << 20;
    const assay_accelerator *const a = device->accelerator;
    if (*memory != NULL && *size >= bytes && (*size <= keep || *size / 4 <= bytes)) {
        return ASSAY_OK;
    }
    (void)a->release(device->device.index, *memory, NULL);
    *memory = NULL;
    *size = 0;
    const uint64_t free_bytes = assay_device_free(device);
    const assay_status status =
        bytes > free_bytes ? ASSAY_NO_MEMORY
                           : a->allocate(device->device.index, (size_t)bytes, memory, error);
    if (status == ASSAY_NO_MEMORY) {
        return assay_fail(error, status, "%s %llu bytes of device memory, %llu are free", what,
                          (unsigned long long)bytes, (unsigned long long)free_bytes);
    }
    *size = status == ASSAY_OK ? bytes : 0;
    return status;
}
