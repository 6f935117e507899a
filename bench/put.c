#include <stdlib.h>
#include <unistd.h>

#include "bench/subject.h"
#include "verify/buffer.h"

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

cJSON *assay_bench_work_json(const assay_bench_work *work)
{
    cJSON *const object = cJSON_CreateObject();
    (void)cJSON_AddNumberToObject(object, "rows", work->rows);
    (void)cJSON_AddNumberToObject(object, "tokens", work->tokens);
    (void)cJSON_AddNumberToObject(object, "explanations", work->explanations);
    (void)cJSON_AddNumberToObject(object, "flops", work->flops);
    (void)cJSON_AddNumberToObject(object, "bytes_read", work->bytes_read);
    (void)cJSON_AddNumberToObject(object, "bytes_written", work->bytes_written);
    (void)cJSON_AddNumberToObject(object, "declared_bytes_read", work->declared_bytes_read);
    (void)cJSON_AddNumberToObject(object, "latents_per_row", work->latents_per_row);
    return object;
}

assay_status assay_bench_put_tensor(const char *name, const assay_tensor *tensor, int fd,
                                    cJSON *list, assay_error *error)
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
               : assay_fail(error, ASSAY_IO, "'%s' cannot be handed over", name);
}

assay_status assay_bench_put(const assay_bench_class *class_, const assay_bench_subject *subject,
                             size_t set, int fd, cJSON *list, assay_error *error)
{
    assay_bench_output output[ASSAY_BENCH_OUTPUTS_MAX];
    const size_t count = class_->outputs(subject, set, output);
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < count && status == ASSAY_OK; i++) {
        status =
            assay_bench_put_tensor(output[i].name, output[i].tensor, fd, list, error);
    }
    return status;
}

/* Marks what is written (was = true), or looks whether all that was marked is written again. */
static bool look(const assay_bench_output *output, size_t count, unsigned char *written, bool was)
{
    size_t at = 0;
    bool all = true;
    for (size_t i = 0; i < count; i++) {
        const int64_t elements = assay_count(output[i].tensor);
        for (int64_t e = 0; e < elements; e++, at++) {
            const bool poison = assay_buffer_is_poison(output[i].tensor, e);
            all = all && !(poison && written[at]);
            written[at] = was ? !poison : written[at];
        }
    }
    return all;
}

assay_status assay_bench_repeat(const assay_bench_class *class_, assay_bench_subject *subject,
                                size_t set, bool *rewritten, assay_error *error)
{
    assay_bench_output output[ASSAY_BENCH_OUTPUTS_MAX];
    const size_t count = class_->outputs(subject, set, output);
    size_t elements = 1;
    for (size_t i = 0; i < count; i++) {
        elements += (size_t)assay_count(output[i].tensor);
    }
    unsigned char *const written = calloc(elements, 1);
    if (written == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory to look at outputs");
    }
    (void)look(output, count, written, true);
    for (size_t i = 0; i < count; i++) {
        assay_buffer_poison(output[i].tensor);
    }
    assay_status status = class_->give != NULL ? class_->give(subject, set) : ASSAY_OK;
    status = status == ASSAY_OK ? class_->call(subject, set) : status;
    if (status == ASSAY_OK && class_->fetch != NULL) {
        status = class_->fetch(subject, set);
    }
    *rewritten = look(output, count, written, false);
    free(written);
    return status;
}
