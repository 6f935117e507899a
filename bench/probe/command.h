/* `assay probe`. */
#ifndef BENCH_PROBE_COMMAND_H
#define BENCH_PROBE_COMMAND_H

int assay_probe_command(int argc, char **argv);

#endif
