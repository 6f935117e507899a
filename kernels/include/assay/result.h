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

/* Whether a verdict speaks against the kernel (or, VOID, against the case): exit status 1. */
static inline bool assay_verdict_is_bad(assay_verdict verdict)
{
    return verdict != ASSAY_PASS && verdict != ASSAY_SKIP;
}

/* The checks a kernel can break; a verdict that is not PASS names the one that decided it. */
#define ASSAY_CHECKS(X)                                                                            \
    X(NONE, "none")                                                                                \
    X(VALUE, "value")               /* an element left its budget */                               \
    X(EXACT, "exact")               /* an exact case was not met bit for bit */                    \
    X(WRITTEN, "written")           /* an output element was left unwritten */                     \
    X(STRUCTURE, "structure")       /* offsets, order or range of sparse codes */                  \
    X(ACTIVE_SET, "active-set")     /* a decided latent is listed or missing wrongly */            \
    X(TOKENS, "tokens")             /* a decided token is another one */                           \
    X(DISTRIBUTION, "distribution") /* probabilities or the draw */                                \
    X(TEXT, "text")                 /* host: token ids, strings, labels */                         \
    X(CACHE, "cache")               /* a cache row is wrong, or another changed */                 \
    X(GUARD, "guard")               /* memory beyond an operand was touched */                     \
    X(INPUT, "input")               /* an input was written */                                     \
    X(LATE_WRITE, "late-write")     /* an output changed after the call had returned */            \
    X(ROWS, "rows")                 /* permuted rows give other results */                         \
    X(NEIGHBOURS, "neighbours")     /* a row depends on the content of other rows */               \
    X(BATCH, "batch")               /* a part of the batch gives other results */                  \
    X(SCALING, "scaling")           /* a power of two does not pass through */                     \
    X(LINEARITY, "linearity")                                                                      \
    X(LATENTS, "latents")           /* permuted latents give other results */                      \
    X(DECODE, "decode")             /* step by step over a cache differs from all at once */       \
    X(IN_PLACE, "in-place")         /* over its own input, where the op allows it, it is wrong */  \
    X(MODES, "modes")               /* it left the processor's rounding or flushing changed */     \
    X(REPEAT, "repeat")             /* a second run left the budget */                             \
    X(SOAK, "soak")                 /* a much later call left the budget */                        \
    X(LEFTOVER, "leftover")         /* it left something behind in its process */                  \
    X(STATUS, "status")             /* the kernel returned an error */                             \
    X(LIFE, "life")                 /* signal, exit, memory limit */                               \
    X(DEADLINE, "deadline")

typedef enum assay_check {
#define ASSAY_CHECK_ENUM(check, name) ASSAY_CHECK_##check,
    ASSAY_CHECKS(ASSAY_CHECK_ENUM)
#undef ASSAY_CHECK_ENUM
    ASSAY_CHECK_COUNT
} assay_check;

static inline const char *assay_check_name(assay_check check)
{
    switch (check) {
#define ASSAY_CHECK_CASE(check, name)                                                              \
    case ASSAY_CHECK_##check: return name;
        ASSAY_CHECKS(ASSAY_CHECK_CASE)
#undef ASSAY_CHECK_CASE
    case ASSAY_CHECK_COUNT: break;
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
    assay_check check;  /* what decided a verdict other than PASS and SKIP */
    double budget_used; /* the worst error in units of its budget: 1 is the limit */
    double max_abs;
    double rel_l2; /* ||got - expected|| / ||expected|| */
    double cosine;
    double ulp;            /* the worst error in units of the output type's spacing there */
    bool repeated;         /* run twice */
    bool repeat_differs;   /* the second run was not bit-identical */
    bool batch_differs;    /* a part of the batch was not bit-identical to the same rows of all */
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
