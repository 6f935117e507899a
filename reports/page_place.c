/* The machine's ceilings, what was left out, and how to do it again. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/page.h"
#include "reports/text.h"

static text_short in_unit(double value, const char *unit)
{
    text_short text = strcmp(unit, "s") == 0 ? text_seconds(value) : text_si(value);
    if (strcmp(unit, "s") != 0) {
        const size_t used = strlen(text.text);
        (void)snprintf(text.text + used, sizeof text.text - used, "%s%s",
                       strchr(text.text, ' ') != NULL ? "" : " ", unit);
    }
    return text;
}

static bool same_probe(const results_file *a, const results_file *b)
{
    return a->ceilings != NULL && b->ceilings != NULL &&
           strcmp(a->ceilings_date, b->ceilings_date) == 0 && strcmp(a->machine, b->machine) == 0;
}

/* Files of one run carry the same ceilings: they are shown with the first of them. */
static bool shown_before(const assay_results *r, size_t file)
{
    bool seen = false;
    for (size_t g = 0; g < file; g++) {
        seen = seen || same_probe(&r->file[g], &r->file[file]);
    }
    return seen;
}

static void ceilings_table(FILE *out, const assay_node *entry)
{
    page_table(out, "ceiling|#measured|#best");
    for (; entry != NULL; entry = entry->next) {
        const char *const unit = assay_node_text(entry, "unit", "");
        const double value = assay_node_real(entry, "value", (double)NAN);
        const double best = assay_node_real(entry, "best", (double)NAN);
        const bool known = strcmp(unit, "FLOP/s") == 0 || strcmp(unit, "B/s") == 0 ||
                           strcmp(unit, "OP/s") == 0 || strcmp(unit, "s") == 0;
        (void)fputs("<tr>", out);
        page_text_cell(out, assay_node_text(entry, "name", "?"));
        page_number(out, value, in_unit(value, known ? unit : "").text);
        page_number(out, best, isnan(best) ? "–" : in_unit(best, known ? unit : "").text);
        (void)fputs("</tr>\n", out);
    }
    page_table_end(out);
}

static void one_probe(report_page *page, size_t f)
{
    const assay_results *const r = page->results;
    size_t *const file = calloc(r->file_count, sizeof *file);
    size_t count = 0;
    for (size_t g = f; file != NULL && g < r->file_count; g++) {
        file[count] = g;
        count += g == f || same_probe(&r->file[f], &r->file[g]);
    }
    (void)fprintf(page->out, "<details><summary>%zu ceilings probed ", r->file[f].ceilings->count);
    text_html(page->out, r->file[f].ceilings_date);
    if (file != NULL) {
        page_file_names(page->out, r, &(page_origin){file, count, sizeof *file});
    }
    (void)fputs("</summary>\n", page->out);
    ceilings_table(page->out, r->file[f].ceilings->as.first);
    (void)fputs("</details>\n", page->out);
    free(file);
}

void report_ceilings(report_page *page)
{
    const assay_results *const r = page->results;
    bool opened = false;
    for (size_t f = 0; f < r->file_count; f++) {
        const results_file *const file = &r->file[f];
        if (file->ceilings == NULL || file->ceilings->as.first == NULL || shown_before(r, f)) {
            continue;
        }
        if (!opened) {
            page_section(page->out, "ceilings", "Measured ceilings",
                         "What this machine was measured to do at most (assay probe); floors are "
                         "computed from it. <i>Best</i> is the greatest ever probed here: an "
                         "impossible time is judged by it.");
            opened = true;
        }
        one_probe(page, f);
    }
    if (opened) {
        page_section_end(page->out);
    }
}

