/* What `assay bench` prints: a line a timing, and on a terminal where it stands. */
#ifndef BENCH_PRINT_H
#define BENCH_PRINT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct assay_bench_print {
    bool terminal;
    bool head; /* printed */
    size_t done, expected;
    double start;
} assay_bench_print;

assay_bench_print assay_bench_print_begin(void);
/* About to time the next one of `expected`. */
void assay_bench_print_progress(assay_bench_print *print, const char *case_id, const char *impl);
void assay_bench_print_timing(assay_bench_print *print, const cJSON *timing);
void assay_bench_print_skipped(assay_bench_print *print, const cJSON *skipped);
void assay_bench_print_comparison(assay_bench_print *print, const cJSON *comparison);
void assay_bench_print_end(assay_bench_print *print);

/* "12.3 us": three digits and a unit. */
void assay_seconds_text(double seconds, char *text, size_t size);

#endif
