/* Timed stages: a synthesised model of a true shape with fewer layers, prompts of random tokens.
 *
 *   {"op": "capture",  "model": {"name": "llama-3.2-1b", "layers": 2}, "tokens": 64,
 *    "hook": "layers.1.output"}
 *   {"op": "generate", "model": …, "tokens": 32, "new_tokens": 16}
 *   {"op": "explain",  "model": …, "tokens": 26, "new_tokens": 12, "adapter": "scalar_affine"}
 *
 * name as `assay synth --model` takes it; layers default to all. tokens: of the longest prompt; row
 * b of capture and generate has tokens - (b mod 4) * tokens/8 of them, so batches are ragged;
 * explain's prompt is the same for every row, with soft tokens at two places. Generation is greedy
 * and never ends before new_tokens. hook: default the last layer's output. The folder `checkpoint`
 * is added by assay_stage_case_settle. */
#ifndef BENCH_STAGE_CASE_H
#define BENCH_STAGE_CASE_H

#include <cjson/cJSON.h>

#include "assay/kernel.h"

typedef struct assay_stage_case {
    assay_op op;
    const char *model, *checkpoint, *hook;
    int64_t layers; /* 0: all */
    int64_t batch, tokens, new_tokens;
    assay_adapter_type adapter;
} assay_stage_case;

/* Reads and checks a case at one batch size; strings point into json. checkpoint may be missing. */
assay_status assay_stage_case_read(const cJSON *json, assay_stage_case *read, assay_error *error);

/* Writes the case's checkpoint into the cache folder ($ASSAY_CACHE or ~/.cache/assay) unless it is
 * there, and adds its path to json as "checkpoint". Needs up to the model's size on disk. */
assay_status assay_stage_case_settle(cJSON *json, assay_error *error);

#endif
