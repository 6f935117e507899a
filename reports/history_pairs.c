/* Suspects confirmed by pairs: the old program and this one time a case in turn, each in a fresh
 * process of its own, until the gate has seen enough (bench/statistics/gate.h). */
#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reports/history_check.h"
#include "reports/scratch.h"
#include "reports/text.h"

extern char **environ;

static assay_status run_bench(const char *program, const history_series *s, const char *json,
                              assay_error *error)
{
    char batch[32];
    char threads[32];
    const char *const words[] = {program,     "bench", "--op",        s->op, "--impl",  s->impl,
                                 "--case",    s->name, "--batch",     batch, "--cache", s->cache,
                                 "--threads", threads, "--processes", "1",   "--stop",  "time:0.5s",
                                 "--json",    json,    NULL};
    posix_spawn_file_actions_t actions;
    pid_t child = 0;
    int ended = 0;
    (void)snprintf(batch, sizeof batch, "%.0f", s->batch);
    (void)snprintf(threads, sizeof threads, "%.0f", s->threads);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    char *const *const arguments = (char *const *)(uintptr_t)words;
    const bool started = posix_spawnp(&child, program, &actions, NULL, arguments, environ) == 0;
    (void)posix_spawn_file_actions_destroy(&actions);
    if (!started) {
        return assay_fail(error, ASSAY_BAD_INPUT, "%s: cannot be run: name the old assay program",
                          program);
    }
    while (waitpid(child, &ended, 0) < 0) {
    }
    return WIFEXITED(ended) && WEXITSTATUS(ended) == 0
               ? ASSAY_OK
               : assay_fail(error, ASSAY_BAD_INPUT,
                            "%s bench --op %s --impl %s --case %s --batch %s: failed: it must time "
                            "what this one times",
                            program, s->op, s->impl, s->name, batch);
}

/* The median of one fresh process. */
static assay_status time_once(const char *program, const check_pairs *pairs,
                              const history_series *s, const char *json, double *seconds,
                              assay_error *error)
{
    assay_results results = {0};
    *seconds = 0.0;
    (void)unlink(json);
    assay_status status = run_bench(program, s, json, error);
    if (status == ASSAY_OK) {
        status = assay_results_add(&results, json, error);
    }
    if (status == ASSAY_OK && strcmp(results.file[0].machine, pairs->machine) != 0) {
        status = assay_fail(error, ASSAY_BAD_INPUT,
                            "the run was made on machine %s, this is %s: pairs are timed on the "
                            "run's own machine",
                            pairs->machine, results.file[0].machine);
    }
    for (size_t i = 0; i < results.timing_count && status == ASSAY_OK; i++) {
        const results_timing *const t = &results.timing[i];
        if (strcmp(t->op, s->op) == 0 && strcmp(t->impl, s->impl) == 0 &&
            strcmp(t->case_id, s->name) == 0 && t->batch == s->batch &&
            strcmp(t->cache, s->cache) == 0 && t->verdict == ASSAY_PASS && !t->impossible) {
            *seconds = t->seconds.value;
        }
    }
    assay_results_free(&results);
    return status != ASSAY_OK || *seconds > 0.0
               ? status
               : assay_fail(error, ASSAY_BAD_INPUT, "%s gave no timing of %s/%s %s that counts",
                            program, s->op, s->impl, s->name);
}

/* Old and new, and in the next pair new and old: a drift favours neither. */
static assay_status time_pair(const check_pairs *pairs, const history_series *s, size_t number,
                              const char *json, double *log_slowdown, assay_error *error)
{
    double seconds[2] = {0.0, 0.0}; /* old, new */
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < 2 && status == ASSAY_OK; i++) {
        const size_t which = (i + number) % 2;
        status = time_once(which == 0 ? pairs->old_program : pairs->new_program, pairs, s, json,
                           &seconds[which], error);
    }
    *log_slowdown = status == ASSAY_OK ? log(seconds[1] / seconds[0]) : 0.0;
    return status;
}

typedef struct confirmation {
    assay_gate_case *cases; /* one an item */
    double *log_slowdown;   /* room for pairs_max of every suspect */
    assay_gate_options options;
    assay_gate_plan plan;
    char folder[SCRATCH_FOLDER], json[SCRATCH_PATH];
} confirmation;

