/* The journal of a false-alarm campaign: a line a run, `run` and its counts, `alarm` and what it
 * was. A line that a crash cut off is ignored, with its run. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "verify/selftest/false_alarms.h"

struct assay_alarm_journal {
    FILE *file;
    char path[4096];
};

enum { LINE_MAX_BYTES = 1024 };

static void read_alarm(const char *line, assay_alarm_tally *tally, uint64_t kept)
{
    assay_alarm alarm;
    memset(&alarm, 0, sizeof alarm);
    const int read = sscanf(line,
                            "alarm %" SCNu64 " %" SCNu64 " %" SCNd32
                            " %15s %15s %31s %63s %159s %255[^\n]",
                            &alarm.run, &alarm.seed, &alarm.threads, alarm.verdict, alarm.check,
                            alarm.op, alarm.impl, alarm.case_id, alarm.message);
    if (read >= 8 && kept < ASSAY_ALARMS_MAX) {
        tally->described[kept] = alarm;
    }
}

static const char *kind(const assay_alarm_tally *tally)
{
    return tally->pairs ? "pairs" : "draws";
}

static assay_status read_journal(assay_alarm_journal *journal, FILE *file,
                                 assay_alarm_tally *tally, assay_error *error)
{
    char line[LINE_MAX_BYTES];
    char of[32] = "";
    uint64_t seed = 0;
    uint64_t described = 0;
    if (fgets(line, sizeof line, file) == NULL ||
        sscanf(line, "assay-false-alarms 3 %31s seed %" SCNu64, of, &seed) != 2) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "%s: not a journal of false-alarms; run without --resume to begin anew",
                          journal->path);
    }
    if (seed != tally->seed || strcmp(of, kind(tally)) != 0) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "%s: of %s with seed %" PRIu64 ", not of %s with %" PRIu64
                          "; ask for those, or run without --resume to begin anew",
                          journal->path, of, seed, kind(tally), tally->seed);
    }
    while (fgets(line, sizeof line, file) != NULL) {
        assay_alarm_tally run;
        memset(&run, 0, sizeof run);
        if (strchr(line, '\n') == NULL) {
            break;
        }
        if (strncmp(line, "alarm ", 6) == 0) {
            read_alarm(line, tally, described++);
        } else if (sscanf(line,
                          "run %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
                          " %" SCNu64 " %" SCNu64 " %lf %lf",
                          &run.runs, &run.alarms, &run.verdicts, &run.skipped, &run.elements,
                          &run.undecided, &run.left_out, &run.worst, &run.seconds) == 9 &&
                   run.runs == tally->runs) {
            tally->runs++;
            tally->alarms += run.alarms;
            tally->verdicts += run.verdicts;
            tally->skipped += run.skipped;
            tally->elements += run.elements;
            tally->undecided += run.undecided;
            tally->left_out += run.left_out;
            tally->seconds += run.seconds;
            tally->worst = run.worst > tally->worst ? run.worst : tally->worst;
        }
    }
    return ASSAY_OK;
}

assay_status assay_alarm_journal_open(const char *json, bool resume, assay_alarm_tally *tally,
                                      assay_alarm_journal **journal, assay_error *error)
{
    assay_status status = ASSAY_OK;
    assay_alarm_journal *made = calloc(1, sizeof *made);
    *journal = NULL;
    if (made == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    }
    (void)snprintf(made->path, sizeof made->path, "%.4000s.journal", json);
    FILE *const old = resume ? fopen(made->path, "r") : NULL;
    if (old != NULL) {
        status = read_journal(made, old, tally, error);
        (void)fclose(old);
    }
    if (status == ASSAY_OK) {
        made->file = fopen(made->path, old != NULL ? "a" : "w");
        if (made->file == NULL ||
            (old == NULL && fprintf(made->file, "assay-false-alarms 3 %s seed %" PRIu64 "\n",
                                    kind(tally), tally->seed) < 0)) {
            status = assay_fail(error, ASSAY_IO, "%s: cannot be written: check folder and space",
                                made->path);
        }
    }
    *journal = made;
    if (status != ASSAY_OK) {
        assay_alarm_journal_close(journal);
    }
    return status;
}

/* One word of a line: a space inside would shift the words after it. */
static const char *word(const char *text)
{
    return *text != '\0' && strpbrk(text, " \n\t") == NULL ? text : "-";
}

assay_status assay_alarm_journal_add(assay_alarm_journal *journal, const assay_alarm_tally *before,
                                     const assay_alarm_tally *after, assay_error *error)
{
    if (journal == NULL) {
        return ASSAY_OK;
    }
    bool good = true;
    for (uint64_t i = before->alarms; i < after->alarms && i < ASSAY_ALARMS_MAX; i++) {
        const assay_alarm *const a = &after->described[i];
        good = good && fprintf(journal->file,
                               "alarm %" PRIu64 " %" PRIu64 " %" PRId32 " %s %s %s %s %s %s\n",
                               a->run, a->seed, a->threads, word(a->verdict), word(a->check),
                               word(a->op), word(a->impl), word(a->case_id), a->message) > 0;
    }
    good = good && fprintf(journal->file,
                           "run %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
                           " %" PRIu64 " %" PRIu64 " %.17g %.6f\n",
                           before->runs, after->alarms - before->alarms,
                           after->verdicts - before->verdicts, after->skipped - before->skipped,
                           after->elements - before->elements,
                           after->undecided - before->undecided,
                           after->left_out - before->left_out, after->worst,
                           after->seconds - before->seconds) > 0;
    good = good && fflush(journal->file) == 0;
    return good ? ASSAY_OK
                : assay_fail(error, ASSAY_IO, "%s: cannot be written: check the space left",
                             journal->path);
}

void assay_alarm_journal_close(assay_alarm_journal **journal)
{
    if (*journal != NULL) {
        if ((*journal)->file != NULL) {
            (void)fclose((*journal)->file);
        }
        free(*journal);
        *journal = NULL;
    }
}
