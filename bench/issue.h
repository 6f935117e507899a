/* How much of its cores a process has.
 *
 * Two hardware threads of one core share what executes instructions. On a virtual machine the other
 * one is often somebody else's: a kernel then takes up to twice as long, for milliseconds or
 * minutes, and nothing counts it, neither stolen time nor switches. What shows it is the *issue
 * rate*: additions a cycle that wait for nothing. With a core to itself a thread issues as many as
 * the core can; beside a busy neighbour, half to four fifths of that. Cycles are counted by
 * additions that do wait for one another, one a cycle.
 *
 * A *share* is an issue rate over the best that the same processor ever showed: 1 is a core of
 * one's own. */
#ifndef BENCH_ISSUE_H
#define BENCH_ISSUE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "bench/statistics/undisturbed.h" /* ASSAY_SHARE_LEAST */

/* The least share over the first `threads` cores of the topology, all read at the same moment, by
 * threads that are bound there and sleep in between (about 100 us); NaN where it cannot be read. */
double assay_issue_share(int32_t threads);

/* Whether anything was read here or taken over. */
bool assay_issue_known(void);

/* Reads for so many seconds, to know the best. */
void assay_issue_learn(int32_t threads, double seconds);

/* Waits until a share says that the cores are one's own, for so many seconds at most, and returns
 * the last share. *waited: seconds, 0 where the first reading said so. Where no best is known yet
 * it learns first, which is no waiting. */
double assay_issue_await(int32_t threads, double seconds, double *waited);

/* The best rate of each core so far, as a list for another process of the same run, and such a list
 * taken over: of each core the better. Anything but rates is left alone. */
cJSON *assay_issue_rates(void);
void assay_issue_take_rates(const cJSON *list);

#endif
