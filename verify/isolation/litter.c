#include "verify/isolation/litter.h"

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static atomic_bool littered;

void assay_litter(bool on)
{
    atomic_store_explicit(&littered, on, memory_order_relaxed);
}

#ifdef __SANITIZE_ADDRESS__
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif

#ifdef SANITIZED
const char *__asan_default_options(void); /* the sanitizer's name for it */
const char *__asan_default_options(void)
{
    return "malloc_fill_byte=255:max_malloc_fill_size=67108864";
}
#elif defined(__GLIBC__)
/* The C library's own, behind the names that are taken here. */
void *__libc_malloc(size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void *__libc_realloc(void *memory, size_t size);

enum { FILLED_END = 32 << 20 };

static void *fill(void *memory, size_t from)
{
    if (memory == NULL || !atomic_load_explicit(&littered, memory_order_relaxed)) {
        return memory;
    }
    const size_t size = malloc_usable_size(memory);
    if (size - from <= 2 * (size_t)FILLED_END) {
        memset((char *)memory + from, 0xFF, size - from);
    } else {
        memset((char *)memory + from, 0xFF, FILLED_END);
        memset((char *)memory + size - FILLED_END, 0xFF, FILLED_END);
    }
    return memory;
}

void *malloc(size_t size)
{
    return fill(__libc_malloc(size), 0);
}

void *memalign(size_t alignment, size_t size)
{
    return fill(__libc_memalign(alignment, size), 0);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    if (alignment % sizeof(void *) != 0 || alignment == 0 || (alignment & (alignment - 1)) != 0) {
        return EINVAL;
    }
    const int before = errno;
    void *const made = memalign(alignment, size);
    errno = before; /* the answer is the result */
    if (made == NULL) {
        return ENOMEM;
    }
    *memory = made;
    return 0;
}

void *realloc(void *memory, size_t size)
{
    const size_t before = memory != NULL ? malloc_usable_size(memory) : 0;
    void *const grown = __libc_realloc(memory, size);
    return grown != NULL && malloc_usable_size(grown) > before ? fill(grown, before) : grown;
}
#endif
