/* Unpaired ratios: the gate's screening (medians of processes, variance drawn towards the run's)
 * read at many levels, which gives a p value beside the interval. */
#include <math.h>
#include <stdlib.h>

#include "bench/statistics/gate.h"
#include "bench/statistics/multiple.h"
#include "bench/statistics/order.h"
#include "reports/compare.h"
#include "reports/samples.h"

double *compare_process_medians(const results_timing *timing, size_t *count)
{
    size_t used = 0;
    assay_sample *const list = report_samples(timing, &used, NULL);
    double *const one = calloc(used + 1, sizeof *one);
    double *medians = calloc(used + 1, sizeof *medians);
    *count = 0;
    if (list == NULL || one == NULL || medians == NULL) {
        free(medians);
        medians = NULL;
        goto fail;
    }
    for (size_t from = 0, end; from < used; from = end) {
        for (end = from; end < used && list[end].process == list[from].process; end++) {
            one[end - from] = list[end].seconds;
        }
        medians[(*count)++] = assay_median_reorder(one, end - from);
    }
fail:
    free(list);
    free(one);
    return medians;
}

/* Times that are not above zero say nothing; such a case is unmeasured. */
static bool all_positive(const double *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!(list[i] > 0.0 && isfinite(list[i]))) {
            return false;
        }
    }
    return count > 0;
}

/* The levels at which intervals are asked for, two-sided: a quarter decade apart. A p value is the
 * least of them whose interval leaves 1 out, so it is never too small by more than none. */
enum { LEVELS = 41 };

/* The deviation of one process from the next that is assumed where no case has two on a side: so
 * much do single processes of one program differ on a shared machine, whose cores have two speeds,
 * one of them while a neighbour works on the same core. */
static const double assumed_spread = 0.25;

static double level(size_t i)
{
    return 0.98 * pow(10.0, -0.25 * (double)i);
}

static assay_status read_levels(assay_gate_case *gate, compare_case *item, size_t count,
                                const compare_options *options, assay_error *error)
{
    assay_gate_options o = ASSAY_GATE_DEFAULTS;
    size_t suspects;
    assay_status status = ASSAY_OK;
    o.margin = fmin(options->margin, o.effect);
    o.spread = assumed_spread;
    for (size_t i = 0; i < count; i++) {
        item[i].p = 1.0;
    }
    for (size_t i = 0; i <= LEVELS && status == ASSAY_OK; i++) {
        /* the last turn is the 95% interval that is shown */
        o.miss = i < LEVELS ? 0.5 * level(i) : 0.025;
        status = assay_gate_screen(gate, count, &o, &suspects, error);
        for (size_t k = 0; k < count && status == ASSAY_OK; k++) {
            const bool out = gate[k].suspicion != ASSAY_UNMEASURED &&
                             (gate[k].screened_low > 1.0 || gate[k].screened_high < 1.0);
            item[k].p = out && i < LEVELS ? fmin(item[k].p, level(i)) : item[k].p;
        }
    }
    for (size_t k = 0; k < count && status == ASSAY_OK; k++) {
        item[k].ratio =
            gate[k].suspicion == ASSAY_UNMEASURED
                ? (results_estimate){(double)NAN, (double)NAN, (double)NAN}
                : (results_estimate){1.0 / gate[k].screened, 1.0 / gate[k].screened_high,
                                     1.0 / gate[k].screened_low};
    }
    return status;
}

static assay_change judge(const compare_case *item, const compare_options *options)
{
    const results_estimate *const r = &item->ratio;
    if (!(r->value > 0.0)) {
        return ASSAY_UNSURE;
    }
    const assay_change change = assay_change_of(r->value, r->low, r->high, options->margin);
    const bool moved = change == ASSAY_FASTER || change == ASSAY_SLOWER;
    return moved && item->corrected_p > options->q ? ASSAY_UNSURE : change;
}

static assay_status correct(compare_case *item, size_t count, const compare_options *options,
                            assay_error *error)
{
    double *const p = calloc(count + 1, sizeof *p);
    if (p == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for %zu cases", count);
    }
    for (size_t i = 0; i < count; i++) {
        p[i] = item[i].p;
    }
    const assay_status status = assay_correct(p, count, ASSAY_BENJAMINI_HOCHBERG, p, error);
    for (size_t i = 0; i < count && status == ASSAY_OK; i++) {
        item[i].corrected_p = p[i];
        item[i].change = judge(&item[i], options);
    }
    free(p);
    return status;
}

assay_status compare_judge(compare_case *item, size_t count, const compare_options *options,
                           assay_error *error)
{
    assay_gate_case *const gate = calloc(count + 1, sizeof *gate);
    double **const list = calloc(2 * count + 1, sizeof *list);
    assay_status status = gate != NULL && list != NULL
                              ? ASSAY_OK
                              : assay_fail(error, ASSAY_NO_MEMORY, "out of memory for the cases");
    for (size_t i = 0; i < count && status == ASSAY_OK; i++) {
        size_t base;
        size_t now;
        list[2 * i] = compare_process_medians(item[i].base, &base);
        list[2 * i + 1] = compare_process_medians(item[i].now, &now);
        if (list[2 * i] == NULL || list[2 * i + 1] == NULL) {
            status = assay_fail(error, ASSAY_NO_MEMORY, "out of memory for the samples");
        } else if (all_positive(list[2 * i], base) && all_positive(list[2 * i + 1], now)) {
            gate[i].base = list[2 * i];
            gate[i].base_count = base;
            gate[i].now = list[2 * i + 1];
            gate[i].now_count = now;
            gate[i].base_lost = 1.0 - item[i].base->alone;
            gate[i].now_lost = 1.0 - item[i].now->alone;
        }
        item[i].processes[0] = gate != NULL ? gate[i].base_count : 0;
        item[i].processes[1] = gate != NULL ? gate[i].now_count : 0;
    }
    if (status == ASSAY_OK && count > 0) {
        status = read_levels(gate, item, count, options, error);
    }
    if (status == ASSAY_OK && count > 0) {
        status = correct(item, count, options, error);
    }
    for (size_t i = 0; list != NULL && i < 2 * count; i++) {
        free(list[i]);
    }
    free(list);
    free(gate);
    return status;
}
