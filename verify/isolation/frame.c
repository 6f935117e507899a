#include "verify/isolation/frame.h"

#include <sys/mman.h>

#include "verify/isolation/layout.h"

enum { PLACES = 2, STRUCT_ALIGNMENT = 64 };

static uint64_t rounded(uint64_t bytes, uint64_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

assay_status assay_frame_reserve(assay_frame *frame, assay_error *error)
{
    const uint64_t page = assay_page();
    if (frame->base != NULL) {
        return ASSAY_OK;
    }
    frame->size = rounded(rounded(sizeof(assay_exec), STRUCT_ALIGNMENT) + sizeof(assay_op_io),
                          page);
    frame->all = PLACES * (frame->size + page) + page;
    void *const base =
        mmap(NULL, frame->all, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no pages for the structs of a call");
    }
    frame->base = base;
    return ASSAY_OK;
}

static uint8_t *place_of(const assay_frame *frame)
{
    const uint64_t page = assay_page();
    return frame->base + page + frame->turn % PLACES * (frame->size + page);
}

void assay_frame_open(assay_frame *frame, const assay_exec *exec, const assay_op_io *io)
{
    frame->turn++;
    uint8_t *const place = place_of(frame);
    (void)mprotect(place, frame->size, PROT_READ | PROT_WRITE);
    frame->exec = (assay_exec *)(void *)place;
    frame->io = (assay_op_io *)(void *)(place + rounded(sizeof *exec, STRUCT_ALIGNMENT));
    memcpy(frame->exec, exec, sizeof *exec);
    if (io != NULL) {
        memcpy(frame->io, io, sizeof *io);
    }
}

const char *assay_frame_close(assay_frame *frame, const assay_exec *exec, const assay_op_io *io)
{
    const bool exec_changed = memcmp(frame->exec, exec, sizeof *exec) != 0;
    const bool io_changed = io != NULL && memcmp(frame->io, io, sizeof *io) != 0;
    (void)mprotect(place_of(frame), frame->size, PROT_NONE);
    frame->exec = NULL;
    frame->io = NULL;
    return exec_changed ? "exec" : io_changed ? "io" : NULL;
}

void assay_frame_release(assay_frame *frame)
{
    if (frame->base != NULL) {
        (void)munmap(frame->base, frame->all);
    }
    *frame = (assay_frame){.base = NULL};
}
