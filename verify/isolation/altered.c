#include "verify/isolation/altered.h"

#include "verify/isolation/extent.h"

/* So many at either end stay, of a short tensor fewer. */
enum { KEPT = 8 };

void assay_alter(const assay_tensor *tensor, void *data)
{
    const int64_t count = assay_count(tensor);
    const size_t size = assay_dtype_size(tensor->dtype);
    const int64_t kept = count / 4 < KEPT ? count / 4 : KEPT;
    uint64_t bytes = 0;
    uint8_t last[16];
    if (count < 4 || assay_extent(tensor, false, "", &bytes, NULL) != ASSAY_OK ||
        bytes != (uint64_t)count * size) {
        return;
    }
    uint8_t *const from = (uint8_t *)data + (size_t)kept * size;
    const size_t rest = (size_t)(count - 2 * kept - 1) * size;
    memcpy(last, from + rest, size);
    memmove(from + size, from, rest);
    memcpy(from, last, size);
}
