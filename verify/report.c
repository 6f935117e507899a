#include "verify/report.h"

#include <math.h>
#include <stdlib.h>

#include "verify/shell_word.h"

static const char *keep_text(const char *text)
{
    char *const copy = strdup(text);
    return copy;
}

static void show_progress(assay_report *report, const assay_result *result)
{
    if (strcmp(report->last, result->case_id) != 0) {
        (void)snprintf(report->last, sizeof report->last, "%s", result->case_id);
        report->cases++;
    }
    if (report->progress) {
        (void)fprintf(stderr, "\r\033[K[%zu/%zu] %s %s %s", report->cases, report->expected,
                      result->golden, result->case_id, result->impl);
        (void)fflush(stderr);
    }
}

static assay_status keep(void *context, const assay_result *result, assay_error *error)
{
    assay_report *const report = context;
    if (report->count == report->capacity) {
        const size_t capacity = report->capacity == 0 ? 256 : report->capacity * 2;
        assay_result *const grown = realloc(report->result, capacity * sizeof *grown);
        if (grown == NULL) {
            return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for %zu results", capacity);
        }
        report->result = grown;
        report->capacity = capacity;
    }
    assay_result *const kept = &report->result[report->count];
    *kept = *result;
    kept->golden = keep_text(result->golden);
    kept->source = keep_text(result->source);
    kept->op = keep_text(result->op);
    kept->impl = keep_text(result->impl);
    kept->case_id = keep_text(result->case_id);
    report->count++;
    if (kept->golden == NULL || kept->source == NULL || kept->op == NULL || kept->impl == NULL ||
        kept->case_id == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a result");
    }
    show_progress(report, kept);
    return ASSAY_OK;
}

typedef struct keyed {
    size_t key, place;
} keyed;

static int by_key(const void *one, const void *other)
{
    const keyed *const a = one;
    const keyed *const b = other;
    if (a->key != b->key) {
        return a->key < b->key ? -1 : 1;
    }
    return a->place < b->place ? -1 : 1;
}

void assay_report_sort(assay_report *report, const size_t *keys)
{
    keyed *const order = calloc(report->count + 1, sizeof *order);
    assay_result *const sorted = calloc(report->capacity + 1, sizeof *sorted);
    if (order != NULL && sorted != NULL) { /* else the order in which they came must do */
        for (size_t i = 0; i < report->count; i++) {
            order[i] = (keyed){keys[i], i};
        }
        qsort(order, report->count, sizeof *order, by_key);
        for (size_t i = 0; i < report->count; i++) {
            sorted[i] = report->result[order[i].place];
        }
        memcpy(report->result, sorted, report->count * sizeof *sorted);
    }
    free(order);
    free(sorted);
}

assay_sink assay_report_sink(assay_report *report)
{
    return (assay_sink){report, keep};
}

static void free_text(const char *text)
{
    union {
        const char *read;
        char *owned;
    } string = {text};
    free(string.owned);
}

void assay_report_free(assay_report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        free_text(report->result[i].golden);
        free_text(report->result[i].source);
        free_text(report->result[i].op);
        free_text(report->result[i].impl);
        free_text(report->result[i].case_id);
    }
    free(report->result);
    memset(report, 0, sizeof *report);
}

typedef struct row {
    const char *op, *impl;
    size_t cases, passed, skipped, failed;
    size_t repeat_differs, batch_differs;
    assay_verdict worst_verdict; /* of those against the kernel */
    uint64_t undecided;
    double worst;
    double seconds;
    const char *worst_case;
} row;

static row sum_row(const assay_report *report, const char *op, const char *impl)
{
    row r = {.op = op, .impl = impl, .worst = 0.0, .worst_case = "-"};
    for (size_t i = 0; i < report->count; i++) {
        const assay_result *const result = &report->result[i];
        if (strcmp(result->op, op) != 0 || strcmp(result->impl, impl) != 0) {
            continue;
        }
        r.cases++;
        r.passed += result->verdict == ASSAY_PASS;
        r.skipped += result->verdict == ASSAY_SKIP;
        r.repeat_differs += result->repeat_differs;
        r.batch_differs += result->batch_differs;
        if (assay_verdict_is_bad(result->verdict) && result->verdict > r.worst_verdict) {
            r.worst_verdict = result->verdict;
        }
        r.failed += assay_verdict_is_bad(result->verdict);
        r.undecided += result->undecided;
        r.seconds += result->seconds;
        if (result->budget_used > r.worst) {
            r.worst = result->budget_used;
            r.worst_case = result->case_id;
        }
    }
    return r;
}

