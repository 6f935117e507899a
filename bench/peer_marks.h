/* What a peer counted beside its samples, and which of those were disturbed. */
#ifndef BENCH_PEER_MARKS_H
#define BENCH_PEER_MARKS_H

#include <cjson/cJSON.h>
#include <stdbool.h>

/* Drops lists that are not one entry a sample, and adds core_share (share is that of every sample
 * here; NaN: not known) and contaminated where something of either is known. An answer with "gpu"
 * was timed by a device's clock: the host's lists are dropped, and contaminated goes by throttle
 * reasons (ASSAY_THROTTLE_DISTURBS) and by a clock below ASSAY_GPU_CLOCK_LEAST of the settled one.
 * seconds of the answer are checked: so many numbers, of one of `calls` calls each. False: "gpu" is
 * not of docs/peers.md's form. */
bool assay_peer_marks(int samples, double calls, double share, cJSON *answer);

#endif
