/* What was measured, handed over: a timing for every series, or why there is none. */
#include "bench/measure_parts.h"

static assay_status give_none(const assay_measure *m, const assay_series *series,
                              assay_error *error)
{
    char reason[ASSAY_MESSAGE_MAX];
    (void)snprintf(reason, sizeof reason, "%s: %.900s",
                   assay_verdict_name(series->verdict.verdict), series->verdict.message);
    return m->sink.skipped(m->sink.context, &series->key, reason, error);
}

static assay_status give_timing(const assay_measure *m, assay_series *series, int64_t processes,
                                assay_error *error)
{
    if (assay_series_impossible(series, m->ceilings)) {
        series->verdict.verdict = ASSAY_FAIL;
        (void)snprintf(series->verdict.message, sizeof series->verdict.message,
                       "impossible: below the floor of the bytes that it declares to read, in "
                       "%lld processes",
                       (long long)processes);
    }
    cJSON *const timing = assay_series_timing(series, m->ceilings, m->options->seed);
    return timing == NULL ? assay_fail(error, ASSAY_NO_MEMORY, "no memory for a timing")
                          : m->sink.timing(m->sink.context, series, timing, error);
}

assay_status assay_measure_give(assay_measuring *now, assay_error *error)
{
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < now->count; i++) {
        for (int c = 0; c < ASSAY_CACHES && status == ASSAY_OK; c++) {
            assay_series *const series = &now->run[i].series[c];
            if (series->count > 0) {
                status = give_timing(now->m, series, now->process, error);
            } else if (series->verdict.verdict != ASSAY_PASS && now->run[i].wanted[c]) {
                status = give_none(now->m, series, error);
            }
        }
    }
    return status;
}

bool assay_measure_impossible(const assay_measuring *now)
{
    for (size_t i = 0; i < now->count; i++) {
        for (int c = 0; c < ASSAY_CACHES; c++) {
            if (now->run[i].series[c].count > 0 &&
                assay_series_impossible(&now->run[i].series[c], now->m->ceilings)) {
                return true;
            }
        }
    }
    return false;
}
