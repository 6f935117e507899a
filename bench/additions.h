/* Two loops whose speed tells of the core that they run on: additions in registers. */
#ifndef BENCH_ADDITIONS_H
#define BENCH_ADDITIONS_H

/* Additions a second of which each waits for the one before: one a cycle, whatever else the core
 * does. The best of three rounds of some microseconds: an interruption does not count. 0: there is
 * no loop for this processor. */
double assay_additions_chained(void);

/* Additions a second, six of which wait for nothing but their own last: as many a cycle as the core
 * issues for this thread, on average over some 20 us. 0 as above. */
double assay_additions_free(void);

#endif
