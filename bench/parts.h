/* Where the time of a stage's timed calls went, op by op. */
#ifndef BENCH_PARTS_H
#define BENCH_PARTS_H

#include <cjson/cJSON.h>

/* samples: a list of {"seconds", "parts": [{"name", "seconds", "calls"}, …]}. The parts of a call
 * of so many seconds: between those of the next faster and the next slower sample, linearly, so
 * that they add up to it as the samples' parts do to theirs; beyond all samples, those of the nearest.
 * NULL without samples or memory; the caller owns it. */
cJSON *assay_parts_at(const cJSON *samples, double seconds);

#endif
