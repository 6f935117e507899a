/* The timing process: this program again, spawned afresh for every case and implementation. It
 * speaks the peers' protocol (docs/peers.md) on its standard input and output. */
#ifndef BENCH_WORKER_H
#define BENCH_WORKER_H

#define ASSAY_BENCH_WORKER_WORD "--assay-bench-worker"

/* main calls it before anything else; never returns in a worker, at once otherwise. */
void assay_bench_worker_main(int argc, char **argv);

#endif
