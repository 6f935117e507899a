#include "bench/sampler.h"

#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "bench/clock.h"
#include "bench/counters.h"
#include "verify/topology.h"

enum { EMPTY_CALLS = 2000, LINE_BYTES = 64 };

typedef struct sampling {
    const assay_bench_class *class_;
    assay_bench_subject *subject;
    const assay_sample_request *request;
    assay_status status; /* of the last call that did not return well */
    double empty_call;
} sampling;

/* Displaces what the caches hold. */
static void evict(void)
{
    static unsigned char *memory;
    static size_t bytes;
    if (memory == NULL) {
        bytes = 2 * (size_t)assay_topology_last_cache(assay_topology_get());
        bytes = bytes == 0 ? (size_t)64 << 20 : bytes;
        void *const taken =
            mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (taken == MAP_FAILED) {
            return;
        }
        (void)madvise(taken, bytes, MADV_HUGEPAGE);
        memory = taken;
    }
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < bytes; i += LINE_BYTES) {
        memory[i] = (unsigned char)(memory[i] + 1);
    }
}

static void call_many(sampling *s, assay_status (*call)(assay_bench_subject *, size_t),
                      size_t calls)
{
    const size_t sets = s->class_->sets(s->subject);
    for (size_t c = 0, set = 0; c < calls; c++) {
        const assay_status status = call(s->subject, set);
        s->status = status != ASSAY_OK ? status : s->status;
        set = set + 1 < sets ? set + 1 : 0;
    }
}

/* The cost of everything in the loop but the kernel: the least of several rounds. */
static double measure_empty(sampling *s)
{
    double least = INFINITY;
    for (int round = 0; round < 5; round++) {
        const double start = assay_clock_now();
        call_many(s, s->class_->empty, EMPTY_CALLS);
        const double seconds = (assay_clock_now() - start) / EMPTY_CALLS;
        least = seconds < least ? seconds : least;
    }
    return least;
}

static assay_status renew_all(sampling *s, size_t sample, assay_error *error)
{
    const size_t sets = s->class_->sets(s->subject);
    assay_status status = ASSAY_OK;
    for (size_t set = 0; set < sets && status == ASSAY_OK; set++) {
        status = s->class_->renew(s->subject, set, s->request->seed + sample * sets + set, error);
    }
    return status;
}

/* Inputs made, caches as asked for. A call that lacked room is repeated with more. */
static assay_status make_ready(sampling *s, size_t sample, assay_error *error)
{
    const size_t sets = s->class_->sets(s->subject);
    assay_status status = renew_all(s, sample, error);
    for (size_t set = 0; set < sets && status == ASSAY_OK && !s->request->cold; set++) {
        status = s->class_->call(s->subject, set);
        if (status == ASSAY_OK && !s->class_->fits(s->subject, set)) {
            status = s->class_->call(s->subject, set);
        }
    }
    if (s->request->cold) {
        evict();
    }
    return status;
}

static void add(cJSON *answer, const char *list, double value)
{
    cJSON *const array = cJSON_GetObjectItemCaseSensitive(answer, list);
    (void)cJSON_AddItemToArray(array, isfinite(value) ? cJSON_CreateNumber(value)
                                                      : cJSON_CreateNull());
}

static void add_sample(cJSON *answer, double seconds, const assay_counters *counters)
{
    add(answer, "seconds", seconds);
    add(answer, "switches", (double)counters->switches);
    add(answer, "steal_seconds", counters->steal_seconds);
    add(answer, "megahertz", counters->megahertz);
    add(answer, "joules", counters->joules);
    add(answer, "contaminated", counters->contaminated ? 1.0 : 0.0);
}

/* One sample; *again: a call lacked room, which it has now. */
static assay_status take_one(sampling *s, size_t index, bool *again, cJSON *answer,
                             assay_error *error)
{
    const size_t calls = s->request->cold ? 1 : s->request->calls;
    const size_t sets = s->class_->sets(s->subject);
    assay_counters counters;
    assay_status status = make_ready(s, index, error);
    if (status != ASSAY_OK) {
        return status;
    }
    assay_counters_begin(&counters);
    const double start = assay_clock_now();
    call_many(s, s->class_->call, calls);
    const double seconds = assay_clock_now() - start;
    assay_counters_end(&counters);
    *again = !s->class_->fits(s->subject, (calls - 1) % sets);
    if (s->status != ASSAY_OK || *again) {
        return s->status;
    }
    /* One reading of the clock lies within the loop. */
    const double reading = assay_clock_get()->reading / (double)calls;
    const double spent = seconds / (double)calls - s->empty_call - reading;
    add_sample(answer, spent > 0.0 ? spent : 0.0, &counters);
    if (s->request->keep == (int64_t)index) {
        char seed[32];
        const size_t set = (calls - 1) % sets;
        (void)snprintf(seed, sizeof seed, "%llu",
                       (unsigned long long)(s->request->seed + index * sets + set));
        (void)cJSON_AddStringToObject(answer, "kept_seed", seed);
        cJSON *const outputs = cJSON_AddArrayToObject(answer, "outputs");
        status = s->class_->put(s->subject, set, s->request->output, outputs, error);
    }
    return status;
}

assay_status assay_sample_take(const assay_bench_class *class_, assay_bench_subject *subject,
                               const assay_sample_request *request, cJSON *answer,
                               assay_error *error)
{
    static const char *const lists[] = {"seconds",   "switches", "steal_seconds",
                                        "megahertz", "joules",   "contaminated"};
    sampling s = {class_, subject, request, ASSAY_OK, 0.0};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        (void)cJSON_AddArrayToObject(answer, lists[i]);
    }
    s.empty_call = measure_empty(&s);
    (void)cJSON_AddNumberToObject(answer, "empty_call_seconds", s.empty_call);
    s.status = ASSAY_OK;
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < request->samples && status == ASSAY_OK; i++) {
        bool again = true;
        for (int tries = 0; again && tries < 4 && status == ASSAY_OK; tries++) {
            status = take_one(&s, i, &again, answer, error);
        }
        if (status == ASSAY_OK && again) {
            status = assay_fail(error, ASSAY_NO_MEMORY, "no room for the codes of a call");
        }
    }
    return status;
}
