/* A check as lines for people and as data for programs. */
#include <cjson/cJSON.h>
#include <math.h>

#include "reports/history_commands.h"
#include "reports/json.h"
#include "reports/text.h"

enum { LINES_SHOWN = 100 };

static void print_case(const history_series *s, FILE *out)
{
    (void)fprintf(out, "%s/%s %s batch %.0f %s", s->op, s->impl, s->name, s->batch, s->cache);
}

static void print_confirmed(const check_result *r, const check_item *item, FILE *out)
{
    (void)fputs(item->state == CHECK_SLOWER ? "SLOWER  " : "FASTER  ", out);
    print_case(item->series, out);
    if (item->pairs > 0) {
        (void)fprintf(out,
                      ": %s times the old program's time (95%%: %s to %s), by %zu fresh pairs, "
                      "p %s\n",
                      text_small(item->screen.slowdown).text, text_small(item->screen.low).text,
                      text_small(item->screen.high).text, item->pairs,
                      text_small(item->corrected_p).text);
        return;
    }
    const history_run_row *const since = &r->runs.row[item->series->point[item->step->at].run];
    (void)fprintf(
        out, ": %s times the time before (95%%: %s to %s) since run %lld (%s, revision %s), p %s\n",
        text_small(item->step->ratio).text, text_small(item->step->low).text,
        text_small(item->step->high).text, (long long)since->id, since->date, since->revision,
        text_small(item->corrected_p).text);
}

static void print_suspect(const check_item *item, FILE *out)
{
    const history_series *const s = item->series;
    (void)fputs("suspect ", out);
    print_case(s, out);
    if (item->pairs > 0) {
        (void)fprintf(out,
                      ": %s times the old program's time (95%%: %s to %s), %zu pairs leave it "
                      "open\n",
                      text_small(item->screen.slowdown).text, text_small(item->screen.low).text,
                      text_small(item->screen.high).text, item->pairs);
        return;
    }
    (void)fprintf(out, ": %s times the time before in this run alone (%s to %s)\n",
                  text_small(item->screen.screened).text,
                  text_small(item->screen.screened_low).text,
                  text_small(item->screen.screened_high).text);
}

static void print_loss(const check_loss *loss, FILE *out)
{
    (void)fprintf(out, "LOSS    %s/%s %s of %s: ", loss->op, loss->impl, loss->name, loss->golden);
    if (loss->bad) {
        (void)fprintf(out, "%s%s\n", loss->verdict,
                      isnan(loss->before) ? ", not stored as PASS before" : ", was PASS before");
    } else {
        (void)fprintf(out, "error %s -> %s, a bit or more\n", text_small(loss->before).text,
                      text_small(loss->now).text);
    }
}

void check_print(const check_result *r, FILE *out)
{
    const history_run_row *const run = &r->runs.row[r->newest];
    size_t lines = 0;
    for (size_t i = 0; i < r->item_count; i++) {
        const check_state state = r->item[i].state;
        if (state == CHECK_FINE || state == CHECK_SHORT || lines++ >= LINES_SHOWN) {
            continue;
        }
        if (state == CHECK_SUSPECT) {
            print_suspect(&r->item[i], out);
        } else {
            print_confirmed(r, &r->item[i], out);
        }
    }
    for (size_t i = 0; i < r->loss_count; i++) {
        if (lines++ < LINES_SHOWN) {
            print_loss(&r->loss[i], out);
        }
    }
    if (lines > LINES_SHOWN) {
        (void)fprintf(out, "and %zu more (--json has them)\n", lines - LINES_SHOWN);
    }
    if (r->count[CHECK_SHORT] > 0) {
        (void)fprintf(out,
                      "%zu cases have too few stored runs to tell a step from noise (nine at the "
                      "least): screened only\n",
                      r->count[CHECK_SHORT]);
    }
    check_print_gone(r, out);
    (void)fprintf(
        out,
        "run %lld (%s, revision %s) against %zu earlier of its machine: %zu cases, %zu with "
        "a baseline: %zu slower, %zu faster, %zu suspect; %zu verdicts, %zu with a "
        "baseline: %zu losses\n",
        (long long)run->id, run->date, run->revision, r->newest, r->item_count, r->baselined,
        r->count[CHECK_SLOWER], r->count[CHECK_FASTER], r->count[CHECK_SUSPECT], r->verdicts,
        r->verdicts_known, r->loss_count);
}

