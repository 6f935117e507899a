/* GOLDEN.md's two files. The manifest is written last: a folder without one is no bundle. */
#include "verify/explain/dump_record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fixtures/io/bundle.h"
#include "fixtures/io/json_file.h"
#include "fixtures/io/safetensors.h"

static const char tensors_name[] = "tensors.safetensors";

assay_status assay_record_open(assay_record *record, const char *directory, assay_error *error)
{
    memset(record, 0, sizeof *record);
    record->directory = directory;
    record->cases = cJSON_CreateArray();
    return record->cases != NULL ? ASSAY_OK
                                 : assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
}

cJSON *assay_record_case(assay_record *record, const char *id, const char *op,
                         const char *precision)
{
    cJSON *const c = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(c, "id", id);
    (void)cJSON_AddStringToObject(c, "op", op);
    (void)cJSON_AddStringToObject(c, "precision", precision);
    (void)cJSON_AddObjectToObject(c, "params");
    (void)cJSON_AddObjectToObject(c, "in");
    (void)cJSON_AddObjectToObject(c, "out");
    (void)cJSON_AddItemToArray(record->cases, c);
    return c;
}

assay_status assay_record_tensor(assay_record *record, cJSON *c, const char *side, const char *role,
                                 const assay_tensor *tensor, assay_dtype dtype,
                                 assay_error *error)
{
    const char *const id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(c, "id"));
    assay_recorded *const grown =
        realloc(record->tensor, (record->count + 1) * sizeof *grown);
    if (grown == NULL || id == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for the dump's tensors");
    }
    record->tensor = grown;
    assay_recorded *const made = &grown[record->count];
    (void)snprintf(made->name, sizeof made->name, "%s.%s", id, role);
    made->tensor = *tensor;
    const assay_dtype wanted = dtype == ASSAY_NONE ? tensor->dtype : dtype;
    if (wanted != tensor->dtype || !assay_is_dense(tensor)) {
        const assay_status status =
            assay_buffer_convert(&record->arena, tensor, wanted, &made->tensor, error);
        if (status != ASSAY_OK) {
            return status;
        }
    }
    record->count++;
    (void)cJSON_AddStringToObject(cJSON_GetObjectItemCaseSensitive(c, side), role, made->name);
    return ASSAY_OK;
}

/* safetensors wants all names and shapes before the first byte. */
static assay_status write_tensors(const assay_record *record, const char *path, assay_error *error)
{
    assay_safetensors_writer *writer = NULL;
    assay_status status = assay_safetensors_create(path, &writer, error);
    for (size_t i = 0; status == ASSAY_OK && i < record->count; i++) {
        const assay_tensor *const t = &record->tensor[i].tensor;
        status = assay_safetensors_declare(writer, record->tensor[i].name, t->dtype, t->rank,
                                           t->shape, error);
    }
    for (size_t i = 0; status == ASSAY_OK && i < record->count; i++) {
        const assay_tensor *const t = &record->tensor[i].tensor;
        status = assay_safetensors_append(writer, t->data,
                                          (size_t)assay_count(t) * assay_dtype_size(t->dtype),
                                          error);
    }
    if (status == ASSAY_OK) {
        return assay_safetensors_finish(&writer, error);
    }
    assay_safetensors_abandon(&writer);
    return status;
}

/* The linked checkpoints are not listed: they are no files of the bundle. */
static cJSON *manifest(assay_record *record, const char *digest, uint64_t bytes)
{
    cJSON *const root = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(root, "format", "assay-golden");
    (void)cJSON_AddNumberToObject(root, "version", 1);
    const char *const slash = strrchr(record->directory, '/');
    const char *const base = slash != NULL && slash[1] != '\0' ? slash + 1 : record->directory;
    (void)cJSON_AddStringToObject(root, "name", base);
    cJSON *const producer = cJSON_AddObjectToObject(root, "producer");
    (void)cJSON_AddStringToObject(producer, "program", "assay");
    cJSON *const versions = cJSON_AddObjectToObject(producer, "versions");
    (void)cJSON_AddStringToObject(versions, "assay", ASSAY_VERSION " " ASSAY_REVISION);
    (void)cJSON_AddStringToObject(producer, "command", "assay explain --dump");
    (void)cJSON_AddNumberToObject(producer, "seed", 0);
    cJSON *const files = cJSON_AddObjectToObject(root, "files");
    cJSON *const file = cJSON_AddObjectToObject(files, tensors_name);
    (void)cJSON_AddNumberToObject(file, "bytes", (double)bytes);
    (void)cJSON_AddStringToObject(file, "sha256", digest);
    (void)cJSON_AddItemToObject(root, "cases", record->cases);
    record->cases = NULL; /* the root's now */
    return root;
}

static assay_status write_text(const char *path, const char *text, assay_error *error)
{
    FILE *const file = fopen(path, "w");
    const bool wrote = file != NULL && fputs(text, file) != EOF && fputc('\n', file) != EOF;
    if ((file != NULL && fclose(file) != 0) || !wrote) {
        return assay_fail(error, ASSAY_IO, "%s: could not be written: %s", path, strerror(errno));
    }
    return ASSAY_OK;
}

assay_status assay_record_finish(assay_record *record, assay_error *error)
{
    char digest[65];
    uint64_t bytes = 0;
    char *text = NULL;
    cJSON *root = NULL;
    char *const tensors = assay_path_join(record->directory, tensors_name);
    char *const path = assay_path_join(record->directory, "manifest.json");
    assay_status status = tensors != NULL && path != NULL
                              ? write_tensors(record, tensors, error)
                              : assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    if (status == ASSAY_OK) {
        status = assay_sha256_file(tensors, digest, &bytes, error);
    }
    if (status == ASSAY_OK) {
        root = manifest(record, digest, bytes);
        text = assay_json_text_of(root);
        status = text != NULL ? write_text(path, text, error)
                              : assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    }
    cJSON_Delete(root);
    free(text);
    free(tensors);
    free(path);
    return status;
}

void assay_record_close(assay_record *record)
{
    cJSON_Delete(record->cases);
    free(record->tensor);
    assay_arena_free(&record->arena);
    memset(record, 0, sizeof *record);
}
