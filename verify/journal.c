#include "verify/journal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "verify/result_json.h"
#include "verify/results_path.h"

static assay_status bad_line(const assay_journal *journal, size_t number, assay_error *error)
{
    return assay_fail(error, ASSAY_BAD_INPUT,
                      "%s: line %zu: not a verdict; remove that line, or leave --resume out to "
                      "begin anew",
                      journal->path, number);
}

/* Reads what an earlier run left; *whole is where its last complete line ends. A journal that was
 * killed before its first line was whole is as good as none. */
static assay_status read_old(assay_journal *journal, const char *run, long *whole,
                             assay_error *error)
{
    const assay_sink sink = assay_report_sink(&journal->kept);
    char *line = NULL;
    size_t room = 0;
    size_t number = 0;
    ssize_t length;
    assay_status status = ASSAY_OK;
    while (status == ASSAY_OK && (length = getline(&line, &room, journal->file)) > 0 &&
           line[length - 1] == '\n') {
        assay_result result;
        number++;
        line[length - 1] = '\0';
        if (number == 1) {
            status = strcmp(line, run) == 0
                         ? ASSAY_OK
                         : assay_fail(error, ASSAY_BAD_INPUT,
                                      "%s is of another run: give the same options and kernels, or "
                                      "leave --resume out to begin anew",
                                      journal->path);
        } else {
            cJSON *const object = cJSON_Parse(line);
            status = object != NULL && assay_result_from_json(object, &result)
                         ? sink.result(sink.context, &result, error)
                         : bad_line(journal, number, error);
            cJSON_Delete(object);
        }
        *whole = ftell(journal->file);
    }
    free(line);
    return status;
}

/* Its descriptor is the one that holds it: a second one, closed, would let it go. */
static assay_status open_held(assay_journal *journal, assay_error *error)
{
    int file = -1;
    const assay_status status = assay_journal_hold(journal->path, &file, error);
    journal->file = status == ASSAY_OK ? fdopen(file, "r+") : NULL;
    if (journal->file == NULL && file >= 0) {
        (void)close(file);
    }
    return status != ASSAY_OK || journal->file != NULL
               ? status
               : assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a journal");
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
    assay_status status = open_held(journal, error);
    if (status == ASSAY_OK && resume) {
        status = read_old(journal, run, &whole, error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    const bool good = ftruncate(fileno(journal->file), whole) == 0 &&
                      fseek(journal->file, whole, SEEK_SET) == 0 &&
                      (whole > 0 || (fprintf(journal->file, "%s\n", run) > 0 &&
                                     fflush(journal->file) == 0));
    return good ? ASSAY_OK
                : assay_fail(error, ASSAY_IO, "%s: cannot be written: check folder and space",
                             journal->path);
}

void assay_journal_close(assay_journal *journal, bool remove)
{
    if (remove && journal->file != NULL) {
        (void)unlink(journal->path); /* while it is held: it is not another one's yet */
    }
    if (journal->file != NULL) {
        (void)fclose(journal->file);
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
