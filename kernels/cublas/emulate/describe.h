/* What the emulated library keeps in its opaque structures, and the checks that a call passes. */
#ifndef KERNELS_CUBLAS_EMULATE_DESCRIBE_H
#define KERNELS_CUBLAS_EMULATE_DESCRIBE_H

#include <cstring>

#include "kernels/cublas/emulate/cublaslt.h"

namespace emulate_lt {

/* The compute capability, times ten, of the GPU that is emulated: what is refused depends on it. */
extern int compute;

/* A type of A that has no algorithm on it; -1: none. */
extern int32_t unserved;

/* What numbers of columns of D are multiples of, in products of 8 bits: there are no algorithms for
 * others. */
extern uint64_t tile;

/* Calls since the start. */
struct Calls {
    int64_t asked, multiplied; /* the heuristics; products */
};
extern Calls calls;

struct Layout {
    int32_t type;
    uint64_t rows, columns;
    int64_t ld;
};

struct Description {
    int32_t compute, scale, transpose_a, transpose_b;
    uint32_t epilogue;
    int32_t bias_type; /* -1: D's */
    const void *bias;
    const float *a_scale, *b_scale;
    int32_t a_mode, b_mode;
    int8_t fast_accumulate;
};

struct Preference {
    uint64_t workspace_bytes;
    uint32_t schemes;
    uint32_t alignment[4]; /* A, B, C, D */
};

struct Algorithm {
    uint32_t mark; /* says that the heuristics made it */
    uint32_t alignment; /* of pointers and of columns, in bytes; 0: the element's */
    int32_t splits;     /* of k */
    uint64_t odd_most;  /* greatest odd number of D's columns that it takes */
};
constexpr uint32_t MARK = 0x1f4a2c77u;

/* One call's operands as they were described. */
struct Problem {
    Layout a, b, c, d;
    Description how;
    uint64_t m, n, k;
};

template <typename T, typename Opaque> T unfold(const Opaque *opaque)
{
    static_assert(sizeof(T) <= sizeof(Opaque), "the library's structure has room");
    T value;
    memcpy(&value, opaque, sizeof value);
    return value;
}

template <typename T, typename Opaque> void fold(const T &value, Opaque *opaque)
{
    static_assert(sizeof(T) <= sizeof(Opaque), "the library's structure has room");
    memcpy(opaque, &value, sizeof value);
}

size_t size_of(int32_t type);

/* The library's answer to what is described, but for pointers. */
cublasStatus_t check(cublasLtMatmulDesc_t description, cublasLtMatrixLayout_t a,
                     cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                     Problem *problem);

/* Whether columns of every matrix begin at multiples of so many bytes. */
bool pitches_are(const Problem &problem, uint32_t alignment);

/* Whether it multiplies so many columns and so great a k. */
bool takes(const Problem &problem, const Algorithm &algorithm);

uint64_t scratch_of(const Problem &problem, const Algorithm &algorithm);

void multiply(const Problem &problem, const Algorithm &algorithm, float alpha, const void *a,
              const void *b, void *d);

} // namespace emulate_lt

#endif
