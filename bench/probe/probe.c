#include "bench/probe/probe.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bench/clock.h"
#include "bench/pin.h"
#include "bench/probe/probe_parts.h"
#include "bench/statistics/order.h"
#include "kernels/registry.h"
#include "verify/environment.h"

/* Of the whole, and of one way: what is left of it is room for a slow machine. */
#define FULL_SECONDS 45.0
#define QUICK_SECONDS 6.0
#define WAY_SECONDS 0.5

static assay_ceiling *entry_of(assay_ceilings *found, const char *name)
{
    for (size_t i = 0; i < found->count; i++) {
        if (strcmp(found->entry[i].name, name) == 0) {
            return &found->entry[i];
        }
    }
    if (found->count == ASSAY_CEILINGS_MAX) {
        return NULL; /* three times what the longest plan has */
    }
    assay_ceiling *const entry = &found->entry[found->count++];
    memset(entry, 0, sizeof *entry);
    (void)snprintf(entry->name, sizeof entry->name, "%s", name);
    return entry;
}

void assay_probe_keep(assay_ceilings *found, const char *name, double amount,
                      assay_probe_rounds *rounds)
{
    assay_ceiling *const entry = entry_of(found, name);
    assay_sort(rounds->seconds, rounds->count);
    const double shortest = rounds->seconds[0];
    const double longest = rounds->seconds[rounds->count - 1];
    const double middle = rounds->seconds[rounds->count / 2];
    const double best = amount > 0 ? amount / shortest : shortest;
    if (entry == NULL || (entry->value > 0 &&
                          (amount > 0 ? best <= entry->value : best >= entry->value))) {
        return;
    }
    entry->value = entry->best = best;
    entry->median = amount > 0 ? amount / middle : middle;
    entry->low = amount > 0 ? amount / longest : shortest;
    entry->high = amount > 0 ? best : longest;
}

void assay_probe_way(assay_probe *probe, const char *name, double amount, assay_probe_work *work,
                     void *context, int32_t threads)
{
    assay_probe_rounds rounds;
    if (probe->counting) {
        probe->ways++;
        return;
    }
    if (probe->options->progress != NULL) {
        probe->options->progress(probe->options->context, name,
                                 (double)probe->done / (double)probe->ways);
    }
    const double left = fmax(probe->end - assay_clock_now(), 0);
    const double fair = left / (double)(probe->ways - probe->done);
    assay_probe_measure(work, context, threads, fmin(fair, WAY_SECONDS), &rounds);
    assay_probe_keep(probe->found, name, amount * (double)threads, &rounds);
    probe->done++;
}

static assay_status measure_all(assay_probe *probe, assay_error *error)
{
    assay_status status = assay_probe_bandwidths(probe, error);
    if (status == ASSAY_OK) {
        status = assay_probe_peaks(probe, error);
    }
    if (status == ASSAY_OK) {
        assay_probe_latencies(probe);
    }
    return status;
}

void assay_probe_stamp(assay_ceilings *ceilings)
{
    struct tm utc;
    const time_t now = time(NULL);
    if (gmtime_r(&now, &utc) == NULL ||
        strftime(ceilings->date, sizeof ceilings->date, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0) {
        (void)snprintf(ceilings->date, sizeof ceilings->date, "unknown");
    }
}

assay_status assay_probe_run(const assay_probe_options *options, assay_ceilings *ceilings,
                             assay_error *error)
{
    const double start = assay_clock_now();
    assay_probe probe = {.options = options, .counting = true, .found = ceilings};
    memset(ceilings, 0, sizeof *ceilings);
    assay_machine_digest(ceilings->machine);
    assay_probe_stamp(ceilings);
    probe.features = assay_host_device().features;
    assay_status status = assay_pin_threads(0, &probe.all, error);
    const bool pinned = status == ASSAY_OK;
    if (status == ASSAY_UNSUPPORTED) { /* then threads go where the system puts them */
        probe.all = assay_topology_threads(assay_topology_get());
        status = ASSAY_OK;
    }
    probe.end = start + (options->quick ? QUICK_SECONDS : FULL_SECONDS);
    if (status == ASSAY_OK) {
        status = measure_all(&probe, error);
    }
    probe.counting = false;
    if (status == ASSAY_OK) {
        status = measure_all(&probe, error);
    }
    if (pinned) {
        assay_pin_release(probe.all);
    }
    return status;
}
