/* Results as values: what a verdict is, whoever makes or stores it. */
#ifndef ASSAY_RESULT_H
#define ASSAY_RESULT_H

#include "assay/ops.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum assay_verdict {
    ASSAY_PASS = 0,
    ASSAY_FAIL,    /* left its budget, or broke a rule of the contract */
    ASSAY_VOID,    /* nothing informative was compared: neither pass nor fail, an error in CI */
    ASSAY_CRASH,   /* died by a signal or an unexpected exit */
    ASSAY_TIMEOUT, /* ran past its deadline */
    ASSAY_SKIP     /* not run, for the stated reason */
} assay_verdict;

static inline const char *assay_verdict_name(assay_verdict verdict)
{
    switch (verdict) {
    case ASSAY_PASS: return "PASS";
    case ASSAY_FAIL: return "FAIL";
    case ASSAY_VOID: return "VOID";
    case ASSAY_CRASH: return "CRASH";
    case ASSAY_TIMEOUT: return "TIMEOUT";
    case ASSAY_SKIP: return "SKIP";
    }
    return "?";
}

/* One implementation judged on one case. */
typedef struct assay_result {
    const char *golden; /* bundle name; "generated" for cases made from a seed */
    const char *source; /* what --golden must be given to repeat it: the bundle's folder */
    const char *op;     /* as in the case: GOLDEN.md's names */
    const char *impl;
    const char *case_id;
    assay_verdict verdict;
    double budget_used; /* the worst error in units of its budget: 1 is the limit */
    double max_abs;
    double rel_l2; /* ||got - expected|| / ||expected|| */
    double cosine;
    uint64_t undecided; /* discrete outcomes too close to call: counted, not judged */
    uint64_t compared;
    uint64_t seed;
    double seconds; /* one run of the kernel, untuned: for progress, not a timing */
    char message[ASSAY_MESSAGE_MAX];
} assay_result;

/* Where results go: a table, a JSON file, JUnit. */
typedef struct assay_sink {
    void *context;
    assay_status (*result)(void *context, const assay_result *result, assay_error *error);
} assay_sink;

#ifdef __cplusplus
}
#endif
#endif
