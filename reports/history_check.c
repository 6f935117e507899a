#include "reports/history_check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/statistics/multiple.h"

/* The last runs that a new one is screened against, as far as no step lies between. */
enum { SCREEN_RUNS = 12 };

static size_t settled_from(const history_series *s)
{
    const size_t step = s->steps.count > 0 ? s->steps.step[s->steps.count - 1].at : 0;
    const size_t before = s->count - 1;
    const size_t oldest = before > SCREEN_RUNS ? before - SCREEN_RUNS : 0;
    return step < before && step > oldest ? step : oldest;
}

/* Medians of the runs before the newest, and the newest's, for the gate's screening. */
static assay_status set_screen(check_item *item, double *room, assay_error *error)
{
    const history_series *const s = item->series;
    const size_t from = settled_from(s);
    size_t count = 0;
    for (size_t i = from; i + 1 < s->count; i++) {
        room[count++] = s->point[i].seconds.value;
    }
    room[count] = s->point[s->count - 1].seconds.value;
    item->screen =
        (assay_gate_case){.base = room, .base_count = count, .now = room + count, .now_count = 1};
    return room[count] > 0.0 ? ASSAY_OK
                             : assay_fail(error, ASSAY_BAD_INPUT, "a stored time is not above 0");
}

static assay_status screen(check_result *result, const check_options *options, assay_error *error)
{
    assay_gate_options o = ASSAY_GATE_DEFAULTS;
    assay_gate_case *const cases = calloc(result->item_count + 1, sizeof *cases);
    double *const room = calloc(result->item_count * (SCREEN_RUNS + 2) + 1, sizeof *room);
    size_t suspects;
    o.margin = fmin(options->margin, o.effect);
    assay_status status = cases != NULL && room != NULL
                              ? ASSAY_OK
                              : assay_fail(error, ASSAY_NO_MEMORY, "out of memory to screen");
    for (size_t i = 0; i < result->item_count && status == ASSAY_OK; i++) {
        status = set_screen(&result->item[i], room + i * (SCREEN_RUNS + 2), error);
        cases[i] = result->item[i].screen;
        result->baselined += cases[i].base_count > 0;
    }
    if (status == ASSAY_OK && result->baselined > 0) {
        status = assay_gate_screen(cases, result->item_count, &o, &suspects, error);
    }
    for (size_t i = 0; i < result->item_count && status == ASSAY_OK; i++) {
        result->item[i].screen = cases[i];
        result->item[i].screen.base = NULL; /* they go with this function */
        result->item[i].screen.now = NULL;
    }
    free(cases);
    free(room);
    return status;
}

/* The latest step, when it is recent enough to be news. */
static const assay_step *recent_step(const history_series *s, size_t recent)
{
    const assay_step *const step = s->steps.count > 0 ? &s->steps.step[s->steps.count - 1] : NULL;
    return step != NULL && s->count - step->at <= recent ? step : NULL;
}

static assay_status find_steps(check_result *result, const check_options *options,
                               assay_error *error)
{
    assay_steps_options o = ASSAY_STEPS_DEFAULTS;
    double *const p = calloc(result->item_count + 1, sizeof *p);
    assay_status status =
        p != NULL ? ASSAY_OK : assay_fail(error, ASSAY_NO_MEMORY, "out of memory for steps");
    o.least = options->least;
    o.margin = options->margin;
    for (size_t i = 0; i < result->item_count && status == ASSAY_OK; i++) {
        check_item *const item = &result->item[i];
        status = history_find_steps(&result->table, item->series, &o, error);
        item->step = recent_step(item->series, options->recent);
        p[i] = item->step != NULL ? item->step->p : 1.0;
    }
    if (status == ASSAY_OK && result->item_count > 0) {
        status = assay_correct(p, result->item_count, ASSAY_BENJAMINI_HOCHBERG, p, error);
    }
    for (size_t i = 0; i < result->item_count && status == ASSAY_OK; i++) {
        result->item[i].corrected_p = p[i];
    }
    free(p);
    return status;
}

