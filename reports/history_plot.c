/* `assay history plot`: what is drawn, and into which kind of file. */
#include <stdlib.h>
#include <string.h>

#include "reports/history_commands.h"
#include "reports/history_draw.h"

enum { IMAGE_PLOTS = 24, IMAGE_COLUMNS = 3 };

/* The implementations take their colours from one list, as in a report. */
static assay_status list_implementations(history_drawing *d, assay_error *error)
{
    const history_table *const table = d->table;
    report_page *const page = &d->page;
    page->impl = calloc(table->count + 1, sizeof *page->impl);
    if (page->impl == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for the plots");
    }
    for (size_t i = 0; i < table->count; i++) {
        size_t at = 0;
        while (at < page->impl_count && strcmp(page->impl[at], table->series[i].impl) < 0) {
            at++;
        }
        if (at == page->impl_count || strcmp(page->impl[at], table->series[i].impl) != 0) {
            memmove(page->impl + at + 1, page->impl + at,
                    (page->impl_count - at) * sizeof *page->impl);
            page->impl[at] = table->series[i].impl;
            page->impl_count++;
        }
    }
    return ASSAY_OK;
}

/* Series with steps first, the others in their order; up to IMAGE_PLOTS. */
static size_t choose(const history_table *table, const history_series **chosen)
{
    size_t count = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < table->count && count < IMAGE_PLOTS; i++) {
            if ((table->series[i].steps.count > 0) == (pass == 0)) {
                chosen[count++] = &table->series[i];
            }
        }
    }
    return count;
}

static assay_status write_image(const history_drawing *d, const char *path, assay_error *error)
{
    const history_series *chosen[IMAGE_PLOTS];
    plot plots[IMAGE_PLOTS] = {{0}};
    const plot *drawn[IMAGE_PLOTS] = {NULL};
    char *name[IMAGE_PLOTS] = {NULL};
    const size_t count = choose(d->table, chosen);
    for (size_t i = 0; i < count; i++) {
        history_draw_one(d, chosen[i], &plots[i]);
        name[i] = history_series_name(chosen[i]);
        plots[i].y.label = name[i]; /* instead of what only repeats the ticks */
        plots[i].width = 520.0;
        plots[i].mark_text[0] = '\0';
        drawn[i] = &plots[i];
    }
    const assay_status status = plot_image(drawn, count, IMAGE_COLUMNS, path, error);
    for (size_t i = 0; i < count; i++) {
        free(name[i]);
        plot_free(&plots[i]);
    }
    if (status == ASSAY_OK && count < d->table->count) {
        (void)printf("%zu of %zu series are drawn, those with steps first: choose with --op, "
                     "--impl, --case\n",
                     count, d->table->count);
    }
    return status;
}

/* The machine asked for, or that of the run stored last. */
static assay_status read_machine(history *h, const history_arguments *a, history_runs *runs,
                                 assay_error *error)
{
    history_runs all;
    assay_status status = history_read_runs(h, a->machine, &all, error);
    *runs = (history_runs){0};
    size_t newest = 0;
    for (size_t i = 0; i < all.count; i++) {
        newest = all.row[i].id > all.row[newest].id ? i : newest;
    }
    if (status == ASSAY_OK && all.count == 0) {
        status =
            assay_fail(error, ASSAY_BAD_INPUT, "no run is stored%s: assay history add RESULT...",
                       a->machine != NULL ? " of that machine" : "");
    }
    if (status == ASSAY_OK) {
        status = history_read_runs(h, all.row[newest].machine, runs, error);
    }
    history_runs_free(&all);
    return status;
}

static assay_status read_table(history *h, const history_arguments *a, const history_runs *runs,
                               history_table *table, assay_error *error)
{
    assay_steps_options o = ASSAY_STEPS_DEFAULTS;
    o.least = a->check.least;
    o.margin = a->check.margin;
    assay_status status = history_read_series(h, runs, a->check.last, runs->count - 1,
                                              &a->check.filter, table, error);
    if (status == ASSAY_OK && table->count == 0) {
        status = assay_fail(error, ASSAY_BAD_INPUT, "no stored timing matches: assay history show");
    }
    for (size_t i = 0; i < table->count && status == ASSAY_OK; i++) {
        status = history_find_steps(table, &table->series[i], &o, error);
    }
    return status;
}

assay_status history_plot(history *h, const history_arguments *a, assay_error *error)
{
    history_runs runs;
    history_table table = {0};
    history_drawing d = {.runs = &runs, .table = &table};
    const char *const dot = strrchr(a->out, '.');
    const bool image = dot != NULL && (strcmp(dot, ".png") == 0 || strcmp(dot, ".svg") == 0);
    if (!image && (dot == NULL || strcmp(dot, ".html") != 0)) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "--out '%s': expected a name that ends in .html, .svg or .png", a->out);
    }
    assay_status status = read_machine(h, a, &runs, error);
    if (status == ASSAY_OK) {
        status = read_table(h, a, &runs, &table, error);
    }
    if (status == ASSAY_OK) {
        status = list_implementations(&d, error);
    }
    if (status == ASSAY_OK) {
        status = image ? write_image(&d, a->out, error) : history_write_page(&d, a->out, error);
    }
    if (status == ASSAY_OK) {
        (void)printf("%s\n", a->out);
    }
    free(d.page.impl);
    history_table_free(&table);
    history_runs_free(&runs);
    return status;
}
