/* A timing process started for a measure: one of ours, or the child of its peer, whose requests are
 * given operands on their way out and whose answers are checked on their way in. */
#ifndef BENCH_PEER_LINK_H
#define BENCH_PEER_LINK_H

#include "bench/measure.h"

/* measure must outlive the child. */
assay_status assay_measure_start(const assay_measure *measure, assay_child *child,
                                 assay_error *error);

/* Waits until the pools of threads that ran just now are asleep (METHOD B.4). */
void assay_peer_rest(void);

#endif
