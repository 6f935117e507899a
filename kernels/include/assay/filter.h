/* What the commands' filters (--op, --impl, --case) match: shell globs, several with commas
 * between. Here because verify, bench and reports share nothing else. */
#ifndef ASSAY_FILTER_H
#define ASSAY_FILTER_H

#include <fnmatch.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Whether any of the globs matches the text; NULL matches everything. */
static inline bool assay_filter_matches(const char *globs, const char *text)
{
    if (globs == NULL) {
        return true;
    }
    char *const copy = (char *)malloc(strlen(globs) + 1);
    bool matches = false;
    if (copy == NULL) {
        return false;
    }
    strcpy(copy, globs);
    for (char *glob = copy; glob != NULL && !matches;) {
        char *const comma = strchr(glob, ',');
        if (comma != NULL) {
            *comma = '\0';
        }
        matches = fnmatch(glob, text, 0) == 0;
        glob = comma != NULL ? comma + 1 : NULL;
    }
    free(copy);
    return matches;
}

#ifdef __cplusplus
}
#endif

#endif
