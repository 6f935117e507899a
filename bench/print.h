/* What `assay bench` prints: a line a timing, and on a terminal where it stands. */
#ifndef BENCH_PRINT_H
#define BENCH_PRINT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

typedef enum assay_bench_table { ASSAY_TABLE_NONE, ASSAY_TABLE_TIMINGS, ASSAY_TABLE_COMPARISONS }
assay_bench_table;

typedef struct assay_bench_print {
    bool terminal;
    bool quiet;              /* no tables: standard output is for the results */
    assay_bench_table table; /* whose head was printed last */
    size_t done, expected;
    double start;
} assay_bench_print;

assay_bench_print assay_bench_print_begin(bool quiet);
/* About to time the next one of `expected`. */
void assay_bench_print_progress(assay_bench_print *print, const char *case_id, const char *impl);
void assay_bench_print_timing(assay_bench_print *print, const cJSON *timing);
void assay_bench_print_skipped(assay_bench_print *print, const cJSON *skipped);
void assay_bench_print_comparison(assay_bench_print *print, const cJSON *comparison);
void assay_bench_print_end(assay_bench_print *print);

/* "12.3 us": three digits and a unit. */
void assay_seconds_text(double seconds, char *text, size_t size);

#endif
