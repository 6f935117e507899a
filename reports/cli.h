/* What the commands of this room share around getopt_long. */
#ifndef REPORTS_CLI_H
#define REPORTS_CLI_H

#include "assay/status.h"

/* Before the first getopt_long of a command: it may run after another one's. */
void cli_start(void);
/* "assay COMMAND: message" on standard error; returns status. */
int cli_complain(const char *command, const assay_error *error, int status);
/* An option that getopt_long did not take ('?') or that lacks its value (':'); returns 2. */
int cli_bad_option(const char *command, char *const *argv, int found);
/* A number within limits, else ASSAY_BAD_ARGUMENT. */
assay_status cli_real(const char *name, const char *text, double low, double high, double *value,
                      assay_error *error);

#endif
