#include "verify/mutants/world.h"

#include <math.h>

#include "kernels/registry.h"
#include "verify/mutants/adapter.h"
#include "verify/mutants/attention.h"
#include "verify/mutants/elementwise.h"
#include "verify/mutants/norm.h"
#include "verify/mutants/sae_decode.h"
#include "verify/mutants/sae_encode.h"
#include "verify/mutants/stages.h"

enum { STEPS = ASSAY_OP_capture, PAIRS_MAX = 128 };

typedef struct world_fault {
    const char *table, *mutant;
    assay_op op;
    mutant_kernels (*kernels)(void);
} world_fault;

#define WORLD_FAULT(name, op, mutant, what)                                                        \
    {"w_" #name, "m_" #op "_" #mutant, ASSAY_OP_##op, mutant_##op##_kernels},
static const world_fault faults[] = {{WORLD_RIGHT, NULL, ASSAY_OP_capture, NULL},
                                     WORLD_FAULTS(WORLD_FAULT)};

enum { TABLES = sizeof faults / sizeof *faults };

/* base^(-2i/d) becomes (base^e)^(-2i/d). */
static assay_status wrong_base(const assay_exec *exec, const assay_rope_params *params,
                               const void *state, const assay_rope_io *io)
{
    double frequency[PAIRS_MAX];
    const double exponent = log(500000.0) / log(10000.0);
    const int64_t pairs = params->head_dim / 2;
    assay_rope_params other = *params;
    if (pairs > PAIRS_MAX) {
        return assay_fail(exec->error, ASSAY_UNSUPPORTED, "heads of at most %d", 2 * PAIRS_MAX);
    }
    for (int64_t i = 0; i < pairs; i++) {
        frequency[i] = pow(params->inverse_frequency[i], exponent);
    }
    other.inverse_frequency = frequency;
    return assay_kernel_find(ASSAY_OP_rope, "scalar")->run.rope.run(exec, &other, state, io);
}

/* The wrong kernel, as its op's file exports it. Rope's base is changed here; any other that no
 * file exports would be right, and so be found to go unseen. */
static assay_kernel wrong_kernel(const world_fault *fault)
{
    const mutant_kernels all = fault->kernels();
    for (size_t i = 0; i < all.count; i++) {
        if (strcmp(all.kernel[i].name, fault->mutant) == 0) {
            return all.kernel[i];
        }
    }
    assay_kernel made = *assay_kernel_find(fault->op, "scalar");
    if (fault->op == ASSAY_OP_rope) {
        made.run.rope.run = wrong_base;
    }
    return made;
}

mutant_kernels mutant_world_kernels(void)
{
    static assay_kernel kernel[TABLES * (STEPS + 1)];
    size_t count = 0;
    for (size_t f = 0; f < TABLES; f++) {
        const world_fault *const fault = &faults[f];
        for (int op = 0; op < STEPS; op++) {
            const assay_kernel *const right = assay_kernel_find((assay_op)op, "scalar");
            kernel[count] = *right;
            if (fault->mutant != NULL && (int)fault->op == op) {
                kernel[count] = wrong_kernel(fault);
                kernel[count].precision = right->precision;
            }
            kernel[count++].name = fault->table;
        }
        if (fault->mutant != NULL && fault->op == ASSAY_OP_capture) {
            kernel[count] = wrong_kernel(fault);
            kernel[count++].name = fault->table;
        }
    }
    return (mutant_kernels){kernel, count};
}
