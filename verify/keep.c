#include "verify/keep.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fixtures/io/safetensors.h"

void assay_kept_add(assay_kept *kept, const char *part, const char *name,
                    const assay_tensor *tensor)
{
    if (!assay_present(tensor) || kept->count == ASSAY_KEPT_MAX) {
        return;
    }
    struct assay_kept_tensor *const entry = &kept->tensor[kept->count++];
    (void)snprintf(entry->name, sizeof entry->name, "%s.%s", part, name);
    entry->tensor = *tensor;
}

static assay_status write_file(const char *path, const assay_kept *kept,
                               const assay_result *result, assay_error *error)
{
    char seed[32];
    assay_safetensors_writer *writer = NULL;
    (void)snprintf(seed, sizeof seed, "%llu", (unsigned long long)result->seed);
    assay_status status = assay_safetensors_create(path, &writer, error);
    for (size_t i = 0; status == ASSAY_OK && i < kept->count; i++) {
        const assay_tensor *const t = &kept->tensor[i].tensor;
        status = assay_safetensors_declare(writer, kept->tensor[i].name, t->dtype, t->rank,
                                           t->shape, error);
    }
    const char *const metadata[3][2] = {{"verdict", assay_verdict_name(result->verdict)},
                                        {"message", result->message},
                                        {"seed", seed}};
    for (int i = 0; status == ASSAY_OK && i < 3; i++) {
        status = assay_safetensors_set_metadata(writer, metadata[i][0], metadata[i][1], error);
    }
    for (size_t i = 0; status == ASSAY_OK && i < kept->count; i++) {
        const assay_tensor *const t = &kept->tensor[i].tensor;
        status = assay_safetensors_append(
            writer, t->data, (size_t)assay_count(t) * assay_dtype_size(t->dtype), error);
    }
    if (status == ASSAY_OK) {
        return assay_safetensors_finish(&writer, error);
    }
    assay_safetensors_abandon(&writer);
    return status;
}

void assay_kept_write(const char *folder, const assay_kept *kept, const assay_result *result)
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
    if (write_file(path, kept, result, &error) != ASSAY_OK) {
        (void)fprintf(stderr, "assay: --keep: %s\n", error.message);
    }
    free(path);
}

static void keep_matrix(assay_kept *kept, const char *part, const char *name, double *data,
                        int64_t rows, int64_t columns)
{
    if (data != NULL) {
        const assay_tensor view = assay_matrix(data, ASSAY_F64, rows, columns);
        assay_kept_add(kept, part, name, &view);
    }
}

void assay_keep_step(const char *folder, const assay_judgement *j)
{
    assay_kept kept = {.count = 0};
    const assay_operand *operand = assay_operands(j->step->op);
    for (; operand->name != NULL; operand++) {
        if (operand->input) {
            assay_kept_add(&kept, "in", operand->name, assay_operand_in(&j->base, operand));
        }
        if (operand->output) {
            assay_kept_add(&kept, "got", operand->name, assay_operand_in(&j->first, operand));
        }
    }
    const assay_step_truth *const truth = &j->truth;
    keep_matrix(&kept, "expected", "y", truth->expected, truth->budget.rows,
                truth->budget.columns);
    keep_matrix(&kept, "budget", "y", truth->budget.value, truth->budget.rows,
                truth->budget.columns);
    const assay_codes_truth *const codes = &truth->codes;
    const int64_t latents = codes->sae != NULL ? codes->sae->d_sae : 0;
    keep_matrix(&kept, "expected", "pre", codes->pre, codes->rows, latents);
    keep_matrix(&kept, "expected", "score", codes->score, codes->rows, latents);
    keep_matrix(&kept, "budget", "pre", codes->pre_budget, codes->rows, latents);
    keep_matrix(&kept, "budget", "score", codes->score_budget, codes->rows, latents);
    assay_kept_write(folder, &kept, j->result);
}
