/* A capture, or logits, asked in other ways for rows that its case has. */
#ifndef VERIFY_CAPTURE_AGAIN_H
#define VERIFY_CAPTURE_AGAIN_H

#include "verify/again.h"
#include "verify/stage_judge.h"

/* stage is prepared and has run. First the rows of more prompts, some of one token, in another
 * batch; then, prepared anew for other threads, rows of it by their positions: the last prompt's
 * first, the first row of each among them, one of them twice. A case that has positions itself is
 * asked for them in reverse, the first twice. Padding is no token. */
assay_status assay_capture_again(const assay_judged *judged, const assay_stage *stage,
                                 const double *expected, const assay_budget *budget,
                                 assay_arena *arena);

#endif
