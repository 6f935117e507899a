/* What plug-ins of tests are made of: a right addition in f32, and the contract it keeps. */
#ifndef VERIFY_TESTS_PLUGINS_ADD_H
#define VERIFY_TESTS_PLUGINS_ADD_H

#include <assay/assay.h>

#define ADD_PRECISION                                                                              \
    {                                                                                              \
        .multiply = ASSAY_F32, .accumulate = {24, ASSAY_NEAREST, 1}, .intermediate = ASSAY_F32,    \
        .output = ASSAY_F32, .angle = ASSAY_F32, .order = ASSAY_ORDER_SEQUENTIAL                   \
    }

static inline void add_all(const assay_add_io *io)
{
    const int64_t count = io->y.shape[0] * io->y.shape[1];
    const float *const a = io->a.data;
    const float *const b = io->b.data;
    float *const y = io->y.data;
    for (int64_t i = 0; i < count; i++) {
        y[i] = a[i] + b[i];
    }
}

#endif
