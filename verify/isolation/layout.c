#include "verify/isolation/layout.h"

#include <unistd.h>

/* Gaps are address space, not memory. A whole operand's length of it behind an operand makes a
 * kernel that goes one row too far fault instead of meeting the neighbour. */
static const uint64_t gap_least = 1u << 20;
static const uint64_t gap_most = 1u << 30;
static const uint64_t slab_most = 1ull << 42;
/* Regions begin at multiples of twice the greatest alignment, so that it can be given exactly. */
static const uint64_t grain = 1u << 16;

uint64_t assay_page(void)
{
    static uint64_t page;
    if (page == 0) {
        page = (uint64_t)sysconf(_SC_PAGESIZE);
    }
    return page;
}

static uint64_t round_up(uint64_t value, uint64_t to)
{
    return (value + to - 1) / to * to;
}

static uint64_t gap_for(uint64_t bytes)
{
    return bytes < gap_least ? gap_least : bytes > gap_most ? gap_most : bytes;
}

void assay_layout_begin(assay_slab_layout *layout)
{
    layout->size = gap_least;
    layout->count = 0;
    layout->unused = 0;
}

assay_status assay_layout_add(assay_slab_layout *layout, uint64_t bytes, uint32_t element,
                              uint32_t alignment, bool writable, assay_placement placement,
                              assay_error *error)
{
    if (layout->count == ASSAY_REGIONS_MAX || bytes > slab_most ||
        layout->size + 2 * gap_for(bytes) + bytes > slab_most) {
        return assay_fail(error, ASSAY_NO_MEMORY,
                          "an operand of %.1f GiB does not fit in the address space for operands",
                          (double)bytes / 0x1p30);
    }
    const uint64_t twice = 2 * (uint64_t)alignment;
    const uint64_t unit = twice > assay_page() ? twice : assay_page();
    const uint64_t size = round_up(bytes, alignment);
    const uint64_t shift = size % twice == 0 ? alignment : 0;
    const uint64_t low = round_up(layout->size, grain);
    const uint64_t room = round_up(size + shift == 0 ? 1 : size + shift, unit);
    assay_region *const region = &layout->region[layout->count++];
    *region = (assay_region){.low = low,
                             .high = low + room,
                             .bytes = bytes,
                             .writable = writable ? 1 : 0,
                             .element = element};
    region->start = placement == ASSAY_PLACE_RIGHT ? region->high - size : low + shift;
    layout->size = round_up(region->high + gap_for(bytes), grain);
    return ASSAY_OK;
}

uint64_t assay_layout_room(uint64_t size)
{
    uint64_t room = 1u << 26;
    while (room < size) {
        room *= 2;
    }
    return room;
}

bool assay_layout_valid(const assay_slab_layout *layout)
{
    if (layout->count > ASSAY_REGIONS_MAX || layout->size > slab_most ||
        layout->size % assay_page() != 0) {
        return false;
    }
    uint64_t end = 0;
    for (uint32_t i = 0; i < layout->count; i++) {
        const assay_region *const r = &layout->region[i];
        if (r->low < end || r->high <= r->low || r->high > layout->size || r->start < r->low ||
            r->start > r->high || r->bytes > r->high - r->start ||
            (r->low | r->high) % assay_page() != 0) {
            return false;
        }
        end = r->high;
    }
    return true;
}
