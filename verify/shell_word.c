#include "verify/shell_word.h"

#include <string.h>

static void put_quoted(FILE *out, char c)
{
    if (c == '\'') {
        (void)fputs("'\\''", out); /* ends the quotes, one that is escaped, begins again */
    } else {
        (void)fputc(c, out);
    }
}

void assay_shell_put(FILE *out, const char *text)
{
    (void)fputc('\'', out);
    for (; *text != '\0'; text++) {
        put_quoted(out, *text);
    }
    (void)fputc('\'', out);
}

void assay_shell_put_glob(FILE *out, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-_.+=/:@";
    if (text[0] != '\0' && text[strspn(text, plain)] == '\0') {
        (void)fputs(text, out);
        return;
    }
    (void)fputc('\'', out);
    for (; *text != '\0'; text++) {
        if (strchr("*?[\\", *text) != NULL) {
            (void)fputc('\\', out);
        }
        put_quoted(out, *text == ',' ? '?' : *text);
    }
    (void)fputc('\'', out);
}
