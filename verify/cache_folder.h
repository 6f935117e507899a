/* Where things are kept between runs: $ASSAY_CACHE, else $XDG_CACHE_HOME/assay, else
 * ~/.cache/assay. */
#ifndef VERIFY_CACHE_FOLDER_H
#define VERIFY_CACHE_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

/* The folder's path; false when there is none to be had. It may not exist yet. */
bool assay_cache_folder(char *folder, size_t size);

/* Makes a folder and those it lies in, where they are missing; the text is changed meanwhile. */
void assay_make_folders(char *folder);

#endif
