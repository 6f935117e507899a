/* The command `assay selftest`: the checker itself is checked. Each subcommand takes its own name
 * as argv[0] and returns the exit status: 0 good, 1 the checker was found wrong, 2 usage, 3 input
 * or environment. A new one is its file, a line here and a line in command.c's table; those of
 * other rooms come by assay_selftest_extend (commands.h). */
#ifndef VERIFY_SELFTEST_COMMAND_H
#define VERIFY_SELFTEST_COMMAND_H

int assay_selftest_mutants(int argc, char **argv);
int assay_selftest_false_alarms(int argc, char **argv);
int assay_selftest_calibration(int argc, char **argv);
int assay_selftest_sensitivity(int argc, char **argv);
int assay_selftest_world(int argc, char **argv);

#endif
