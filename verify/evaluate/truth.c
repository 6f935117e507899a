/* The reference held to the labels that PyTorch gave in float64: the world's figures list every
 * concept whose label is wrong, with what is said instead. */
#include <string.h>

#include "verify/evaluate/observe.h"

/* What the figures give for a concept's best latent; NULL: they say that there is none. */
static const char *expected(const cJSON *wrong, const char *planted)
{
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, wrong)
    {
        const char *const label =
            cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "planted"));
        if (label != NULL && strcmp(label, planted) == 0) {
            return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "said"));
        }
    }
    return planted;
}

static assay_status check_pair(const assay_world *world, size_t index,
                               const assay_observed_pair *made, assay_error *error)
{
    const assay_world_pair *const pair = &world->pair[index];
    const cJSON *const adapters = cJSON_GetObjectItemCaseSensitive(world->figures, "adapter");
    const cJSON *const figures = cJSON_GetObjectItemCaseSensitive(adapters, pair->adapter_name);
    const cJSON *const wrong = cJSON_GetObjectItemCaseSensitive(figures, "wrong");
    for (size_t c = 0; cJSON_IsArray(wrong) && c < world->concept_count; c++) {
        const int64_t latent = pair->best[c];
        const char *const said = latent >= 0 ? made->label[latent] : NULL;
        const char *const given = expected(wrong, world->label[c]);
        if (said != NULL && given != NULL && strcmp(said, given) != 0) {
            return assay_fail(error, ASSAY_BAD_INPUT,
                              "%s: adapter %s, latent %lld (%.80s): the reference says '%.80s', "
                              "figures.json '%.80s': the files do not belong together",
                              world->folder, pair->adapter_name, (long long)latent,
                              world->label[c], said, given);
        }
    }
    return ASSAY_OK;
}

assay_status assay_truth_check(const assay_world *world, const assay_observed *truth,
                               assay_error *error)
{
    if (truth->result.verdict != ASSAY_PASS) {
        return assay_fail(error, ASSAY_INTERNAL, "the reference itself: %s: %.900s",
                          assay_verdict_name(truth->result.verdict), truth->result.message);
    }
    assay_status status = ASSAY_OK;
    for (size_t p = 0; p < world->pair_count && status == ASSAY_OK; p++) {
        status = check_pair(world, p, &truth->pair[p], error);
    }
    return status;
}
