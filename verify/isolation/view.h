/* A slab as a kernel sees it: inputs read-only, outputs writable, everything else inaccessible. */
#ifndef VERIFY_ISOLATION_VIEW_H
#define VERIFY_ISOLATION_VIEW_H

#include "verify/isolation/layout.h"

typedef struct assay_view {
    uint8_t *base;
    uint64_t size;
    void *reserved;
    uint64_t reserved_size;
    assay_slab_layout layout; /* as mapped now */
} assay_view;

/* Maps file by layout. What is mapped that way already stays; addresses change only when the slab
 * has grown. */
assay_status assay_view_map(assay_view *view, int file, const assay_slab_layout *layout,
                            assay_error *error);
void assay_view_close(assay_view *view);

/* What a workspace holds before a call: NaN in every float type; or bytes that are a great number
 * in each of them, of either sign, as an earlier call may have left them; or what the last call
 * left (ASSAY_FILL_LEFT; no byte that is filled in). */
typedef enum assay_fill {
    ASSAY_FILL_POISON = 0xff,
    ASSAY_FILL_HIGH = 0x7b,
    ASSAY_FILL_LOW = 0xfb,
    ASSAY_FILL_LEFT = 0
} assay_fill;

/* A workspace: private memory aligned to 256 bytes, filled, flush against a guard. */
typedef struct assay_scratch {
    uint8_t *low;   /* accessible from here */
    uint64_t room;  /* bytes up to the guard */
    uint8_t *start;
    uint64_t bytes;
    uint8_t fill;
} assay_scratch;

/* A workspace of bytes; with ASSAY_FILL_LEFT the last one stays where it has as many. */
assay_status assay_scratch_reserve(assay_scratch *scratch, uint64_t bytes, assay_fill fill,
                                   assay_error *error);
/* Bytes past its end that were written: there are fewer than 256 before the guard. */
uint64_t assay_scratch_damage(const assay_scratch *scratch);
/* And before its start. */
uint64_t assay_scratch_damage_before(const assay_scratch *scratch);
void assay_scratch_close(assay_scratch *scratch);

#endif
