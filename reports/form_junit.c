#include <math.h>
#include <string.h>

#include "reports/forms.h"
#include "reports/text.h"

/* The name is in three parts. */
static void open_case(FILE *out, const char *op, const char *impl, const char *const name[3],
                      double seconds)
{
    (void)fputs("    <testcase classname=\"", out);
    text_html(out, op);
    (void)fputc('.', out);
    text_html(out, impl);
    (void)fputs("\" name=\"", out);
    for (int i = 0; i < 3; i++) {
        text_html(out, name[i]);
    }
    (void)fprintf(out, "\" time=\"%.6f\"", isfinite(seconds) ? seconds : 0.0);
}

static void close_case(FILE *out, const char *kind, const char *type, const char *message)
{
    if (kind == NULL) {
        (void)fputs("/>\n", out);
        return;
    }
    (void)fprintf(out, "><%s message=\"", kind);
    text_html(out, message);
    (void)fputc('"', out);
    if (type != NULL) {
        (void)fprintf(out, " type=\"%s\"", type);
    }
    (void)fputs("/></testcase>\n", out);
}

/* FAIL is what JUnit calls a failure; VOID, CRASH and TIMEOUT are errors: nothing was judged. */
static void verdict_case(FILE *out, const results_verdict *v)
{
    const char *const name[] = {v->golden, v->golden[0] != '\0' ? "/" : "", v->case_id};
    open_case(out, v->op, v->impl, name, v->seconds);
    close_case(out,
               v->verdict == ASSAY_PASS   ? NULL
               : v->verdict == ASSAY_SKIP ? "skipped"
               : v->verdict == ASSAY_FAIL ? "failure"
                                          : "error",
               v->verdict == ASSAY_SKIP ? NULL : assay_verdict_name(v->verdict), v->message);
}

static bool counts(const results_timing *t)
{
    return t->verdict == ASSAY_PASS && !t->impossible;
}

static void timing_case(FILE *out, const results_timing *t)
{
    char batch[32];
    (void)snprintf(batch, sizeof batch, " batch %.15g ", t->batch);
    open_case(out, t->op, t->impl, (const char *const[]){t->case_id, batch, t->cache},
              t->seconds.value);
    close_case(out, counts(t) ? NULL : "failure", t->impossible ? "IMPOSSIBLE" : "UNVERIFIED",
               t->impossible ? "faster than the machine's ceilings allow"
                             : "the timed kernel has no PASS verdict on this case");
}

/* Its batch is part of the name: one case may be left out at several. */
static void skipped_case(FILE *out, const results_skipped *s)
{
    char batch[32] = "";
    if (!isnan(s->batch)) {
        (void)snprintf(batch, sizeof batch, " batch %.15g", s->batch);
    }
    open_case(out, s->op, s->impl, (const char *const[]){s->case_id, batch, ""}, 0.0);
    close_case(out, "skipped", NULL, s->reason);
}

void report_junit(const assay_results *results, FILE *out)
{
    size_t failures = 0;
    size_t errors = 0;
    size_t skipped = results->skipped_count;
    for (size_t i = 0; i < results->verdict_count; i++) {
        const assay_verdict v = results->verdict[i].verdict;
        failures += v == ASSAY_FAIL;
        skipped += v == ASSAY_SKIP;
        errors += assay_verdict_is_bad(v) && v != ASSAY_FAIL;
    }
    for (size_t i = 0; i < results->timing_count; i++) {
        failures += !counts(&results->timing[i]);
    }
    (void)fprintf(out,
                  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
                  "  <testsuite name=\"assay\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" "
                  "skipped=\"%zu\" timestamp=\"",
                  results->verdict_count + results->timing_count + results->skipped_count, failures,
                  errors, skipped);
    text_html(out, results->file[0].date);
    (void)fputs("\">\n", out);
    for (size_t i = 0; i < results->verdict_count; i++) {
        verdict_case(out, &results->verdict[i]);
    }
    for (size_t i = 0; i < results->timing_count; i++) {
        timing_case(out, &results->timing[i]);
    }
    for (size_t i = 0; i < results->skipped_count; i++) {
        skipped_case(out, &results->skipped[i]);
    }
    (void)fputs("  </testsuite>\n</testsuites>\n", out);
}
