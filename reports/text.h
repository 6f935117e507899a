/* Words and numbers for people, in HTML, Markdown and CSV. */
#ifndef REPORTS_TEXT_H
#define REPORTS_TEXT_H

#include <stdbool.h>
#include <stdio.h>

#include "assay/status.h"

typedef struct text_short { /* a formatted number, by value */
    char text[48];
} text_short;

/* Three significant digits with a prefix: 1.23 k, 45.6 M. "–" for NaN. */
text_short text_si(double value);
/* 1.23 µs, 45.6 ms, 3.2 s. */
text_short text_seconds(double seconds);
/* Binary: 64 KiB, 1.5 GiB. */
text_short text_bytes(double bytes);
/* A relative figure as it is read most easily: 0.083, 1.2e-07, 0. */
text_short text_small(double value);
/* 1.08×, 146×, 0.0312×: three significant digits. */
text_short text_ratio(double ratio);
/* 12.3 %, of a fraction. */
text_short text_percent(double fraction);
/* 1,455. */
text_short text_count(double count);

/* Bytes of the UTF-8 letter that text begins with; 0 when it is torn, none, or none that XML
 * allows. */
size_t text_letter(const char *text);

/* Escaped: for HTML text and attributes; for a Markdown table's cell; for a CSV field. */
void text_html(FILE *out, const char *text);
void text_markdown(FILE *out, const char *text);
void text_csv(FILE *out, const char *text);
/* A word of a shell command: quoted where a shell would read something into it. */
void text_shell(FILE *out, const char *word);

/* A file, whole or not at all: written beside path, synced, renamed. A link stays one, and pipes
 * and devices are written to. */
assay_status text_write_file(const char *path, const char *text, size_t size, assay_error *error);

#endif
