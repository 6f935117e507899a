/* Why a worker died, in words: from its record, its exit status and what it printed last. */
#ifndef VERIFY_ISOLATION_BLAME_H
#define VERIFY_ISOLATION_BLAME_H

#include "verify/isolation/process.h"

/* The operands that a fault's address is looked for in. */
typedef struct assay_named_layout {
    const assay_slab_layout *layout;
    const char *const *name; /* [layout->count] */
} assay_named_layout;

typedef struct assay_death {
    assay_wait wait;
    int status;      /* waitpid's */
    bool by_itself;  /* it was dead before it was killed */
    double deadline;        /* seconds that were given */
    double deadline_before; /* to who had always answered */
    uint64_t memory_limit;
    const assay_control *control;
    assay_named_layout weights, operands;
    const char *said; /* [said_size], what it printed */
    size_t said_size;
} assay_death;

void assay_blame(const assay_death *death, assay_outcome *outcome);

/* "4 bytes", "1 byte" */
const char *assay_bytes_text(uint64_t bytes, char *text, size_t size);

#endif
