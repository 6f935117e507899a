/* The commands of this room. Each takes its own name as argv[0] and returns the exit status:
 * 0 good, 1 a verdict against a kernel, 2 usage, 3 input or environment. */
#ifndef VERIFY_COMMANDS_H
#define VERIFY_COMMANDS_H

#include <stddef.h>

int assay_list_command(int argc, char **argv);
int assay_verify_command(int argc, char **argv);
int assay_explain_command(int argc, char **argv);
int assay_evaluate_command(int argc, char **argv);
int assay_selftest_command(int argc, char **argv);

/* A subcommand of `assay selftest`: its own name as argv[0], the exit status returned. */
typedef struct assay_selftest {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} assay_selftest;

/* Adds those of rooms that this one must not know of; `list` must live as long as the program. */
void assay_selftest_extend(const assay_selftest *list, size_t count);

#endif
