/* What a worker does with a request; also used without a worker, in process. It holds the views of
 * the slabs, the plug-in, the models, and the one subject with its state. */
#ifndef VERIFY_ISOLATION_SERVANT_H
#define VERIFY_ISOLATION_SERVANT_H

#include "fixtures/io/model_file.h"
#include "fixtures/io/tokenizer.h"
#include "kernels/plugin.h"
#include "verify/explain/host.h"
#include "verify/isolation/frame.h"
#include "verify/isolation/mirror.h"
#include "verify/isolation/modes.h"
#include "verify/isolation/slab.h"
#include "verify/isolation/surroundings.h"
#include "verify/isolation/view.h"
#include "verify/isolation/wire.h"

enum { ASSAY_MODELS_KEPT = 4 };

/* A model's folder, opened once; the tokenizer only when it is asked for. */
typedef struct assay_kept_model {
    char *folder;
    assay_model_file file;
    assay_tokenizer *tokenizer;
    uint64_t used; /* the least recently used gives way */
} assay_kept_model;

/* The stage under test; at most one is open. */
typedef struct assay_open_stage {
    assay_capture_stage *capture;
    assay_logits_stage *logits;
    assay_generate_stage *generate;
    assay_explain_stage *explain;
    assay_stop stop;
    bool stops;
} assay_open_stage;

/* Other states of a step's kernel (beside.h). */
enum { ASSAY_BESIDE_MOST = 12 };
typedef struct assay_beside {
    uint8_t *base; /* their weights; NULL: there are none */
    uint64_t size;
    assay_op_params params;
    assay_mirror mirror; /* of a device kernel's */
    void *state[ASSAY_BESIDE_MOST];
    int states;
} assay_beside;

/* A device kernel's operands. */
typedef struct assay_on_device {
    assay_worker_device device;
    assay_mirror weights, operands;
    assay_device_scratch scratch;
    bool bound; /* the subject's weights are on the device, and its params say so */
    assay_op_params given; /* the params with addresses on the host */
} assay_on_device;

typedef struct assay_servant {
    assay_control *control;
    int weights_file, operands_file;
    assay_view weights, operands;
    assay_scratch scratch;
    assay_frame frame;
    assay_plugin plugin;
    assay_device device; /* the host */
    assay_on_device on_device;
    assay_kept_model model[ASSAY_MODELS_KEPT];
    uint64_t clock;

    assay_wire_subject subject;
    assay_table table;
    assay_exec exec;
    assay_error said; /* what the kernel writes its message to */
    assay_fill fill;  /* of the present run's workspace */
    bool subject_set;
    assay_surroundings surroundings; /* before the subject */
    bool surroundings_known; /* those that the last subject left, as it found them */
    assay_modes modes; /* before the subject */
    assay_rest rest;
    bool prepared; /* steps: prepare was called and state is to be released */
    void *state;
    double prepare_seconds; /* of the last prepare */
    assay_others others;    /* at the present run */
    assay_beside beside;
    assay_open_stage stage;
    assay_op_io io; /* of the present run, with addresses */
} assay_servant;

void assay_servant_open(assay_servant *servant, assay_control *control, int weights_file,
                        int operands_file);
void assay_servant_close(assay_servant *servant);

/* Answers a request whose size was checked. */
void assay_servant_answer(assay_servant *servant, assay_request *request, assay_reply *reply);
/* ASSAY_ASK_KERNEL's answer. */
void assay_servant_describe(const assay_servant *servant, const assay_request *request,
                            assay_wire_kernel *answer);
/* ASSAY_ASK_DEVICE's. */
void assay_servant_describe_device(const assay_servant *servant, const assay_request *request,
                                   assay_wire_device *answer);
/* One clean line of what others wrote. */
void assay_clean(char message[ASSAY_MESSAGE_MAX]);

/* Parts of the above. Each fills the outcome; the status is the harness's own. */
assay_status assay_servant_run_step(assay_servant *servant, assay_outcome *outcome,
                                    assay_error *error);
void assay_servant_release_step(assay_servant *servant);
/* Asks whether a step is supported with these params and, where it is, prepares; whether it is
 * ready. */
bool assay_servant_prepare(assay_servant *servant, const assay_kernel *kernel,
                           const assay_op_params *params, void **state);
assay_status assay_servant_open_stage(assay_servant *servant, assay_outcome *outcome,
                                      assay_error *error);
assay_status assay_servant_run_stage(assay_servant *servant, assay_outcome *outcome,
                                     assay_error *error);
void assay_servant_close_stage(assay_servant *servant);

/* Device kernels (servant_device.c). The subject's kernel, or that of a stage's steps, wants its
 * operands on a device. */
bool assay_servant_wants_device(const assay_servant *servant);
/* Opens the device and sets exec to it; false: the outcome is a SKIP with the reason, or says how
 * it was lost. */
bool assay_servant_take_device(assay_servant *servant, assay_outcome *outcome);
/* Moves the subject's weights, once, and the present run's io to the device. False: SKIP, with the
 * bytes that are needed and those that are free, or how the device was lost. */
bool assay_servant_bind(assay_servant *servant, assay_outcome *outcome);
/* The params of another state, whose weights lie at base, moved to a mirror of their own. */
assay_status assay_servant_bind_beside(assay_servant *servant, assay_error *error);
/* A workspace on the device: exec's, with the fill of the present run; and what was written around
 * it (nothing where the device is lost: whoever collects says so). */
assay_status assay_servant_reserve_on_device(assay_servant *servant, uint64_t bytes,
                                             assay_error *error);
void assay_servant_look_around(assay_servant *servant, uint64_t *before, uint64_t *behind);
/* After a call: waits, brings outputs back, looks for what was written elsewhere. */
void assay_servant_collect(assay_servant *servant, assay_outcome *outcome);
/* Waits for what release left; an error of it makes a PASS a FAIL, a lost device a CRASH. */
void assay_servant_settle_device(assay_servant *servant, const char *when, assay_outcome *outcome);
/* A device that has too little memory for what a kernel prepares is no fault of the kernel's. */
void assay_servant_say_full(const assay_servant *servant, assay_outcome *outcome);
/* After a subject: large blocks go back, since other workers use the device too. */
void assay_servant_trim_device(assay_servant *servant);
/* Host memory of the operands, out of reach while a device kernel is called. */
void assay_servant_hide(assay_servant *servant, bool hidden);

/* Kept open by folder; what is returned lives until the next subject. */
assay_status assay_servant_model(assay_servant *servant, const char *folder,
                                 assay_kept_model **model, assay_error *error);
void assay_servant_close_models(assay_servant *servant);

/* A kernel's status as an outcome, with what it said. */
void assay_outcome_of_status(assay_status status, const assay_error *said, assay_outcome *outcome);

#endif
