#include "verify/isolation/view.h"

#include <errno.h>
#include <sys/mman.h>

enum { BASE_ALIGNMENT = 1 << 16, WORKSPACE_ALIGNMENT = 256 };

static assay_status refuse(assay_error *error)
{
    return assay_fail(error, ASSAY_NO_MEMORY, "operands cannot be mapped: %s", strerror(errno));
}

void assay_view_close(assay_view *view)
{
    if (view->reserved != NULL) {
        (void)munmap(view->reserved, view->reserved_size);
    }
    *view = (assay_view){.base = NULL};
}

/* Address space for size bytes, aligned, with the file in it but nothing accessible yet. */
static assay_status remap(assay_view *view, int file, uint64_t size, assay_error *error)
{
    assay_view_close(view);
    const uint64_t all = size + BASE_ALIGNMENT;
    void *const reserved = mmap(NULL, all, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                                -1, 0);
    if (reserved == MAP_FAILED) {
        return refuse(error);
    }
    view->reserved = reserved;
    view->reserved_size = all;
    const uintptr_t over = (uintptr_t)reserved % BASE_ALIGNMENT;
    uint8_t *const base = (uint8_t *)reserved + (over == 0 ? 0 : BASE_ALIGNMENT - over);
    if (mmap(base, size, PROT_NONE, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, file, 0) ==
        MAP_FAILED) {
        return refuse(error);
    }
    view->base = base;
    view->size = size;
    return ASSAY_OK;
}

static int access_of(const assay_region *r)
{
    return r->writable != 0 ? PROT_READ | PROT_WRITE : PROT_READ;
}

/* Whether a layout has this very region, which begins where it does: both are in order. */
static bool has_region(const assay_slab_layout *layout, const assay_region *r)
{
    bool found = false;
    for (uint32_t i = 0; i < layout->count && !found; i++) {
        const assay_region *const other = &layout->region[i];
        found = other->low == r->low && other->high == r->high && other->writable == r->writable;
    }
    return found;
}

/* Regions of the one layout that the other has not. */
static bool protect_rest(const assay_view *view, const assay_slab_layout *layout,
                         const assay_slab_layout *other, bool open)
{
    bool good = true;
    for (uint32_t i = 0; i < layout->count && good; i++) {
        const assay_region *const r = &layout->region[i];
        good = has_region(other, r) || mprotect(view->base + r->low, r->high - r->low,
                                                open ? access_of(r) : PROT_NONE) == 0;
    }
    return good;
}

assay_status assay_view_map(assay_view *view, int file, const assay_slab_layout *layout,
                            assay_error *error)
{
    if (layout->size > view->size) {
        const assay_status status = remap(view, file, assay_layout_room(layout->size), error);
        if (status != ASSAY_OK) {
            return status;
        }
    }
    /* Most operands lie where those of the call before did: only the others cost a call. */
    const assay_slab_layout before = view->layout;
    view->layout = *layout;
    return protect_rest(view, &before, layout, false) && protect_rest(view, layout, &before, true)
               ? ASSAY_OK
               : refuse(error);
}

void assay_scratch_close(assay_scratch *scratch)
{
    if (scratch->low != NULL) {
        (void)munmap(scratch->low - assay_page(), scratch->room + 2 * assay_page());
    }
    *scratch = (assay_scratch){.low = NULL};
}

/* Bytes before the workspace that must stay as they are; where there are none, a guard page is. */
static uint64_t margin_before(const assay_scratch *scratch)
{
    const uint64_t room = (uint64_t)(scratch->start - scratch->low);
    return room < WORKSPACE_ALIGNMENT ? room : WORKSPACE_ALIGNMENT;
}

assay_status assay_scratch_reserve(assay_scratch *scratch, uint64_t bytes, assay_fill fill,
                                   assay_error *error)
{
    const uint64_t page = assay_page();
    if (fill == ASSAY_FILL_LEFT && bytes == scratch->bytes) {
        return ASSAY_OK;
    }
    if (bytes > UINT64_MAX / 4) {
        return assay_fail(error, ASSAY_NO_MEMORY, "an impossible size");
    }
    if (bytes > scratch->room) {
        const uint64_t room = (bytes + page - 1) / page * page;
        assay_scratch_close(scratch);
        uint8_t *const all = mmap(NULL, room + 2 * page, PROT_NONE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (all == MAP_FAILED) {
            return refuse(error);
        }
        scratch->low = all + page;
        scratch->room = room;
        if (mprotect(scratch->low, room, PROT_READ | PROT_WRITE) != 0) {
            return refuse(error);
        }
    }
    const uint64_t size = (bytes + WORKSPACE_ALIGNMENT - 1) / WORKSPACE_ALIGNMENT *
                          WORKSPACE_ALIGNMENT;
    scratch->start = bytes == 0 ? NULL : scratch->low + scratch->room - size;
    scratch->bytes = bytes;
    scratch->fill = (uint8_t)(fill == ASSAY_FILL_LEFT ? ASSAY_FILL_LOW : fill);
    if (bytes > 0) {
        const uint64_t before = margin_before(scratch);
        memset(scratch->start - before, scratch->fill, size + before);
    }
    return ASSAY_OK;
}

uint64_t assay_scratch_damage_before(const assay_scratch *scratch)
{
    if (scratch->bytes == 0) {
        return 0;
    }
    const uint8_t *at = scratch->start - margin_before(scratch);
    while (at < scratch->start && *at == scratch->fill) {
        at++;
    }
    return (uint64_t)(scratch->start - at);
}

uint64_t assay_scratch_damage(const assay_scratch *scratch)
{
    if (scratch->bytes == 0) {
        return 0;
    }
    const uint8_t *const end = scratch->start + scratch->bytes;
    uint64_t behind = 0;
    for (const uint8_t *at = end; at < scratch->low + scratch->room; at++) {
        behind = *at != scratch->fill ? (uint64_t)(at - end) + 1 : behind;
    }
    return behind;
}