static cJSON *case_json(const history_series *s)
{
    cJSON *const o = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(o, "op", s->op);
    (void)cJSON_AddStringToObject(o, "impl", s->impl);
    (void)cJSON_AddStringToObject(o, "case", s->name);
    (void)cJSON_AddNumberToObject(o, "batch", s->batch);
    (void)cJSON_AddStringToObject(o, "cache", s->cache);
    (void)cJSON_AddNumberToObject(o, "threads", s->threads);
    return o;
}

static cJSON *item_json(const check_result *r, const check_item *item)
{
    static const char *const names[] = {"FINE", "SHORT", "SUSPECT", "SLOWER", "FASTER"};
    cJSON *const o = case_json(item->series);
    (void)cJSON_AddStringToObject(o, "state", names[item->state]);
    const bool screened = item->screen.suspicion != ASSAY_UNMEASURED;
    json_add_number(o, "screened", screened ? item->screen.screened : (double)NAN);
    if (item->pairs > 0) {
        cJSON *const pairs = cJSON_AddObjectToObject(o, "pairs");
        (void)cJSON_AddNumberToObject(pairs, "count", (double)item->pairs);
        json_add_number(pairs, "slowdown", item->screen.slowdown);
        json_add_number(pairs, "low", item->screen.low);
        json_add_number(pairs, "high", item->screen.high);
        json_add_number(pairs, "corrected_p", item->corrected_p);
    }
    if (item->step != NULL && item->pairs == 0) {
        cJSON *const step = cJSON_AddObjectToObject(o, "step");
        (void)cJSON_AddNumberToObject(
            step, "run", (double)r->runs.row[item->series->point[item->step->at].run].id);
        json_add_number(step, "ratio", item->step->ratio);
        json_add_number(step, "low", item->step->low);
        json_add_number(step, "high", item->step->high);
        json_add_number(step, "corrected_p", item->corrected_p);
    }
    return o;
}

static cJSON *head(const check_result *r, const char *format)
{
    const history_run_row *const run = &r->runs.row[r->newest];
    cJSON *const root = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(root, "format", format);
    (void)cJSON_AddStringToObject(root, "version", "1.0.0");
    (void)cJSON_AddNumberToObject(root, "run", (double)run->id);
    (void)cJSON_AddStringToObject(root, "revision", run->revision);
    (void)cJSON_AddStringToObject(root, "baseline_revision",
                                  r->newest > 0 ? r->runs.row[r->newest - 1].revision : "");
    return root;
}

assay_status check_write_json(const check_result *r, const char *path, assay_error *error)
{
    cJSON *const root = head(r, "assay-check");
    (void)cJSON_AddNumberToObject(root, "exit_status", check_exit(r));
    (void)cJSON_AddNumberToObject(root, "earlier_runs", (double)r->newest);
    (void)cJSON_AddNumberToObject(root, "baselined", (double)r->baselined);
    check_json_gone(r, root);
    cJSON *const cases = cJSON_AddArrayToObject(root, "cases");
    for (size_t i = 0; i < r->item_count; i++) {
        (void)cJSON_AddItemToArray(cases, item_json(r, &r->item[i]));
    }
    cJSON *const losses = cJSON_AddArrayToObject(root, "losses");
    for (size_t i = 0; i < r->loss_count; i++) {
        const check_loss *const loss = &r->loss[i];
        cJSON *const o = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(o, "golden", loss->golden);
        (void)cJSON_AddStringToObject(o, "op", loss->op);
        (void)cJSON_AddStringToObject(o, "impl", loss->impl);
        (void)cJSON_AddStringToObject(o, "case", loss->name);
        (void)cJSON_AddStringToObject(o, "seed", loss->seed);
        (void)cJSON_AddStringToObject(o, "verdict", loss->verdict);
        json_add_number(o, "before", loss->before);
        json_add_number(o, "now", loss->now);
        (void)cJSON_AddItemToArray(losses, o);
    }
    return json_write(root, path, error);
}
