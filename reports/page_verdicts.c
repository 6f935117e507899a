/* Verdicts, accuracy in units of the budget, and how errors are spread. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/page.h"
#include "reports/text.h"

enum { FAILURES_SHOWN = 100 };

static void show_failure(FILE *out, const results_verdict *v)
{
    (void)fprintf(out, "<div class=\"fail\"><p><b class=\"bad\">%s</b> <b>",
                  assay_verdict_name(v->verdict));
    text_html(out, v->op);
    (void)fputs("/", out);
    text_html(out, v->impl);
    (void)fputs("</b> on ", out);
    text_html(out, v->case_id);
    (void)fputs(" <span class=\"dim\">of ", out);
    text_html(out, v->golden);
    (void)fputs("</span></p><p>", out);
    text_html(out, v->message);
    (void)fputs("</p>", out);
    char *command = NULL;
    size_t size = 0;
    FILE *const words = open_memstream(&command, &size);
    if (words != NULL) {
        report_verdict_command(words, v);
        if (fclose(words) == 0) {
            (void)fputs("<pre>", out);
            text_html(out, command);
            (void)fputs("</pre>", out);
        }
        free(command);
    }
    (void)fputs("</div>\n", out);
}

static void tile(FILE *out, double count, const char *style, const char *words)
{
    (void)fprintf(out, "<div class=\"tile\"><b class=\"%s\">%s</b><span>%s</span></div>\n", style,
                  text_count(count).text, words);
}

void report_verdicts(report_page *page)
{
    const assay_results *const r = page->results;
    size_t count[ASSAY_SKIP + 1] = {0};
    size_t bad = 0;
    size_t impossible = 0;
    for (size_t i = 0; i < r->verdict_count; i++) {
        count[r->verdict[i].verdict]++;
        bad += assay_verdict_is_bad(r->verdict[i].verdict);
    }
    for (size_t i = 0; i < r->timing_count; i++) {
        impossible += r->timing[i].impossible;
    }
    (void)fputs("<div class=\"tiles\">\n", page->out);
    if (r->verdict_count > 0) {
        tile(page->out, (double)count[ASSAY_PASS], "good", "verdicts PASS");
        tile(page->out, (double)bad, bad > 0 ? "bad" : "dim", "FAIL, VOID, CRASH, TIMEOUT");
        tile(page->out, (double)count[ASSAY_SKIP], "dim", "SKIP");
    }
    if (r->timing_count > 0) {
        tile(page->out, (double)r->timing_count, "", "timings");
        tile(page->out, (double)impossible, impossible > 0 ? "bad" : "dim", "impossibly fast");
    }
    if (r->comparison_count > 0) {
        tile(page->out, (double)r->comparison_count, "", "comparisons");
    }
    (void)fputs("</div>\n", page->out);
    size_t shown = 0;
    for (size_t i = 0; i < r->verdict_count && shown < FAILURES_SHOWN; i++) {
        if (assay_verdict_is_bad(r->verdict[i].verdict)) {
            show_failure(page->out, &r->verdict[i]);
            shown++;
        }
    }
    if (bad > shown) {
        (void)fprintf(page->out,
                      "<p class=\"note\">%zu more are in results.csv and junit.xml</p>\n",
                      bad - shown);
    }
}

typedef struct accuracy_row { /* of one (op, impl) */
    const results_verdict *first, *worst;
    size_t cases, passed, bad, skipped, repeat_differs, batch_differs;
    double rel_l2, ulp, undecided;
} accuracy_row;

static double greater(double known, double value)
{
    return isnan(known) ? value : isnan(value) ? known : fmax(known, value);
}

