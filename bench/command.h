/* `assay bench`. */
#ifndef BENCH_COMMAND_H
#define BENCH_COMMAND_H

/* argv[0] is "bench". Returns the exit status: 0 timed, 1 a kernel wrong or impossibly fast, 2
 * usage, 3 input or environment. */
int assay_bench_command(int argc, char **argv);

#endif
