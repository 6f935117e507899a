/* Where a stage's time goes: a table whose kernels are timed one by one while a composition calls
 * them. Up to the first `sample` is prefill, what follows is decode. */
#ifndef BENCH_PROFILE_H
#define BENCH_PROFILE_H

#include <cjson/cJSON.h>

#include "assay/kernel.h"

enum { ASSAY_PHASES = 2, ASSAY_TOKENS_MAX = 4096 };

typedef struct assay_profile {
    assay_table table; /* to be given to the stage; exec.harness must be the profile */
    assay_kernel kernel[ASSAY_OP_COUNT];
    const assay_kernel *original[ASSAY_OP_COUNT];
    bool on;
    int phase;
    double seconds[ASSAY_PHASES][ASSAY_OP_COUNT];
    double calls[ASSAY_PHASES][ASSAY_OP_COUNT];
    double start;                    /* of the call */
    double token[ASSAY_TOKENS_MAX];  /* when each step's tokens were there */
    size_t tokens;
} assay_profile;

/* Stages keep their own kernels: a fused one is called as it is. */
void assay_profile_open(const assay_table *table, assay_profile *profile);
void assay_profile_begin(assay_profile *profile);
/* Before every call of the stage: its prefill begins. */
void assay_profile_call(assay_profile *profile);
/* Of `calls` calls since begin, that took `seconds` each. Adds to answer "seconds", without the
 * readings of the clock that the profile itself made; "parts": [{"name": "prefill/linear",
 * "seconds", "calls"}, …, {"name": "other"}], of one call, adding up to them; and with tokens
 * first_token_seconds and token_seconds (a list of the steps after), of the last call. Returns
 * "seconds". */
double assay_profile_end(assay_profile *profile, size_t calls, double seconds, cJSON *answer);

#endif
