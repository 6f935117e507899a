/* A slab's regions once more in device memory: each with its canaries as they are on the host, and
 * beyond those with bands of more, since no page behind device memory is out of a kernel's reach.
 *
 *   | band | low      start .. start + bytes      high | band | band | low ...
 *
 * Operands are aligned as they are on the host, up to a page. What a kernel wrote comes back to
 * the host with the canaries around it, where it is judged like any kernel's; what it wrote beyond
 * them, or to what it only reads, is seen here. */
#ifndef VERIFY_ISOLATION_MIRROR_H
#define VERIFY_ISOLATION_MIRROR_H

#include "verify/isolation/device.h"
#include "verify/isolation/layout.h"

enum { ASSAY_BAND_BYTES = 1 << 14 };

typedef struct assay_mirror {
    void *block;
    uint64_t size;
    assay_slab_layout layout;
    uint8_t *low[ASSAY_REGIONS_MAX]; /* on the device */
} assay_mirror;

/* Makes room for a layout; nothing is copied. ASSAY_NO_MEMORY says what (say, "weights need") is
 * needed and free. */
assay_status assay_mirror_place(assay_worker_device *device, assay_mirror *mirror,
                                const assay_slab_layout *layout, const char *what,
                                assay_error *error);
/* Frees all of it. */
void assay_mirror_release(assay_worker_device *device, assay_mirror *mirror);

/* An operand of a slab that begins at base, on the device; NULL: it begins no region. */
void *assay_mirror_of(const assay_mirror *mirror, const uint8_t *base, const void *operand);

/* All regions from a slab, and fresh bands; waits. */
assay_status assay_mirror_upload(assay_worker_device *device, const assay_mirror *mirror,
                                 const uint8_t *base, assay_error *error);
/* Regions that a kernel may write to, back to the slab; waits. */
assay_status assay_mirror_download(assay_worker_device *device, const assay_mirror *mirror,
                                   uint8_t *base, assay_error *error);

/* What is not as it should be on the device. */
typedef enum assay_trespass_kind {
    ASSAY_TRESPASS_NONE = 0,
    ASSAY_TRESPASS_BEFORE, /* bytes before the operand */
    ASSAY_TRESPASS_BEHIND, /* bytes past its end */
    ASSAY_TRESPASS_CHANGED /* it is not what the slab holds */
} assay_trespass_kind;

typedef struct assay_trespass {
    assay_trespass_kind kind;
    uint32_t region;
    uint64_t bytes;
} assay_trespass;

/* Looks at every band and compares every region with the slab; the first that is wrong. */
assay_status assay_mirror_check(assay_worker_device *device, const assay_mirror *mirror,
                                const uint8_t *base, assay_trespass *trespass,
                                assay_error *error);

/* A workspace on the device: `bytes` of it filled with one byte, and so are the bands around it. */
typedef struct assay_device_scratch {
    void *block;
    uint64_t size;
    uint8_t *start; /* NULL: no bytes */
    uint64_t bytes;
    uint8_t fill;
} assay_device_scratch;

/* As assay_scratch_reserve; keeps: what the last call left stays, where it had as many bytes. */
assay_status assay_device_scratch_reserve(assay_worker_device *device,
                                          assay_device_scratch *scratch, uint64_t bytes,
                                          uint8_t fill, bool keeps, assay_error *error);
/* Bytes written before it and past its end. */
assay_status assay_device_scratch_damage(assay_worker_device *device,
                                         const assay_device_scratch *scratch, uint64_t *before,
                                         uint64_t *behind, assay_error *error);
void assay_device_scratch_release(assay_worker_device *device, assay_device_scratch *scratch);

#endif
