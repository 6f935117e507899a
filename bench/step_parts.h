/* Within step_subject.c and step_place.c only. */
#ifndef BENCH_STEP_PARTS_H
#define BENCH_STEP_PARTS_H

#include "bench/gpu/operands.h"
#include "bench/step_outputs.h"
#include "fixtures/synth/cases.h"

enum { ASSAY_STEP_SETS_MAX = 8 };

typedef struct assay_step_set {
    assay_generated_case inputs;
    assay_any_io io;
    assay_step_outputs outputs;
    assay_gpu_operands on_gpu;
} assay_step_set;

struct assay_bench_subject {
    const assay_kernel *kernel;
    assay_exec exec;
    assay_gpu *gpu; /* NULL: the host */
    cJSON *json; /* of the current batch size */
    assay_generated_case weights;
    const void *params;  /* on the host */
    const void *given;   /* to the kernel */
    assay_gpu_weights on_gpu;
    void *state;
    bool prepared;
    void *workspace;
    size_t workspace_bytes, workspace_room;
    int64_t codes_room; /* of sae_encode's lists */
    assay_step_set set[ASSAY_STEP_SETS_MAX];
    size_t set_count;
};

/* Weights where the kernel wants them. */
assay_status assay_step_place_weights(assay_bench_subject *s);
/* A workspace there. */
assay_status assay_step_place_workspace(assay_bench_subject *s, size_t bytes, assay_error *error);
/* Room for a set's outputs on the host. */
assay_status assay_step_place_outputs(const assay_bench_subject *s, assay_step_set *set,
                                      assay_error *error);
/* On a device, a set's operands from the host; and of assay_bench_class: fetch, give, fits. */
assay_status assay_step_upload(const assay_bench_subject *s, assay_step_set *set);
assay_status assay_step_fetch(assay_bench_subject *s, size_t set);
assay_status assay_step_give(assay_bench_subject *s, size_t set);
bool assay_step_fits(assay_bench_subject *s, size_t set);

#endif
