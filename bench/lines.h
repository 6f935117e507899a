/* JSON objects, one a line, over pipes: what a timing process and its parent speak. */
#ifndef BENCH_LINES_H
#define BENCH_LINES_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "assay/status.h"

enum { ASSAY_LINE_MAX = 64 << 20 };

typedef struct assay_lines {
    int in, out;
    char *text; /* what was read and not yet taken */
    size_t size, capacity;
} assay_lines;

typedef enum assay_line {
    ASSAY_LINE_READ,
    ASSAY_LINE_END,      /* the other side closed its end */
    ASSAY_LINE_DEADLINE,
    ASSAY_LINE_BAD       /* not an object, or longer than ASSAY_LINE_MAX */
} assay_line;

/* Waits at most `seconds` (negative: for ever). *object is the caller's to delete. */
assay_line assay_lines_read(assay_lines *lines, double seconds, cJSON **object);
/* False: the other side is gone. */
bool assay_lines_write(const assay_lines *lines, const cJSON *object);
void assay_lines_free(assay_lines *lines);

#endif