static check_state judge(check_item *item, const check_options *options)
{
    const bool step = item->step != NULL && item->corrected_p <= options->q;
    if (step) {
        return item->step->ratio > 1.0 ? CHECK_SLOWER : CHECK_FASTER;
    }
    if (item->screen.suspicion != ASSAY_UNMEASURED && item->screen.screened_low > 1.0 &&
        item->screen.screened > 1.0 + options->margin) {
        return CHECK_SUSPECT;
    }
    return item->series->steps.enough ? CHECK_FINE : CHECK_SHORT;
}

/* The series that the checked run has a point in. */
static assay_status choose(check_result *result, assay_error *error)
{
    result->item = calloc(result->table.count + 1, sizeof *result->item);
    if (result->item == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for %zu cases",
                          result->table.count);
    }
    for (size_t i = 0; i < result->table.count; i++) {
        history_series *const s = &result->table.series[i];
        if (s->point[s->count - 1].run == result->newest) {
            result->item[result->item_count++] = (check_item){.series = s};
        }
    }
    return ASSAY_OK;
}

/* The runs of the machine that the wanted run was made on. */
static assay_status find_run(history *h, int64_t run, check_result *result, assay_error *error)
{
    history_runs all;
    assay_status status = history_read_runs(h, NULL, &all, error);
    if (status != ASSAY_OK) {
        history_runs_free(&all);
        return status;
    }
    size_t newest = run != 0 ? history_find_run(&all, run) : 0;
    for (size_t i = 0; run == 0 && i < all.count; i++) {
        newest = all.row[i].id > all.row[newest].id ? i : newest; /* stored last */
    }
    if (all.count == 0 || newest == SIZE_MAX) {
        status =
            run != 0
                ? assay_fail(error, ASSAY_BAD_INPUT,
                             "run %lld is not in the history: assay history list", (long long)run)
                : assay_fail(error, ASSAY_BAD_INPUT,
                             "%s: no run is stored: assay history add RESULT...", h->path);
    } else {
        const int64_t id = all.row[newest].id;
        status = history_read_runs(h, all.row[newest].machine, &result->runs, error);
        result->newest = status == ASSAY_OK ? history_find_run(&result->runs, id) : 0;
        if (result->newest == SIZE_MAX) { /* the machine's name is no text */
            status = assay_fail(error, ASSAY_BAD_INPUT,
                                "%s: run %lld is damaged: assay history prune --run %lld", h->path,
                                (long long)id, (long long)id);
        }
    }
    history_runs_free(&all);
    return status;
}

assay_status history_check(history *h, int64_t run, const check_options *options,
                           check_result *result, assay_error *error)
{
    *result = (check_result){0};
    assay_status status = find_run(h, run, result, error);
    if (status == ASSAY_OK) {
        status = history_read_series(h, &result->runs, options->last, result->newest,
                                     &options->filter, &result->table, error);
    }
    if (status == ASSAY_OK) {
        status = choose(result, error);
    }
    if (status == ASSAY_OK) {
        status = find_steps(result, options, error);
    }
    if (status == ASSAY_OK) {
        status = screen(result, options, error);
    }
    for (size_t i = 0; i < result->item_count && status == ASSAY_OK; i++) {
        result->item[i].state = judge(&result->item[i], options);
        result->count[result->item[i].state]++;
    }
    if (status == ASSAY_OK) {
        status = history_check_accuracy(h, options, result, error);
    }
    return status == ASSAY_OK ? history_check_gone(h, options, result, error) : status;
}

void check_result_free(check_result *result)
{
    for (size_t i = 0; i < result->loss_count; i++) {
        check_loss *const loss = &result->loss[i];
        free(loss->golden);
        free(loss->op);
        free(loss->impl);
        free(loss->name);
        free(loss->seed);
        free(loss->verdict);
    }
    free(result->loss);
    check_missing_free(&result->timings_gone);
    check_missing_free(&result->verdicts_gone);
    free(result->item);
    history_table_free(&result->table);
    history_runs_free(&result->runs);
    *result = (check_result){0};
}

int check_exit(const check_result *result)
{
    if (result->count[CHECK_SLOWER] > 0 || result->loss_count > 0) {
        return 1;
    }
    return result->baselined == 0 && result->verdicts_known == 0 ? 3 : 0;
}
