/* The pieces of the parser: where it stands in the text, and how it complains. */
#ifndef REPORTS_DOC_PARTS_H
#define REPORTS_DOC_PARTS_H

#include <stdint.h>

#include "reports/doc.h"

enum { ASSAY_DOC_DEPTH_MAX = 64, ASSAY_DOC_NODES_MAX = 1 << 24 };

typedef struct assay_parser {
    assay_doc *doc;
    const char *text; /* NUL behind its last byte */
    size_t size, at;
    size_t nodes;
    double *numbers; /* of the list being read */
    size_t number_count, number_room;
    assay_error *error;
} assay_parser;

/* ASSAY_BAD_INPUT: "path: byte 17: what". */
assay_status assay_parser_fail(const assay_parser *parser, size_t at, const char *what);
/* The number that starts here. */
assay_status assay_parser_number(assay_parser *parser, double *value);
/* The string whose opening quote is here. */
assay_status assay_parser_string(assay_parser *parser, const char **text, size_t *length);

/* 32 hex digits of the text. */
void assay_doc_digest(const char *text, size_t size, char *hex);

#endif