void report_skipped(report_page *page)
{
    const assay_results *const r = page->results;
    size_t skips = r->skipped_count;
    for (size_t i = 0; i < r->verdict_count; i++) {
        skips += r->verdict[i].verdict == ASSAY_SKIP;
    }
    if (skips == 0) {
        return;
    }
    page_section(page->out, "skipped", "Left out", "What was not run, and why.");
    page_table(page->out, "op|implementation|#cases|reason|first case");
    for (size_t from = 0; from < r->skipped_count;) {
        const results_skipped *const s = &r->skipped[from];
        size_t to = from;
        while (to < r->skipped_count && strcmp(r->skipped[to].op, s->op) == 0 &&
               strcmp(r->skipped[to].impl, s->impl) == 0 &&
               strcmp(r->skipped[to].reason, s->reason) == 0) {
            to++;
        }
        (void)fputs("<tr>", page->out);
        page_text_cell(page->out, s->op);
        page_text_cell(page->out, s->impl);
        page_number(page->out, (double)(to - from), text_count((double)(to - from)).text);
        (void)fputs("<td class=\"w\">", page->out);
        text_html(page->out, s->reason);
        (void)fputs("</td>", page->out);
        (void)fputs("<td class=\"w\">", page->out);
        text_html(page->out, s->case_id);
        if (!isnan(s->batch)) {
            (void)fprintf(page->out, ", batch %s", text_count(s->batch).text);
        }
        (void)fputs("</td></tr>\n", page->out);
        from = to;
    }
    for (size_t i = 0; i < r->verdict_count; i++) {
        const results_verdict *const v = &r->verdict[i];
        if (v->verdict == ASSAY_SKIP) {
            (void)fputs("<tr>", page->out);
            page_text_cell(page->out, v->op);
            page_text_cell(page->out, v->impl);
            page_number(page->out, 1.0, "1");
            (void)fputs("<td class=\"w\">", page->out);
            text_html(page->out, v->message);
            (void)fputs("</td>", page->out);
            (void)fputs("<td class=\"w\">", page->out);
            text_html(page->out, v->case_id);
            (void)fputs("</td></tr>\n", page->out);
        }
    }
    page_table_end(page->out);
    page_section_end(page->out);
}

static void code(FILE *out, const char *text)
{
    (void)fputs("<pre>", out);
    text_html(out, text);
    (void)fputs("</pre>\n", out);
}

void report_verdict_command(FILE *out, const results_verdict *v)
{
    const char *const words[] = {"--golden", v->source[0] != '\0' ? v->source : v->golden,
                                 "--op",     v->op,
                                 "--impl",   v->impl,
                                 "--case",   v->case_id,
                                 "--seed",   v->seed};
    (void)fputs("assay verify", out);
    for (size_t i = 0; i < sizeof words / sizeof *words; i += 2) {
        if (words[i + 1][0] != '\0') {
            (void)fprintf(out, " %s ", words[i]);
            text_shell(out, words[i + 1]);
        }
    }
}

void report_timing_command(FILE *out, const results_timing *t)
{
    (void)fputs("assay bench --op ", out);
    text_shell(out, t->op);
    (void)fputs(" --impl ", out);
    text_shell(out, t->impl);
    (void)fputs(" --case ", out);
    text_shell(out, t->case_id);
    (void)fprintf(out, " --batch %.0f --cache %s", t->batch, t->cache);
    if (t->seed[0] != '\0') {
        (void)fputs(" --seed ", out);
        text_shell(out, t->seed);
    }
}

void report_rerun(report_page *page)
{
    const assay_results *const r = page->results;
    char *text = NULL;
    size_t size = 0;
    FILE *const out = open_memstream(&text, &size);
    if (out == NULL) {
        return;
    }
    page_section(page->out, "rerun", "To do it again",
                 "The commands that made these results, and one that repeats a single timing or "
                 "verdict of them; results.csv has every one’s identity and seed.");
    for (size_t f = 0; f < r->file_count; f++) {
        const char *const revision = assay_node_text(r->file[f].environment, "revision", "");
        if (r->file[f].command[0] != '\0') {
            (void)fprintf(out, "# %s%s%s\n%s\n", r->file[f].path,
                          revision[0] != '\0' ? ", revision " : "", revision, r->file[f].command);
        }
    }
    for (size_t f = 0; f < r->file_count; f++) {
        (void)fputs(f == 0 ? "\n# this report\nassay report" : "", out);
        (void)fputc(' ', out);
        text_shell(out, r->file[f].path);
        (void)fputs(f + 1 == r->file_count ? " -o report\n" : "", out);
    }
    if (r->timing_count > 0) {
        (void)fputs("\n# one timing\n", out);
        report_timing_command(out, &r->timing[0]);
        (void)fputc('\n', out);
    }
    if (r->verdict_count > 0) {
        (void)fputs("\n# one verdict\n", out);
        report_verdict_command(out, &r->verdict[0]);
        (void)fputc('\n', out);
    }
    if (fclose(out) == 0) {
        code(page->out, text);
    }
    free(text);
    page_section_end(page->out);
}
