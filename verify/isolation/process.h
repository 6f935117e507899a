/* Worker processes as their parent sees them: spawned, watched, killed. */
#ifndef VERIFY_ISOLATION_PROCESS_H
#define VERIFY_ISOLATION_PROCESS_H

#include <sys/types.h>

#include "verify/isolation/wire.h"

#define ASSAY_WORKER_WORD "--assay-worker"

enum { ASSAY_SAID_MAX = 4096 };

typedef struct assay_process {
    pid_t pid; /* 0: none */
    int socket;
    int output; /* read end of what it prints; not blocking */
    char said[ASSAY_SAID_MAX]; /* the last of it */
    size_t said_size;
    uint64_t printed; /* bytes since its subject was prepared */
} assay_process;

/* Starts this program again as a worker that inherits control and the slabs' files. */
assay_status assay_process_start(assay_process *process, int control, int weights, int operands,
                                 assay_error *error);
/* Kills it if it still runs, with all of its group; *status (may be NULL) is waitpid's. */
void assay_process_end(assay_process *process, int *status);

/* Whether it has died by itself, waiting at most `seconds` for it. */
bool assay_process_died(const assay_process *process, double seconds);

typedef enum assay_wait {
    ASSAY_WAIT_MESSAGE, /* one is there */
    ASSAY_WAIT_GONE,    /* it closed its end: it died, as a rule */
    ASSAY_WAIT_DEADLINE,
    ASSAY_WAIT_MEMORY
} assay_wait;

/* Waits for an answer, draining what is printed, until `deadline` on assay_now's clock or until
 * more than memory_limit bytes of anonymous memory are resident. */
assay_wait assay_process_wait(assay_process *process, double deadline, uint64_t memory_limit);

/* Resident bytes that belong to the process alone: not files, not shared memory. */
uint64_t assay_process_memory(pid_t pid);

/* Waits until no thread of the process but `except` can do anything by itself and it has no
 * children: each thread waits without a time limit for another, as idle ones of a pool do. False
 * when that takes more than `seconds`. */
bool assay_process_settle(pid_t pid, pid_t except, double seconds);

/* Whether threads other than `except` go on computing: they take 0.2 s of processor time while they
 * are watched. Looks until that is plain, one way or the other, for two seconds at most. */
bool assay_process_spins(pid_t pid, pid_t except);

/* Whether it has children, dead ones among them that nobody waited for. Systems that do not tell
 * count as none. */
bool assay_process_has_children(pid_t pid);

/* Open files, and a few more where the system only lists them: always as many. */
uint64_t assay_process_files(pid_t pid);
assay_footprint assay_process_footprint(pid_t pid);

/* Whether the program that runs called assay_worker_main: it can then be its own worker. */
bool assay_worker_built_in(void);

#endif
