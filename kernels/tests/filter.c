/* What the filters of every command match. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "assay/filter.h"

static void expect(const char *globs, const char *text, bool matches)
{
    cr_expect_eq(assay_filter_matches(globs, text), matches, "'%s' on '%s'",
                 globs != NULL ? globs : "(none)", text);
}

Test(filter, any_glob_of_the_list_is_enough)
{
    expect("scalar", "scalar", true);
    expect("scalar", "scalar_bf16", false);
    expect("scalar*", "scalar_bf16", true);
    expect("avx2,scalar*", "scalar_bf16", true);
    expect("scalar*,avx2", "avx2", true);
    expect("avx2,avx512", "scalar", false);
    expect("sae_[ed]*,linear", "sae_decode", true);
    expect("sae_[!e]*,linear", "sae_encode", false);
}

Test(filter, nothing_given_is_everything_and_an_empty_glob_is_nothing)
{
    expect(NULL, "scalar", true);
    expect(NULL, "", true);
    expect("", "scalar", false);
    expect(",", "scalar", false);
    expect("scalar,", "scalar", true);
    expect(",,scalar", "scalar", true);
    expect("*", "", true);
}

/* A list made by a script may be long: no length is cut off. */
Test(filter, length_does_not_matter)
{
    enum { LENGTH = 100000 };
    char *const text = malloc(LENGTH + 8);
    cr_assert_not_null(text);
    memset(text, 'a', LENGTH);
    strcpy(text + LENGTH, ",b");
    expect(text, "b", true);
    expect(text, "c", false);
    text[LENGTH] = '\0';
    expect(text, text, true);
    free(text);
}
