/* Result files (reports/schema) as values: what every report is made of. Several files may be
 * loaded side by side; each thing knows the file it came from. Version 1 files hold an environment
 * and verdicts. Texts, samples and nodes belong to the files' documents. */
#ifndef REPORTS_RESULTS_H
#define REPORTS_RESULTS_H

#include <stdint.h>

#include "assay/result.h"
#include "reports/doc.h"

typedef struct results_estimate { /* with its 95% confidence interval */
    double value, low, high;
} results_estimate;

/* One result file. */
typedef struct results_file {
    assay_doc *doc;
    const char *path;
    const char *command;           /* "" when not recorded */
    const char *date, *machine;    /* of the environment; "" when not recorded */
    const assay_node *environment; /* an object */
    const assay_node *ceilings;    /* entries of assay probe: a list, or NULL */
    const char *ceilings_date;
} results_file;

typedef struct results_verdict {
    const char *golden, *source, *op, *impl, *case_id, *check, *seed, *message;
    assay_verdict verdict;
    double budget_used, max_abs, rel_l2, cosine, ulp, seconds, undecided, compared;
    bool repeat_differs, batch_differs;
    size_t file;
} results_verdict;

typedef struct results_part {
    const char *name;
    double seconds, calls;
} results_part;

/* Raw samples: lists of count numbers; those that were not recorded are NULL. */
typedef struct results_samples {
    size_t count;
    const double *seconds, *process, *switches, *steal_seconds, *megahertz, *joules, *core_share;
    const double *contaminated;
} results_samples;

/* One implementation timed on one case. What a number was not recorded for is NaN. */
typedef struct results_timing {
    const char *op, *impl, *case_id, *cache; /* with batch and threads, the identity */
    double batch, threads;
    const char *backend, *precision, *system, *seed;
    const char *gpu; /* the name of the one it ran on; "": none */
    assay_verdict verdict;
    double budget_used, rel_l2, max_abs, outputs_checked;
    double packed_bytes, workspace_bytes, peak_bytes, page_bytes, empty_call_seconds;
    double calls_per_sample;
    const char *stop_rule;
    double stop_target;
    bool stop_missed; /* the time bound came before the target */
    results_samples samples;
    size_t used;      /* samples that its numbers are made of, bench/statistics/undisturbed.h */
    size_t processes; /* that those are of */
    double alone;     /* the least part of their times that the kernel takes alone */
    results_estimate seconds; /* the median */
    double mode_seconds, p99_seconds, dispersion, contaminated;
    double rows, tokens, explanations, flops, bytes_read, bytes_written, latents_per_row;
    double prepare_seconds; /* the median of the list */
    double floor_seconds, floor_fraction;
    const char *floor_bound;
    bool impossible;
    const assay_node *metrics, *shape; /* objects, or NULL */
    results_part *part;
    size_t part_count;
    size_t file;
} results_timing;

typedef struct results_comparison {
    const char *op, *case_id, *cache, *impl, *against, *verdict;
    double batch, threads;
    results_estimate ratio; /* time of against over time of impl: above 1, impl is faster */
    double p;
    size_t pairs;
    size_t file;
} results_comparison;

typedef struct results_skipped {
    const char *op, *impl, *case_id, *reason;
    double batch;
    size_t file;
} results_skipped;

/* One implementation measured in a small trained world, through one SAE and its adapter: what it
 * costs in explanations. The identity is (world_seed, sae, adapter, impl). */
enum { RESULTS_MEASURES = 8 };
extern const char *const results_measure_key[RESULTS_MEASURES];

typedef struct results_evaluation {
    const char *impl, *sae, *adapter, *world, *message;
    assay_verdict verdict;
    double world_seed, concepts, texts;
    results_estimate measure[RESULTS_MEASURES]; /* NaN: not measured */
    double samples[RESULTS_MEASURES];
    size_t file;
} results_evaluation;

typedef struct assay_results {
    results_file *file;
    size_t file_count;
    results_verdict *verdict;
    size_t verdict_count;
    results_timing *timing;
    size_t timing_count;
    results_comparison *comparison;
    size_t comparison_count;
    results_skipped *skipped;
    size_t skipped_count;
    results_evaluation *evaluation;
    size_t evaluation_count;
    size_t replaced; /* things that a newer file of the same call held too */
} assay_results;

/* Adds a file's contents. Anything that is not as the schema says is ASSAY_BAD_INPUT with file,
 * place and remedy, and leaves the results as they were. */
assay_status assay_results_add(assay_results *results, const char *path, assay_error *error);
/* The same of a document already read, which the results own from here on, also on failure. */
assay_status assay_results_add_doc(assay_results *results, assay_doc *doc, assay_error *error);
void assay_results_free(assay_results *results);

/* Sorts everything by identity and keeps, of things with one identity, the newest file's (files of
 * one report complete one another; a second run of a case replaces the first). */
void assay_results_unify(assay_results *results);

/* By (op, case, cache, threads, impl, batch); 0 when the identities are the same. */
int assay_timing_compare(const results_timing *a, const results_timing *b);
int assay_verdict_compare(const results_verdict *a, const results_verdict *b);
int assay_evaluation_compare(const results_evaluation *a, const results_evaluation *b);

/* What one call makes, in the unit its throughput is given in: explanations of explain, tokens of
 * generate, rows of everything else. */
double assay_timing_items(const results_timing *timing, const char **unit);

/* A ceiling's measured value by name, NaN when it was not probed. */
double assay_results_ceiling(const results_file *file, const char *name);

#endif
