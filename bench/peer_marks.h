/* What a peer counted beside its samples, and which of those were disturbed. */
#ifndef BENCH_PEER_MARKS_H
#define BENCH_PEER_MARKS_H

#include <cjson/cJSON.h>

/* Drops lists that are not one entry a sample, and adds core_share (share is that of every sample
 * here; NaN: not known) and contaminated where something of either is known. seconds of the answer
 * are checked: so many numbers, of one of `calls` calls each. */
void assay_peer_marks(int samples, double calls, double share, cJSON *answer);

#endif
