/* Series of the history as plots. */
#ifndef REPORTS_HISTORY_DRAW_H
#define REPORTS_HISTORY_DRAW_H

#include "reports/history.h"
#include "reports/page.h"

typedef struct history_drawing {
    const history_runs *runs;
    const history_table *table;
    report_page page; /* of it the implementations, their colours, and for a page the sheet */
} history_drawing;

/* One series close up, linear: its points, the level of each stretch between steps, the steps. */
void history_draw_one(const history_drawing *d, const history_series *s, plot *p);
/* Every implementation of one case, logarithmic; the series lie side by side. */
void history_draw_case(const history_drawing *d, const history_series *s, size_t count, plot *p);
/* The series from s on that belong in one such plot, at least 1. */
size_t history_case_size(const history_drawing *d, const history_series *s);
/* "op/impl case, batch 4, cold"; the text is the caller's to free. */
char *history_series_name(const history_series *s);

/* The page of all cases. */
assay_status history_write_page(history_drawing *d, const char *path, assay_error *error);

#endif
