/* The host's caches, emptied. */
#ifndef BENCH_EVICT_H
#define BENCH_EVICT_H

/* Displaces what they hold by twice the last level's size; of memory that is kept. */
void assay_evict(void);

#endif
