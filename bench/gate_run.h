/* The gate at work (bench/statistics/gate.h decides, this takes the pairs): cases screened by a few
 * pairs of fresh processes each, suspects confirmed by as many more as it takes. */
#ifndef BENCH_GATE_RUN_H
#define BENCH_GATE_RUN_H

#include "bench/side_by_side.h"
#include "bench/statistics/gate.h"

enum { ASSAY_GATE_SCREENED = 3, ASSAY_GATE_PAIRS_MOST = 30 };

/* Pairs that take turns vary by some 0.3% where separate processes do by 2%: the screening can
 * afford to look for less. */
static inline assay_gate_options assay_gate_run_options(void)
{
    assay_gate_options options = ASSAY_GATE_DEFAULTS;
    options.effect = 0.02;
    return options;
}

/* Logarithms of the slowdown, one a pair. */
typedef struct assay_gate_pairs {
    double screened[ASSAY_GATE_SCREENED];
    double confirmed[ASSAY_GATE_PAIRS_MOST];
    double now[ASSAY_GATE_SCREENED], base[ASSAY_GATE_SCREENED];
} assay_gate_pairs;

typedef struct assay_gate_run {
    const assay_side_by_side *compared; /* [count]; impl[0] is the baseline, impl[1] the new one */
    size_t count;
    assay_gate_options options;
    size_t pairs_most; /* of a suspect, in the confirmation */
    double seconds;    /* allowed for a case, on the average; 0: as long as the pairs take */
    uint64_t seed;
    /* What came of it; to be freed. */
    assay_gate_case *cases; /* [count] */
    assay_gate_pairs *pairs;
    assay_gate_outcome outcome;
    size_t taken; /* pairs, of all cases and both stages */
    double spent; /* seconds */
} assay_gate_run;

/* Which of the two comes first in a pair is drawn for every pair anew. So when nothing differs, a
 * pair's logarithm is as likely as its opposite, whatever the machine does and whatever coming
 * first means: the exact test's level holds without any assumption on the noise. */
assay_status assay_gate_run_both(assay_gate_run *run, assay_error *error);
void assay_gate_run_free(assay_gate_run *run);

#endif
