/* Four float64 side by side, for loops that do the same to four independent elements: each lane is
 * computed by the very operations, in the very order, that the scalar form has, so results do not
 * depend on the width. Contraction is off in ref/, but for products of rows (panel.c, dots.c) and
 * weighted values (attention_values.c): there products are not rounded where the processor has a
 * multiply-add instruction, and the last bits of a sum may be others on one that has none. */
#ifndef REF_WIDE_H
#define REF_WIDE_H

#include <stdint.h>
#include <string.h>

enum { REF_WIDE = 4 };

/* Aligned as the numbers in them are: they lie anywhere in scratch memory. */
typedef double ref_wide __attribute__((vector_size(32), aligned(8)));
typedef int64_t ref_wide_mask __attribute__((vector_size(32), aligned(8)));

/* The compiler makes a second version of a function for processors with 256-bit vectors; which one
 * runs is decided when the program starts. Sanitizers are not yet set up at that point. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(undefined_behavior_sanitizer)
#define REF_NO_CLONES
#endif
#endif
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__SANITIZE_ADDRESS__) &&             \
    !defined(__clang__) && !defined(REF_NO_CLONES) /* clang 14 gives clones other names: no link */
#define REF_CLONES __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#define REF_FMA_CLONES __attribute__((target_clones("arch=haswell", "default")))
#define REF_512 __attribute__((target("arch=x86-64-v4")))
#define REF_HAS_512 __builtin_cpu_supports("x86-64-v4")
#else
#define REF_CLONES
#define REF_FMA_CLONES
#endif
#define REF_INLINE static inline __attribute__((always_inline))

/* By pointer only: a vector argument would be passed in another way by each version. */
REF_INLINE void ref_wide_load(ref_wide *wide, const double *from)
{
    memcpy(wide, from, sizeof *wide);
}

REF_INLINE void ref_wide_all(ref_wide *wide, double value)
{
    for (int i = 0; i < REF_WIDE; i++) {
        (*wide)[i] = value;
    }
}

/* |wide|. */
REF_INLINE void ref_wide_magnitude(ref_wide *wide)
{
    const ref_wide_mask sign = {INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN};
    *wide = (ref_wide)((ref_wide_mask)*wide & ~sign);
}

#endif
