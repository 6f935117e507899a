/* The commands of this room. Each takes its own name as argv[0] and returns the exit status: 0
 * good, 1 something got worse, 2 usage, 3 input or environment. */
#ifndef REPORTS_COMMANDS_H
#define REPORTS_COMMANDS_H

int assay_report_command(int argc, char **argv);
int assay_compare_command(int argc, char **argv);
int assay_history_command(int argc, char **argv);

#endif
