/* A timing process as its parent sees it: spawned, asked, killed. */
#ifndef BENCH_CHILD_H
#define BENCH_CHILD_H

#include <sys/types.h>

#include "assay/result.h"
#include "bench/lines.h"

/* What became of a request. PASS: *answer is there. SKIP: unsupported, or more memory than there
 * is. FAIL: the kernel refused; CRASH, TIMEOUT: the process is gone. */
typedef struct assay_child_fate {
    assay_verdict verdict;
    char message[ASSAY_MESSAGE_MAX];
} assay_child_fate;

/* What stands between a parent and a child of another kind: requests get more on their way out,
 * answers are checked on their way in. Both may set a fate other than PASS. */
typedef struct assay_child_aid {
    void *context; /* NULL: none stands there */
    void (*before)(void *context, cJSON *request, assay_child_fate *fate);
    void (*after)(void *context, const cJSON *request, cJSON *answer, assay_child_fate *fate);
    void (*close)(void *context);
} assay_child_aid;

typedef struct assay_child {
    pid_t pid; /* 0: none */
    assay_lines lines;
    int output;  /* its outputs lie there (an anonymous file) */
    int tensors; /* and its operands there, when it does not make them itself */
    assay_child_aid aid;
} assay_child;

/* command NULL: this program as its own timing process. */
assay_status assay_child_start(const char *const *command, assay_child *child, assay_error *error);
void assay_child_end(assay_child *child);

/* Takes request and deletes it. *answer (the caller's to delete) is NULL but for PASS. */
assay_child_fate assay_child_ask(assay_child *child, cJSON *request, double seconds,
                                 cJSON **answer);

#endif
