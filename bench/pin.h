/* Threads kept on one core each, so that a timing does not contain their migrations. */
#ifndef BENCH_PIN_H
#define BENCH_PIN_H

#include <sched.h>
#include <stdint.h>

#include "assay/status.h"
#include "verify/topology.h"

/* Binds the calling thread and the OpenMP team of `threads` it leads, each to a core of its own
 * (0: one a core, as many as this process may use); *used becomes their number. Teams of that size
 * keep their places; a larger one started later would crowd the first thread's core, so set
 * exec.threads to *used. A process that times pins itself, never its parent: children inherit. More
 * threads than hardware threads is ASSAY_BAD_ARGUMENT; where the system refuses to bind,
 * ASSAY_UNSUPPORTED, and timings may go on unpinned. */
assay_status assay_pin_threads(int32_t threads, int32_t *used, assay_error *error);

/* Binds the calling thread, the team's number `thread`, to its core again, should OpenMP have made
 * the team anew; does nothing before assay_pin_threads. */
void assay_pin_self(int32_t thread);

/* Lets the calling thread and its team of `threads` run on every processor again. */
void assay_pin_release(int32_t threads);

/* The processors that assay_pin_threads bound; all usable ones before. */
void assay_pin_cpus(cpu_set_t *set);
/* How many threads it bound, on the topology's first cores; 0 before. */
int32_t assay_pin_count(void);

#endif
