/* The layer loop over a ragged batch: the rows of all sequences one after another, each with its
 * sequence (cache slot) and position. It runs a Llama up to a hook; layers after it are not bound,
 * and their weights are never looked at. */
#ifndef KERNELS_EXEC_FORWARD_H
#define KERNELS_EXEC_FORWARD_H

#include "kernels/exec/fuse.h"

typedef struct assay_bound_layer {
    assay_bound_rmsnorm input_norm, post_norm;
    assay_bound_linear q, k, v, o, gate, up, down;
} assay_bound_layer;

/* Sees the rows at every place that a pass reaches, after any steering there. */
typedef void assay_visit_fn(void *context, assay_hook hook, const assay_tensor *rows);

typedef struct assay_forward {
    assay_runner runner;
    assay_table table;
    const assay_fusions *fusions; /* NULL: ops are called one by one */
    assay_model model;
    assay_hook stop; /* never final_norm: that is the head's */
    assay_dtype type;
    bool keeps_caches; /* every layer keeps its cache for later calls; else one is used in turn */

    assay_bound_embed embed;
    assay_bound_add add;
    assay_bound_rope rope;
    assay_bound_attention attention;
    assay_bound_swiglu swiglu;
    assay_bound_layer *layer;
    int64_t layer_count; /* of bound layers, the last one perhaps in part */
    assay_steering steering;
    assay_bound_sae_steer steer;
    assay_visit_fn *visit; /* NULL: none; set after open */
    void *visit_context;

    void *block; /* all activations below, for up to row_capacity rows */
    int64_t row_capacity;
    assay_tensor id, sequence, position; /* [rows, 1]: i64, i32, i32 */
    void *set_block; /* where kernels are a device's: the same three on the host, as in block */
    int64_t set_bytes;
    assay_tensor set_id, set_sequence, set_position; /* as assay_forward_set fills them */
    assay_tensor hidden, normed, q, k, v, out, gate, up;
    void *cache_block;
    int64_t slots, capacity; /* sequences, and positions of each */
    assay_tensor cache;      /* [2 * layers, slots * capacity * kv width]: k and v in turn */
} assay_forward;

typedef struct assay_batch {
    int64_t rows;
    int64_t max_position;
    assay_tensor soft, soft_at; /* as in embed.h; may be absent */
    bool steer;                 /* whether these rows are to be steered */
    bool kept;                  /* the rows are where kernels read them: none were set since */
} assay_batch;

/* steering may be NULL. forward is the caller's memory; close also after a failed open. */
assay_status assay_forward_open(assay_forward *forward, const assay_table *table,
                                const assay_exec *exec, const assay_model *model, assay_hook stop,
                                const assay_steering *steering, bool keeps_caches);
void assay_forward_close(assay_forward *forward);

/* Room for so many rows in one call, sequences, and positions of each. Caches lose their content
 * when they have to grow. */
assay_status assay_forward_reserve(assay_forward *forward, int64_t rows, int64_t slots,
                                   int64_t capacity);

/* Sets row `row` of the next call. */
void assay_forward_set(assay_forward *forward, int64_t row, int64_t token, int64_t sequence,
                       int64_t position);
/* What was set goes to where kernels read it. */
assay_status assay_forward_send(const assay_forward *forward);
/* Runs rows set before; *result is a view of the hook's rows, valid until the next call. */
assay_status assay_forward_run(assay_forward *forward, const assay_batch *batch,
                               assay_tensor *result);
/* to[i,:] = from[row[i],:], through the table's embed. */
assay_status assay_forward_gather(assay_forward *forward, const assay_tensor *from,
                                  const assay_tensor *row, const assay_tensor *to);

/* final_norm and lm_head, beyond the layers. */
typedef struct assay_head {
    assay_bound_rmsnorm norm;
    assay_bound_linear lm_head;
} assay_head;

assay_status assay_head_open(assay_head *head, const assay_forward *forward, bool with_lm_head);
void assay_head_close(assay_head *head, const assay_forward *forward);

/* The first `rows` rows of a matrix, or the first elements of an [n, 1] matrix as a vector. */
assay_tensor assay_rows_of(const assay_tensor *matrix, int64_t rows);
assay_tensor assay_column_of(const assay_tensor *matrix, int64_t rows);

#endif