/* The row of the verdicts from *at on; they are sorted by op and implementation. */
static accuracy_row next_row(const assay_results *r, size_t *at)
{
    const results_verdict *const first = &r->verdict[*at];
    accuracy_row row = {.first = first, .rel_l2 = (double)NAN, .ulp = (double)NAN};
    for (; *at < r->verdict_count; (*at)++) {
        const results_verdict *const v = &r->verdict[*at];
        if (strcmp(v->op, first->op) != 0 || strcmp(v->impl, first->impl) != 0) {
            break;
        }
        row.cases++;
        row.passed += v->verdict == ASSAY_PASS;
        row.skipped += v->verdict == ASSAY_SKIP;
        row.bad += assay_verdict_is_bad(v->verdict);
        row.repeat_differs += v->repeat_differs;
        row.batch_differs += v->batch_differs;
        row.undecided += isfinite(v->undecided) ? v->undecided : 0.0;
        if (v->verdict != ASSAY_SKIP && !isnan(v->budget_used) &&
            (row.worst == NULL || v->budget_used > row.worst->budget_used)) {
            row.worst = v;
        }
        row.rel_l2 = greater(row.rel_l2, v->rel_l2);
        row.ulp = greater(row.ulp, v->ulp);
    }
    return row;
}

static void show_row(FILE *out, const accuracy_row *row)
{
    const double budget = row->worst != NULL ? row->worst->budget_used : (double)NAN;
    (void)fputs("<tr>", out);
    page_text_cell(out, row->first->op);
    page_text_cell(out, row->first->impl);
    page_number(out, (double)row->cases, text_count((double)row->cases).text);
    if (row->bad > 0) {
        (void)fprintf(out, "<td><span class=\"bad\">%zu bad</span></td>", row->bad);
    } else {
        (void)fprintf(out, "<td class=\"%s</td>", row->passed > 0 ? "good\">PASS" : "dim\">SKIP");
    }
    (void)fprintf(out, "<td class=\"n meter\" style=\"--v:%.3f\" data-v=\"%.6g\">%s</td>",
                  isnan(budget) ? 0.0 : fmin(fmax(budget, 0.0), 1.0),
                  isfinite(budget) ? budget : 1e300, text_small(budget).text);
    page_number(out, row->rel_l2, text_small(row->rel_l2).text);
    /* where the truth is nearly 0 the count only says how nearly */
    page_number(out, row->ulp,
                row->ulp > 1e6    ? "> 10⁶"
                : row->ulp >= 1e3 ? text_count(row->ulp).text
                                  : text_small(row->ulp).text);
    page_number(out, row->undecided, text_count(row->undecided).text);
    page_number(out, (double)row->repeat_differs, text_count((double)row->repeat_differs).text);
    page_number(out, (double)row->batch_differs, text_count((double)row->batch_differs).text);
    (void)fputs("<td class=\"w\">", out);
    text_html(out, budget > 0.0 ? row->worst->case_id : "–");
    (void)fputs("</td></tr>\n", out);
}

void report_accuracy_table(report_page *page)
{
    const assay_results *const r = page->results;
    if (r->verdict_count == 0) {
        return;
    }
    page_section(page->out, "accuracy", "Accuracy",
                 "Errors are in units of the budget that follows from the precision a kernel "
                 "declares: 1 is the limit. <i>Undecided</i> outcomes lie within rounding of a "
                 "threshold or a tie. <i>Again</i> and <i>batch</i> count cases whose second run, "
                 "or whose part of the batch, was not bit-identical.");
    page_table(page->out,
               "op|implementation|#cases|verdict|#worst, of budget|#worst rel. L2|#worst "
               "ulp|#undecided|#again|#batch|worst case");
    for (size_t at = 0; at < r->verdict_count;) {
        const accuracy_row row = next_row(r, &at);
        show_row(page->out, &row);
    }
    page_table_end(page->out);
    report_errors(page);
    page_section_end(page->out);
}

/* Where an error is drawn: exact results and impossible numbers have a place too. */
static double place_of(double budget_used)
{
    return fmin(fmax(budget_used, 1e-7), 2.9);
}

/* The same dot again is not drawn. */
static bool same_dot(const results_verdict *last, const results_verdict *v)
{
    return last != NULL && strcmp(last->op, v->op) == 0 &&
           fabs(log10(v->budget_used / last->budget_used)) <= 0.004;
}

