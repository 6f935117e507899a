/* A session's insides, shared by its source files. */
#ifndef VERIFY_ISOLATION_SESSION_PARTS_H
#define VERIFY_ISOLATION_SESSION_PARTS_H

#include "verify/isolation/blame.h"
#include "verify/isolation/hung.h"
#include "verify/isolation/servant.h"
#include "verify/isolation/slab.h"

/* Operands placed in a slab: region i is tensor i (of the caller's memory) under a name. */
typedef struct assay_placed {
    assay_slab_layout layout;
    const char *name[ASSAY_REGIONS_MAX];
    assay_tensor tensor[ASSAY_REGIONS_MAX];
    bool input[ASSAY_REGIONS_MAX], output[ASSAY_REGIONS_MAX];
} assay_placed;

enum { ASSAY_WORKERS_MAX = 4 };

/* Kernels of a plug-in do not share a worker with other names: what one has done to its memory, its
 * threads or its modes must not be the next one's fault. The built-in ones share one. */
typedef struct assay_worker {
    char serves[ASSAY_NAME_MAX]; /* an implementation; "" the built-in ones; "?" not yet said */
    assay_process process;
    int control_file;
    assay_control *control;
    bool loaded;   /* the plug-in */
    uint64_t used; /* the least recently used gives way */
} assay_worker;

/* Seconds that threads which still work when a subject is released are waited for. */
#define ASSAY_PATIENCE_MOST 0.3
#define ASSAY_PATIENCE_LEAST 0.01

struct assay_session {
    char *plugin; /* NULL: none */
    double deadline;
    uint64_t memory_limit;
    int32_t threads, run_threads; /* run_threads 0: threads */
    int32_t device;
    assay_stale stale;
    bool silent; /* exec.error is NULL */
    assay_others others;

    assay_slab weights, operands;
    assay_worker workers[ASSAY_WORKERS_MAX];
    assay_worker *worker;   /* that serves now */
    assay_hung hung;
    uint64_t clock;
    assay_servant *servant; /* in process; NULL: workers serve */
    uint64_t plugin_count;
    assay_wire_kernel *described; /* [plugin_count], once asked for */
    assay_kernel *kernel;
    const assay_kernel **kernel_list;

    bool active; /* a subject is prepared, or was until its worker died */
    assay_op op;
    bool logits;
    const assay_kernel *subject; /* whose alignment counts; NULL: a composition */
    bool fated; /* every run has the outcome `fate` */
    assay_outcome fate;
    assay_placed weights_placed, operands_placed;
    bool ran;
    uint64_t digest[ASSAY_REGIONS_MAX]; /* of the last run's outputs */
    /* Of what a kernel may only read, before it ran: taken here, out of its reach. Read-only pages
     * can be made writable by whoever has them. */
    uint64_t inputs_given[ASSAY_REGIONS_MAX], weights_given[ASSAY_REGIONS_MAX];
    const char *late;                   /* an output that changed after its run; NULL: none */
    double patience; /* seconds to wait for threads that still work */
    bool unsettled;  /* some went on */
    uint64_t sequence;
    assay_request request;
    assay_reply reply;
};

assay_status assay_workers_open(assay_session *session, assay_error *error);
void assay_workers_close(assay_session *session);
/* Makes a worker for what it is to serve the present one: it runs and, unless that is built in, has
 * loaded the plug-in. */
assay_status assay_session_ensure(assay_session *session, const char *serves, assay_error *error);
/* Sends session->request, of which `body` bytes of .as count, and waits for an answer of `size`
 * bytes. False when there is none: the worker is gone then, and fate says why. */
bool assay_session_ask(assay_session *session, assay_request_kind kind, size_t body, void *answer,
                       size_t size, assay_outcome *fate);

/* What the subject's kernel declares for its i-th weight or io operand; 0: the element's own. */
uint32_t assay_session_alignment(const assay_session *session, bool weight, size_t i);

/* Appends a tensor, unless it is absent, and writes its coded place to *coded. Aliases of one that
 * is there already share its region. */
assay_status assay_placed_add(assay_placed *placed, const char *name, const assay_tensor *tensor,
                              bool input, bool output, uint32_t alignment,
                              assay_placement placement, void **coded, assay_error *error);
/* Canaries, inputs, poison (stale: numbers instead of it). */
assay_status assay_placed_fill(const assay_placed *placed, assay_slab *slab, bool stale,
                               assay_error *error);
/* What is output alone, already filled: zeros. */
void assay_placed_zero(const assay_placed *placed, const assay_slab *slab);
/* Outputs back to the caller's tensors. */
void assay_placed_return(const assay_placed *placed, const assay_slab *slab);
/* Damaged canaries make the outcome a FAIL. */
void assay_placed_check(const assay_placed *placed, const assay_slab *slab,
                        assay_outcome *outcome);
/* The name of an operand that is writable (an output), or of one that is not (an input), whose
 * digest differs; NULL: none. */
const char *assay_placed_changed(const assay_placed *placed, const assay_slab *slab, bool writable,
                                 const uint64_t digest[ASSAY_REGIONS_MAX]);

#endif
