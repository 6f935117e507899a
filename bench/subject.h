/* What a timing process calls over and over: a step's kernel on generated operands, or a stage.
 *
 * A subject is opened once (weights made and packed), then given one batch size after another; each
 * has a few sets of operands, whose inputs are made anew between samples. */
#ifndef BENCH_SUBJECT_H
#define BENCH_SUBJECT_H

#include <cjson/cJSON.h>

#include "assay/kernel.h"
#include "bench/gpu/gpu.h"

typedef struct assay_bench_work {
    double rows, tokens, explanations; /* of one call; 0 where it has none */
    double flops, bytes_read, bytes_written;
    double declared_bytes_read; /* inputs and what the kernel says it reads of its weights */
    double latents_per_row;     /* of codes read or written; 0 where there are none */
} assay_bench_work;

enum { ASSAY_BENCH_OUTPUTS_MAX = 8 };

typedef struct assay_bench_output {
    const char *name;
    const assay_tensor *tensor;
} assay_bench_output;

typedef struct assay_bench_subject assay_bench_subject;

typedef struct assay_bench_class {
    /* Weights made from the case's id and packed; NULL kernel functions are composed or defaults.
     * UNSUPPORTED carries the kernel's reason. *prepare_seconds: of the kernel's own prepare. gpu:
     * the device that exec names, which outlives the subject; NULL: the host. */
    assay_status (*open)(const assay_table *table, const assay_exec *exec, assay_gpu *gpu,
                         assay_op op, const cJSON *json, double *prepare_seconds,
                         assay_bench_subject **subject, assay_error *error);
    /* Operands of another batch size; sets: how many sets of them at most, at least one is made. */
    assay_status (*batch)(assay_bench_subject *subject, const cJSON *json, size_t sets,
                          assay_error *error);
    size_t (*sets)(const assay_bench_subject *subject);
    /* Inputs of a set anew from a seed, outputs poisoned. */
    assay_status (*renew)(assay_bench_subject *subject, size_t set, uint64_t seed,
                          assay_error *error);
    /* The timed call, and one that does everything around it but not the kernel's work. On a device
     * a call enqueues; one that ends on the host (`waits`) has waited for the device. */
    assay_status (*call)(assay_bench_subject *subject, size_t set);
    assay_status (*empty)(assay_bench_subject *subject, size_t set);
    bool waits;
    /* What a set's call wrote, from the device to where `outputs` shows it, and back; both NULL
     * where calls leave it on the host. They wait. */
    assay_status (*fetch)(assay_bench_subject *subject, size_t set);
    assay_status (*give)(assay_bench_subject *subject, size_t set);
    /* After a call: whether it had all the room it needed; false: room was made, call again. */
    bool (*fits)(assay_bench_subject *subject, size_t set);
    void (*work)(const assay_bench_subject *subject, size_t set, assay_bench_work *work);
    /* What a set's call writes; returns how many there are. */
    size_t (*outputs)(const assay_bench_subject *subject, size_t set,
                      assay_bench_output output[ASSAY_BENCH_OUTPUTS_MAX]);
    /* May be NULL. From `watch` on calls note how long every op inside them takes; `watched` ends
     * that and adds to answer what assay_profile_end says, of calls that took `seconds` each. */
    void (*watch)(assay_bench_subject *subject);
    double (*watched)(assay_bench_subject *subject, size_t calls, double seconds, cJSON *answer);
    uint64_t (*workspace)(const assay_bench_subject *subject);
    void (*close)(assay_bench_subject **subject);
} assay_bench_class;

extern const assay_bench_class assay_bench_steps;
extern const assay_bench_class assay_bench_stages;

/* The caller deletes it. */
cJSON *assay_bench_work_json(const assay_bench_work *work);

/* One tensor's bytes to fd, and what it is to list. */
assay_status assay_bench_put_tensor(const char *name, const assay_tensor *tensor, int fd,
                                    cJSON *list, assay_error *error);

/* A set's outputs, one after another, to fd; what they are ({"name", "dtype", "shape"}) is appended
 * to list. */
assay_status assay_bench_put(const assay_bench_class *class_, const assay_bench_subject *subject,
                             size_t set, int fd, cJSON *list, assay_error *error);

/* Poisons a set's outputs and calls once more with the same inputs. *rewritten is false when
 * something that held a result still holds the poison: the kernel left work out that it had done
 * before. */
assay_status assay_bench_repeat(const assay_bench_class *class_, assay_bench_subject *subject,
                                size_t set, bool *rewritten, assay_error *error);

#endif
