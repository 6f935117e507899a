#include <stdlib.h>
#include <string.h>

#include "reports/page.h"
#include "reports/text.h"

static const results_file *newest_file(const assay_results *r)
{
    const results_file *newest = &r->file[0];
    for (size_t f = 1; f < r->file_count; f++) {
        newest = strcmp(r->file[f].date, newest->date) > 0 ? &r->file[f] : newest;
    }
    return newest;
}

static void head(report_page *page)
{
    const assay_results *const r = page->results;
    const results_file *const newest = newest_file(r);
    const assay_node *const environment = newest->environment;
    page_head(page->out, "assay report");
    (void)fputs("<h1>Assay report</h1>\n<p class=\"sub\">", page->out);
    if (r->file_count > 1) {
        (void)fprintf(page->out, "%zu files · the newest: ", r->file_count);
    }
    text_html(page->out, assay_node_text(environment, "cpu", "unknown processor"));
    (void)fprintf(page->out, ", %.0f threads · ", assay_node_real(environment, "threads", 1.0));
    text_html(page->out, newest->date);
    (void)fputs(" · assay ", page->out);
    text_html(page->out, assay_node_text(environment, "assay_version", "?"));
    (void)fputs(", revision ", page->out);
    text_html(page->out, assay_node_text(environment, "revision", "unknown"));
    (void)fputs("</p>\n", page->out);
    report_verdicts(page);
    if (r->replaced > 0) {
        (void)fprintf(page->out,
                      "<p class=\"note\">%zu results are in several of the files; the "
                      "newest of each is shown.</p>\n",
                      r->replaced);
    }
}

/* Links to the sections that the body turned out to have. */
static void navigation(FILE *out, const char *body)
{
    static const char *const names[][2] = {
        {"files", "Files"},
        {"throughput", "Throughput"},       {"front", "Accuracy against throughput"},
        {"meaning", "Meaning"},
        {"floor", "Fraction of the floor"}, {"peers", "Peers"},
        {"stages", "Inside the stages"},    {"accuracy", "Accuracy"},
        {"ceilings", "Ceilings"},           {"skipped", "Left out"},
        {"environment", "Environment"},     {"rerun", "To do it again"}};
    (void)fputs("<nav>\n", out);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char mark[64];
        (void)snprintf(mark, sizeof mark, "<section id=\"%s\">", names[i][0]);
        if (strstr(body, mark) != NULL) {
            (void)fprintf(out, "<a href=\"#%s\">%s</a>\n", names[i][0], names[i][1]);
        }
    }
    (void)fputs("</nav>\n", out);
}

/* Everything below the links. */
static char *body_text(report_page *page)
{
    FILE *const whole = page->out;
    char *text = NULL;
    size_t size = 0;
    page->out = open_memstream(&text, &size);
    if (page->out != NULL) {
        report_files(page);
        report_speed(page);
        report_fronts(page);
        report_meaning(page);
        report_floor(page);
        report_peers(page);
        report_stages(page);
        report_accuracy_table(page);
        report_ceilings(page);
        report_skipped(page);
        report_environment(page);
        report_rerun(page);
        if (fclose(page->out) != 0) {
            free(text);
            text = NULL;
        }
    }
    page->out = whole;
    return text;
}

assay_status report_html(const assay_results *results, char **html, size_t *size, bool *drawn,
                         assay_error *error)
{
    report_page page;
    char *text = NULL;
    char *body = NULL;
    size_t text_size = 0;
    *html = NULL;
    assay_status status = report_page_open(&page, results, error);
    if (status == ASSAY_OK) {
        page.out = open_memstream(&text, &text_size);
        body = page.out != NULL ? body_text(&page) : NULL;
        if (body == NULL) {
            status = assay_fail(error, ASSAY_NO_MEMORY, "out of memory for the page");
        }
    }
    if (status == ASSAY_OK) {
        head(&page);
        navigation(page.out, body);
        (void)fputs(body, page.out);
        page_foot(page.out);
    }
    if (page.out != NULL && fclose(page.out) != 0 && status == ASSAY_OK) {
        status = assay_fail(error, ASSAY_NO_MEMORY, "out of memory for the page");
    }
    if (status == ASSAY_OK) {
        status = plot_sheet_finish(page.sheet, text, text_size, html, size, drawn, error);
    }
    free(text);
    free(body);
    report_page_close(&page);
    return status;
}
