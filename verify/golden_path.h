/* Where golden bundles are looked for when none is named: the folder $ASSAY_GOLDEN, else
 * fixtures/golden below the working folder, else the data installed beside this program, else the
 * sources it was built from. Installed data is found relative to the program itself, so an
 * installed tree may be moved. */
#ifndef VERIFY_GOLDEN_PATH_H
#define VERIFY_GOLDEN_PATH_H

#include <stddef.h>

#include "assay/status.h"

typedef struct assay_path_list {
    char **path;
    size_t count;
} assay_path_list;

/* The folder in effect and why ("ASSAY_GOLDEN", "working folder", "installed data", "source
 * folder"); NULL when none of them exists. The strings are the calling thread's. */
const char *assay_golden_root(const char **why);

/* Every bundle below root: root itself when it holds a manifest.json, else each folder in it that
 * does, in the order of their names. root NULL: assay_golden_root's and, unless $ASSAY_GOLDEN names
 * that, the world (assay_world_path). No bundle at all is an error that says where was looked. */
assay_status assay_golden_list(const char *root, assay_path_list *list, assay_error *error);
void assay_path_list_free(assay_path_list *list);

/* The lists of generated cases and of timed ones, looked for in the same places but the first; NULL
 * when it is in none. The strings are the calling thread's. */
const char *assay_case_file_path(void);
const char *assay_bench_file_path(void);

/* The small trained world that comes with the program, looked for in the same places but the first;
 * NULL: none. */
const char *assay_world_path(void);

/* The folder of the known peers' programs, looked for in the same places; NULL: none. */
const char *assay_peers_folder(void);

#endif
