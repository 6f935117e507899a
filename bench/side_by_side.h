/* One pair: two implementations on one case in two fresh timing processes, both open at once and
 * taking samples in turn, so that what happens to the machine happens to both. */
#ifndef BENCH_SIDE_BY_SIDE_H
#define BENCH_SIDE_BY_SIDE_H

#include <cjson/cJSON.h>

#include "assay/ops.h"

typedef struct assay_side_by_side {
    const char *program[2]; /* of a, b: an assay, maybe an older one; NULL: this one */
    const char *plugin;     /* of both; NULL: built in */
    const char *impl[2];
    const cJSON *json; /* the case, with its batch size */
    assay_op op;
    size_t blocks;         /* of turns, each on inputs of its own, the same for both */
    size_t rounds;         /* a block; fewer where calls take so long that `seconds` says so */
    double seconds;        /* of samples in a pair, or what one round a block takes; 0: any */
    double sample_seconds; /* what a sample should take at least */
    double deadline;       /* seconds an answer may take */
} assay_side_by_side;

/* Rounds that are measured, at most: of a b b a, the first two and the last two are one each. */
static inline size_t assay_side_by_side_rounds(const assay_side_by_side *compared)
{
    return 2 * compared->blocks * compared->rounds;
}

/* Warm samples: a[i] and b[i] receive the seconds of a call in round i of *rounds. `turned`: b
 * comes first everywhere, in being started, too. */
assay_status assay_side_by_side_take(const assay_side_by_side *compared, bool turned, uint64_t seed,
                                     double *a, double *b, size_t *rounds, assay_error *error);

#endif
