/* The parent's side of a slab: shared memory that only grows while it is used, with canaries around
 * operands. The file has holes where gaps are; the parent never touches them. */
#ifndef VERIFY_ISOLATION_SLAB_H
#define VERIFY_ISOLATION_SLAB_H

#include "verify/isolation/layout.h"

enum { ASSAY_CANARY_SPAN = 4096, ASSAY_CANARY_PERIOD = 16 };

typedef struct assay_slab {
    int file; /* a memfd; -1: none */
    uint8_t *base;
    uint64_t size;
    uint64_t used; /* the most bytes of regions since pages were last given back */
    uint8_t pattern[ASSAY_CANARY_SPAN + ASSAY_CANARY_PERIOD]; /* canaries */
} assay_slab;

assay_status assay_slab_open(const char *name, assay_slab *slab, assay_error *error);
void assay_slab_close(assay_slab *slab);
/* Makes room for a layout; gives memory back when much more was in use than it needs. */
assay_status assay_slab_reserve(assay_slab *slab, const assay_slab_layout *layout,
                                assay_error *error);

/* Canaries: words that are a NaN in every 16, 32 and 64-bit float type and a negative integer, and
 * no value that a kernel stores. Everything between a region's low and high that is not operand. */
void assay_slab_fill(const assay_slab *slab, const assay_region *region);
/* The same in memory that begins where their period does. */
void assay_canary_write(uint8_t *to, uint64_t bytes);
/* With gaps within the operand: fills all of it. */
void assay_slab_fill_whole(const assay_slab *slab, const assay_region *region);
/* How many bytes before the operand and past its end were overwritten, in whole elements. */
void assay_slab_damage(const assay_slab *slab, const assay_region *region, uint64_t *before,
                       uint64_t *behind);
/* Whether the byte at an offset of the slab is not the canary. */
bool assay_slab_damaged_at(const assay_slab *slab, uint64_t offset);

/* Equal bytes have equal sums, others almost certainly not. */
uint64_t assay_digest(const void *data, uint64_t bytes);
/* Of each region that is writable, or of each that is not, with all its canaries, its slab
 * beginning at base; 0 for the others. */
void assay_layout_digest(const assay_slab_layout *layout, const uint8_t *base, bool writable,
                         uint64_t digest[ASSAY_REGIONS_MAX]);

#endif
