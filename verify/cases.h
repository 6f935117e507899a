/* A bundle's case, judged for every implementation asked for. */
#ifndef VERIFY_CASES_H
#define VERIFY_CASES_H

#include "verify/chain_case.h"
#include "verify/checkpoints.h"
#include "verify/host.h"
#include "verify/step.h"

enum { ASSAY_IMPLS_MAX = 1024 };

typedef struct assay_verify_run {
    const assay_table *tables; /* the implementations asked for, the oracle among them */
    size_t table_count;
    assay_session *const *sessions; /* [table_count] where each table's kernels run */
    const char *keep;               /* a folder for what fails, or NULL */
    const char *cases;              /* the user's list that a generated case is of, or NULL */
    bool host; /* whether host cases (tokenize, detokenize) are asked for */
    bool spare_oracle; /* leave it out of what its own truth is all there is of (generated cases,
                          stages asked again) */
    bool quick; /* leave out what no bundle has (fresh.h) */
    const assay_host_functions *functions; /* the host's; NULL: the program's own */
    uint64_t seed;
    assay_sink sink;
    /* Whether a case was judged for an implementation before; NULL: none was. */
    bool (*judged)(void *context, const char *source, const char *case_id, const char *impl);
    void *judged_context;
} assay_verify_run;

/* Whether the table is the oracle, and the run spares it. */
bool assay_run_spares(const assay_verify_run *run, const assay_table *table);

/* The run with only those of its tables that are still to be judged on a case and that `wanted`
 * (NULL: all) accepts; tables and sessions are the caller's room for run->table_count of each. */
assay_verify_run assay_run_rest(const assay_verify_run *run, const char *source,
                                const char *case_id, bool (*wanted)(const assay_table *, assay_op),
                                assay_op op, assay_table *tables, assay_session **sessions);

typedef struct assay_case_context {
    const assay_verify_run *run;
    const assay_bundle *bundle;
    assay_checkpoints *checkpoints;
    assay_scales *scales;
    const assay_bundle_case *c;
    const bool *selected; /* which of the bundle's cases are judged at all; NULL: all */
} assay_case_context;

/* Judges and sends one result per implementation to the sink. A returned error is about the input
 * (a missing tensor, a bad checkpoint) or the sink: it ends the run. An op that this version does
 * not know is one SKIP that names it. */
assay_status assay_case_judge(const assay_case_context *context, assay_error *error);

/* The three kinds of cases. */
assay_status assay_case_judge_host(const assay_case_context *context, assay_error *error);
assay_status assay_case_judge_step(const assay_case_context *context, assay_op op,
                                   assay_error *error);
assay_status assay_case_judge_capture(const assay_case_context *context, bool logits,
                                      assay_error *error);
assay_status assay_case_judge_generate(const assay_case_context *context, bool steered,
                                       assay_error *error);
assay_status assay_case_judge_explain(const assay_case_context *context, assay_error *error);

/* A table's kernel of a step op under judgement. */
assay_judge assay_run_judge(const assay_verify_run *run, size_t table, assay_op op);

const assay_host_functions *assay_case_host(const assay_case_context *context);

/* A blank result of this case for an implementation. */
assay_result assay_case_result(const assay_case_context *context, const char *impl);
assay_status assay_case_send(const assay_case_context *context, const assay_result *result,
                             assay_error *error);

/* Calls judge_table for each of the run's implementations, the table at an index of run->tables,
 * with a blank result that is sent when it returns OK. */
typedef assay_status assay_judge_table(void *judge, size_t table, assay_result *result,
                                       assay_error *error);
assay_status assay_case_each(const assay_case_context *context, assay_judge_table *judge_table,
                             void *judge, assay_error *error);

/* Tensors of the case by role. Absent optional tensors come back absent. */
assay_status assay_case_in(const assay_case_context *context, const char *role, bool required,
                           assay_tensor *tensor, assay_error *error);
assay_status assay_case_out(const assay_case_context *context, const char *role, bool required,
                            assay_tensor *tensor, assay_error *error);
/* Parameters of the case; required ones. The message names bundle, case and key. */
assay_status assay_case_int(const assay_case_context *context, const char *key, int64_t lowest,
                            int64_t highest, int64_t *value, assay_error *error);
assay_status assay_case_real(const assay_case_context *context, const char *key, double *value,
                             assay_error *error);
assay_status assay_case_text(const assay_case_context *context, const char *key,
                             const char **value, assay_error *error);
/* Optional ones: *value stays as it is where there is none. */
assay_status assay_case_flag(const assay_case_context *context, const char *key, bool *value,
                             assay_error *error);
assay_status assay_case_option(const assay_case_context *context, const char *key,
                               const char **value, assay_error *error);
/* An error unless params.temperature is 0 or absent: golden tokens are greedy. */
assay_status assay_case_greedy(const assay_case_context *context, assay_error *error);
assay_status assay_case_fail(const assay_case_context *context, assay_error *error,
                             const char *format, ...) ASSAY_PRINTF(3, 4);
/* params.sae, latent, mode, amount. */
assay_status assay_case_steer(const assay_case_context *context, assay_sae_steer_params *steer,
                              assay_error *error);

/* params.eos, else the model's generation configuration. */
assay_status assay_case_eos(const assay_case_context *context, const char *model_key, int64_t *eos,
                            int64_t capacity, int64_t *count, assay_error *error);

/* new_tokens [rows, steps] i64: nothing but -1 follows a -1. */
assay_status assay_case_ended(const assay_case_context *context, const assay_tensor *tokens,
                              assay_error *error);

/* The prompts, soft tokens and steering: what cannot be generated from is the case's fault and no
 * kernel's. */
assay_status assay_case_generation(const assay_generate_params *params,
                                   const assay_generate_io *io, assay_error *error);

/* The host with all its threads. */
assay_exec assay_case_exec(assay_error *error);
/* The table under whose contracts a witness of this case's precision computed; NULL for f64. */
assay_status assay_case_witness(const assay_case_context *context, const assay_table **table,
                                assay_error *error);

#endif
