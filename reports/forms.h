/* Results in forms for other programs and for review pages. Each writes one whole file's text. */
#ifndef REPORTS_FORMS_H
#define REPORTS_FORMS_H

#include "reports/results.h"

void report_markdown(const assay_results *results, FILE *out);
/* One line a verdict and a timing; the first column says which; RFC 4180. */
void report_csv(const assay_results *results, FILE *out);
/* A test case a verdict, and one a timing that is impossible or was not verified. */
void report_junit(const assay_results *results, FILE *out);

/* Of report_markdown: what implementations cost in explanations. */
void report_meaning_markdown(const assay_results *results, FILE *out);

#endif