static bool seen_before(const assay_report *report, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(report->result[i].op, report->result[index].op) == 0 &&
            strcmp(report->result[i].impl, report->result[index].impl) == 0) {
            return true;
        }
    }
    return false;
}

static const char *verdict_of(const row *r)
{
    if (r->failed > 0) {
        return assay_verdict_name(r->worst_verdict);
    }
    return r->skipped == r->cases ? "SKIP" : "PASS";
}

static void print_row(const assay_report *report, const row *r, FILE *out)
{
    const char *const verdict = verdict_of(r);
    const char *const on = !report->colour   ? ""
                           : r->failed > 0   ? "\033[31m"
                           : *verdict == 'S' ? "\033[33m"
                                             : "\033[32m";
    (void)fprintf(out, "%-17s %-14s %6zu %10.3g %10llu  %s%-7s%s  %s\n", r->op, r->impl, r->cases,
                  r->worst, (unsigned long long)r->undecided, on, verdict,
                  report->colour ? "\033[0m" : "", r->worst_case);
}

static void print_failure(const assay_report *report, const assay_result *result, FILE *out)
{
    (void)fprintf(out, "\n%s %s/%s on %s of %s\n  %s\n", assay_verdict_name(result->verdict),
                  result->op, result->impl, result->case_id, result->golden, result->message);
    const bool own = strcmp(result->golden, "generated") == 0 &&
                     strcmp(result->source, "generated") != 0;
    (void)fprintf(out, "  repeat: assay verify --%s ", own ? "cases" : "golden");
    assay_shell_put(out, result->source);
    (void)fputs(" --op ", out);
    assay_shell_put_glob(out, result->op);
    (void)fputs(" --impl ", out);
    assay_shell_put_glob(out, result->impl);
    (void)fputs(" --case ", out);
    assay_shell_put_glob(out, result->case_id);
    (void)fprintf(out, " --seed %llu%s\n", (unsigned long long)result->seed,
                  report->extra != NULL ? report->extra : "");
}

/* Properties that are measured, not judged (METHOD A.7). */
static void print_properties(const assay_report *report, FILE *out)
{
    for (size_t i = 0; i < report->count; i++) {
        const assay_result *const result = &report->result[i];
        if (seen_before(report, i)) {
            continue;
        }
        const row r = sum_row(report, result->op, result->impl);
        if (r.repeat_differs > 0) {
            (void)fprintf(out, "%s/%s: a second run was not bit-identical in %zu of %zu cases\n",
                          r.op, r.impl, r.repeat_differs, r.cases);
        }
        if (r.batch_differs > 0) {
            (void)fprintf(out, "%s/%s: rows change with the size of their batch, within budget, in "
                          "%zu of %zu cases\n", r.op, r.impl, r.batch_differs, r.cases);
        }
    }
}

void assay_report_print(const assay_report *report, FILE *out)
{
    size_t failed = 0;
    size_t skipped = 0;
    (void)fprintf(out, "%-17s %-14s %6s %10s %10s  %-7s  %s\n", "op", "impl", "cases", "budget",
                  "undecided", "", "worst case");
    for (size_t i = 0; i < report->count; i++) {
        failed += assay_verdict_is_bad(report->result[i].verdict);
        skipped += report->result[i].verdict == ASSAY_SKIP;
        if (!seen_before(report, i)) {
            const row r = sum_row(report, report->result[i].op, report->result[i].impl);
            print_row(report, &r, out);
        }
    }
    for (size_t i = 0; i < report->count; i++) {
        if (assay_verdict_is_bad(report->result[i].verdict)) {
            print_failure(report, &report->result[i], out);
        } else if (report->result[i].verdict == ASSAY_PASS &&
                   report->result[i].message[0] != '\0') {
            (void)fprintf(out, "\n%s/%s on %s: %s\n", report->result[i].op,
                          report->result[i].impl, report->result[i].case_id,
                          report->result[i].message);
        } else if (report->result[i].verdict == ASSAY_SKIP) {
            (void)fprintf(out, "\nSKIP %s/%s on %s: %s\n", report->result[i].op,
                          report->result[i].impl, report->result[i].case_id,
                          report->result[i].message);
        }
    }
    print_properties(report, out);
    (void)fprintf(out, "\n%zu verdicts: %zu passed, %zu failed, %zu skipped\n", report->count,
                  report->count - failed - skipped, failed, skipped);
    if (skipped == report->count) {
        (void)fprintf(out, "every verdict is SKIP\n");
    }
}

int assay_report_exit(const assay_report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        if (assay_verdict_is_bad(report->result[i].verdict)) {
            return 1;
        }
    }
    return 0;
}