static assay_status confirm_one(confirmation *c, const check_pairs *pairs, size_t pairs_max,
                                const history_series *s, assay_gate_case *suspect, double *room,
                                assay_error *error)
{
    assay_status status = ASSAY_OK;
    suspect->log_slowdown = room;
    while (status == ASSAY_OK && !suspect->settled && suspect->pairs < pairs_max) {
        status = time_pair(pairs, s, suspect->pairs, c->json, &room[suspect->pairs], error);
        if (status == ASSAY_OK) {
            suspect->pairs++;
            status = assay_gate_weigh(suspect, &c->plan, &c->options, error);
        }
    }
    if (status == ASSAY_OK) {
        (void)fprintf(stderr, "%s/%s %s, batch %.0f, %s: %zu pairs\n", s->op, s->impl, s->name,
                      s->batch, s->cache, suspect->pairs);
    }
    return status;
}

static void take_verdicts(const confirmation *c, check_result *result)
{
    static const check_state states[] = {[ASSAY_UNSURE] = CHECK_SUSPECT,
                                         [ASSAY_SAME] = CHECK_FINE,
                                         [ASSAY_FASTER] = CHECK_FASTER,
                                         [ASSAY_SLOWER] = CHECK_SLOWER};
    for (size_t i = 0; i < result->item_count; i++) {
        check_item *const item = &result->item[i];
        if (c->cases[i].pairs == 0) {
            continue;
        }
        result->count[item->state]--;
        item->state = states[c->cases[i].change];
        result->count[item->state]++;
        item->pairs = c->cases[i].pairs;
        item->screen = c->cases[i];
        item->screen.log_slowdown = NULL; /* it goes with this file's functions */
        item->corrected_p = c->cases[i].corrected_p;
    }
}

static assay_status confirm_all(confirmation *c, const check_pairs *pairs, size_t suspects,
                                check_result *result, assay_error *error)
{
    const size_t needed = assay_pairs_needed(suspects, c->options.q);
    const size_t pairs_max = pairs->most > needed ? pairs->most : needed;
    assay_gate_outcome outcome;
    double *room = NULL;
    assay_status status = assay_gate_plan_looks(suspects, pairs_max, &c->options, &c->plan, error);
    if (status == ASSAY_OK) {
        c->log_slowdown = calloc(suspects * pairs_max, sizeof *c->log_slowdown);
        status = c->log_slowdown != NULL ? ASSAY_OK
                                         : assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
        room = c->log_slowdown;
    }
    for (size_t i = 0; i < result->item_count && status == ASSAY_OK; i++) {
        if (c->cases[i].suspicion == ASSAY_SUSPECT) {
            status =
                confirm_one(c, pairs, pairs_max, result->item[i].series, &c->cases[i], room, error);
            room += pairs_max;
        }
    }
    if (status == ASSAY_OK) {
        status =
            assay_gate_decide(c->cases, result->item_count, &c->plan, &c->options, &outcome, error);
    }
    if (status == ASSAY_OK) {
        take_verdicts(c, result);
    }
    return status;
}

assay_status history_confirm(check_result *result, const check_options *options,
                             const check_pairs *pairs, assay_error *error)
{
    confirmation c = {.options = ASSAY_GATE_DEFAULTS};
    const size_t suspects = result->count[CHECK_SUSPECT];
    if (suspects == 0) {
        return ASSAY_OK;
    }
    assay_status status = scratch_make(c.folder, error);
    if (status != ASSAY_OK) {
        return status;
    }
    (void)snprintf(c.json, sizeof c.json, "%s/timing.json", c.folder);
    c.options.q = options->q;
    c.options.margin = fmin(options->margin, c.options.effect);
    c.cases = calloc(result->item_count, sizeof *c.cases);
    status = c.cases != NULL ? ASSAY_OK : assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < result->item_count && status == ASSAY_OK; i++) {
        const check_item *const item = &result->item[i];
        c.cases[i] = item->screen;
        if (item->screen.suspicion != ASSAY_UNMEASURED) { /* what does not look slower is let be */
            c.cases[i].suspicion = item->state == CHECK_SUSPECT ? ASSAY_SUSPECT : ASSAY_CLEARED;
        }
    }
    if (status == ASSAY_OK) {
        status = confirm_all(&c, pairs, suspects, result, error);
    }
    (void)unlink(c.json);
    (void)rmdir(c.folder);
    free(c.cases);
    free(c.log_slowdown);
    return status;
}
