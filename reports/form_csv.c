#include <math.h>

#include "reports/forms.h"
#include "reports/interval.h"
#include "reports/page.h"
#include "reports/text.h"

/* One line each: verdicts, timings, comparisons, and what was left out. */
static const char *const columns[] = {"kind",
                                      "op",
                                      "impl",
                                      "case",
                                      "of",
                                      "batch",
                                      "cache",
                                      "threads",
                                      "verdict",
                                      "check",
                                      "budget_used",
                                      "rel_l2",
                                      "max_abs",
                                      "ulp",
                                      "undecided",
                                      "median_seconds",
                                      "low_seconds",
                                      "high_seconds",
                                      "no_interval",
                                      "p99_seconds",
                                      "samples",
                                      "contaminated",
                                      "throughput_per_second",
                                      "throughput_unit",
                                      "floor_seconds",
                                      "floor_fraction",
                                      "prepare_seconds",
                                      "peak_bytes",
                                      "packed_bytes",
                                      "impossible",
                                      "against",
                                      "ratio",
                                      "ratio_low",
                                      "ratio_high",
                                      "p",
                                      "pairs",
                                      "seed",
                                      "message",
                                      "file"};
enum { COLUMNS = sizeof columns / sizeof *columns };

static void field(FILE *out, const char *text)
{
    (void)fputc(',', out);
    text_csv(out, text);
}

/* Empty when not recorded. */
static void number(FILE *out, double value)
{
    (void)fputc(',', out);
    if (!isnan(value)) {
        (void)fprintf(out, "%.10g", value);
    }
}

static void blanks(FILE *out, int count)
{
    for (int i = 0; i < count; i++) {
        (void)fputc(',', out);
    }
}

static void last_fields(FILE *out, const char *seed, const char *message, const assay_results *r,
                        size_t file)
{
    field(out, seed);
    field(out, message);
    field(out, r->file[file].path);
    (void)fputs("\r\n", out);
}

static void verdict_line(FILE *out, const assay_results *r, const results_verdict *v)
{
    (void)fputs("verdict", out);
    field(out, v->op);
    field(out, v->impl);
    field(out, v->case_id);
    field(out, v->golden);
    blanks(out, 3); /* batch, cache, threads */
    field(out, assay_verdict_name(v->verdict));
    field(out, v->check);
    number(out, v->budget_used);
    number(out, v->rel_l2);
    number(out, v->max_abs);
    number(out, v->ulp);
    number(out, v->undecided);
    blanks(out, 21); /* of timings and comparisons */
    last_fields(out, v->seed, v->message, r, v->file);
}

static void timing_line(FILE *out, const assay_results *r, const results_timing *t)
{
    const char *unit;
    const results_estimate rate = report_throughput(t, &unit);
    const interval shown = interval_of_timing(t);
    (void)fputs("timing", out);
    field(out, t->op);
    field(out, t->impl);
    field(out, t->case_id);
    field(out, t->system);
    number(out, t->batch);
    field(out, t->cache);
    number(out, t->threads);
    field(out, assay_verdict_name(t->verdict));
    blanks(out, 1); /* check */
    number(out, t->budget_used);
    number(out, t->rel_l2);
    number(out, t->max_abs);
    blanks(out, 2); /* ulp, undecided */
    number(out, t->seconds.value);
    number(out, shown.low);
    number(out, shown.high);
    field(out, shown.why != NULL ? shown.why : "");
    number(out, t->p99_seconds);
    number(out, (double)t->samples.count);
    number(out, t->contaminated);
    number(out, rate.value);
    field(out, unit);
    number(out, t->floor_seconds);
    number(out, t->floor_fraction);
    number(out, t->prepare_seconds);
    number(out, t->peak_bytes);
    number(out, t->packed_bytes);
    number(out, t->impossible ? 1.0 : 0.0);
    blanks(out, 6); /* of comparisons */
    last_fields(out, t->seed, "", r, t->file);
}

/* What a comparison and a case left out have of the first columns. */
static void first_fields(FILE *out, const char *kind, const char *op, const char *impl,
                         const char *case_id, double batch)
{
    (void)fputs(kind, out);
    field(out, op);
    field(out, impl);
    field(out, case_id);
    blanks(out, 1); /* of */
    number(out, batch);
}

static void comparison_line(FILE *out, const assay_results *r, const results_comparison *c)
{
    const interval shown = interval_of_ratio(&c->ratio);
    first_fields(out, "comparison", c->op, c->impl, c->case_id, c->batch);
    field(out, c->cache);
    number(out, c->threads);
    field(out, c->verdict);
    blanks(out, 9); /* check … high_seconds */
    field(out, shown.why != NULL ? shown.why : "");
    blanks(out, 11); /* p99_seconds … impossible */
    field(out, c->against);
    number(out, c->ratio.value);
    number(out, shown.low);
    number(out, shown.high);
    number(out, c->p);
    number(out, (double)c->pairs);
    last_fields(out, "", "", r, c->file);
}

static void skipped_line(FILE *out, const assay_results *r, const results_skipped *s)
{
    first_fields(out, "left_out", s->op, s->impl, s->case_id, s->batch);
    blanks(out, 30); /* cache … pairs */
    last_fields(out, "", s->reason, r, s->file);
}

void report_csv(const assay_results *r, FILE *out)
{
    for (int i = 0; i < COLUMNS; i++) {
        (void)fprintf(out, "%s%s", i == 0 ? "" : ",", columns[i]);
    }
    (void)fputs("\r\n", out);
    for (size_t i = 0; i < r->verdict_count; i++) {
        verdict_line(out, r, &r->verdict[i]);
    }
    for (size_t i = 0; i < r->timing_count; i++) {
        timing_line(out, r, &r->timing[i]);
    }
    for (size_t i = 0; i < r->comparison_count; i++) {
        comparison_line(out, r, &r->comparison[i]);
    }
    for (size_t i = 0; i < r->skipped_count; i++) {
        skipped_line(out, r, &r->skipped[i]);
    }
}
