/* Where kernels run: a worker process of this program, so that a kernel that crashes, hangs, exits
 * or scribbles costs its own verdict and nothing else.
 *
 * The parent owns all memory a kernel sees: operands lie in shared pages between inaccessible guard
 * pages, inputs and weights read-only, outputs poisoned, slack filled with canaries. A worker knows
 * inputs only; expectations never leave the parent. It is spawned (not forked), serves case after
 * case, and is replaced when it dies. Plug-ins are loaded by workers alone. */
#ifndef VERIFY_ISOLATION_SESSION_H
#define VERIFY_ISOLATION_SESSION_H

#include "assay/accelerator.h"
#include "assay/result.h"

typedef struct assay_session assay_session;

typedef struct assay_session_options {
    const char *plugin;    /* a shared object of kernels; NULL: the built-in ones and the oracle */
    bool in_process;       /* run in this process: one case for gdb, ncu, valgrind */
    double deadline;       /* seconds that prepare or one run may take; 0: 120 */
    uint64_t memory_limit; /* resident bytes of a worker's own; 0: three quarters of what is free */
    int32_t threads;       /* exec.threads; 0: all */
    int32_t device;        /* number of the one that a plug-in's kernels on devices run on */
} assay_session_options;

/* Workers start at the first use; kernels of a plug-in share none with other names. A session
 * serves one thread at a time, and a thread that prepares must outlive it: workers end with the
 * thread that started them. Programs that do not call assay_worker_main name the assay program in
 * the environment as ASSAY_WORKER. */
assay_status assay_session_open(const assay_session_options *options, assay_session **session,
                                assay_error *error);
void assay_session_close(assay_session **session);

/* The descriptors a plug-in exports, as copies without functions (those stay in the worker), their
 * strings too; they live as long as the session. A plug-in that cannot be loaded, or whose ABI or
 * struct size differs, is ASSAY_BAD_INPUT with both numbers and the remedy. */
assay_status assay_session_kernels(assay_session *session, const assay_kernel *const **kernels,
                                   size_t *count, assay_error *error);

/* Device number `index` of those that the plug-in's kernels can run on, as its worker sees them;
 * *count of them. ASSAY_UNSUPPORTED with the reason where there is none, or not that one. */
assay_status assay_session_device(assay_session *session, int32_t index, int32_t *count,
                                  assay_accelerator_device *facts, assay_error *error);

/* What happened to a call. verdict PASS: it returned ASSAY_OK and kept the rules of memory. SKIP:
 * unsupported, with the reason. FAIL: it returned an error, or broke the rule `check` names. CRASH
 * and TIMEOUT: it died or was killed; message is the cause ("SIGSEGV: wrote 4 bytes past the end of
 * 'value'", "called exit(3)", "more than 2.0 GiB resident", "no answer in 120 s"). */
typedef struct assay_outcome {
    assay_verdict verdict;
    assay_check check;
    double seconds; /* of the call itself */
    char message[ASSAY_MESSAGE_MAX];
} assay_outcome;

/* Models are not copied into shared memory: a worker opens them itself, read-only, by folder. */
typedef struct assay_stage_files {
    const char *model;     /* of params.model (capture, generate), params.capture.model (explain) */
    const char *explainer; /* explain: of params.generate.model */
    bool stops;            /* explain: the Transluce stop strings end a row */
} assay_stage_files;

/* A stop function for runs in a worker: it ends row r when it is shown `after[r]` tokens, the last
 * of which is token[r]; rows from `rows` on it never ends. */
enum { ASSAY_SCRIPT_ROWS = 32 };
typedef struct assay_script {
    int64_t rows;
    int64_t after[ASSAY_SCRIPT_ROWS], token[ASSAY_SCRIPT_ROWS];
} assay_script;

/* Where operands lie within their pages: against the guard page behind them, at exactly the
 * alignment the kernel declares, or against the one before. */
typedef enum assay_placement { ASSAY_PLACE_RIGHT = 0, ASSAY_PLACE_LEFT } assay_placement;

/* Other states of a step's kernel, of the same shapes with other numbers: prepared after the
 * subject's or before it, one or, where that is quick, more than a kernel that counts them may have
 * room for; they are there as long as the subject's (but see assay_others). A kernel that prepares
 * nothing has them, with no state, where they come before. */
typedef enum assay_company {
    ASSAY_COMPANY_NONE = 0,
    ASSAY_COMPANY_AFTER,
    ASSAY_COMPANY_BEFORE
} assay_company;

