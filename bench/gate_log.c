#include "bench/gate_log.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/gate_run.h"
#include "fixtures/io/json_file.h"
#include "verify/environment.h"

enum { LINE_MOST = 1 << 16 };

static const char format[] = "assay-gate-selftest";
static const char begins[] = "{\"format\":\"assay-gate-selftest\"";

const int assay_gate_percent[ASSAY_GATE_PERCENTS] = {1, 2, 3, 5, 10, 100};

static size_t place_of(int percent)
{
    size_t place = 0;
    while (place < ASSAY_GATE_PERCENTS && assay_gate_percent[place] != percent) {
        place++;
    }
    return place;
}

static void count(assay_gate_tally *tally, const assay_trial *t)
{
    const size_t place = place_of(t->percent);
    tally->trials++;
    tally->noise += t->noise;
    if (t->cases > 1) {
        tally->run_slower += t->slower;
        tally->run_false += t->slower - t->right;
        if (t->percent == 0) {
            tally->run_alarms.trials++;
            tally->run_alarms.hits += t->slower > 0;
        } else if (place < ASSAY_GATE_PERCENTS) {
            tally->run_power[place].trials += ASSAY_TRIAL_SLOW;
            tally->run_power[place].hits += t->right;
        }
    } else if (t->percent == 0) {
        tally->alarms.trials++;
        tally->alarms.hits += t->slower > 0;
        tally->suspected += t->suspects > 0;
        tally->confirmable += t->pairs > ASSAY_GATE_SCREENED;
        tally->seconds[0] += t->spent;
    } else if (place < ASSAY_GATE_PERCENTS) {
        tally->power[place][t->extra].trials++;
        tally->power[place][t->extra].hits += t->slower > 0;
        tally->slowdown[place][t->extra] += t->slowdown;
        tally->seconds[place + 1] += t->spent;
    }
}

/* Rounded to what a reader can use: the file holds thousands of them. */
static void add_number(cJSON *line, const char *key, double value)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%.6g", value);
    (void)cJSON_AddNumberToObject(line, key, isfinite(value) ? strtod(text, NULL) : 0.0);
}

static cJSON *line_of(const assay_trial *t)
{
    char seed[32];
    cJSON *const line = cJSON_CreateObject();
    (void)snprintf(seed, sizeof seed, "%llu", (unsigned long long)t->seed);
    (void)cJSON_AddNumberToObject(line, "cases", (double)t->cases);
    (void)cJSON_AddStringToObject(line, "planted",
                                  t->percent == 0 ? "nothing" : t->extra ? "extra" : "delay");
    (void)cJSON_AddNumberToObject(line, "percent", t->percent);
    (void)cJSON_AddStringToObject(line, "seed", seed);
    add_number(line, "allowed_seconds", t->seconds);
    add_number(line, "seconds", t->spent);
    (void)cJSON_AddNumberToObject(line, "suspects", (double)t->suspects);
    (void)cJSON_AddNumberToObject(line, "pairs", (double)t->pairs);
    (void)cJSON_AddNumberToObject(line, "slower", (double)t->slower);
    (void)cJSON_AddNumberToObject(line, "right", (double)t->right);
    add_number(line, "slowdown", t->slowdown);
    add_number(line, "low", t->low);
    add_number(line, "high", t->high);
    add_number(line, "p", t->p);
    add_number(line, "noise", t->noise);
    add_number(line, "load", t->load);
    (void)cJSON_AddStringToObject(line, "first_case", t->first);
    return line;
}

static double number_of(const cJSON *line, const char *key)
{
    const double value = assay_json_number_or(line, key, 0.0);
    return value >= 0.0 && value < 1e9 ? value : 0.0;
}

