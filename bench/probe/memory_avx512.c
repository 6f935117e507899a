/* Memory by 512-bit vectors. */
#include "bench/probe/loops.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw")))
/* What was read and written before must be read and written again. */
#define AGAIN __asm__ volatile("" : : : "memory")

TARGET static uint64_t total(__m512i sum)
{
    _Alignas(64) uint64_t lane[8];
    _mm512_store_si512(lane, sum);
    uint64_t all = 0;
    for (int i = 0; i < 8; i++) {
        all ^= lane[i];
    }
    return all;
}

TARGET static uint64_t read_all(const void *from, size_t bytes, size_t times)
{
    const __m512i *const p = from;
    __m512i a = _mm512_setzero_si512();
    __m512i b = a;
    __m512i c = a;
    __m512i d = a;
    for (size_t t = 0; t < times; t++) {
        AGAIN;
        for (size_t i = 0; i < bytes / sizeof *p; i += 4) {
            a = _mm512_xor_si512(a, _mm512_load_si512(p + i));
            b = _mm512_xor_si512(b, _mm512_load_si512(p + i + 1));
            c = _mm512_xor_si512(c, _mm512_load_si512(p + i + 2));
            d = _mm512_xor_si512(d, _mm512_load_si512(p + i + 3));
        }
    }
    return total(_mm512_xor_si512(_mm512_xor_si512(a, b), _mm512_xor_si512(c, d)));
}

TARGET static uint64_t read_row(const void *from, size_t bytes, const void *next)
{
    const __m512i *const p = from;
    const char *const ahead = next;
    __m512i a = _mm512_setzero_si512();
    __m512i b = a;
    for (size_t i = 0; i < bytes / sizeof *p; i += 2) {
        _mm_prefetch(ahead + i * sizeof *p, _MM_HINT_T0);
        _mm_prefetch(ahead + (i + 1) * sizeof *p, _MM_HINT_T0);
        a = _mm512_xor_si512(a, _mm512_load_si512(p + i));
        b = _mm512_xor_si512(b, _mm512_load_si512(p + i + 1));
    }
    return total(_mm512_xor_si512(a, b));
}

TARGET static void write_all(void *to, size_t bytes, size_t times)
{
    __m512i *const p = to;
    const __m512i value = _mm512_set1_epi8(0x5a);
    for (size_t t = 0; t < times; t++) {
        AGAIN;
        for (size_t i = 0; i < bytes / sizeof *p; i += 4) {
            _mm512_store_si512(p + i, value);
            _mm512_store_si512(p + i + 1, value);
            _mm512_store_si512(p + i + 2, value);
            _mm512_store_si512(p + i + 3, value);
        }
    }
}

TARGET static void write_around(void *to, size_t bytes, size_t times)
{
    __m512i *const p = to;
    const __m512i value = _mm512_set1_epi8(0x5a);
    for (size_t t = 0; t < times; t++) {
        AGAIN;
        for (size_t i = 0; i < bytes / sizeof *p; i += 4) {
            _mm512_stream_si512(p + i, value);
            _mm512_stream_si512(p + i + 1, value);
            _mm512_stream_si512(p + i + 2, value);
            _mm512_stream_si512(p + i + 3, value);
        }
    }
    _mm_sfence();
}

TARGET static void copy_all(void *to, const void *from, size_t bytes, size_t times)
{
    __m512i *const p = to;
    const __m512i *const q = from;
    for (size_t t = 0; t < times; t++) {
        AGAIN;
        for (size_t i = 0; i < bytes / sizeof *p; i += 4) {
            _mm512_store_si512(p + i, _mm512_load_si512(q + i));
            _mm512_store_si512(p + i + 1, _mm512_load_si512(q + i + 1));
            _mm512_store_si512(p + i + 2, _mm512_load_si512(q + i + 2));
            _mm512_store_si512(p + i + 3, _mm512_load_si512(q + i + 3));
        }
    }
}

TARGET static void copy_around(void *to, const void *from, size_t bytes, size_t times)
{
    __m512i *const p = to;
    const __m512i *const q = from;
    for (size_t t = 0; t < times; t++) {
        AGAIN;
        for (size_t i = 0; i < bytes / sizeof *p; i += 4) {
            _mm512_stream_si512(p + i, _mm512_load_si512(q + i));
            _mm512_stream_si512(p + i + 1, _mm512_load_si512(q + i + 1));
            _mm512_stream_si512(p + i + 2, _mm512_load_si512(q + i + 2));
            _mm512_stream_si512(p + i + 3, _mm512_load_si512(q + i + 3));
        }
    }
    _mm_sfence();
}

const assay_memory_loops assay_memory_avx512 = {
    .name = "avx512",
    .features = ASSAY_FEATURE_AVX512,
    .read = read_all,
    .read_row = read_row,
    .write = write_all,
    .write_around = write_around,
    .copy = copy_all,
    .copy_around = copy_around,
};
#endif
