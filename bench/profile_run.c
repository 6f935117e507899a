#include "bench/profile_run.h"

#include "bench/clock.h"
#include "bench/pin.h"
#include "bench/print.h"
#include "bench/stage_case.h"
#include "bench/subject.h"
#include "kernels/registry.h"

assay_status assay_profile_one(const assay_measure_options *options,
                               const assay_bench_entry *entry,
                               const assay_implementation *implementation, assay_error *error)
{
    const assay_table *const table = &implementation->table;
    const assay_bench_class *const class_ =
        entry->stage ? &assay_bench_stages : &assay_bench_steps;
    const int64_t batch = options->batch_count > 0 ? options->batch[0] : entry->batch[0];
    cJSON *const json = assay_bench_case_at(entry, batch);
    assay_bench_subject *subject = NULL;
    int32_t threads = 1;
    double prepare = 0.0;
    assay_status status = json != NULL ? assay_pin_threads(options->threads, &threads, error)
                                       : assay_fail(error, ASSAY_NO_MEMORY, "no memory");
    const assay_exec exec = {.device = assay_host_device(), .threads = threads, .error = error};
    if (implementation->plugin != NULL) {
        status = assay_fail(error, ASSAY_BAD_ARGUMENT,
                            "--profile: runs built-in kernels; profile a plug-in with "
                            "`assay verify --plugin FILE --in-process`");
    }
    if (status == ASSAY_OK && entry->stage) {
        status = assay_stage_case_settle(json, error);
    }
    if (status == ASSAY_OK) {
        status = class_->open(table, &exec, NULL, entry->op, json, &prepare, &subject, error);
    }
    if (status == ASSAY_OK) {
        status = class_->batch(subject, json, 1, error);
    }
    if (status == ASSAY_OK) {
        status = class_->renew(subject, 0, options->seed, error);
    }
    if (status == ASSAY_OK) {
        char text[32];
        const double start = assay_clock_now();
        status = class_->call(subject, 0);
        assay_seconds_text(assay_clock_now() - start, text, sizeof text);
        (void)printf("%s/%s on %s, batch %lld: one call took %s\n", assay_op_name(entry->op),
                     table->name, entry->id, (long long)batch, text);
    }
    class_->close(&subject);
    cJSON_Delete(json);
    return status;
}
