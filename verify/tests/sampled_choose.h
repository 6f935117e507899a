/* A sample that must be possible. */
#ifndef VERIFY_TESTS_SAMPLED_CHOOSE_H
#define VERIFY_TESTS_SAMPLED_CHOOSE_H

#include <criterion/criterion.h>

#include "verify/sampled.h"

static inline assay_sampled choose(int64_t rows, int64_t columns, assay_sample_size size,
                                   uint64_t seed, assay_arena *arena)
{
    assay_sampled sampled;
    assay_error error;
    cr_assert_eq(assay_sampled_choose(&size, rows, columns, seed, arena, &sampled, &error),
                 ASSAY_OK, "%s", error.message);
    return sampled;
}

#endif
