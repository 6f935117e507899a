/* Two timing processes that take samples in turn, as the parent of both sees it. */
#ifndef BENCH_TURNS_PAIR_H
#define BENCH_TURNS_PAIR_H

#include "bench/child.h"
#include "bench/turns.h"

/* What both processes map. */
typedef struct assay_turns_room {
    assay_turns *turns;
    int file;
    char path[64];
} assay_turns_room;

assay_status assay_turns_room_make(assay_turns_room *room, assay_error *error);
void assay_turns_room_drop(assay_turns_room *room);

typedef struct assay_turns_side {
    assay_child *child;
    const char *impl;
    double deadline; /* seconds an answer may take */
    assay_turns *turns;
    assay_turns_request request;
    bool first;      /* to fail; the other one says less */
    size_t disturbed; /* turns that a device's clock was held down in, so far */
    assay_status status;
    assay_child_fate fate; /* when status is not ASSAY_OK */
    assay_error error;     /* "timing IMPL: why" */
} assay_turns_side;

/* One answer; a side that fails ends the other's wait for its turn. */
void assay_turns_ask(assay_turns_side *side, cJSON *request, cJSON **answer);

/* How many of an answer's samples are marked. */
size_t assay_turns_disturbed(const cJSON *answer);

/* One series of side->request; seconds receives 2 * rounds of them. A call that takes no longer
 * than an empty one fails. */
void assay_turns_play(assay_turns_side *side, double *seconds);

/* part(context[0]) and part(context[1]) at once, the second in a thread of its own: neither side
 * answers before the other has played. */
assay_status assay_turns_together(void *(*part)(void *), void *const context[2],
                                  assay_error *error);

/* The side that failed, the first of two; -1: none. */
int assay_turns_failed(const assay_turns_side *a, const assay_turns_side *b);

#endif