typedef struct assay_subject {
    const char *impl;   /* the name of a table: "scalar", "oracle", a plug-in's */
    assay_op op;
    bool logits;        /* with op capture: logits of every row (assay_logits_io) */
    const void *params; /* assay_<op>_params; of stages the models in it are taken from files */
    const assay_stage_files *files; /* stages; NULL for steps */
    assay_placement weights; /* where the params' tensors lie; as in assay_session_run */
    int32_t threads; /* exec.threads of prepare and of the runs; 0: the session's */
    const assay_script *script; /* generate, explain: stops in runs that nothing is forced on */
    assay_company company;
    bool altered; /* weights have other numbers than given, in the same places */
} assay_subject;

/* Places weights and names the subject; only one at a time. A step's kernel is asked to prepare at
 * the first run, when it can be asked before whether it supports the operands; a stage here. A
 * returned status other than ASSAY_OK is the harness's own trouble (memory, no process to be had,
 * no such implementation, a model that cannot be opened). */
assay_status assay_session_prepare(assay_session *session, const assay_subject *subject,
                                   assay_outcome *outcome, assay_error *error);

/* Runs once. io is the op's assay_<op>_io (or assay_logits_io) with dense tensors in the caller's
 * memory: inputs are copied in; outputs, poisoned before, are copied back, whatever happened, also
 * those written in part before a crash. Operands that are in- and outputs (caches) go both ways; an
 * output that shares its memory with an input does so for the kernel too. Rows of an output may be
 * padded: what lies between them must stay. io's stop function is not called (see files.stops
 * and script).
 * After a crash, or a prepare that did not PASS, the session answers every run with the same
 * outcome until the next prepare. */
assay_status assay_session_run(assay_session *session, const void *io, assay_placement placement,
                               assay_outcome *outcome, assay_error *error);

/* exec.threads of the runs that follow; 0: what the session was opened with, as after prepare. */
void assay_session_set_threads(assay_session *session, int32_t threads);
/* What it was opened with, or found: exec.threads of a subject that names no number of its own. */
int32_t assay_session_threads(const assay_session *session);
/* What outputs and the workspace hold before the runs that follow: poison (NaN); or numbers, as an
 * earlier call may have left them: ordinary ones in outputs, great ones of one sign in the
 * workspace; or there what the last call did leave (low ones where its workspace was none for this
 * one); or zeros in outputs, as new memory has. From LOW on the workspace is larger than was asked
 * for, but with zeros. Poison again after prepare. */
typedef enum assay_stale {
    ASSAY_FRESH = 0,
    ASSAY_STALE_HIGH,
    ASSAY_STALE_LOW,
    ASSAY_STALE_LEFT,
    ASSAY_ZEROS
} assay_stale;
void assay_session_set_stale(assay_session *session, assay_stale stale);
/* Whether exec.error is NULL in the runs that follow, and in the prepare that the first of them
 * begins with. It is there again after prepare. */
void assay_session_set_silent(assay_session *session, bool silent);

/* What the other states (assay_company) do at the runs that follow: nothing; or one runs in the
 * subject's place, whose outputs are then its own (where there is none, nothing runs); or they are
 * released before the run. Nothing again after prepare. */
typedef enum assay_others {
    ASSAY_OTHERS_STAY = 0,
    ASSAY_OTHERS_RUN,
    ASSAY_OTHERS_GO
} assay_others;
void assay_session_set_others(assay_session *session, assay_others others);

/* What only grows where every call leaves something in the worker. */
typedef struct assay_footprint {
    uint64_t memory, address_space; /* bytes: its own resident ones; all that is mapped */
    uint64_t files, threads;
    uint64_t heap; /* bytes that malloc has given out */
} assay_footprint;

/* Of the worker that serves; false where there is none (in process). */
bool assay_session_footprint(assay_session *session, assay_footprint *footprint);

/* Ends the present worker, with all that a kernel left in it: the next one starts afresh. In process
 * it does nothing. */
void assay_session_dismiss(assay_session *session);

/* Releases the kernel's state and looks once more at every output since prepare: one that changed
 * after its run had returned is a FAIL (ASSAY_CHECK_LATE_WRITE). So is what the subject leaves in
 * its process (ASSAY_CHECK_LEFTOVER): surroundings changed, a child, a thread that goes on
 * computing, more than a MiB of print; and weights that were changed (ASSAY_CHECK_INPUT). */
assay_status assay_session_release(assay_session *session, assay_outcome *outcome,
                                   assay_error *error);

/* The entry of a worker process: main calls it before anything else when it was spawned as one.
 * Never returns in a worker; returns at once otherwise. */
void assay_worker_main(int argc, char **argv);

#endif
