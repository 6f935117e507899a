#include "bench/selection.h"

#include <stdio.h>

#include "assay/filter.h"

bool assay_bench_selected(const assay_bench_options *o, const assay_bench_entry *entry)
{
    return assay_filter_matches(o->op, assay_op_name(entry->op)) &&
           assay_filter_matches(o->case_id, entry->id) &&
           assay_filter_matches(o->system, entry->system) &&
           (!o->quick || strcmp(entry->system, "tiny") == 0);
}

static bool has_batch(const assay_bench_options *o, const assay_bench_list *list, int64_t batch)
{
    bool found = false;
    for (size_t i = 0; i < list->count; i++) {
        const assay_bench_entry *const entry = &list->entries[i];
        for (size_t b = 0; b < entry->batch_count && !found; b++) {
            found = entry->batch[b] == batch && assay_bench_selected(o, entry);
        }
    }
    return found;
}

/* What is asked for must be there to be timed: a run of nothing would look like a good one. */
assay_status assay_bench_check_selection(const assay_bench_options *o,
                                         const assay_bench_list *list, size_t *count,
                                         assay_error *error)
{
    const char *const path = o->cases != NULL ? o->cases : "fixtures/cases/bench.json";
    *count = 0;
    for (size_t i = 0; i < list->count; i++) {
        *count += assay_bench_selected(o, &list->entries[i]);
    }
    if (*count == 0) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "no case matches: see %s%s", path,
                          o->quick ? "; --quick times tiny ones only" : "");
    }
    size_t found = 0;
    for (size_t b = 0; b < o->measure.batch_count; b++) {
        found += has_batch(o, list, o->batches[b]);
    }
    if (o->measure.batch_count > 0 && found == 0) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "--batch %s: no case that is chosen has such a size: see %s", o->batch,
                          path);
    }
    for (size_t b = 0; b < o->measure.batch_count; b++) {
        if (!has_batch(o, list, o->batches[b])) {
            (void)fprintf(stderr, "assay bench: no case that is chosen has batch size %lld\n",
                          (long long)o->batches[b]);
        }
    }
    return ASSAY_OK;
}
