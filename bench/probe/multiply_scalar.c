/* Multiply-adds in plain C: what the compiler makes of it for the build's baseline set. */
#include "bench/probe/loops.h"

/* Chains of four lanes. A multiplication and an addition take 6 to 8 cycles, two of each may start
 * in one; 16 registers hold the sums and the operands. */
typedef float four __attribute__((vector_size(16)));
typedef int32_t four_int __attribute__((vector_size(16)));
typedef int16_t eight_short __attribute__((vector_size(16)));
typedef int8_t eight_byte __attribute__((vector_size(8)));
enum { CHAINS = 12, NARROW_CHAINS = 10, BYTE_CHAINS = 8, LANES = 4 };

/* The compiler must take a value as new every time: nothing is carried out of the loop. */
#if defined(__x86_64__)
#define RENEW(value) __asm__ volatile("" : "+x"(value))
#elif defined(__aarch64__)
#define RENEW(value) __asm__ volatile("" : "+w"(value))
#else
#define RENEW(value) __asm__ volatile("" : "+m"(value))
#endif

static double add_up(const four *sum, int chains)
{
    double total = 0;
    for (int k = 0; k < chains; k++) {
        for (int lane = 0; lane < LANES; lane++) {
            total += (double)sum[k][lane];
        }
    }
    return total;
}

static double f32(const void *operands, size_t iterations)
{
    const four *const p = operands;
    four sum[CHAINS];
    const four a = p[CHAINS];
    const four b = p[CHAINS + 1];
    for (int k = 0; k < CHAINS; k++) {
        sum[k] = p[k];
    }
    for (size_t i = 0; i < iterations; i++) {
        for (int k = 0; k < CHAINS; k++) {
            sum[k] = sum[k] * a + b;
        }
    }
    return add_up(sum, CHAINS);
}

/* Eight bf16 weights are widened once and meet ten sums, in the form that cannot be
 * taken apart: sum = sum * weight + x. */
static double bf16(const void *operands, size_t iterations)
{
    const four *const p = operands;
    four_int pair = ((const four_int *)operands)[NARROW_CHAINS];
    const four x = p[NARROW_CHAINS + 1];
    four sum[NARROW_CHAINS];
    for (int k = 0; k < NARROW_CHAINS; k++) {
        sum[k] = p[k];
    }
    for (size_t i = 0; i < iterations; i++) {
        RENEW(pair);
        const four even = (four)(pair << 16);
        const four odd = (four)(pair & (int32_t)0xffff0000);
        for (int k = 0; k < NARROW_CHAINS; k += 2) {
            sum[k] = sum[k] * even + x;
            sum[k + 1] = sum[k + 1] * odd + x;
        }
    }
    return add_up(sum, NARROW_CHAINS);
}

/* Products fit 16 bits; a pair of them is taken apart into two sums of 32. */
static double int8(const void *operands, size_t iterations)
{
    const eight_byte *const p = operands;
    four_int sum[BYTE_CHAINS] = {{0}};
    eight_short a = __builtin_convertvector(p[0], eight_short);
    for (size_t i = 0; i < iterations; i++) {
        RENEW(a);
        for (int k = 0; k < BYTE_CHAINS; k += 2) {
            eight_short b = __builtin_convertvector(p[k], eight_short);
            RENEW(b);
            const four_int product = (four_int)(a * b);
            sum[k] += product >> 16;
            sum[k + 1] += (product << 16) >> 16;
        }
    }
    double total = 0;
    for (int k = 0; k < BYTE_CHAINS; k++) {
        total += (double)sum[k][0] + (double)sum[k][1] + (double)sum[k][2] + (double)sum[k][3];
    }
    return total;
}

const assay_multiply_loop assay_multiply_scalar[] = {
    {"f32", "scalar", 0, 2.0 * CHAINS * LANES, f32},
    {"bf16", "scalar", 0, 2.0 * NARROW_CHAINS * LANES, bf16},
    {"int8", "scalar", 0, 2.0 * BYTE_CHAINS * LANES, int8},
    {NULL, NULL, 0, 0, NULL},
};