/* Errors along one axis, a line an op, implementations beside one another in it. */
static void errors_by_op(report_page *page)
{
    const assay_results *const r = page->results;
    const double lanes = (double)page->impl_count + 1.0;
    plot p = {.title = "errors of every case by op, in units of the budget"};
    p.x = (plot_axis){.label = "error / budget", .log = true, .low = 5e-8, .high = 3.0};
    for (size_t i = 0; i < r->verdict_count; i++) { /* lines in the order of the ops */
        if (r->verdict[i].budget_used > 0.0) {
            (void)page_op_line(&p.y, r->verdict[i].op);
        }
    }
    for (size_t k = 0; k < page->impl_count; k++) {
        const int colour = report_colour(page, page->impl[k]);
        plot_series *const points = plot_add(&p, NULL, colour, PLOT_POINTS);
        const results_verdict *last = NULL;
        for (size_t i = 0; i < r->verdict_count; i++) {
            const results_verdict *const v = &r->verdict[i];
            if (strcmp(v->impl, page->impl[k]) == 0 && v->budget_used > 0.0 &&
                !same_dot(last, v)) {
                const double lane = ((double)k + 1.0) / lanes - 0.5;
                (void)plot_add_point(points, place_of(v->budget_used),
                                     page_op_line(&p.y, v->op) - 0.8 * lane, 0.0, 0.0);
                last = v;
            }
        }
    }
    page_op_lines_end(&p);
    plot_series *const limit = plot_add(&p, NULL, PLOT_COLOUR_BAD, PLOT_BOUND);
    (void)plot_add_point(limit, 1.0, p.y.low, 0.0, 0.0);
    (void)plot_add_point(limit, 1.0, p.y.high, 0.0, 0.0);
    if (p.y.tick_count > 0) {
        page_figure(page, &p,
                    "<b>Every case</b>, one dot each; the dashed line is the limit. Errors below "
                    "10⁻⁷ are drawn there, those of exactly 0 not at all. Grey: the oracle against "
                    "golden tensors.");
    }
    plot_free(&p);
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void one_distribution(report_page *page, plot *p, const char *impl, double *value)
{
    const assay_results *const r = page->results;
    size_t count = 0;
    for (size_t i = 0; i < r->verdict_count; i++) {
        const results_verdict *const v = &r->verdict[i];
        if (strcmp(v->impl, impl) == 0 && v->verdict != ASSAY_SKIP && v->budget_used >= 0.0) {
            value[count++] = v->budget_used;
        }
    }
    if (count == 0 || strcmp(impl, "oracle") == 0 || strcmp(impl, "host") == 0) {
        return;
    }
    qsort(value, count, sizeof *value, by_value);
    plot_series *const steps = plot_add(p, impl, report_colour(page, impl), PLOT_STEPS);
    const size_t stride = 1 + count / 400;
    for (size_t i = 0; i < count; i += stride) {
        (void)plot_add_point(steps, place_of(value[i]), (double)(i + 1) / (double)count, 0.0, 0.0);
    }
    (void)plot_add_point(steps, place_of(value[count - 1]), 1.0, 0.0, 0.0);
}

static void error_distribution(report_page *page)
{
    plot p = {.title = "share of cases whose error is at most x budgets, by implementation"};
    double *const value = malloc((page->results->verdict_count + 1) * sizeof *value);
    p.x = (plot_axis){.label = "error / budget", .log = true, .low = 5e-8, .high = 3.0};
    p.y = (plot_axis){.label = "share of cases at most so wrong", .percent = true, .high = 1.02};
    for (size_t i = 0; value != NULL && i < page->impl_count; i++) {
        one_distribution(page, &p, page->impl[i], value);
    }
    if (p.series_count > 0) {
        plot_series *const limit = plot_add(&p, NULL, PLOT_COLOUR_BAD, PLOT_BOUND);
        (void)plot_add_point(limit, 1.0, 0.0, 0.0, 0.0);
        (void)plot_add_point(limit, 1.0, 1.02, 0.0, 0.0);
        page_figure(page, &p,
                    "<b>Distribution of errors</b> over all cases; exact results are "
                    "drawn at 10⁻⁷.");
    }
    free(value);
    plot_free(&p);
}

void report_errors(report_page *page)
{
    (void)fputs("<div class=\"grid\">\n", page->out);
    errors_by_op(page);
    error_distribution(page);
    (void)fputs("</div>\n", page->out);
}
