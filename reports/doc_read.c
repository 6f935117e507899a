/* Files into documents, and what is asked of nodes. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "reports/doc.h"

static const size_t file_max = (size_t)4 << 30;

/* Everything a stream holds, a NUL behind it. Pipes have no size, so the buffer grows. */
static assay_status read_all(FILE *file, const char *path, char **text, size_t *size,
                             assay_error *error)
{
    struct stat info;
    size_t room = (size_t)1 << 16;
    size_t used = 0;
    if (fstat(fileno(file), &info) == 0 && S_ISDIR(info.st_mode)) {
        return assay_fail(error, ASSAY_IO, "%s: is a folder: name a result file in it", path);
    }
    if (fstat(fileno(file), &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0) {
        room = (size_t)info.st_size + 2;
    }
    *text = NULL;
    for (;;) {
        char *const grown = room <= file_max ? realloc(*text, room) : NULL;
        if (grown == NULL) {
            free(*text);
            *text = NULL;
            return assay_fail(error, room > file_max ? ASSAY_BAD_INPUT : ASSAY_NO_MEMORY,
                              "%s: too large to be read (%zu bytes; 4 GiB is the most)", path,
                              room);
        }
        *text = grown;
        used += fread(*text + used, 1, room - 1 - used, file);
        if (used < room - 1) {
            break;
        }
        room *= 2;
    }
    (*text)[used] = '\0';
    *size = used;
    if (ferror(file)) {
        free(*text);
        *text = NULL;
        return assay_fail(error, ASSAY_IO, "%s: cannot be read: %s", path, strerror(errno));
    }
    return ASSAY_OK;
}

assay_status assay_doc_read(const char *path, assay_doc **doc, assay_error *error)
{
    const bool standard = strcmp(path, "-") == 0;
    char *text = NULL;
    size_t size = 0;
    *doc = NULL;
    FILE *const file = standard ? stdin : fopen(path, "rb");
    if (file == NULL) {
        return assay_fail(error, ASSAY_IO, "%s: cannot be opened: %s", path, strerror(errno));
    }
    assay_status status = read_all(file, path, &text, &size, error);
    if (!standard) {
        (void)fclose(file);
    }
    if (status == ASSAY_OK) {
        status = size == 0 ? assay_fail(error, ASSAY_BAD_INPUT, "%s: is empty", path)
                           : assay_doc_parse(path, text, size, doc, error);
    }
    free(text);
    return status;
}

const assay_node *assay_node_get(const assay_node *object, const char *key)
{
    if (object == NULL || object->kind != ASSAY_NODE_OBJECT) {
        return NULL;
    }
    const assay_node *member = object->as.first;
    while (member != NULL && strcmp(member->key, key) != 0) {
        member = member->next;
    }
    return member;
}

const char *assay_node_text(const assay_node *object, const char *key, const char *fallback)
{
    const assay_node *const member = assay_node_get(object, key);
    return member != NULL && member->kind == ASSAY_NODE_TEXT ? member->as.text : fallback;
}

double assay_node_real(const assay_node *object, const char *key, double fallback)
{
    const assay_node *const member = assay_node_get(object, key);
    if (member != NULL && member->kind == ASSAY_NODE_NUMBER) {
        return member->as.number;
    }
    if (member != NULL && member->kind == ASSAY_NODE_TEXT) {
        const char *const text = member->as.text;
        return strcmp(text, "inf") == 0    ? (double)INFINITY
               : strcmp(text, "-inf") == 0 ? -(double)INFINITY
               : strcmp(text, "nan") == 0  ? (double)NAN
                                           : fallback;
    }
    return fallback;
}

const char *assay_node_kind_name(const assay_node *node)
{
    static const char *const names[] = {"null",   "true or false",     "a number", "a text",
                                        "a list", "a list of numbers", "an object"};
    return node == NULL ? "nothing" : names[node->kind];
}
