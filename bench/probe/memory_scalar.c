/* Memory by plain C and the C library, which picks its own instructions. */
#include <string.h>

#include "bench/probe/loops.h"

/* What was read and written before must be read and written again. */
#define AGAIN __asm__ volatile("" : : : "memory")

static uint64_t read_all(const void *from, size_t bytes, size_t times)
{
    const uint64_t *const word = from;
    uint64_t sum[8] = {0};
    for (size_t t = 0; t < times; t++) {
        AGAIN;
        for (size_t i = 0; i < bytes / sizeof *word; i += 8) {
            for (size_t k = 0; k < 8; k++) {
                sum[k] ^= word[i + k];
            }
        }
    }
    return sum[0] ^ sum[1] ^ sum[2] ^ sum[3] ^ sum[4] ^ sum[5] ^ sum[6] ^ sum[7];
}

static uint64_t read_row(const void *from, size_t bytes, const void *next)
{
    const uint64_t *const word = from;
    const char *const ahead = next;
    uint64_t sum[8] = {0};
    for (size_t i = 0; i < bytes / sizeof *word; i += 8) {
        __builtin_prefetch(ahead + i * sizeof *word);
        for (size_t k = 0; k < 8; k++) {
            sum[k] ^= word[i + k];
        }
    }
    return sum[0] ^ sum[1] ^ sum[2] ^ sum[3] ^ sum[4] ^ sum[5] ^ sum[6] ^ sum[7];
}

static void write_all(void *to, size_t bytes, size_t times)
{
    for (size_t t = 0; t < times; t++) {
        AGAIN;
        memset(to, 0x5a, bytes);
    }
}

static void copy_all(void *to, const void *from, size_t bytes, size_t times)
{
    for (size_t t = 0; t < times; t++) {
        AGAIN;
        memcpy(to, from, bytes);
    }
}

const assay_memory_loops assay_memory_scalar = {
    .name = "scalar",
    .read = read_all,
    .read_row = read_row,
    .write = write_all,
    .copy = copy_all,
};
