/* A Llama whose sizes nobody listed: drawn from a seed, and written as a checkpoint, since workers
 * open models by folder. For what holds of every model: sizes that are no multiples of a vector or
 * a tile, groups of heads that are no power of two, more layers than a bundle's, tensors of several
 * types, another eps. */
#ifndef VERIFY_DRAWN_MODEL_H
#define VERIFY_DRAWN_MODEL_H

#include "fixtures/io/model_file.h"

enum { ASSAY_DRAWN_FOLDER = 512 };

typedef enum assay_drawn_kind {
    ASSAY_DRAWN_DEEP, /* 9 layers or more, an own lm_head, some hundred tokens */
    ASSAY_DRAWN_FLAT, /* the same with 3 layers or 4, for long rows */
    ASSAY_DRAWN_WIDE  /* two layers, tied, more tokens than 16 bits can count; as many heads of keys
                         as of queries */
} assay_drawn_kind;

typedef struct assay_drawn_model {
    char folder[ASSAY_DRAWN_FOLDER]; /* below TMPDIR; empty: none was made */
    assay_model_file file;
    int64_t first; /* begin_of_text */
} assay_drawn_model;

/* A function of kind, seed and name alone. After an error there is nothing to release. */
assay_status assay_drawn_model_make(assay_drawn_kind kind, uint64_t seed, const char *name,
                                    assay_drawn_model *drawn, assay_error *error);
/* Closes it and removes its files. Does nothing where none was made. */
void assay_drawn_model_release(assay_drawn_model *drawn);

#endif
