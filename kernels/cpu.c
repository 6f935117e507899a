/* What this host's CPU can do, and the memory that is free. */
#include "kernels/registry.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>

/* XCR0: the register sets that the operating system saves. */
static uint64_t saved_registers(void)
{
    uint32_t low = 0;
    uint32_t high = 0;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return ((uint64_t)high << 32) | low;
}

/* Linux hands out the AMX tile registers only on request. */
static bool tiles_granted(void)
{
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
    return syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}

static uint32_t when(bool usable, assay_feature feature)
{
    return usable ? (uint32_t)feature : 0;
}

static uint32_t cpu_features(void)
{
    uint32_t a = 0;
    uint32_t b = 0;
    uint32_t c = 0;
    uint32_t d = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & bit_OSXSAVE) == 0) {
        return 0;
    }
    const bool fma = (c & bit_FMA) != 0 && (c & bit_F16C) != 0;
    const uint64_t saved = saved_registers();
    const bool ymm = (saved & 0x6) == 0x6;           /* SSE and AVX state */
    const bool zmm = ymm && (saved & 0xe0) == 0xe0;  /* opmask, upper halves, upper sixteen */
    const bool tiles = (saved & 0x60000) == 0x60000; /* tile configuration and data */
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        return 0;
    }
    const uint32_t wanted = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL;
    const bool avx2 = ymm && fma && (b & bit_AVX2) != 0;
    const bool avx512 = avx2 && zmm && (b & wanted) == wanted;
    uint32_t features = when(avx2, ASSAY_FEATURE_AVX2_FMA);
    features |= when(avx512, ASSAY_FEATURE_AVX512);
    features |= when(avx512 && (c & bit_AVX512VNNI) != 0, ASSAY_FEATURE_AVX512_VNNI);
    const bool amx_bf16 = tiles && (d & (1u << 22)) != 0;
    const bool amx_int8 = tiles && (d & (1u << 25)) != 0;
    if ((amx_bf16 || amx_int8) && (d & (1u << 24)) != 0 && tiles_granted()) {
        features |= when(amx_bf16, ASSAY_FEATURE_AMX_BF16);
        features |= when(amx_int8, ASSAY_FEATURE_AMX_INT8);
    }
    if (__get_cpuid_count(7, 1, &a, &b, &c, &d)) {
        features |= when(avx512 && (a & (1u << 5)) != 0, ASSAY_FEATURE_AVX512_BF16);
        features |= when(ymm && (a & (1u << 4)) != 0, ASSAY_FEATURE_AVX_VNNI);
    }
    return features;
}
#else
static uint32_t cpu_features(void)
{
    return 0;
}
#endif

/* The first number that stands after `key` in a small text file; 0 when there is none. */
static uint64_t number_in(const char *path, const char *key)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return 0;
    }
    char line[128];
    uint64_t number = 0;
    while (number == 0 && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, key, strlen(key)) == 0) {
            (void)sscanf(line + strlen(key), "%" SCNu64, &number);
        }
    }
    (void)fclose(file);
    return number;
}

/* What can be had without swapping: the kernel's own estimate, within a container's limit. */
static uint64_t free_memory(void)
{
    uint64_t bytes = number_in("/proc/meminfo", "MemAvailable:") * 1024;
    if (bytes == 0) {
        const long pages = sysconf(_SC_PHYS_PAGES);
        const long page = sysconf(_SC_PAGESIZE);
        bytes = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 0;
    }
    const uint64_t limit = number_in("/sys/fs/cgroup/memory.max", "");
    return limit != 0 && limit < bytes ? limit : bytes;
}

/* Whether a word is among those of a list, apart by commas. */
static bool listed(const char *list, const char *word)
{
    const size_t length = strlen(word);
    for (const char *at = list; at != NULL; at = strchr(at, ',')) {
        at += at != list ? 1 : 0;
        if (strncmp(at, word, length) == 0 && (at[length] == ',' || at[length] == '\0')) {
            return true;
        }
    }
    return false;
}

static uint32_t hidden_features(void)
{
    const char *const list = getenv("ASSAY_WITHOUT");
    uint32_t hidden = 0;
    for (int i = 0; list != NULL && i < ASSAY_FEATURE_COUNT; i++) {
        hidden |= listed(list, assay_feature_name(i)) ? 1u << i : 0;
    }
    return hidden;
}

assay_device assay_host_device(void)
{
    return (assay_device){.space = ASSAY_HOST,
                          .features = cpu_features() & ~hidden_features(),
                          .memory_bytes = free_memory()};
}
