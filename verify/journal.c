#include "verify/journal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "verify/result_json.h"

/* Reads what an earlier run left; *whole is where its last complete line ends. */
static assay_status read_old(assay_journal *journal, FILE *file, const char *run, long *whole,
                             assay_error *error)
{
    const assay_sink sink = assay_report_sink(&journal->kept);
    char *line = NULL;
    size_t room = 0;
    ssize_t length = getline(&line, &room, file);
    assay_status status = ASSAY_OK;
    if (length > 0 && line[length - 1] == '\n') {
        line[length - 1] = '\0';
    }
    if (length <= 0 || strcmp(line, run) != 0) {
        status = assay_fail(error, ASSAY_BAD_INPUT,
                            "%s is of another run: give the same options and kernels, or leave "
                            "--resume out to begin anew",
                            journal->path);
    }
    *whole = ftell(file);
    while (status == ASSAY_OK && (length = getline(&line, &room, file)) > 0 &&
           line[length - 1] == '\n') {
        assay_result result;
        cJSON *const object = cJSON_Parse(line);
        if (object == NULL || !assay_result_from_json(object, &result)) {
            cJSON_Delete(object);
            break;
        }
        status = sink.result(sink.context, &result, error);
        cJSON_Delete(object);
        *whole = ftell(file);
    }
    free(line);
    return status;
}

assay_status assay_journal_open(const char *path, const char *run, bool resume,
                                assay_journal *journal, assay_error *error)
{
    long whole = 0;
    memset(journal, 0, sizeof *journal);
    (void)pthread_mutex_init(&journal->lock, NULL);
    if (asprintf(&journal->path, "%s.journal", path) < 0) {
        journal->path = NULL;
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a journal");
    }
    FILE *const old = resume ? fopen(journal->path, "r") : NULL;
    if (old != NULL) {
        const assay_status status = read_old(journal, old, run, &whole, error);
        (void)fclose(old);
        if (status != ASSAY_OK) {
            return status;
        }
        if (truncate(journal->path, whole) != 0) {
            return assay_fail(error, ASSAY_IO, "%s: cannot be shortened to its last whole line",
                              journal->path);
        }
    }
    journal->file = fopen(journal->path, old != NULL ? "a" : "w");
    const bool good = journal->file != NULL &&
                      (old != NULL || (fprintf(journal->file, "%s\n", run) > 0 &&
                                       fflush(journal->file) == 0));
    return good ? ASSAY_OK
                : assay_fail(error, ASSAY_IO, "%s: cannot be written: check folder and space",
                             journal->path);
}

void assay_journal_close(assay_journal *journal, bool remove)
{
    if (journal->file != NULL) {
        (void)fclose(journal->file);
    }
    if (remove && journal->path != NULL) {
        (void)unlink(journal->path);
    }
    assay_report_free(&journal->kept);
    free(journal->path);
    (void)pthread_mutex_destroy(&journal->lock);
    memset(journal, 0, sizeof *journal);
}

assay_status assay_journal_append(assay_journal *journal, const assay_result *result,
                                  assay_error *error)
{
    cJSON *const object = assay_result_to_json(result);
    char *const line = object != NULL ? cJSON_PrintUnformatted(object) : NULL;
    (void)pthread_mutex_lock(&journal->lock);
    const bool good = line != NULL && fprintf(journal->file, "%s\n", line) > 0 &&
                      fflush(journal->file) == 0;
    (void)pthread_mutex_unlock(&journal->lock);
    free(line);
    cJSON_Delete(object);
    return good ? ASSAY_OK
                : assay_fail(error, ASSAY_IO, "%s: cannot be written: check the space left",
                             journal->path);
}

const assay_result *assay_journal_find(const assay_journal *journal, const char *source,
                                       const char *case_id, const char *impl)
{
    for (size_t i = 0; i < journal->kept.count; i++) {
        const assay_result *const r = &journal->kept.result[i];
        if (strcmp(r->case_id, case_id) == 0 && strcmp(r->impl, impl) == 0 &&
            strcmp(r->source, source) == 0) {
            return r;
        }
    }
    return NULL;
}
