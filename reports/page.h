/* The page that a report is: its parts write HTML in turn, plots are placed as they come. */
#ifndef REPORTS_PAGE_H
#define REPORTS_PAGE_H

#include "reports/plot.h"
#include "reports/results.h"

typedef struct report_page {
    const assay_results *results; /* unified */
    plot_sheet *sheet;
    FILE *out;
    const char *
        *impl; /* every implementation of the results, peers last: its place is its colour */
    size_t impl_count;
} report_page;

/* A run of timings that one plot shows: one op, case, cache and thread count. */
typedef struct timing_group {
    const results_timing *timing;
    size_t count;
} timing_group;

/* In a group, the batch size that most implementations were timed at, *most of them; of equals the
 * largest. */
double report_common_batch(const timing_group *group, size_t *most);

assay_status report_page_open(report_page *page, const assay_results *results, assay_error *error);
void report_page_close(report_page *page);
/* The place of an implementation in the list: its colour and its mark. */
int report_colour(const report_page *page, const char *impl);

/* The group that begins at *at, which is moved behind it; false at the end. */
bool report_next_group(const assay_results *results, size_t *at, timing_group *group);
/* "goodfire · cold cache · 2 threads", into HTML. */
void report_group_name(FILE *out, const results_timing *timing);
/* Throughput in items a second; *unit names the items. An interval that says nothing is NaN. */
results_estimate report_throughput(const results_timing *timing, const char **unit);
/* The relative error that an implementation's timing stands for: its own, or the worst of its
 * verdicts on that op; NaN when there is none. */
double report_accuracy(const assay_results *results, const results_timing *timing);

void page_head(FILE *out, const char *title);
void page_foot(FILE *out);
/* <section id> with its heading and a sentence on how to read it (HTML, may be NULL). */
void page_section(FILE *out, const char *id, const char *heading, const char *lead);
void page_section_end(FILE *out);
/* A cell with a number: sorts by value, shows text. */
void page_number(FILE *out, double value, const char *text);
void page_text_cell(FILE *out, const char *text);
/* The cell of a ratio's interval, or of the reason why there is none: "pairs differ …". */
void page_ratio_interval(FILE *out, const results_estimate *ratio, const char *units);
/* <tr><th>… of a table that sorts; names are separated by '|', one beginning with '#' is a number.
 */
void page_table(FILE *out, const char *columns);
void page_table_end(FILE *out);
/* A figure around a plot and its caption (HTML); nothing when the plot has no points. */
void page_figure(report_page *page, const plot *p, const char *caption_html);
/* The `file` of things that stand `stride` bytes apart: of which files they are. */
typedef struct page_origin {
    const size_t *file;
    size_t count, stride;
} page_origin;

/* The same, captioned with the name of a timing's group, its op in front if asked, and the numbers
 * of the files behind it where there are several. */
void page_group_figure(report_page *page, const plot *p, const results_timing *timing, bool with_op,
                       const page_origin *origin);
/* " · files 1, 3"; nothing when the results are one file's. */
void page_file_names(FILE *out, const assay_results *results, const page_origin *origin);
/* page_table with a column for the file behind, and its cell; neither for one file's results. */
void page_file_head(FILE *out, const assay_results *results, const char *columns);
void page_file_cell(FILE *out, const assay_results *results, size_t file);
/* Batch sizes as ticks, by twos, fours or eights. */
void page_batch_ticks(plot_axis *axis, double least, double most);
/* The line of an op in a plot that has one a line, a tick for each: a new one goes below. */
double page_op_line(plot_axis *axis, const char *op);
/* Range, height and margin of such a plot, once it has all its lines. */
void page_op_lines_end(plot *p);
/* A coloured mark and a name: legends of bars. */
void page_chip(FILE *out, int colour, const char *name);

void report_verdicts(report_page *page);
void report_files(report_page *page);
void report_accuracy_table(report_page *page);
void report_errors(report_page *page);
void report_speed(report_page *page);
void report_floor(report_page *page);
void report_fronts(report_page *page);
void report_meaning(report_page *page);
void report_stages(report_page *page);
void report_peers(report_page *page);
void report_ceilings(report_page *page);
void report_skipped(report_page *page);
void report_environment(report_page *page);
void report_rerun(report_page *page);

/* A value of an environment in words; the text is the caller's, NULL when memory is out. */
void report_value(FILE *out, const char *key, const assay_node *node);
char *report_value_text(const char *key, const assay_node *node);
/* The commands that repeat one verdict, one timing. */
void report_verdict_command(FILE *out, const results_verdict *verdict);
void report_timing_command(FILE *out, const results_timing *timing);

/* The whole page: *html is the caller's to free. */
assay_status report_html(const assay_results *results, char **html, size_t *size, bool *drawn,
                         assay_error *error);

#endif
