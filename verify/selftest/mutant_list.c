#include "verify/selftest/mutants.h"

#include "verify/mutants/list.h"
#include "verify/selftest/host_mutants.h"

#define KERNEL_ROW(op_, type, name_, checks_, cases_, what_)                                       \
    {.op = #op_, .name = "m_" #op_ "_" #name_, .twin = "t_" #op_ "_" #type, .checks = (checks_),   \
     .cases = (cases_), .what = (what_)},

#define HOST_ROW(field, name_, checks_, cases_, what_)                                             \
    {.op = "host", .name = "m_" #field "_" #name_, .twin = ASSAY_HOST_TWIN, .checks = (checks_),   \
     .cases = (cases_), .what = (what_), .host = true},

static const assay_mutant mutants[] = {
    ALL_STEP_MUTANTS(KERNEL_ROW) ALL_STAGE_MUTANTS(KERNEL_ROW) HOST_MUTANTS(HOST_ROW)};

const assay_mutant *assay_mutants(size_t *count)
{
    *count = sizeof mutants / sizeof *mutants;
    return mutants;
}
