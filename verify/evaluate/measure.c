#include "verify/evaluate/measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/statistics/clusters.h"

static const double confidence = 0.95;

/* One measure being taken: how much of how much, concept by concept. */
typedef struct tally {
    const assay_world *world;
    const assay_world_pair *source;
    const assay_observed_pair *truth, *made;
    const assay_observed *all_truth, *all;
    double *total; /* [texts]: squared distance of the truth's activations from their mean */
    double *over, *under; /* [concepts] */
    size_t n;
} tally;

const char *assay_measure_name(assay_measure_id measure)
{
    switch (measure) {
#define MEASURE_NAME(key)                                                                          \
    case ASSAY_MEASURE_##key: return #key;
        ASSAY_MEASURES(MEASURE_NAME)
#undef MEASURE_NAME
    case ASSAY_MEASURE_COUNT: break;
    }
    return "?";
}

static void add(tally *t, int64_t concept, double over, double under, size_t samples)
{
    t->over[concept] += over;
    t->under[concept] += under;
    t->n += samples;
}

static bool says(const char *const *label, int64_t latent, const char *expected)
{
    return latent >= 0 && label[latent] != NULL && strcmp(label[latent], expected) == 0;
}

static void count_labels(tally *t, bool against_truth)
{
    const char *const *const label = (const char *const *)t->made->label;
    for (size_t c = 0; c < t->world->concept_count; c++) {
        const int64_t latent = t->source->best[c];
        if (!against_truth) {
            add(t, (int64_t)c, says(label, latent, t->world->label[c]) ? 1.0 : 0.0, 1.0, 1);
        } else if (latent >= 0 && t->truth->label[latent] != NULL) {
            add(t, (int64_t)c, says(label, latent, t->truth->label[latent]) ? 1.0 : 0.0, 1.0, 1);
        }
    }
}

static void count_texts(tally *t, bool against_truth)
{
    const char *const *const label = (const char *const *)t->made->label;
    for (size_t i = 0; i < t->world->text_count; i++) {
        const int64_t concept = t->world->text[i].concept;
        const bool right = against_truth
                               ? t->made->strongest[i] == t->truth->strongest[i]
                               : says(label, t->made->registered[i], t->world->label[concept]);
        add(t, concept, right ? 1.0 : 0.0, 1.0, 1);
    }
}

static void count_rows(tally *t, bool variance)
{
    for (size_t i = 0; i < t->world->text_count; i++) {
        const assay_world_text *const text = &t->world->text[i];
        const double rows = (double)(text->length - 1);
        add(t, text->concept, variance ? t->made->error[i] : t->made->active[i],
            variance ? t->total[i] : rows, (size_t)rows);
    }
}

static void count_predictions(tally *t, bool divergence)
{
    for (size_t i = 0; i < t->world->text_count; i++) {
        const assay_world_text *const text = &t->world->text[i];
        double sum = 0.0;
        for (size_t k = text->content; k < text->content + text->content_count; k++) {
            sum += divergence ? t->all->kl[k] : t->all->nll[k] - t->all_truth->nll[k];
        }
        add(t, text->concept, sum, (double)text->content_count, text->content_count);
    }
}

static void count(tally *t, assay_measure_id measure)
{
    switch (measure) {
    case ASSAY_MEASURE_label_accuracy: count_labels(t, false); break;
    case ASSAY_MEASURE_same_label: count_labels(t, true); break;
    case ASSAY_MEASURE_end_to_end_accuracy: count_texts(t, false); break;
    case ASSAY_MEASURE_same_latent: count_texts(t, true); break;
    case ASSAY_MEASURE_variance_explained: count_rows(t, true); break;
    case ASSAY_MEASURE_l0: count_rows(t, false); break;
    case ASSAY_MEASURE_nll_shift: count_predictions(t, false); break;
    case ASSAY_MEASURE_kl: count_predictions(t, true); break;
    case ASSAY_MEASURE_COUNT: break;
    }
}

/* Adds a text's activations, divided by `rows`, to their mean; tokens other than BOS. */
static void add_mean(const assay_world_text *text, const double *residual, size_t d, double rows,
                     double *mean)
{
    const double *const x = residual + (text->first + 1) * d;
    for (size_t k = 0; k < (size_t)(text->length - 1) * d; k++) {
        mean[k % d] += x[k] / rows;
    }
}

static double distance(const assay_world_text *text, const double *residual, size_t d,
                       const double *mean)
{
    const double *const x = residual + (text->first + 1) * d;
    double sum = 0.0;
    for (size_t k = 0; k < (size_t)(text->length - 1) * d; k++) {
        const double rest = x[k] - mean[k % d];
        sum += rest * rest;
    }
    return sum;
}

