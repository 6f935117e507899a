/* What a kernel finds in memory that it allocates and does not clear: numbers that are none. The
 * pages that a system hands out are zero, and padding of packed weights that nobody cleared is
 * right by accident until the heap has been used.
 *
 * While it is on, malloc, aligned_alloc, posix_memalign, memalign and the grown part of realloc (of
 * any thread, C++'s new too) are filled with 0xFF: NaN in every float, -1 in every integer. Of what
 * is larger than 64 MiB the first and last 32. Not where the C library is another than glibc; under
 * the address sanitizer it fills in its own way, always. */
#ifndef VERIFY_ISOLATION_LITTER_H
#define VERIFY_ISOLATION_LITTER_H

#include <stdbool.h>

void assay_litter(bool on);

#endif
