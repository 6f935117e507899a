/* What a kernel on a device costs in energy, asked for beside its warm samples. */
#include <stdio.h>
#include <stdlib.h>

#include "bench/measure_parts.h"
#include "bench/statistics/summary.h"

/* The reason why it was not measured stands in its place. */
assay_status assay_measure_energy(assay_measuring *now, assay_series *series, assay_error *error)
{
    cJSON *answer = NULL;
    assay_summary summary;
    double *const seconds = malloc(series->count * sizeof *seconds + 1);
    if (seconds == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory for samples");
    }
    for (size_t i = 0; i < series->count; i++) {
        seconds[i] = series->sample[i].seconds;
    }
    const assay_status status =
        assay_summarise(seconds, series->count, ASSAY_CONFIDENCE, &summary, error);
    free(seconds);
    if (status != ASSAY_OK) {
        return status;
    }
    const assay_child_fate fate =
        assay_child_ask(&now->child,
                        assay_request_energy(summary.median, now->m->options->seed),
                        now->m->options->deadline, &answer);
    if (fate.verdict == ASSAY_PASS) {
        series->energy = cJSON_DetachItemFromObject(answer, "energy");
    } else {
        series->energy = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(series->energy, "not_measured", fate.message);
        if (fate.verdict != ASSAY_SKIP) {
            series->verdict.verdict = fate.verdict;
            (void)snprintf(series->verdict.message, sizeof series->verdict.message, "%s",
                           fate.message);
        }
    }
    cJSON_Delete(answer);
    return ASSAY_OK;
}
