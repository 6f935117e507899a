/* Where operands lie in a slab of shared memory: each in whole pages of its own, with address space
 * that nobody may touch before and behind it.
 *
 *   | gap | canary |  operand  | canary | gap | ...
 *         low      start                high
 *
 * RIGHT: start = high - size, size rounded up to the alignment, so the first access past the end
 * faults. LEFT: start = low, so the first access before it faults. A size that makes RIGHT's start
 * better aligned than was declared would hide a kernel that needs more than it says; LEFT then
 * starts one alignment behind low instead: aligned as declared and no better.
 * Offsets count from the slab's start, the same in both processes. */
#ifndef VERIFY_ISOLATION_LAYOUT_H
#define VERIFY_ISOLATION_LAYOUT_H

#include "assay/status.h"
#include "verify/isolation/session.h"

enum { ASSAY_REGIONS_MAX = 32 };

typedef struct assay_region {
    uint64_t low, high; /* whole pages */
    uint64_t start, bytes;
    uint32_t writable;
    uint32_t element; /* bytes of one element */
} assay_region;

typedef struct assay_slab_layout {
    uint64_t size; /* of the slab: behind the last gap */
    uint32_t count;
    uint32_t unused;
    assay_region region[ASSAY_REGIONS_MAX];
} assay_slab_layout;

uint64_t assay_page(void);
void assay_layout_begin(assay_slab_layout *layout);
/* Appends a region for bytes of elements, aligned to exactly `alignment` (a power of two).
 * ASSAY_NO_MEMORY when the address space of one slab does not hold it. */
assay_status assay_layout_add(assay_slab_layout *layout, uint64_t bytes, uint32_t element,
                              uint32_t alignment, bool writable, assay_placement placement,
                              assay_error *error);

/* The size a slab is given for a layout of `size`: a power of two, so that it seldom changes. */
uint64_t assay_layout_room(uint64_t size);

/* Whether a layout that came over the wire is one that assay_layout_add could have made. */
bool assay_layout_valid(const assay_slab_layout *layout);

#endif
