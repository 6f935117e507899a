/* Memory by 256-bit vectors. */
#include "bench/probe/loops.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx2")))
/* What was read and written before must be read and written again. */
#define AGAIN __asm__ volatile("" : : : "memory")

TARGET static uint64_t total(__m256i sum)
{
    _Alignas(64) uint64_t lane[4];
    _mm256_store_si256((__m256i *)(void *)lane, sum);
    uint64_t all = 0;
    for (int i = 0; i < 4; i++) {
        all ^= lane[i];
    }
    return all;
}

TARGET static uint64_t read_all(const void *from, size_t bytes, size_t times)
{
    const __m256i *const p = from;
    __m256i a = _mm256_setzero_si256();
    __m256i b = a;
    __m256i c = a;
    __m256i d = a;
    for (size_t t = 0; t < times; t++) {
        AGAIN;
        for (size_t i = 0; i < bytes / sizeof *p; i += 4) {
            a = _mm256_xor_si256(a, _mm256_load_si256(p + i));
            b = _mm256_xor_si256(b, _mm256_load_si256(p + i + 1));
            c = _mm256_xor_si256(c, _mm256_load_si256(p + i + 2));
            d = _mm256_xor_si256(d, _mm256_load_si256(p + i + 3));
        }
    }
    return total(_mm256_xor_si256(_mm256_xor_si256(a, b), _mm256_xor_si256(c, d)));
}

TARGET static uint64_t read_row(const void *from, size_t bytes, const void *next)
{
    const __m256i *const p = from;
    const char *const ahead = next;
    __m256i a = _mm256_setzero_si256();
    __m256i b = a;
    for (size_t i = 0; i < bytes / sizeof *p; i += 2) {
        _mm_prefetch(ahead + i * sizeof *p, _MM_HINT_T0);
        a = _mm256_xor_si256(a, _mm256_load_si256(p + i));
        b = _mm256_xor_si256(b, _mm256_load_si256(p + i + 1));
    }
    return total(_mm256_xor_si256(a, b));
}

TARGET static void write_all(void *to, size_t bytes, size_t times)
{
    __m256i *const p = to;
    const __m256i value = _mm256_set1_epi8(0x5a);
    for (size_t t = 0; t < times; t++) {
        AGAIN;
        for (size_t i = 0; i < bytes / sizeof *p; i += 4) {
            _mm256_store_si256(p + i, value);
            _mm256_store_si256(p + i + 1, value);
            _mm256_store_si256(p + i + 2, value);
            _mm256_store_si256(p + i + 3, value);
        }
    }
}

TARGET static void write_around(void *to, size_t bytes, size_t times)
{
    __m256i *const p = to;
    const __m256i value = _mm256_set1_epi8(0x5a);
    for (size_t t = 0; t < times; t++) {
        AGAIN;
        for (size_t i = 0; i < bytes / sizeof *p; i += 4) {
            _mm256_stream_si256(p + i, value);
            _mm256_stream_si256(p + i + 1, value);
            _mm256_stream_si256(p + i + 2, value);
            _mm256_stream_si256(p + i + 3, value);
        }
    }
    _mm_sfence();
}

TARGET static void copy_all(void *to, const void *from, size_t bytes, size_t times)
{
    __m256i *const p = to;
    const __m256i *const q = from;
    for (size_t t = 0; t < times; t++) {
        AGAIN;
        for (size_t i = 0; i < bytes / sizeof *p; i += 4) {
            _mm256_store_si256(p + i, _mm256_load_si256(q + i));
            _mm256_store_si256(p + i + 1, _mm256_load_si256(q + i + 1));
            _mm256_store_si256(p + i + 2, _mm256_load_si256(q + i + 2));
            _mm256_store_si256(p + i + 3, _mm256_load_si256(q + i + 3));
        }
    }
}

TARGET static void copy_around(void *to, const void *from, size_t bytes, size_t times)
{
    __m256i *const p = to;
    const __m256i *const q = from;
    for (size_t t = 0; t < times; t++) {
        AGAIN;
        for (size_t i = 0; i < bytes / sizeof *p; i += 4) {
            _mm256_stream_si256(p + i, _mm256_load_si256(q + i));
            _mm256_stream_si256(p + i + 1, _mm256_load_si256(q + i + 1));
            _mm256_stream_si256(p + i + 2, _mm256_load_si256(q + i + 2));
            _mm256_stream_si256(p + i + 3, _mm256_load_si256(q + i + 3));
        }
    }
    _mm_sfence();
}

const assay_memory_loops assay_memory_avx2 = {
    .name = "avx2",
    .features = ASSAY_FEATURE_AVX2_FMA,
    .read = read_all,
    .read_row = read_row,
    .write = write_all,
    .write_around = write_around,
    .copy = copy_all,
    .copy_around = copy_around,
};
#endif
