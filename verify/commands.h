/* The commands of this room. Each takes its own name as argv[0] and returns the exit status:
 * 0 good, 1 a verdict against a kernel, 2 usage, 3 input or environment. */
#ifndef VERIFY_COMMANDS_H
#define VERIFY_COMMANDS_H

int assay_list_command(int argc, char **argv);
int assay_verify_command(int argc, char **argv);
int assay_explain_command(int argc, char **argv);
int assay_selftest_command(int argc, char **argv);

#endif
