/* One table of descriptors for each contract that is simulated: of every op, or of linear alone. */
#include "verify/simulate/contracts.h"
#include "verify/simulate/kernels.h"
#include "verify/simulate/simulate.h"

enum { SIM_DRAWN = false, SIM_ALL_REVERSED = true };

#define SIM_RUN(contract_, op)                                                                     \
    static assay_status run_##contract_##_##op(                                                    \
        const assay_exec *exec, const assay_##op##_params *params, const void *state,              \
        const assay_##op##_io *io)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        return sim_##op(&simulated_##contract_, exec, params, io);                                 \
    }

#define SIM_KERNEL(contract_, summary_, op_)                                                       \
    SIM_RUN(contract_, op_)                                                                        \
    static const assay_kernel kernel_##contract_##_##op_ = {                                       \
        .abi = ASSAY_ABI, .size = (uint32_t)sizeof(assay_kernel), .op = ASSAY_OP_##op_,            \
        .name = "simulated_" #contract_, .backend = "simulated", .summary = (summary_),            \
        .space = ASSAY_HOST, .precision = SIM_##contract_,                                         \
        .capabilities = ASSAY_CAN_DENSE | ASSAY_CAN_SPARSE | ASSAY_CAN_PROBABILITY,                \
        .run.op_ = {.run = run_##contract_##_##op_},                                               \
    };

#define SIM_SIMULATED(contract_, ordering_)                                                        \
    static const simulated simulated_##contract_ = {                                               \
        .contract = SIM_##contract_,                                                               \
        .fixed = ordering_,                                                                        \
        .order = {SIM_REVERSED, SIM_CHAIN, 1, 0},                                                  \
    };

/* Every step op by name: a list within a list is not expanded again. */
#define SIM_TABLE(contract_, summary_, ordering_)                                                  \
    SIM_SIMULATED(contract_, ordering_)                                                            \
    SIM_KERNEL(contract_, summary_, embed)                                                         \
    SIM_KERNEL(contract_, summary_, add)                                                           \
    SIM_KERNEL(contract_, summary_, rmsnorm)                                                       \
    SIM_KERNEL(contract_, summary_, linear)                                                        \
    SIM_KERNEL(contract_, summary_, rope)                                                          \
    SIM_KERNEL(contract_, summary_, attention)                                                     \
    SIM_KERNEL(contract_, summary_, swiglu)                                                        \
    SIM_KERNEL(contract_, summary_, sae_encode)                                                    \
    SIM_KERNEL(contract_, summary_, sae_decode)                                                    \
    SIM_KERNEL(contract_, summary_, sae_steer)                                                     \
    SIM_KERNEL(contract_, summary_, adapter)                                                       \
    SIM_KERNEL(contract_, summary_, sample)                                                        \
    static const assay_table table_##contract_ = {                                                 \
        .name = "simulated_" #contract_,                                                           \
        .kernel = {[ASSAY_OP_embed] = &kernel_##contract_##_embed,                                 \
                   [ASSAY_OP_add] = &kernel_##contract_##_add,                                     \
                   [ASSAY_OP_rmsnorm] = &kernel_##contract_##_rmsnorm,                             \
                   [ASSAY_OP_linear] = &kernel_##contract_##_linear,                               \
                   [ASSAY_OP_rope] = &kernel_##contract_##_rope,                                   \
                   [ASSAY_OP_attention] = &kernel_##contract_##_attention,                         \
                   [ASSAY_OP_swiglu] = &kernel_##contract_##_swiglu,                               \
                   [ASSAY_OP_sae_encode] = &kernel_##contract_##_sae_encode,                       \
                   [ASSAY_OP_sae_decode] = &kernel_##contract_##_sae_decode,                       \
                   [ASSAY_OP_sae_steer] = &kernel_##contract_##_sae_steer,                         \
                   [ASSAY_OP_adapter] = &kernel_##contract_##_adapter,                             \
                   [ASSAY_OP_sample] = &kernel_##contract_##_sample},                              \
    };

SIM_CONTRACTS(SIM_TABLE)

#define SIM_LINEAR_TABLE(contract_, summary_, ordering_)                                           \
    SIM_SIMULATED(contract_, ordering_)                                                            \
    SIM_KERNEL(contract_, summary_, linear)                                                        \
    static const assay_table table_##contract_ = {                                                 \
        .name = "simulated_" #contract_,                                                           \
        .kernel = {[ASSAY_OP_linear] = &kernel_##contract_##_linear},                              \
    };

SIM_SCALED_CONTRACTS(SIM_LINEAR_TABLE)

#define SIM_ENTRY(contract_, summary_, ordering_) &table_##contract_,
static const assay_table *const tables[] = {
    SIM_CONTRACTS(SIM_ENTRY) SIM_SCALED_CONTRACTS(SIM_ENTRY)};

enum { TABLES = sizeof tables / sizeof *tables };

const assay_table *assay_simulated_at(size_t index)
{
    return index < TABLES ? tables[index] : NULL;
}

const assay_table *assay_simulated_find(const char *name)
{
    for (size_t i = 0; i < TABLES; i++) {
        if (strcmp(tables[i]->name, name) == 0) {
            return tables[i];
        }
    }
    return NULL;
}
