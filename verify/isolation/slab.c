#include "verify/isolation/slab.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ref/wide.h"

/* Beyond this a slab that is used to less than half gives its pages back. */
static const uint64_t keep_most = 64u << 20;

/* Period 16, so one page of it serves at every offset. */
static uint8_t canary(uint64_t offset)
{
    return offset % 2 == 1 ? 0xff : (uint8_t)(0xf1 + offset / 2 % 8);
}

void assay_canary_write(uint8_t *to, uint64_t bytes)
{
    for (uint64_t i = 0; i < bytes; i++) {
        to[i] = canary(i);
    }
}

assay_status assay_slab_open(const char *name, assay_slab *slab, assay_error *error)
{
    *slab = (assay_slab){.file = memfd_create(name, MFD_CLOEXEC)};
    assay_canary_write(slab->pattern, sizeof slab->pattern);
    if (slab->file < 0) {
        return assay_fail(error, ASSAY_IO, "no shared memory for operands: memfd_create: %s",
                          strerror(errno));
    }
    return ASSAY_OK;
}

void assay_slab_close(assay_slab *slab)
{
    if (slab->base != NULL) {
        (void)munmap(slab->base, slab->size);
    }
    if (slab->file >= 0) {
        (void)close(slab->file);
    }
    *slab = (assay_slab){.file = -1};
}

static assay_status grow(assay_slab *slab, uint64_t size, assay_error *error)
{
    if (slab->base != NULL) {
        (void)munmap(slab->base, slab->size);
        slab->base = NULL;
        slab->size = 0;
    }
    if (ftruncate(slab->file, (off_t)size) != 0) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no %.1f GiB of shared memory for operands: %s",
                          (double)size / 0x1p30, strerror(errno));
    }
    void *const base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
                            slab->file, 0);
    if (base == MAP_FAILED) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no %.1f GiB of address space for operands: %s",
                          (double)size / 0x1p30, strerror(errno));
    }
    slab->base = base;
    slab->size = size;
    return ASSAY_OK;
}

assay_status assay_slab_reserve(assay_slab *slab, const assay_slab_layout *layout,
                                assay_error *error)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < layout->count; i++) {
        bytes += layout->region[i].high - layout->region[i].low;
    }
    if (slab->used > keep_most && bytes < slab->used / 2) {
        if (ftruncate(slab->file, 0) != 0 || ftruncate(slab->file, (off_t)slab->size) != 0) {
            return assay_fail(error, ASSAY_IO, "shared memory: %s", strerror(errno));
        }
        slab->used = 0;
    }
    slab->used = bytes > slab->used ? bytes : slab->used;
    return layout->size <= slab->size ? ASSAY_OK
                                      : grow(slab, assay_layout_room(layout->size), error);
}

/* Bytes from `from` on, at most one page of them, that the pattern can be compared with at once. */
static uint64_t span(uint64_t from, uint64_t to)
{
    return to - from < ASSAY_CANARY_SPAN ? to - from : ASSAY_CANARY_SPAN;
}

static void fill(const assay_slab *slab, uint64_t from, uint64_t to)
{
    while (from < to) {
        const uint64_t size = span(from, to);
        memcpy(slab->base + from, slab->pattern + from % ASSAY_CANARY_PERIOD, size);
        from += size;
    }
}

static bool intact(const assay_slab *slab, uint64_t from, uint64_t to)
{
    while (from < to) {
        const uint64_t size = span(from, to);
        if (memcmp(slab->base + from, slab->pattern + from % ASSAY_CANARY_PERIOD, size) != 0) {
            return false;
        }
        from += size;
    }
    return true;
}

void assay_slab_fill(const assay_slab *slab, const assay_region *region)
{
    fill(slab, region->low, region->start);
    fill(slab, region->start + region->bytes, region->high);
}

void assay_slab_fill_whole(const assay_slab *slab, const assay_region *region)
{
    fill(slab, region->low, region->high);
}

bool assay_slab_damaged_at(const assay_slab *slab, uint64_t offset)
{
    return slab->base[offset] != canary(offset);
}

static uint64_t in_elements(uint64_t bytes, uint32_t element)
{
    return (bytes + element - 1) / element * element;
}

void assay_slab_damage(const assay_slab *slab, const assay_region *region, uint64_t *before,
                       uint64_t *behind)
{
    const uint64_t end = region->start + region->bytes;
    *before = 0;
    *behind = 0;
    if (intact(slab, region->low, region->start) && intact(slab, end, region->high)) {
        return;
    }
    for (uint64_t at = region->low; at < region->start && *before == 0; at++) {
        *before = assay_slab_damaged_at(slab, at) ? region->start - at : 0;
    }
    for (uint64_t at = region->high; at > end && *behind == 0; at--) {
        *behind = assay_slab_damaged_at(slab, at - 1) ? at - end : 0;
    }
    *before = in_elements(*before, region->element);
    *behind = in_elements(*behind, region->element);
}

/* Enough to fill several of a processor's vectors: the steps of one hide behind the others'. */
enum { LANES = 32 };
static const uint64_t odd = 0x9e3779b97f4a7c15ull;

/* A step is a bijection of the lane for a given word and of the word for a given lane, so that one
 * word that differs always shows. Shift and add in place of a product, which vectors are slow at:
 * (1 + 2^21) is odd. */
static inline uint64_t stepped(uint64_t lane, uint64_t word)
{
    uint64_t mixed = lane ^ word;
    mixed += mixed << 21;
    return (mixed << 29) | (mixed >> 35);
}

REF_CLONES static void digest_spans(const uint8_t *from, uint64_t spans, uint64_t lane[LANES])
{
    uint64_t at[LANES];
    memcpy(at, lane, sizeof at);
    for (uint64_t s = 0; s < spans; s++) {
        uint64_t word[LANES];
        memcpy(word, from + s * sizeof word, sizeof word);
        for (int i = 0; i < LANES; i++) {
            at[i] = stepped(at[i], word[i]);
        }
    }
    memcpy(lane, at, sizeof at);
}

static uint64_t folded(uint64_t sum, uint64_t more)
{
    sum = (sum ^ more) * odd;
    return sum ^ sum >> 31;
}

uint64_t assay_digest(const void *data, uint64_t bytes)
{
    const uint8_t *const from = data;
    const uint64_t spans = bytes / (LANES * sizeof(uint64_t));
    uint64_t at = spans * LANES * sizeof(uint64_t);
    uint64_t sum = bytes;
    if (spans > 0) {
        uint64_t lane[LANES] = {0};
        digest_spans(from, spans, lane);
        for (int i = 0; i < LANES; i++) {
            sum = folded(sum, lane[i]);
        }
    }
    for (; at + sizeof(uint64_t) <= bytes; at += sizeof(uint64_t)) {
        uint64_t word = 0;
        memcpy(&word, from + at, sizeof word);
        sum = folded(sum, word);
    }
    for (; at < bytes; at++) {
        sum = folded(sum, from[at]);
    }
    return sum;
}

void assay_layout_digest(const assay_slab_layout *layout, const uint8_t *base, bool writable,
                         uint64_t digest[ASSAY_REGIONS_MAX])
{
    for (uint32_t i = 0; i < layout->count; i++) {
        const assay_region *const r = &layout->region[i];
        const bool wanted = (r->writable != 0) == writable;
        digest[i] = wanted ? assay_digest(base + r->low, r->high - r->low) : 0;
    }
}
