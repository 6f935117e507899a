#include "verify/keep.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fixtures/io/safetensors.h"

static void leave_out(assay_kept *kept, const char *part, const char *name, const assay_tensor *t)
{
    const size_t used = strlen(kept->left_out);
    int at = snprintf(kept->left_out + used, sizeof kept->left_out - used, "%s%s.%s %s [",
                      used > 0 ? "; " : "", part, name, assay_dtype_name(t->dtype));
    for (int32_t i = 0; i <= t->rank && at > 0 && used + (size_t)at < sizeof kept->left_out; i++) {
        char *const end = kept->left_out + used + (size_t)at;
        const size_t room = sizeof kept->left_out - used - (size_t)at;
        at += i == t->rank ? snprintf(end, room, "]")
                           : snprintf(end, room, "%s%lld", i > 0 ? ", " : "",
                                      (long long)t->shape[i]);
    }
}

void assay_kept_add(assay_kept *kept, assay_arena *arena, const char *part, const char *name,
                    const assay_tensor *tensor)
{
    if (!assay_present(tensor)) {
        return;
    }
    struct assay_kept_tensor *const entry = &kept->tensor[kept->count];
    const uint64_t bytes = (uint64_t)assay_count(tensor) * assay_dtype_size(tensor->dtype);
    const bool dense = assay_is_dense(tensor);
    if (bytes > kept->most || kept->count == ASSAY_KEPT_MAX ||
        (!dense && (arena == NULL || assay_buffer_convert(arena, tensor, tensor->dtype,
                                                          &entry->tensor, NULL) != ASSAY_OK))) {
        leave_out(kept, part, name, tensor);
        return;
    }
    if (dense) {
        entry->tensor = *tensor;
    }
    (void)snprintf(entry->name, sizeof entry->name, "%s.%s", part, name);
    kept->count++;
}

/* The types with the larger elements first: each tensor begins at a multiple of its own. */
static size_t ordered(const assay_kept *kept, size_t order[ASSAY_KEPT_MAX])
{
    size_t count = 0;
    for (size_t size = sizeof(double); size > 0; size /= 2) {
        for (size_t i = 0; i < kept->count; i++) {
            if (assay_dtype_size(kept->tensor[i].tensor.dtype) == size) {
                order[count++] = i;
            }
        }
    }
    return count;
}

static assay_status write_file(const char *path, const assay_kept *kept,
                               const char *const metadata[][2], size_t pairs, assay_error *error)
{
    size_t order[ASSAY_KEPT_MAX];
    const size_t count = ordered(kept, order);
    assay_safetensors_writer *writer = NULL;
    assay_status status = assay_safetensors_create(path, &writer, error);
    for (size_t i = 0; status == ASSAY_OK && i < count; i++) {
        const struct assay_kept_tensor *const one = &kept->tensor[order[i]];
        status = assay_safetensors_declare(writer, one->name, one->tensor.dtype, one->tensor.rank,
                                           one->tensor.shape, error);
    }
    for (size_t i = 0; status == ASSAY_OK && i < pairs; i++) {
        if (metadata[i][1] != NULL) {
            status =
                assay_safetensors_set_metadata(writer, metadata[i][0], metadata[i][1], error);
        }
    }
    for (size_t i = 0; status == ASSAY_OK && i < count; i++) {
        const assay_tensor *const t = &kept->tensor[order[i]].tensor;
        status = assay_safetensors_append(
            writer, t->data, (size_t)assay_count(t) * assay_dtype_size(t->dtype), error);
    }
    if (status == ASSAY_OK) {
        return assay_safetensors_finish(&writer, error);
    }
    assay_safetensors_abandon(&writer);
    return status;
}

void assay_kept_write(const char *folder, const assay_kept *kept, const assay_result *result,
                      const char *const metadata[][2], size_t count)
{
    assay_error error = {.message = "out of memory"};
    char *path = NULL;
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        (void)fprintf(stderr, "assay: --keep %s: the folder cannot be made\n", folder);
        return;
    }
    if (asprintf(&path, "%s/%s-%s-%s.safetensors", folder, result->op, result->impl,
                 result->case_id) < 0) {
        return;
    }
    for (char *at = path + strlen(folder) + 1; *at != '\0'; at++) {
        *at = *at == '/' ? '_' : *at;
    }
    if (write_file(path, kept, metadata, count, &error) != ASSAY_OK) {
        (void)fprintf(stderr, "assay: --keep: %s\n", error.message);
    }
    free(path);
}
