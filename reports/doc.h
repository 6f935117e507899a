/* A JSON file as a tree of nodes. Lists of numbers alone, the raw samples, are kept as packed
 * doubles: a million samples in seven lists take 56 MB and 0.3 s, where a node a number (cJSON)
 * takes 0.6 GB. Everything belongs to the document and dies with it. */
#ifndef REPORTS_DOC_H
#define REPORTS_DOC_H

#include <stdbool.h>
#include <stddef.h>

#include "assay/status.h"

typedef enum assay_node_kind {
    ASSAY_NODE_NULL,
    ASSAY_NODE_BOOL,
    ASSAY_NODE_NUMBER,
    ASSAY_NODE_TEXT,
    ASSAY_NODE_LIST,    /* of nodes; an empty list is one of these */
    ASSAY_NODE_NUMBERS, /* a list of numbers, packed */
    ASSAY_NODE_OBJECT
} assay_node_kind;

typedef struct assay_node {
    assay_node_kind kind;
    size_t at;       /* byte offset of its first letter */
    size_t count;    /* members of a list or an object, numbers, bytes of a text */
    const char *key; /* inside an object, else NULL */
    const struct assay_node *next;
    union {
        bool truth;
        double number;
        const char *text; /* UTF-8, no NUL inside */
        const double *numbers;
        const struct assay_node *first;
    } as;
} assay_node;

typedef struct assay_doc {
    char *path;
    const assay_node *root;
    size_t bytes;    /* of the file */
    char digest[33]; /* of the file's bytes, 32 hex digits: tells files apart, is no signature */
    struct assay_block *blocks;
} assay_doc;

/* Reads a whole file ("-" is standard input). Not JSON, not UTF-8, nested deeper than 64, larger
 * than 4 GiB, or more than 2^24 nodes: ASSAY_BAD_INPUT with path and byte offset. */
assay_status assay_doc_read(const char *path, assay_doc **doc, assay_error *error);
/* The same of a text in memory with a NUL behind its last byte; name stands for the path. */
assay_status assay_doc_parse(const char *name, const char *text, size_t size, assay_doc **doc,
                             assay_error *error);
void assay_doc_free(assay_doc **doc);

/* Memory that lives as long as the document; NULL when there is none. */
void *assay_doc_alloc(assay_doc *doc, size_t size);

/* A member of an object by its key (the first of that name), or NULL. */
const assay_node *assay_node_get(const assay_node *object, const char *key);
/* A member's text, or fallback when it is absent or no text. */
const char *assay_node_text(const assay_node *object, const char *key, const char *fallback);
/* A member's number ("inf", "-inf" and "nan" are numbers here), or fallback. */
double assay_node_real(const assay_node *object, const char *key, double fallback);
/* What the node is, for messages: "a list of numbers". */
const char *assay_node_kind_name(const assay_node *node);

#endif
