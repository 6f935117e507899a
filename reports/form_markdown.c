#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/forms.h"
#include "reports/interval.h"
#include "reports/page.h"
#include "reports/text.h"

static void cell(FILE *out, const char *text)
{
    (void)fputs("| ", out);
    text_markdown(out, text);
    (void)fputc(' ', out);
}

static void verdicts(const assay_results *r, FILE *out)
{
    (void)fputs(
        "\n## Verdicts\n\n| op | implementation | cases | passed | bad | skipped | worst, of "
        "budget | worst rel. L2 |\n|---|---|--:|--:|--:|--:|--:|--:|\n",
        out);
    for (size_t at = 0; at < r->verdict_count;) {
        const results_verdict *const first = &r->verdict[at];
        size_t count[ASSAY_SKIP + 1] = {0};
        size_t cases = 0;
        double budget = (double)NAN;
        double rel_l2 = (double)NAN;
        for (; at < r->verdict_count && strcmp(r->verdict[at].op, first->op) == 0 &&
               strcmp(r->verdict[at].impl, first->impl) == 0;
             at++) {
            cases++;
            count[r->verdict[at].verdict]++;
            budget = fmax(budget, r->verdict[at].budget_used); /* fmax leaves NaN out */
            rel_l2 = fmax(rel_l2, r->verdict[at].rel_l2);
        }
        cell(out, first->op);
        cell(out, first->impl);
        (void)fprintf(out, "| %zu | %zu | %zu | %zu | %s | %s |\n", cases, count[ASSAY_PASS],
                      cases - count[ASSAY_PASS] - count[ASSAY_SKIP], count[ASSAY_SKIP],
                      text_small(budget).text, text_small(rel_l2).text);
    }
    for (size_t i = 0; i < r->verdict_count; i++) {
        const results_verdict *const v = &r->verdict[i];
        if (assay_verdict_is_bad(v->verdict)) {
            (void)fprintf(out, "\n**%s** ", assay_verdict_name(v->verdict));
            text_markdown(out, v->op);
            (void)fputc('/', out);
            text_markdown(out, v->impl);
            (void)fputs(" on ", out);
            text_markdown(out, v->case_id);
            (void)fputs(": ", out);
            text_markdown(out, v->message);
            (void)fputs("\n\n    ", out);
            report_verdict_command(out, v);
            (void)fputc('\n', out);
        }
    }
}

/* The last column of a table, where there are several files. */
static void file_head(const assay_results *r, const char *columns, const char *rule, FILE *out)
{
    const bool several = r->file_count > 1;
    (void)fprintf(out, "%s%s\n%s%s\n", columns, several ? " file |" : "", rule,
                  several ? "--:|" : "");
}

static void file_cell(const assay_results *r, size_t file, FILE *out)
{
    if (r->file_count > 1) {
        (void)fprintf(out, " %zu |", file + 1);
    }
    (void)fputc('\n', out);
}

static void timing_line(const assay_results *r, const results_timing *t, FILE *out)
{
    const char *unit;
    const results_estimate rate = report_throughput(t, &unit);
    const interval shown = interval_of_timing(t);
    cell(out, t->op);
    cell(out, t->case_id);
    cell(out, t->impl);
    (void)fprintf(out, "| %.0f | %s | %s%s | %s%s | %s %s/s | %s |", t->batch, t->cache,
                  text_seconds(t->seconds.value).text,
                  t->impossible              ? " (impossible)"
                  : t->verdict != ASSAY_PASS ? " (not verified)"
                                             : "",
                  shown.why == NULL ? "± " : "– ",
                  shown.why == NULL ? text_percent(shown.half).text : shown.why,
                  text_si(rate.value).text, unit, text_percent(t->floor_fraction).text);
    file_cell(r, t->file, out);
}

