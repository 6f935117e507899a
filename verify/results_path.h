/* Where results go: the files that --json may name, and a journal beside one that is written by one
 * process alone. */
#ifndef VERIFY_RESULTS_PATH_H
#define VERIFY_RESULTS_PATH_H

#include <stdbool.h>

#include "assay/status.h"

/* The file itself where path is a link to a file (/dev/stdout is one): its journal lies beside that
 * and not beside the link. The caller frees it; NULL: out of memory. */
char *assay_results_path(const char *path);

/* Refuses a folder, and with resume what is no file. plain: a journal can lie beside it; a pipe, a
 * device and standard output ("-") have none. */
assay_status assay_results_path_check(const char *path, bool resume, bool *plain,
                                      assay_error *error);

/* Opens a journal for reading and writing, or makes an empty one, and holds it: of two that write
 * one file the second would take the first one's results away. It is refused while another process
 * has it. Held until *file, or any other descriptor of that file in this process, is closed; not
 * handed down to children, so none of a killed run can hold it. */
assay_status assay_journal_hold(const char *path, int *file, assay_error *error);
/* The same for a file that is open; false: another process has it. */
bool assay_journal_take(int file);

#endif
