/* What implementations cost in explanations (assay evaluate), out of result files. */
#include <math.h>
#include <string.h>

#include "reports/results_parts.h"

const char *const results_measure_key[RESULTS_MEASURES] = {
    "label_accuracy",     "same_label", "end_to_end_accuracy", "same_latent",
    "variance_explained", "l0",         "nll_shift",           "kl"};

#define AT(member) offsetof(results_evaluation, member)
static const assay_field fields[] = {{"impl", ASSAY_FIELD_TEXT, AT(impl), true},
                                     {"sae", ASSAY_FIELD_TEXT, AT(sae), true},
                                     {"adapter", ASSAY_FIELD_TEXT, AT(adapter), true},
                                     {"verdict", ASSAY_FIELD_VERDICT, AT(verdict), true},
                                     {"world_seed", ASSAY_FIELD_COUNT, AT(world_seed), true},
                                     {"world", ASSAY_FIELD_TEXT, AT(world), false},
                                     {"message", ASSAY_FIELD_TEXT, AT(message), false},
                                     {"concepts", ASSAY_FIELD_COUNT, AT(concepts), false},
                                     {"texts", ASSAY_FIELD_COUNT, AT(texts), false},
                                     {NULL, ASSAY_FIELD_FLAG, 0, false}};
#undef AT

/* One that was not measured has none of them; one that was need not have those of a later form. */
static assay_status read_measure(const assay_node *object, size_t at, const assay_place *place,
                                 results_evaluation *evaluation, assay_error *error)
{
    const char *const key = results_measure_key[at];
    const assay_node *const node = assay_node_get(object, key);
    const double nan = (double)NAN;
    evaluation->measure[at] = (results_estimate){nan, nan, nan};
    evaluation->samples[at] = nan;
    if (node == NULL) {
        return ASSAY_OK;
    }
    evaluation->samples[at] = assay_node_real(node, "n", nan);
    return results_read_estimate(object, key, place, &evaluation->measure[at], error);
}

assay_status results_read_evaluation(const assay_node *object, const assay_place *place,
                                     results_evaluation *evaluation, assay_error *error)
{
    assay_status status = assay_fields_read(fields, object, place, evaluation, error);
    for (size_t i = 0; i < RESULTS_MEASURES && status == ASSAY_OK; i++) {
        status = read_measure(object, i, place, evaluation, error);
    }
    return status;
}

int assay_evaluation_compare(const results_evaluation *a, const results_evaluation *b)
{
    if (a->world_seed != b->world_seed) {
        return a->world_seed < b->world_seed ? -1 : 1;
    }
    const int sae = strcmp(a->sae, b->sae);
    const int adapter = strcmp(a->adapter, b->adapter);
    return sae != 0 ? sae : adapter != 0 ? adapter : strcmp(a->impl, b->impl);
}
