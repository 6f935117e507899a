/* What was noted of the ops inside timed calls. */
#ifndef BENCH_WATCHED_H
#define BENCH_WATCHED_H

#include <cjson/cJSON.h>

/* Of a list of notes, one a sample with its "seconds", that of the fastest, the median and the
 * slowest stays, in this order: the parts of any time between can be had from them. */
void assay_watched_thin_out(cJSON *watched);

#endif
