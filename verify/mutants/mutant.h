/* Deliberately wrong kernels and their right twins.
 *
 * A mutant is its twin with exactly one fault switched on: both are one function of the op's file,
 * which asks `IS(name)` where the fault bites. Beside each op's file stands its list (linear.h,
 * ...): one entry a mutant, read by the op's file (descriptors), by plugin.c (exports) and by
 * `assay selftest mutants` (what must catch it):
 *
 *   X(op, type, name, checks, cases, what)
 *     type    f32 or bf16: the contract it claims, and so its twin t_<op>_<type>
 *     name    the mutant is m_<op>_<name>
 *     checks  the checks that may catch it, listed before it was ever run: ON_VALUE | ...
 *     cases   a glob of the cases that are likely to show it: they are tried first
 *     what    what it does wrong */
#ifndef VERIFY_MUTANTS_MUTANT_H
#define VERIFY_MUTANTS_MUTANT_H

#include <math.h>

#include "assay/result.h"
#include "kernels/scalar/contract.h"
#include "kernels/scalar/row.h"

enum {
#define MUTANT_CHECK_BIT(check, name) ON_##check = 1 << ASSAY_CHECK_##check,
    ASSAY_CHECKS(MUTANT_CHECK_BIT)
#undef MUTANT_CHECK_BIT
    /* A wrong number: in an ordinary case, or in one that is exact. */
    ON_NUMBER = ON_VALUE | ON_EXACT,
    /* Memory that is not the kernel's: named by its guard, else a signal. */
    ON_MEMORY = ON_GUARD | ON_LIFE
};

/* Plain loops in k order, in f32; the angles of rope as the scalar kernels take them. */
#define MUTANT_CONTRACT_f32 SCALAR_CONTRACT(ASSAY_F32, ASSAY_ORDER_SEQUENTIAL, ASSAY_F64)
#define MUTANT_CONTRACT_bf16 SCALAR_CONTRACT(ASSAY_BF16, ASSAY_ORDER_SEQUENTIAL, ASSAY_F32)
#define MUTANT_TYPE_f32 ASSAY_F32
#define MUTANT_TYPE_bf16 ASSAY_BF16

/* For an op's file: its faults, then run functions and descriptors of twins and mutants. The file
 * defines `faulty_<op>(fault, type, exec, params, io)` and, where it has them, MUTANT_WORKSPACE and
 * MUTANT_CAPABILITIES. */
#define MUTANT_FAULT(op, type, name, checks, cases, what) FAULT_##op##_##name,

#define MUTANT_RUN_AS(op, type, name, fault)                                                       \
    static assay_status run_##op##_##type##_##name(                                                \
        const assay_exec *exec, const assay_##op##_params *params, const void *state,              \
        const assay_##op##_io *io)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        return faulty_##op(fault, MUTANT_TYPE_##type, exec, params, io);                           \
    }
#define MUTANT_RUN(op, type, name, checks, cases, what)                                            \
    MUTANT_RUN_AS(op, type, name, FAULT_##op##_##name)
#define MUTANT_TWIN_RUN(op, type) MUTANT_RUN_AS(op, type, none, FAULT_##op##_none)

#define MUTANT_KERNEL_AS(op_, type, name_, label, text)                                            \
    {.abi = ASSAY_ABI,                                                                             \
     .size = (uint32_t)sizeof(assay_kernel),                                                       \
     .op = ASSAY_OP_##op_,                                                                         \
     .name = (label),                                                                              \
     .backend = "mutant",                                                                          \
     .summary = (text),                                                                            \
     .space = ASSAY_HOST,                                                                          \
     .precision = MUTANT_CONTRACT_##type,                                                          \
     .capabilities = MUTANT_CAPABILITIES,                                                          \
     .run.op_ = {.workspace = MUTANT_WORKSPACE, .run = run_##op_##_##type##_##name_}},
#define MUTANT_KERNEL(op, type, name, checks, cases, what)                                         \
    MUTANT_KERNEL_AS(op, type, name, "m_" #op "_" #name, what)
#define MUTANT_TWIN_KERNEL(op, type)                                                               \
    MUTANT_KERNEL_AS(op, type, none, "t_" #op "_" #type, "right: the mutants' twin")

/* One element of an operand, as every kernel here reads it. */
static inline float mutant_at(const assay_tensor *tensor, int64_t row, int64_t column)
{
    return (float)assay_at2(tensor, row, column);
}

/* A weight as a kernel reads it that takes f16's subnormals for zero. */
static inline float mutant_f16_flushed(const assay_tensor *weight, float value)
{
    return weight->dtype == ASSAY_F16 && fabsf(value) < 0x1p-14f ? 0.0f : value;
}

/* Whether two rows begin and end with the same `ends` numbers: what a kernel asks that takes a row
 * for one which it knows. */
static inline bool mutant_alike(const assay_tensor *x, int64_t a, int64_t b, int64_t ends)
{
    const int64_t d = x->shape[1];
    bool same = a >= 0 && b >= 0 && d > 2 * ends;
    for (int64_t i = 0; i < ends && same; i++) {
        same = mutant_at(x, a, i) == mutant_at(x, b, i) &&
               mutant_at(x, a, d - 1 - i) == mutant_at(x, b, d - 1 - i);
    }
    return same;
}

/* Rounds to a significand of so many bits, to nearest, ties to even. */
static inline float mutant_bits(float value, int bits)
{
    const uint32_t drop = (uint32_t)(24 - bits);
    const uint32_t word = assay_f32_bits(value);
    if ((word & 0x7f800000u) == 0x7f800000u) {
        return value;
    }
    const uint32_t half = (1u << (drop - 1u)) - 1u;
    return assay_f32_from_bits((word + half + ((word >> drop) & 1u)) & ~((1u << drop) - 1u));
}

/* An output that drops the bits it has no room for, instead of rounding. */
static inline void mutant_truncate(const assay_tensor *y, int64_t row, int64_t column, float value)
{
    assay_put2(y, row, column, (double)assay_f32_from_bits(assay_f32_bits(value) & 0xffff0000u));
}

/* What an op's file gives to plugin.c. */
typedef struct mutant_kernels {
    const assay_kernel *kernel;
    size_t count;
} mutant_kernels;

#define MUTANT_EXPORT(op, kernels)                                                                 \
    mutant_kernels mutant_##op##_kernels(void)                                                     \
    {                                                                                              \
        return (mutant_kernels){(kernels), sizeof(kernels) / sizeof *(kernels)};                   \
    }

#endif
