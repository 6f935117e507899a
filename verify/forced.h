/* Whether forced tokens are obeyed. */
#ifndef VERIFY_FORCED_H
#define VERIFY_FORCED_H

#include "verify/buffer.h"
#include "verify/judged.h"

/* Runs a prepared generation once more with another first token forced in every row that goes on,
 * and compares: the logits of the next step must change. The expected tokens cannot show it, since
 * they are what a kernel takes by itself. io is the forced run's, with what it wrote. */
assay_status assay_forced_judge(const assay_judged *judged, const assay_generate_params *params,
                                const assay_generate_io *io, assay_arena *arena);

/* A token that ends no row and is not the given one; -1 when there is none. */
int64_t assay_forced_other(const assay_generate_params *params, int64_t token);

#endif
