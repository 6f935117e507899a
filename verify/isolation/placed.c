/* Operands between the caller's memory and a slab. */
#include "verify/isolation/extent.h"
#include "verify/isolation/session_parts.h"

static uint32_t alignment_of(const assay_tensor *tensor, uint32_t declared)
{
    return declared != 0 ? declared : (uint32_t)assay_dtype_size(tensor->dtype);
}

/* The region of an operand that shares the caller's memory with this output; -1: none. */
static int alias_of(const assay_placed *placed, const assay_tensor *tensor, uint64_t bytes)
{
    for (uint32_t i = 0; i < placed->layout.count; i++) {
        if (bytes > 0 && placed->tensor[i].data == tensor->data &&
            placed->layout.region[i].bytes == bytes) {
            return (int)i;
        }
    }
    return -1;
}

assay_status assay_placed_add(assay_placed *placed, const char *name, const assay_tensor *tensor,
                              bool input, bool output, uint32_t alignment,
                              assay_placement placement, void **coded, assay_error *error)
{
    uint64_t bytes = 0;
    *coded = NULL;
    if (!assay_present(tensor)) {
        return ASSAY_OK;
    }
    assay_status status = assay_extent(tensor, output, name, &bytes, error);
    if (status != ASSAY_OK) {
        return status;
    }
    int at = output ? alias_of(placed, tensor, bytes) : -1;
    if (at >= 0) {
        placed->layout.region[at].writable = 1;
        placed->output[at] = true;
    } else {
        at = (int)placed->layout.count;
        status = assay_layout_add(&placed->layout, bytes,
                                  (uint32_t)assay_dtype_size(tensor->dtype),
                                  alignment_of(tensor, alignment), output, placement, error);
        if (status != ASSAY_OK) {
            return status;
        }
        placed->name[at] = name;
        placed->tensor[at] = *tensor;
        placed->input[at] = input;
        placed->output[at] = output;
    }
    const uint64_t start = placed->layout.region[at].start;
    *coded = (void *)(uintptr_t)(start + 1);
    return ASSAY_OK;
}

assay_status assay_placed_fill(const assay_placed *placed, assay_slab *slab, bool stale,
                               assay_error *error)
{
    const assay_status status = assay_slab_reserve(slab, &placed->layout, error);
    for (uint32_t i = 0; status == ASSAY_OK && i < placed->layout.count; i++) {
        const assay_region *const region = &placed->layout.region[i];
        const assay_tensor *const tensor = &placed->tensor[i];
        const bool gaps =
            region->bytes > (uint64_t)assay_count(tensor) * assay_dtype_size(tensor->dtype);
        if (gaps) {
            assay_slab_fill_whole(slab, region);
        } else {
            assay_slab_fill(slab, region);
        }
        if (placed->input[i]) {
            assay_extent_copy(tensor, tensor->data, slab->base + region->start);
        } else {
            assay_extent_poison(tensor, stale, slab->base + region->start);
        }
    }
    return status;
}

void assay_placed_zero(const assay_placed *placed, const assay_slab *slab)
{
    for (uint32_t i = 0; i < placed->layout.count; i++) {
        if (placed->output[i] && !placed->input[i]) {
            assay_extent_zero(&placed->tensor[i], slab->base + placed->layout.region[i].start);
        }
    }
}

void assay_placed_return(const assay_placed *placed, const assay_slab *slab)
{
    for (uint32_t i = 0; i < placed->layout.count; i++) {
        if (placed->output[i]) {
            assay_extent_copy(&placed->tensor[i], slab->base + placed->layout.region[i].start,
                              placed->tensor[i].data);
        }
    }
}

typedef struct gap_look {
    const assay_slab *slab;
    uint64_t start;
} gap_look;

static bool gap_differs(const void *context, uint64_t at)
{
    const gap_look *const look = context;
    return assay_slab_damaged_at(look->slab, look->start + at);
}

/* What was overwritten around or within one operand; false: nothing. */
static bool damage(const assay_placed *placed, uint32_t i, const assay_slab *slab, char *text,
                   size_t size)
{
    const assay_region *const region = &placed->layout.region[i];
    const gap_look look = {slab, region->start};
    uint64_t before = 0;
    uint64_t behind = 0;
    char count[48];
    assay_slab_damage(slab, region, &before, &behind);
    if (before > 0 || behind > 0) {
        (void)snprintf(text, size, "wrote %s %s '%s'",
                       assay_bytes_text(behind > 0 ? behind : before, count, sizeof count),
                       behind > 0 ? "past the end of" : "before", placed->name[i]);
        return true;
    }
    const uint64_t gap = assay_extent_gaps(&placed->tensor[i], region->bytes, gap_differs, &look);
    if (gap > 0) {
        (void)snprintf(text, size, "wrote between the rows of '%s', at byte %llu", placed->name[i],
                       (unsigned long long)gap - 1);
    }
    return gap > 0;
}

void assay_placed_check(const assay_placed *placed, const assay_slab *slab, assay_outcome *outcome)
{
    char text[256];
    for (uint32_t i = 0; i < placed->layout.count; i++) {
        /* Canaries of what is mapped read-only cannot have changed. */
        if (placed->layout.region[i].writable != 0 &&
            damage(placed, i, slab, text, sizeof text)) {
            outcome->verdict = ASSAY_FAIL;
            outcome->check = ASSAY_CHECK_GUARD;
            (void)snprintf(outcome->message, sizeof outcome->message, "%s", text);
            return;
        }
    }
}

const char *assay_placed_changed(const assay_placed *placed, const assay_slab *slab, bool writable,
                                 const uint64_t digest[ASSAY_REGIONS_MAX])
{
    uint64_t now[ASSAY_REGIONS_MAX];
    assay_layout_digest(&placed->layout, slab->base, writable, now);
    for (uint32_t i = 0; i < placed->layout.count; i++) {
        if (now[i] != digest[i]) {
            return placed->name[i];
        }
    }
    return NULL;
}
