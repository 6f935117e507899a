#include "bench/subject.h"

#include <unistd.h>

static bool write_all(int fd, const char *data, size_t left)
{
    while (left > 0) {
        const ssize_t put = write(fd, data, left);
        if (put <= 0) {
            return false;
        }
        data += put;
        left -= (size_t)put;
    }
    return true;
}

assay_status assay_bench_put(const char *name, const assay_tensor *tensor, int fd, cJSON *list,
                             assay_error *error)
{
    const size_t bytes = (size_t)assay_count(tensor) * assay_dtype_size(tensor->dtype);
    cJSON *const entry = cJSON_CreateObject();
    cJSON *const shape = cJSON_AddArrayToObject(entry, "shape");
    (void)cJSON_AddStringToObject(entry, "name", name);
    (void)cJSON_AddStringToObject(entry, "dtype", assay_dtype_name(tensor->dtype));
    for (int32_t axis = 0; axis < tensor->rank; axis++) {
        (void)cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)tensor->shape[axis]));
    }
    (void)cJSON_AddItemToArray(list, entry);
    return write_all(fd, tensor->data, bytes)
               ? ASSAY_OK
               : assay_fail(error, ASSAY_IO, "outputs cannot be handed over");
}