static void timings(const assay_results *r, FILE *out)
{
    (void)fputs("\n## Timings\n\nMedians with their 95% intervals; – where one would say nothing, "
                "with the reason.\n\n",
                out);
    file_head(r,
              "| op | case | implementation | batch | cache | median | interval | throughput | of "
              "floor |",
              "|---|---|---|--:|---|--:|--:|--:|--:|", out);
    for (size_t i = 0; i < r->timing_count; i++) {
        timing_line(r, &r->timing[i], out);
    }
}

static void comparison_line(const assay_results *r, const results_comparison *c, FILE *out)
{
    const interval shown = interval_of_ratio(&c->ratio);
    cell(out, c->op);
    cell(out, c->case_id);
    (void)fprintf(out, "| %.0f | %s ", c->batch, c->cache);
    cell(out, c->impl);
    cell(out, c->against);
    (void)fprintf(out, "| %s | ", text_ratio(c->ratio.value).text);
    if (shown.why != NULL) {
        (void)fprintf(out, "– pairs %s ", shown.why);
    } else {
        (void)fprintf(out, "%s … %s ", text_ratio(shown.low).text, text_ratio(shown.high).text);
    }
    cell(out, c->verdict);
    (void)fputc('|', out);
    file_cell(r, c->file, out);
}

static void comparisons(const assay_results *r, FILE *out)
{
    (void)fputs("\n## Against peers\n\nTimes as fast, interleaved over fresh pairs of "
                "processes.\n\n",
                out);
    file_head(r,
              "| op | case | batch | cache | implementation | against | ratio | 95% interval | "
              "verdict |",
              "|---|---|--:|---|---|---|--:|--:|---|", out);
    for (size_t i = 0; i < r->comparison_count; i++) {
        comparison_line(r, &r->comparison[i], out);
    }
}

static void environments(const assay_results *r, FILE *out)
{
    (void)fputs("\n## Environment\n", out);
    for (size_t f = 0; f < r->file_count; f++) {
        (void)fprintf(out, "\nFile %zu: ", f + 1);
        text_markdown(out, r->file[f].path);
        (void)fputs("\n\n", out);
        for (const assay_node *n = r->file[f].environment->as.first; n != NULL; n = n->next) {
            char *const text = report_value_text(n->key, n);
            (void)fputs("- ", out);
            text_markdown(out, n->key);
            (void)fputs(": ", out);
            text_markdown(out, text != NULL ? text : "");
            (void)fputc('\n', out);
            free(text);
        }
    }
}

static void commands(const assay_results *r, FILE *out)
{
    (void)fputs("\n## To do it again\n\n", out);
    for (size_t f = 0; f < r->file_count; f++) {
        if (r->file[f].command[0] != '\0') {
            (void)fprintf(out, "    %.*s\n", (int)strcspn(r->file[f].command, "\r\n"),
                          r->file[f].command);
        }
    }
}

void report_markdown(const assay_results *r, FILE *out)
{
    (void)fputs("# Assay report\n\n", out);
    text_markdown(out, assay_node_text(r->file[0].environment, "cpu", "unknown processor"));
    (void)fprintf(out, ", %.0f threads, ", assay_node_real(r->file[0].environment, "threads", 1.0));
    text_markdown(out, r->file[0].date);
    (void)fputs("\n", out);
    if (r->file_count > 1) {
        (void)fprintf(out,
                      "\nOf %zu files, the first of them above; lines give the number of theirs, "
                      "the environment at the end is by file.\n",
                      r->file_count);
    }
    if (r->verdict_count > 0) {
        verdicts(r, out);
    }
    if (r->timing_count > 0) {
        timings(r, out);
    }
    if (r->comparison_count > 0) {
        comparisons(r, out);
    }
    if (r->evaluation_count > 0) {
        report_meaning_markdown(r, out);
    }
    if (r->skipped_count > 0) {
        (void)fprintf(out, "\n%zu cases were left out: report.html lists them with the reasons.\n",
                      r->skipped_count);
    }
    environments(r, out);
    commands(r, out);
}
