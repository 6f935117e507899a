#include "bench/outputs.h"

#include <string.h>
#include <unistd.h>

assay_status assay_outputs_bad(assay_error *error)
{
    return assay_fail(error, ASSAY_BAD_INPUT, "a timing process handed over outputs of another "
                                              "form than the case has");
}

bool assay_outputs_dtype(const char *name, assay_dtype *dtype)
{
    static const assay_dtype known[] = {ASSAY_F64, ASSAY_F32, ASSAY_BF16, ASSAY_F16,
                                        ASSAY_I64, ASSAY_I32};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (name != NULL && strcmp(name, assay_dtype_name(known[i])) == 0) {
            *dtype = known[i];
            return true;
        }
    }
    return false;
}

assay_status assay_outputs_read(const cJSON *entry, int output, off_t *at, assay_arena *arena,
                                assay_tensor *tensor, assay_error *error)
{
    const cJSON *const shape = cJSON_GetObjectItemCaseSensitive(entry, "shape");
    int64_t extents[ASSAY_RANK_MAX] = {0};
    int32_t rank = 0;
    assay_dtype dtype = ASSAY_NONE;
    const off_t size = lseek(output, 0, SEEK_END);
    double bytes = 1.0;
    for (const cJSON *item = shape != NULL ? shape->child : NULL; item != NULL;
         item = item->next) {
        if (rank == ASSAY_RANK_MAX || !cJSON_IsNumber(item) || !(item->valuedouble >= 0.0) ||
            !(item->valuedouble <= 0x1p48)) {
            return assay_outputs_bad(error);
        }
        bytes *= item->valuedouble;
        extents[rank++] = (int64_t)item->valuedouble;
    }
    if (!assay_outputs_dtype(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "dtype")),
                     &dtype)) {
        return assay_outputs_bad(error);
    }
    bytes *= (double)assay_dtype_size(dtype);
    if ((double)*at + bytes > (double)size) {
        return assay_outputs_bad(error);
    }
    assay_status status = assay_buffer_make(arena, dtype, rank, extents, tensor, error);
    for (size_t done = 0; status == ASSAY_OK && done < (size_t)bytes;) {
        const ssize_t got = pread(output, (char *)tensor->data + done, (size_t)bytes - done,
                                  *at + (off_t)done);
        done += got > 0 ? (size_t)got : 0;
        status = got > 0 ? ASSAY_OK : assay_outputs_bad(error);
    }
    *at += (off_t)bytes;
    return status;
}

assay_status assay_outputs_find(const cJSON *list, int output, const char *name, int64_t count,
                                assay_arena *arena, assay_tensor *tensor, assay_error *error)
{
    off_t at = 0;
    for (const cJSON *entry = list != NULL ? list->child : NULL; entry != NULL;
         entry = entry->next) {
        const char *const called =
            cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "name"));
        const assay_status status = assay_outputs_read(entry, output, &at, arena, tensor, error);
        if (status != ASSAY_OK) {
            return status;
        }
        if (called != NULL && strcmp(called, name) == 0) {
            return assay_count(tensor) == count ? ASSAY_OK : assay_outputs_bad(error);
        }
    }
    return assay_outputs_bad(error);
}
