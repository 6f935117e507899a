/* What people paste runs nothing else, and finds its case again. */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "assay/filter.h"
#include "verify/shell_word.h"

/* As printed; the caller frees it. */
static char *printed(void (*put)(FILE *, const char *), const char *text)
{
    char *made = NULL;
    size_t size = 0;
    FILE *const out = open_memstream(&made, &size);
    cr_assert_not_null(out);
    put(out, text);
    (void)fclose(out);
    return made;
}

/* What a shell makes of a word: its first argument, printed. */
static char *by_shell(const char *word)
{
    char command[512];
    char *const read = calloc(1, 512);
    (void)snprintf(command, sizeof command, "printf %%s %s", word);
    FILE *const pipe = popen(command, "r");
    cr_assert_not_null(pipe);
    (void)fread(read, 1, 511, pipe);
    cr_assert_eq(pclose(pipe), 0, "%s", command);
    return read;
}

static const char *const hostile[] = {"a;$(touch pwn)'x", "it's", "`id`", "a b\tc", "*", "x[1]",
                                      "a\\b", "-n", "", "~/$HOME", "!!", "a\nb", "ü"};

Test(shell_word, a_path_comes_back_from_a_shell_as_it_is)
{
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        char *const word = printed(assay_shell_put, hostile[i]);
        char *const seen = by_shell(word);
        cr_expect_str_eq(seen, hostile[i], "%s", word);
        free(seen);
        free(word);
    }
}

Test(shell_word, a_glob_matches_its_text_and_no_more)
{
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        char *const word = printed(assay_shell_put_glob, hostile[i]);
        char *const glob = by_shell(word);
        cr_expect(assay_filter_matches(glob, hostile[i]), "%s on %s", glob, hostile[i]);
        cr_expect(!assay_filter_matches(glob, "another"), "%s", glob);
        cr_expect(!assay_filter_matches(glob, "x1"), "%s", glob);
        free(glob);
        free(word);
    }
    char *const listed = printed(assay_shell_put_glob, "a,b");
    cr_expect_str_eq(listed, "'a?b'");
    char *const plain = printed(assay_shell_put_glob, "linear-5x33x7-normal");
    cr_expect_str_eq(plain, "linear-5x33x7-normal");
    free(listed);
    free(plain);
}
