/* Which file a line comes from, when a report is made of several. */
#include <stdlib.h>
#include <string.h>

#include "reports/page.h"
#include "reports/text.h"

typedef struct file_counts { /* what the page shows of a file */
    size_t verdicts, timings, comparisons, evaluations, skipped;
} file_counts;

static file_counts *count_lines(const assay_results *r)
{
    file_counts *const counts = calloc(r->file_count, sizeof *counts);
    if (counts == NULL) {
        return NULL;
    }
#define COUNT(list, member)                                                                        \
    for (size_t i = 0; i < r->list##_count; i++) {                                                 \
        counts[r->list[i].file].member++;                                                          \
    }
    COUNT(verdict, verdicts)
    COUNT(timing, timings)
    COUNT(comparison, comparisons)
    COUNT(evaluation, evaluations)
    COUNT(skipped, skipped)
#undef COUNT
    return counts;
}

/* Whether an environment's text is not the same in all files. */
static bool differs(const assay_results *r, const char *key)
{
    const char *const first = assay_node_text(r->file[0].environment, key, "");
    bool other = false;
    for (size_t f = 1; f < r->file_count; f++) {
        other = other || strcmp(assay_node_text(r->file[f].environment, key, ""), first) != 0;
    }
    return other;
}

static void count_cell(FILE *out, size_t count)
{
    page_number(out, (double)count, count > 0 ? text_count((double)count).text : "–");
}

static void file_row(FILE *out, const assay_results *r, size_t f, const file_counts *counts)
{
    const results_file *const file = &r->file[f];
    (void)fputs("<tr>", out);
    page_number(out, (double)(f + 1), text_count((double)(f + 1)).text);
    (void)fputs("<td class=\"w\">", out);
    text_html(out, file->path);
    (void)fputs("</td>", out);
    page_text_cell(out, file->date);
    page_text_cell(out, assay_node_text(file->environment, "revision", "unknown"));
    (void)fputs("<td class=\"w\">", out);
    text_html(out, assay_node_text(file->environment, "cpu", "unknown"));
    (void)fputs("</td>", out);
    page_text_cell(out, file->machine);
    count_cell(out, counts->verdicts);
    count_cell(out, counts->timings);
    count_cell(out, counts->comparisons);
    count_cell(out, counts->evaluations);
    count_cell(out, counts->skipped);
    (void)fputs("</tr>\n", out);
}

void report_files(report_page *page)
{
    const assay_results *const r = page->results;
    file_counts *const counts = count_lines(r);
    if (r->file_count > 1 && counts != NULL) {
        page_section(page->out, "files", "Where the lines come from",
                     "The report is made of several files, which complete one another; tables and "
                     "captions below give the number of theirs. Counted is what is shown of each.");
        if (differs(r, "machine")) {
            (void)fputs("<p class=\"warn\">The files come from different machines: times of one "
                        "file cannot be held against another’s. <code>assay compare</code> sets "
                        "machines side by side.</p>\n",
                        page->out);
        } else if (differs(r, "revision")) {
            (void)fputs("<p class=\"note\">The files were made by different revisions of the "
                        "program, on one machine.</p>\n",
                        page->out);
        }
        page_table(page->out, "#file|path|made|revision|processor|machine|#verdicts|#timings|"
                              "#ratios|#evaluations|#left out");
        for (size_t f = 0; f < r->file_count; f++) {
            file_row(page->out, r, f, &counts[f]);
        }
        page_table_end(page->out);
        page_section_end(page->out);
    }
    free(counts);
}

void page_file_head(FILE *out, const assay_results *results, const char *columns)
{
    char *text = NULL;
    if (asprintf(&text, "%s%s", columns, results->file_count > 1 ? "|#file" : "") >= 0) {
        page_table(out, text);
        free(text);
    }
}

void page_file_cell(FILE *out, const assay_results *results, size_t file)
{
    if (results->file_count > 1) {
        page_number(out, (double)(file + 1), text_count((double)(file + 1)).text);
    }
}

void page_file_names(FILE *out, const assay_results *results, const page_origin *origin)
{
    bool *const used = calloc(results->file_count, sizeof *used);
    size_t count = 0;
    for (size_t i = 0; used != NULL && results->file_count > 1 && i < origin->count; i++) {
        const void *const file = (const char *)origin->file + i * origin->stride;
        count += !used[*(const size_t *)file];
        used[*(const size_t *)file] = true;
    }
    const char *before = count > 1 ? " · files " : " · file ";
    for (size_t f = 0; count > 0 && f < results->file_count; f++) {
        if (used[f]) {
            (void)fprintf(out, "%s%zu", before, f + 1);
            before = ", ";
        }
    }
    free(used);
}
