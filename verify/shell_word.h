/* Text as one word of a shell's command line, for commands that people paste. */
#ifndef VERIFY_SHELL_WORD_H
#define VERIFY_SHELL_WORD_H

#include <stddef.h>
#include <stdio.h>

/* Prints it between single quotes, those in it escaped; nothing in it is then special. */
void assay_shell_put(FILE *out, const char *text);
/* Prints a glob of --case, --op or --impl that matches the text: as it is where it has only letters,
 * digits and -_.+=/:@, else quoted, with a backslash before *, ?, [ and \, and ? for a comma, which
 * separates globs (and so may match more than the text). */
void assay_shell_put_glob(FILE *out, const char *text);

#endif
