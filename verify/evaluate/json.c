#include "verify/evaluate/report.h"
#include "verify/report.h"
#include "verify/result_json.h"

static void add_measure(cJSON *object, const assay_evaluation *e, assay_measure_id id)
{
    const assay_measure *const measure = &e->measure[id];
    cJSON *const estimate = cJSON_AddObjectToObject(object, assay_measure_name(id));
    assay_json_add_number(estimate, "value", measure->value);
    assay_json_add_number(estimate, "low", measure->low);
    assay_json_add_number(estimate, "high", measure->high);
    (void)cJSON_AddNumberToObject(estimate, "n", (double)measure->n);
}

static cJSON *evaluation_to_json(const assay_world *world, const assay_evaluation *e)
{
    cJSON *const object = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(object, "impl", e->impl);
    (void)cJSON_AddStringToObject(object, "backend", e->backend);
    (void)cJSON_AddStringToObject(object, "world", world->folder);
    (void)cJSON_AddNumberToObject(object, "world_seed", (double)world->seed);
    (void)cJSON_AddNumberToObject(object, "concepts", (double)world->concept_count);
    (void)cJSON_AddNumberToObject(object, "texts", (double)world->text_count);
    (void)cJSON_AddStringToObject(object, "hook", world->hook_name);
    (void)cJSON_AddStringToObject(object, "sae", e->sae);
    (void)cJSON_AddStringToObject(object, "adapter", e->adapter);
    /* An implementation that misses a gate was measured: the verdict is on it, not on the run. */
    (void)cJSON_AddStringToObject(
        object, "verdict",
        assay_verdict_name(e->missed ? ASSAY_FAIL : e->result.verdict));
    (void)cJSON_AddStringToObject(object, "message", e->result.message);
    for (int id = 0; e->result.verdict == ASSAY_PASS && id < ASSAY_MEASURE_COUNT; id++) {
        add_measure(object, e, (assay_measure_id)id);
    }
    return object;
}

assay_status assay_evaluations_write(const assay_world *world, const assay_evaluations *all,
                                     const char *path, assay_error *error)
{
    cJSON *const root = assay_results_begin();
    cJSON *const list = cJSON_AddArrayToObject(root, "evaluations");
    for (size_t i = 0; i < all->count; i++) {
        (void)cJSON_AddItemToArray(list, evaluation_to_json(world, &all->item[i]));
    }
    const assay_status status = assay_json_write(root, path, error);
    cJSON_Delete(root);
    return status;
}
