/* The machine, its ceilings, what was left out, and how to do it again. */
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

void report_ceilings(report_page *page)
{
    const assay_results *const r = page->results;
    bool opened = false;
    for (size_t f = 0; f < r->file_count; f++) {
        const results_file *const file = &r->file[f];
        const assay_node *entry = file->ceilings != NULL ? file->ceilings->as.first : NULL;
        bool seen = false; /* files of one run carry the same ceilings */
        for (size_t g = 0; g < f; g++) {
            seen = seen || (r->file[g].ceilings != NULL &&
                            strcmp(r->file[g].ceilings_date, file->ceilings_date) == 0 &&
                            strcmp(r->file[g].machine, file->machine) == 0);
        }
        if (entry == NULL || seen) {
            continue;
        }
        if (!opened) {
            page_section(page->out, "ceilings", "Measured ceilings",
                         "What this machine was measured to do at most (assay probe); floors are "
                         "computed from it. <i>Best</i> is the greatest ever probed here: an "
                         "impossible time is judged by it.");
            opened = true;
        }
        (void)fputs("<p class=\"note\">probed ", page->out);
        text_html(page->out, file->ceilings_date);
        (void)fputs("</p>\n", page->out);
        page_table(page->out, "ceiling|#measured|#best");
        for (; entry != NULL; entry = entry->next) {
            const char *const unit = assay_node_text(entry, "unit", "");
            const double value = assay_node_real(entry, "value", (double)NAN);
            const double best = assay_node_real(entry, "best", (double)NAN);
            (void)fputs("<tr>", page->out);
            page_text_cell(page->out, assay_node_text(entry, "name", "?"));
            const bool known = strcmp(unit, "FLOP/s") == 0 || strcmp(unit, "B/s") == 0 ||
                               strcmp(unit, "OP/s") == 0 || strcmp(unit, "s") == 0;
            page_number(page->out, value, in_unit(value, known ? unit : "").text);
            page_number(page->out, best, isnan(best) ? "–" : in_unit(best, known ? unit : "").text);
            (void)fputs("</tr>\n", page->out);
        }
        page_table_end(page->out);
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
        page_text_cell(page->out, s->case_id);
        (void)fputs("</tr>\n", page->out);
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
            page_text_cell(page->out, v->case_id);
            (void)fputs("</tr>\n", page->out);
        }
    }
    page_table_end(page->out);
    page_section_end(page->out);
}

void report_value(FILE *out, const char *key, const assay_node *node)
{
    const size_t length = strlen(key);
    const bool bytes = length > 6 && strcmp(key + length - 6, "_bytes") == 0;
    switch (node->kind) {
    case ASSAY_NODE_TEXT: (void)fputs(node->as.text, out); break;
    case ASSAY_NODE_BOOL: (void)fputs(node->as.truth ? "yes" : "no", out); break;
    case ASSAY_NODE_NUMBER:
        (void)fputs(bytes ? text_bytes(node->as.number).text : "", out);
        if (!bytes) {
            (void)fprintf(out, "%.10g", node->as.number);
        }
        break;
    case ASSAY_NODE_NUMBERS:
        for (size_t i = 0; i < node->count; i++) {
            (void)fprintf(out, "%s%s", i == 0 ? "" : ", ",
                          bytes ? text_bytes(node->as.numbers[i]).text
                                : text_small(node->as.numbers[i]).text);
        }
        break;
    case ASSAY_NODE_LIST:
    case ASSAY_NODE_OBJECT:
        for (const assay_node *n = node->as.first; n != NULL; n = n->next) {
            (void)fputs(n == node->as.first ? "" : ", ", out);
            if (n->key != NULL) {
                (void)fprintf(out, "%s ", n->key);
            }
            report_value(out, n->key != NULL ? n->key : key, n);
        }
        break;
    case ASSAY_NODE_NULL: break;
    }
}

char *report_value_text(const char *key, const assay_node *node)
{
    char *text = NULL;
    size_t size = 0;
    FILE *const out = open_memstream(&text, &size);
    if (out == NULL) {
        return NULL;
    }
    if (node != NULL) {
        report_value(out, key, node);
    }
    return fclose(out) == 0 ? text : NULL;
}

/* Whether an earlier file's environment has the key: it was shown with that one. */
static bool shown_before(const assay_results *r, size_t file, const char *key)
{
    for (size_t f = 0; f < file; f++) {
        if (assay_node_get(r->file[f].environment, key) != NULL) {
            return true;
        }
    }
    return false;
}

void report_environment(report_page *page)
{
    const assay_results *const r = page->results;
    page_section(page->out, "environment", "Environment", NULL);
    (void)fputs("<div class=\"scroll\"><table><thead><tr><th></th>", page->out);
    for (size_t f = 0; f < r->file_count; f++) {
        (void)fputs("<th>", page->out);
        text_html(page->out, r->file[f].path);
        (void)fputs("</th>", page->out);
    }
    (void)fputs("</tr></thead><tbody>\n", page->out);
    for (size_t f = 0; f < r->file_count; f++) {
        const assay_node *n = r->file[f].environment->as.first;
        for (; n != NULL; n = n->next) {
            if (shown_before(r, f, n->key)) {
                continue;
            }
            (void)fputs("<tr><td class=\"dim\">", page->out);
            text_html(page->out, n->key);
            (void)fputs("</td>", page->out);
            for (size_t g = 0; g < r->file_count; g++) {
                char *const text =
                    report_value_text(n->key, assay_node_get(r->file[g].environment, n->key));
                (void)fputs("<td class=\"w\">", page->out);
                text_html(page->out, text != NULL ? text : "");
                (void)fputs("</td>", page->out);
                free(text);
            }
            (void)fputs("</tr>\n", page->out);
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
        (void)fputs(f == 0 ? "assay report" : "", out);
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