/* False: neither a trial nor the beginning of a sitting. */
static bool read_line(const char *text, assay_gate_tally *tally)
{
    cJSON *const line = cJSON_Parse(text);
    const char *const head =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(line, "format"));
    const char *const planted =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(line, "planted"));
    const assay_trial t = {.cases = (size_t)number_of(line, "cases"),
                           .extra = planted != NULL && strcmp(planted, "extra") == 0,
                           .percent = (int)number_of(line, "percent"),
                           .spent = number_of(line, "seconds"),
                           .suspects = (size_t)number_of(line, "suspects"),
                           .pairs = (size_t)number_of(line, "pairs"),
                           .slower = (size_t)number_of(line, "slower"),
                           .right = (size_t)number_of(line, "right"),
                           .slowdown = number_of(line, "slowdown"),
                           .noise = number_of(line, "noise")};
    const bool sitting = head != NULL && strcmp(head, format) == 0;
    const bool trial = tally->sittings > 0 && planted != NULL && t.cases > 0 &&
                       t.right <= t.slower && t.slower <= t.cases;
    tally->sittings += sitting;
    if (trial) {
        count(tally, &t);
    }
    cJSON_Delete(line);
    return sitting || trial;
}

/* Counts what is there; *end becomes the length of all whole lines. */
static assay_status read_all(FILE *file, const char *path, assay_gate_tally *tally, long *end,
                             assay_error *error)
{
    char *const text = malloc(LINE_MOST);
    size_t number = 0;
    assay_status status =
        text != NULL ? ASSAY_OK : assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    *end = 0;
    while (status == ASSAY_OK && fgets(text, LINE_MOST, file) != NULL) {
        const size_t length = strlen(text);
        const bool whole = length > 0 && text[length - 1] == '\n';
        number++;
        if (!whole && (number > 1 || strncmp(text, begins, strlen(begins)) == 0 ||
                       strncmp(text, begins, length) == 0)) {
            break; /* cut off when the writer was killed */
        }
        if (!whole || !read_line(text, tally)) {
            status = assay_fail(error, ASSAY_BAD_INPUT,
                                "%s: line %zu is none of a gate's trials; another file, or none, "
                                "is needed to go on from",
                                path, number);
        }
        *end = ftell(file);
    }
    free(text);
    return status;
}

static assay_status write_line(FILE *file, cJSON *line, assay_error *error)
{
    char *const text = cJSON_PrintUnformatted(line);
    cJSON_Delete(line);
    const bool good = text != NULL && fprintf(file, "%s\n", text) > 0 && fflush(file) == 0;
    cJSON_free(text);
    return good ? ASSAY_OK
                : assay_fail(error, ASSAY_IO, "trials cannot be kept: %s", strerror(errno));
}

assay_status assay_gate_log_open(const char *path, bool resume, assay_gate_log *log,
                                 assay_error *error)
{
    *log = (assay_gate_log){0};
    if (path == NULL) {
        return ASSAY_OK;
    }
    long end = 0;
    log->file = resume ? fopen(path, "r+") : NULL;
    log->file = log->file != NULL ? log->file : fopen(path, "w+x"); /* never over another file */
    if (log->file == NULL) {
        return errno == EEXIST
                   ? assay_fail(error, ASSAY_BAD_INPUT,
                                "%s is there already: --resume adds to it", path)
                   : assay_fail(error, ASSAY_IO, "%s: cannot be opened: %s", path, strerror(errno));
    }
    assay_status status = read_all(log->file, path, &log->tally, &end, error);
    if (status == ASSAY_OK &&
        (ftruncate(fileno(log->file), end) != 0 || fseek(log->file, end, SEEK_SET) != 0)) {
        status = assay_fail(error, ASSAY_IO, "%s: %s", path, strerror(errno));
    }
    if (status != ASSAY_OK) {
        assay_gate_log_close(log);
    }
    return status;
}

static cJSON *head(void)
{
    cJSON *const line = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(line, "format", format);
    (void)cJSON_AddNumberToObject(line, "version", 1);
    (void)cJSON_AddItemToObject(line, "environment", assay_environment_json());
    return line;
}

assay_status assay_gate_log_add(assay_gate_log *log, const assay_trial *trial, assay_error *error)
{
    assay_status status = ASSAY_OK;
    count(&log->tally, trial);
    if (log->file != NULL && !log->sitting) {
        log->sitting = true;
        log->tally.sittings++;
        status = write_line(log->file, head(), error);
    }
    return log->file != NULL && status == ASSAY_OK ? write_line(log->file, line_of(trial), error)
                                                   : status;
}

void assay_gate_log_close(assay_gate_log *log)
{
    if (log->file != NULL) {
        (void)fclose(log->file);
        log->file = NULL;
    }
}
