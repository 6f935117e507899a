#include "reports/cli.h"

#include <getopt.h>
#include <math.h>
#include <stdlib.h>

void cli_start(void)
{
    optind = 0;
    opterr = 0;
}

int cli_complain(const char *command, const assay_error *error, int status)
{
    (void)fprintf(stderr, "assay %s: %s\n", command, error->message);
    return status;
}

int cli_bad_option(const char *command, char *const *argv, int found)
{
    const char *const word = argv[optind - 1];
    (void)fprintf(stderr,
                  found == ':' ? "assay %s: %s needs a value: assay %s --help\n"
                               : "assay %s: unknown option %s: assay %s --help\n",
                  command, word, command);
    return 2;
}

assay_status cli_real(const char *name, const char *text, double low, double high, double *value,
                      assay_error *error)
{
    char *end = NULL;
    *value = strtod(text, &end);
    return end != text && *end == '\0' && *value >= low && *value <= high
               ? ASSAY_OK
               : assay_fail(error, ASSAY_BAD_ARGUMENT, "--%s '%s': expected a number from %g to %g",
                            name, text, low, high);
}
