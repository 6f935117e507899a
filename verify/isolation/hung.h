/* How long a kernel is waited for that did not answer before. One that hangs in every case would
 * cost a deadline each; after two of them in a row it gets a sixtieth, until a case ends well. */
#ifndef VERIFY_ISOLATION_HUNG_H
#define VERIFY_ISOLATION_HUNG_H

#include <stdint.h>

#include "verify/isolation/wire.h"

enum { ASSAY_HUNG_MAX = 16 };

/* Implementations that did not answer in time, the latest ones. All zero: none. */
typedef struct assay_hung {
    struct {
        char serves[ASSAY_NAME_MAX];
        uint32_t in_a_row;
        uint64_t at; /* of `clock`: the longest ago gives way */
    } of[ASSAY_HUNG_MAX];
    uint64_t clock;
} assay_hung;

/* Seconds that the implementation is given: `deadline`, or a sixtieth, 2 s at least, when it did
 * not answer twice in a row. */
double assay_hung_deadline(const assay_hung *hung, const char *serves, double deadline);
void assay_hung_add(assay_hung *hung, const char *serves);
/* A case of its ended, however it was judged. */
void assay_hung_forgive(assay_hung *hung, const char *serves);

#endif
