/* What a parent and its worker say to each other: fixed structs over a SOCK_SEQPACKET pair, their
 * lengths checked on both sides. Both ends are the same build. Tensors travel as offsets: data is
 * the offset of the operand's start in its slab plus one, NULL stays NULL. */
#ifndef VERIFY_ISOLATION_WIRE_H
#define VERIFY_ISOLATION_WIRE_H

#include <limits.h>

#include "assay/accelerator.h"
#include "verify/isolation/view.h"
#include "verify/operands.h"

enum {
    ASSAY_WIRE_MAGIC = 0x61737361,
    ASSAY_WIRE_VERSION = 6,
    ASSAY_NAME_MAX = 64, /* of an implementation and a backend, the final NUL included */
    ASSAY_SUMMARY_MAX = 256,
    ASSAY_KERNELS_MAX = 4096 /* of one plug-in */
};

/* File descriptors a worker is born with. */
enum { ASSAY_FD_SOCKET = 3, ASSAY_FD_CONTROL, ASSAY_FD_WEIGHTS, ASSAY_FD_OPERANDS, ASSAY_FD_END };

typedef enum assay_request_kind {
    ASSAY_ASK_LOAD = 1, /* a plug-in */
    ASSAY_ASK_KERNEL,   /* descriptor number `index` of it */
    ASSAY_ASK_PREPARE,
    ASSAY_ASK_RUN,
    ASSAY_ASK_RELEASE,
    ASSAY_ASK_HEAP,
    ASSAY_ASK_DEVICE /* number `index` of the plug-in's accelerator */
} assay_request_kind;

typedef struct assay_wire_subject {
    char impl[ASSAY_NAME_MAX];
    assay_op op;
    int32_t threads;
    bool logits, stops;
    assay_script script; /* no rows: none */
    assay_company company;
    assay_op_params params; /* models zeroed */
    char model[PATH_MAX], explainer[PATH_MAX]; /* empty: none */
} assay_wire_subject;

typedef struct assay_request {
    uint32_t magic, version;
    assay_request_kind kind;
    uint32_t size; /* of the whole message */
    uint64_t sequence;
    int32_t threads;          /* RUN: exec.threads; 0: the subject's */
    int32_t device;           /* number of the one that kernels on devices run on */
    uint8_t fill;             /* RUN: what the workspace holds, an assay_fill */
    bool silent;              /* RUN: exec.error is NULL */
    uint8_t others;           /* RUN: what other states do, an assay_others */
    uint8_t unused;
    assay_slab_layout layout; /* PREPARE: of the weights; RUN: of the operands */
    union {
        char plugin[PATH_MAX];
        uint64_t index;
        assay_wire_subject subject;
        assay_op_io io;
    } as;
} assay_request;

typedef struct assay_reply {
    uint32_t magic, version;
    uint64_t sequence;
    assay_status status; /* the harness's own; its words are outcome.message */
    assay_outcome outcome;
    bool lost; /* the worker's device: no more can be asked of it */
    uint64_t count; /* LOAD: descriptors; HEAP: bytes that are allocated */
    uint64_t digest[ASSAY_REGIONS_MAX]; /* RUN: of every output as the kernel left it */
} assay_reply;

/* The answer to ASSAY_ASK_KERNEL, in place of an assay_reply. */
typedef struct assay_wire_kernel {
    uint32_t magic, version;
    uint64_t sequence;
    assay_kernel kernel; /* functions and strings NULL */
    char name[ASSAY_NAME_MAX], backend[ASSAY_NAME_MAX], summary[ASSAY_SUMMARY_MAX];
} assay_wire_kernel;

/* The answer to ASSAY_ASK_DEVICE, likewise. */
typedef struct assay_wire_device {
    uint32_t magic, version;
    uint64_t sequence;
    assay_status status;
    int32_t count;
    assay_accelerator_device facts;
    char message[ASSAY_MESSAGE_MAX]; /* one clean line, where the status is not ASSAY_OK */
} assay_wire_device;

typedef enum assay_phase {
    ASSAY_PHASE_IDLE = 0, /* no code of a kernel's is called; its threads may run */
    ASSAY_PHASE_LOAD,
    ASSAY_PHASE_PREPARE,
    ASSAY_PHASE_BESIDE, /* prepares a second state */
    ASSAY_PHASE_RUN,
    ASSAY_PHASE_RELEASE
} assay_phase;

typedef enum assay_access {
    ASSAY_ACCESS_UNKNOWN = 0,
    ASSAY_ACCESS_READ,
    ASSAY_ACCESS_WRITE
} assay_access;

/* A page both can see. The worker writes where it is and, in a signal handler, how it died; a
 * parent reads it after the death. */
typedef struct assay_control {
    volatile uint32_t phase;    /* assay_phase */
    volatile uint32_t recorded; /* 1: the fault below is complete */
    int32_t signal, code;       /* si_signo, si_code */
    assay_access access;
    uint64_t address, stack; /* si_addr, the stack pointer */
    uint64_t stack_low;      /* lowest address the main thread's stack may reach */
    volatile uint32_t exited; /* exit() was called, with exit_status */
    int32_t exit_status;
    uint64_t weights, operands; /* where the views begin in the worker */
    uint64_t scratch_low, scratch_start, scratch_bytes, scratch_end;
    uint64_t frame_low, frame_end; /* the structs of calls, with their guard pages */
} assay_control;

#endif