/* The truth's activations around their mean. */
static assay_status spread(const assay_world *world, const double *residual, double *total,
                           assay_error *error)
{
    const size_t d = (size_t)world->model.model.d_model;
    const double rows = (double)(world->token_count - world->text_count);
    double *const mean = calloc(d, sizeof *mean);
    if (mean == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a mean");
    }
    for (size_t i = 0; i < world->text_count; i++) {
        add_mean(&world->text[i], residual, d, rows, mean);
    }
    for (size_t i = 0; i < world->text_count; i++) {
        total[i] = distance(&world->text[i], residual, d, mean);
    }
    free(mean);
    return ASSAY_OK;
}

static assay_status take(tally *t, assay_measure_id id, uint64_t seed, assay_measure *measure,
                         assay_error *error)
{
    const size_t concepts = t->world->concept_count;
    const bool share = id <= ASSAY_MEASURE_same_latent;
    assay_resampling options = ASSAY_RESAMPLING_DEFAULTS;
    assay_interval interval = {0.0, 0.0};
    options.seed = seed;
    memset(t->over, 0, concepts * sizeof *t->over);
    memset(t->under, 0, concepts * sizeof *t->under);
    t->n = 0;
    count(t, id);
    *measure = (assay_measure){(double)NAN, (double)NAN, (double)NAN, t->n};
    for (size_t c = 0; c < concepts; c++) {
        if (!isfinite(t->over[c]) || !isfinite(t->under[c])) {
            return ASSAY_OK; /* the kernel's own numbers: told as such */
        }
    }
    double value = 0.0;
    const assay_status status =
        share ? assay_clustered_share(t->over, t->under, concepts, confidence, &value, &interval,
                                      error)
              : assay_clustered_ratio(t->over, t->under, concepts, &options, &value, &interval,
                                      error);
    if (status != ASSAY_OK) {
        return status;
    }
    *measure = id == ASSAY_MEASURE_variance_explained
                   ? (assay_measure){1.0 - value, 1.0 - interval.high, 1.0 - interval.low, t->n}
                   : (assay_measure){value, interval.low, interval.high, t->n};
    return ASSAY_OK;
}

/* What could not be computed, and gates missed by more than the interval. */
static void judge(const assay_world_pair *source, assay_evaluation *evaluation)
{
    const struct {
        assay_measure_id id;
        double least;
    } gates[] = {{ASSAY_MEASURE_label_accuracy, source->least_labels},
                 {ASSAY_MEASURE_variance_explained, source->least_variance}};
    char *const message = evaluation->result.message;
    for (int id = 0; id < ASSAY_MEASURE_COUNT; id++) {
        if (isnan(evaluation->measure[id].value)) {
            evaluation->result.verdict = ASSAY_FAIL;
            (void)snprintf(message, ASSAY_MESSAGE_MAX, "%s is not finite",
                           assay_measure_name((assay_measure_id)id));
            return;
        }
    }
    for (size_t i = 0; i < sizeof gates / sizeof *gates; i++) {
        const assay_measure *const measure = &evaluation->measure[gates[i].id];
        if (measure->high < gates[i].least) {
            evaluation->missed = true;
            (void)snprintf(message, ASSAY_MESSAGE_MAX,
                           "%s %.3f (%.3f to %.3f) misses the world's gate of %.2f",
                           assay_measure_name(gates[i].id), measure->value, measure->low,
                           measure->high, gates[i].least);
            return;
        }
    }
}

assay_status assay_measure_pair(const assay_world *world, size_t pair,
                                const assay_observed *truth, const assay_observed *observed,
                                uint64_t seed, assay_evaluation *evaluation, assay_error *error)
{
    const assay_world_pair *const source = &world->pair[pair];
    evaluation->sae = source->sae_name;
    evaluation->adapter = source->adapter_name;
    evaluation->result = observed->result;
    if (observed->result.verdict != ASSAY_PASS) {
        return ASSAY_OK;
    }
    tally t = {.world = world,
               .source = source,
               .truth = &truth->pair[pair],
               .made = &observed->pair[pair],
               .all_truth = truth,
               .all = observed,
               .total = calloc(world->text_count, sizeof *t.total),
               .over = calloc(world->concept_count, sizeof *t.over),
               .under = calloc(world->concept_count, sizeof *t.under)};
    assay_status status = ASSAY_OK;
    if (t.total == NULL || t.over == NULL || t.under == NULL) {
        status = assay_fail(error, ASSAY_NO_MEMORY, "out of memory for measures");
    }
    if (status == ASSAY_OK) {
        status = spread(world, truth->residual, t.total, error);
    }
    for (int id = 0; id < ASSAY_MEASURE_COUNT && status == ASSAY_OK; id++) {
        status = take(&t, (assay_measure_id)id, seed, &evaluation->measure[id], error);
    }
    if (status == ASSAY_OK) {
        judge(source, evaluation);
    }
    free(t.total);
    free(t.over);
    free(t.under);
    return status;
}

bool assay_evaluation_is_bad(const assay_evaluation *evaluation)
{
    return evaluation->missed || assay_verdict_is_bad(evaluation->result.verdict);
}
