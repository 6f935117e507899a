/* The device that a worker's kernels run on, through the accelerator that their plug-in brings:
 * opened once, in the process that runs kernels; lost when a kernel has broken it. */
#ifndef VERIFY_ISOLATION_DEVICE_H
#define VERIFY_ISOLATION_DEVICE_H

#include "assay/accelerator.h"

typedef struct assay_worker_device {
    const assay_accelerator *accelerator; /* NULL: nobody brought one */
    int32_t number; /* of those that the accelerator counts; set before it is opened */
    bool tried, open;
    bool lost; /* nothing that this process asks of it works any more */
    assay_device device; /* what kernels get; its free bytes as they were last looked at */
    void *stream;
    uint8_t *staging; /* ASSAY_STAGING_BYTES of host memory for what is looked at */
    assay_error said; /* why it is not open, or lost */
} assay_worker_device;

enum { ASSAY_STAGING_BYTES = 1 << 20 };

/* Opens device `number`, unless that was tried; whether it is open and not lost. */
bool assay_device_ready(assay_worker_device *device, const assay_accelerator *accelerator);
void assay_device_close(assay_worker_device *device);

/* Bytes that are free now; 0 when the device does not say. */
uint64_t assay_device_free(const assay_worker_device *device);

/* Waits for the stream, and asks for errors that nobody asked for. ASSAY_DEVICE with the words of
 * what went wrong; `lost` then says whether it stays so. */
assay_status assay_device_settle(assay_worker_device *device, assay_error *error);

/* Copies and fills, waiting for them. */
assay_status assay_device_put(assay_worker_device *device, void *to, const void *from,
                              uint64_t bytes, assay_error *error);
assay_status assay_device_get(assay_worker_device *device, void *to, const void *from,
                              uint64_t bytes, assay_error *error);

/* *memory is a block of at least bytes of *size; one that is there stays unless it is too small, or
 * much larger. ASSAY_NO_MEMORY says what needs how many and how many are free. */
assay_status assay_device_reserve(assay_worker_device *device, uint64_t bytes, const char *what,
                                  void **memory, uint64_t *size, assay_error *error);

#endif
