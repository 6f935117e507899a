#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verify/environment.h"

/* Letters that no shell reads anything into. */
static bool is_plain(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "%+,-./:=@_";
    return word[0] != '\0' && word[strspn(word, plain)] == '\0';
}

static void put_word(FILE *out, const char *word)
{
    if (is_plain(word)) {
        (void)fputs(word, out);
        return;
    }
    (void)fputc('\'', out);
    for (; *word != '\0'; word++) {
        (void)fputs(*word == '\'' ? "'\\''" : (const char[]){*word, '\0'}, out);
    }
    (void)fputc('\'', out);
}

char *assay_command_line(void)
{
    char *text = NULL;
    char *word = NULL;
    size_t size = 0;
    size_t room = 0;
    FILE *const in = fopen("/proc/self/cmdline", "rb");
    FILE *const out = in != NULL ? open_memstream(&text, &size) : NULL;
    for (bool first = true; out != NULL && getdelim(&word, &room, '\0', in) > 0; first = false) {
        (void)fputs(first ? "" : " ", out);
        put_word(out, first ? "assay" : word);
    }
    if (out != NULL && fclose(out) != 0) {
        free(text);
        text = NULL;
    }
    if (in != NULL) {
        (void)fclose(in);
    }
    free(word);
    return text;
}
