#include "verify/campaign.h"

#include <omp.h>
#include <pthread.h>
#include <stdlib.h>

#include "fixtures/synth/cases.h"
#include "kernels/registry.h"
#include "verify/campaign_parts.h"

assay_status assay_campaign_open(const assay_campaign_options *options, assay_campaign **campaign,
                                 assay_error *error)
{
    assay_campaign *const made = calloc(1, sizeof *made);
    *campaign = made;
    if (made == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a campaign");
    }
    made->options = *options;
    made->host = assay_filter_matches(options->impl, "host") && options->plugin_count == 0;
    const assay_status status = assay_campaign_find_tables(made, error);
    if (status != ASSAY_OK) {
        assay_campaign_close(campaign);
    }
    return status;
}

void assay_campaign_close(assay_campaign **campaign)
{
    assay_campaign *const c = *campaign;
    if (c == NULL) {
        return;
    }
    for (size_t i = 0; i < c->bundle_count; i++) {
        assay_scales_close(&c->bundle[i]->scales);
        assay_bundle_close(&c->bundle[i]->bundle);
        free(c->bundle[i]->selected);
        free(c->bundle[i]);
    }
    for (size_t i = 0; i < c->list_count; i++) {
        assay_case_list_close(c->list[i]);
        free(c->list[i]);
    }
    for (size_t i = 0; i <= c->options.plugin_count; i++) {
        assay_session_close(&c->lister[i]);
    }
    free(c->bundle);
    free(c->list);
    free(c->item);
    free(c->tables);
    free(c->source);
    free(c);
    *campaign = NULL;
}

/* Room for one more in a growing array of pointers or items. */
static void *grown(void *array, size_t count, size_t size)
{
    return (count & (count - 1)) == 0 ? realloc(array, (count == 0 ? 1 : 2 * count) * size)
                                      : array;
}

static assay_status add_item(assay_campaign *c, const assay_campaign_item *item,
                             assay_error *error)
{
    void *const room = grown(c->item, c->item_count, sizeof *c->item);
    if (room == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for cases");
    }
    c->item = room;
    c->item[c->item_count++] = *item;
    return ASSAY_OK;
}

/* What --quick leaves out of a bundle: long prompts, long generations, explanations of several
 * features at once or of a text, and after the first of a bundle more of the stages that take most.
 * Most of its time is the scales of their chains. */
enum { LONG_SEQUENCE = 128, LONG_GENERATION = 8 };

static bool is_long(const assay_bundle *bundle, const assay_bundle_case *c)
{
    assay_tensor tokens;
    const cJSON *const made = cJSON_GetObjectItemCaseSensitive(c->params, "max_new_tokens");
    const cJSON *const features = cJSON_GetObjectItemCaseSensitive(c->params, "features");
    if ((strcmp(c->op, "generate") == 0 && cJSON_IsNumber(made) &&
         made->valuedouble > LONG_GENERATION) ||
        cJSON_GetArraySize(features) > 1 ||
        (strcmp(c->op, "explain") == 0 &&
         cJSON_GetObjectItemCaseSensitive(c->params, "text") != NULL)) {
        return true;
    }
    return assay_bundle_tensor(bundle, c->in, c->id, "tokens", false, &tokens, NULL) == ASSAY_OK &&
           assay_present(&tokens) && tokens.rank == 2 && tokens.shape[1] > LONG_SEQUENCE;
}

/* Whether case i is of a stage that takes most, and an earlier case of the bundle too. */
static bool is_another(const assay_bundle *bundle, size_t i)
{
    const char *const op = bundle->cases[i].op;
    const bool takes_most = strcmp(op, "steered_generate") == 0 || strcmp(op, "explain") == 0;
    bool found = false;
    for (size_t k = 0; takes_most && k < i && !found; k++) {
        found = strcmp(bundle->cases[k].op, op) == 0 && !is_long(bundle, &bundle->cases[k]);
    }
    return found;
}

assay_status assay_campaign_add_bundle(assay_campaign *c, const char *folder, assay_error *error)
{
    const assay_filter *const filter = &c->options.filter;
    assay_campaign_bundle *const made = calloc(1, sizeof *made);
    void *const room = grown(c->bundle, c->bundle_count, sizeof *c->bundle);
    if (made == NULL || room == NULL) {
        free(made);
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a bundle");
    }
    c->bundle = room;
    assay_status status = assay_bundle_open(folder, &made->bundle, error);
    if (status != ASSAY_OK) {
        free(made);
        return status;
    }
    const size_t index = c->bundle_count;
    c->bundle[c->bundle_count++] = made;
    made->selected = calloc(made->bundle.case_count + 1, sizeof *made->selected);
    if (made->selected == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a bundle");
    }
    status = assay_scales_open_for(&made->bundle, &c->options.overrides, &made->scales, error);
    for (size_t i = 0; i < made->bundle.case_count && status == ASSAY_OK; i++) {
        const assay_bundle_case *const one = &made->bundle.cases[i];
        if (assay_filter_matches(filter->op, one->op) &&
            assay_filter_matches(filter->case_id, one->id) &&
            !(filter->quick && (is_long(&made->bundle, one) || is_another(&made->bundle, i)))) {
            const assay_campaign_item item = {.bundle = index, .bundle_case = one};
            made->selected[i] = true;
            status = add_item(c, &item, error);
        }
    }
    return status;
}

assay_status assay_campaign_add_generated(assay_campaign *c, const char *path,
                                          bool own_list, assay_error *error)
{
    assay_case_list *const list = calloc(1, sizeof *list);
    void *const room = grown(c->list, c->list_count, sizeof *c->list);
    if (list == NULL || room == NULL) {
        free(list);
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a list of cases");
    }
    c->list = room;
    assay_status status = assay_case_list_open(path, list, error);
    if (status != ASSAY_OK) {
        free(list);
        return status;
    }
    c->list[c->list_count++] = list;
    if (!own_list) {
        status = assay_case_list_draw(list, c->options.seed, error);
    }
    for (size_t i = 0; i < list->count && status == ASSAY_OK; i++) {
        if (assay_generated_selected(&list->entries[i], &c->options.filter)) {
            const assay_campaign_item item = {.entry = &list->entries[i],
                                              .cases = own_list ? path : NULL};
            status = add_item(c, &item, error);
        }
    }
    return status;
}

size_t assay_campaign_count(const assay_campaign *c)
{
    return c->item_count;
}
