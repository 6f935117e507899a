#include "bench/sampler.h"

#include <math.h>

#include "bench/clock.h"
#include "bench/counters.h"
#include "bench/evict.h"
#include "bench/gpu/sample.h"
#include "bench/issue.h"
#include "bench/pin.h"
#include "bench/watched.h"

const char *const assay_sample_list[ASSAY_SAMPLE_LISTS] = {
    "seconds", "switches", "steal_seconds", "megahertz", "joules", "core_share", "contaminated"};

enum { EMPTY_CALLS = 2000 };

typedef struct sampling {
    const assay_bench_class *class_;
    assay_bench_subject *subject;
    const assay_sample_request *request;
    double empty_call;
    double waited;         /* seconds */
    double last;           /* of the last sample */
    int32_t cores;         /* that it was at work on */
} sampling;

static assay_status call_many(const assay_bench_class *class_, assay_bench_subject *subject,
                              assay_status (*call)(assay_bench_subject *, size_t), size_t calls)
{
    const size_t sets = class_->sets(subject);
    assay_status all = ASSAY_OK;
    for (size_t c = 0, set = 0; c < calls; c++) {
        const assay_status status = call(subject, set);
        all = status != ASSAY_OK ? status : all;
        set = set + 1 < sets ? set + 1 : 0;
    }
    return all;
}

assay_status assay_sample_calls(const assay_bench_class *class_, assay_bench_subject *subject,
                                size_t calls)
{
    return call_many(class_, subject, class_->call, calls);
}

double assay_sample_empty_call(const assay_bench_class *class_, assay_bench_subject *subject)
{
    double least = INFINITY;
    for (int round = 0; round < 5; round++) {
        const double start = assay_clock_now();
        (void)call_many(class_, subject, class_->empty, EMPTY_CALLS);
        const double seconds = (assay_clock_now() - start) / EMPTY_CALLS;
        least = seconds < least ? seconds : least;
    }
    return least;
}

static assay_status renew(const assay_bench_class *class_, assay_bench_subject *subject,
                          uint64_t seed, assay_error *error)
{
    const size_t sets = class_->sets(subject);
    assay_status status = ASSAY_OK;
    for (size_t set = 0; set < sets && status == ASSAY_OK; set++) {
        status = class_->renew(subject, set, seed + set, error);
    }
    return status;
}

/* A call that lacked room is repeated with more. */
static assay_status warm(const assay_bench_class *class_, assay_bench_subject *subject)
{
    const size_t sets = class_->sets(subject);
    assay_status status = ASSAY_OK;
    for (size_t set = 0; set < sets && status == ASSAY_OK; set++) {
        status = class_->call(subject, set);
        if (status == ASSAY_OK && !class_->fits(subject, set)) {
            status = class_->call(subject, set);
        }
    }
    return status;
}

assay_status assay_sample_ready(const assay_bench_class *class_, assay_bench_subject *subject,
                                uint64_t seed, assay_error *error)
{
    const assay_status status = renew(class_, subject, seed, error);
    return status == ASSAY_OK ? warm(class_, subject) : status;
}

/* Until the process has its cores to itself. Samples so long that neighbours come and go within
 * them are not waited with. */
static void await_cores(sampling *s)
{
    const double left = s->request->patience - s->waited;
    if (left > 0.0 && s->last <= ASSAY_SHARE_SECONDS) {
        double waited;
        (void)assay_issue_await(s->cores, left, &waited);
        s->waited += waited;
    }
}

/* What is in cache must be so when the sample begins: warm calls come after the waiting. */
static assay_status get_ready(sampling *s, uint64_t seed, assay_error *error)
{
    assay_status status = renew(s->class_, s->subject, seed, error);
    if (s->request->gpu != NULL) {
        return status != ASSAY_OK || s->request->cold ? status : warm(s->class_, s->subject);
    }
    if (s->request->cold) {
        assay_evict();
    }
    await_cores(s);
    if (status == ASSAY_OK && !s->request->cold) {
        status = warm(s->class_, s->subject);
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
    add(answer, "core_share", counters->core_share);
    add(answer, "contaminated", counters->contaminated ? 1.0 : 0.0);
}

/* Hands over what the timed calls left in a set, and whether a call with the same inputs does the
 * work again. */
static assay_status keep(sampling *s, size_t set, size_t sample, cJSON *answer, assay_error *error)
{
    const size_t sets = s->class_->sets(s->subject);
    char seed[32];
    bool rewritten = true;
    (void)snprintf(seed, sizeof seed, "%llu",
                   (unsigned long long)(s->request->seed + sample * sets + set));
    (void)cJSON_AddStringToObject(answer, "kept_seed", seed);
    cJSON *const outputs = cJSON_AddArrayToObject(answer, "outputs");
    assay_status status =
        s->class_->fetch != NULL ? s->class_->fetch(s->subject, set) : ASSAY_OK;
    if (status == ASSAY_OK) {
        status = assay_bench_put(s->class_, s->subject, set, s->request->output, outputs, error);
    }
    if (status == ASSAY_OK) {
        status = assay_bench_repeat(s->class_, s->subject, set, &rewritten, error);
    }
    (void)cJSON_AddBoolToObject(answer, "rewritten", rewritten);
    return status;
}

/* A kernel of one thread is not disturbed on the cores that it leaves idle. */
static int32_t cores_of(const assay_counters *counters)
{
    enum { ONE_AT_MOST = 110 }; /* percent of a processor: what a clock's tick may add */
    return 100.0 * counters->threads <= ONE_AT_MOST ? 1 : assay_pin_count();
}

/* On a device ops are only enqueued by their calls: nothing is noted of them. */
static bool watches(const sampling *s)
{
    return s->class_->watch != NULL && s->request->gpu == NULL;
}

static assay_status take_by_device(sampling *s, bool *again, cJSON *answer, assay_error *error)
{
    const size_t calls = s->request->cold ? 1 : s->request->calls;
    assay_gpu_sample sample;
    const assay_status status = assay_gpu_take(s->request->gpu, s->class_, s->subject, calls,
                                               s->request->cold, &sample, error);
    if (status != ASSAY_OK) {
        return status;
    }
    *again = !s->class_->fits(s->subject, (calls - 1) % s->class_->sets(s->subject));
    if (!*again) {
        add(answer, "seconds", sample.seconds);
        add(answer, "contaminated", sample.disturbed ? 1.0 : 0.0);
        assay_gpu_add_lists(&sample, answer);
    }
    return ASSAY_OK;
}

static assay_status take_by_host(sampling *s, bool *again, cJSON *answer)
{
    const size_t calls = s->request->cold ? 1 : s->request->calls;
    const size_t sets = s->class_->sets(s->subject);
    assay_counters counters;
    if (watches(s)) {
        s->class_->watch(s->subject);
    }
    assay_counters_begin(s->cores, &counters);
    const double start = assay_clock_now();
    const assay_status status = assay_sample_calls(s->class_, s->subject, calls);
    const double seconds = assay_clock_now() - start;
    assay_counters_end(&counters);
    s->last = seconds;
    s->cores = cores_of(&counters);
    /* One reading of the clock lies within the loop. */
    const double reading = assay_clock_get()->reading / (double)calls;
    double spent = seconds / (double)calls - s->empty_call - reading;
    cJSON *const note = watches(s) ? cJSON_CreateObject() : NULL;
    if (note != NULL) {
        spent = s->class_->watched(s->subject, calls, spent, note);
    }
    *again = !s->class_->fits(s->subject, (calls - 1) % sets);
    if (status != ASSAY_OK || *again) {
        cJSON_Delete(note);
        return status;
    }
    if (note != NULL) {
        (void)cJSON_AddItemToArray(cJSON_GetObjectItemCaseSensitive(answer, "watched"), note);
    }
    add_sample(answer, spent > 0.0 ? spent : 0.0, &counters);
    return ASSAY_OK;
}

/* One sample; *again: a call lacked room, which it has now. */
static assay_status take_one(sampling *s, size_t index, bool *again, cJSON *answer,
                             assay_error *error)
{
    const size_t calls = s->request->cold ? 1 : s->request->calls;
    const size_t sets = s->class_->sets(s->subject);
    assay_status status = get_ready(s, s->request->seed + index * sets, error);
    if (status == ASSAY_OK) {
        status = s->request->gpu != NULL ? take_by_device(s, again, answer, error)
                                         : take_by_host(s, again, answer);
    }
    if (status == ASSAY_OK && !*again && s->request->keep == (int64_t)index) {
        status = keep(s, (calls - 1) % sets, index, answer, error);
    }
    return status;
}

static assay_status begin(sampling *s, cJSON *answer, assay_error *error)
{
    assay_gpu *const gpu = s->request->gpu;
    const size_t calls = s->request->cold ? 1 : s->request->calls;
    for (size_t i = 0; i < ASSAY_SAMPLE_LISTS; i++) {
        const char *const list = assay_sample_list[i];
        if (gpu == NULL || strcmp(list, "seconds") == 0 || strcmp(list, "contaminated") == 0) {
            (void)cJSON_AddArrayToObject(answer, list);
        }
    }
    if (watches(s)) {
        (void)cJSON_AddArrayToObject(answer, "watched");
    }
    if (gpu == NULL) {
        s->empty_call = assay_sample_empty_call(s->class_, s->subject);
        (void)cJSON_AddNumberToObject(answer, "empty_call_seconds", s->empty_call);
        return ASSAY_OK;
    }
    const assay_status status = assay_gpu_settle_clock(gpu, error);
    assay_gpu_add_clock(gpu, assay_gpu_timer(s->class_, calls), answer);
    return status;
}

assay_status assay_sample_take(const assay_bench_class *class_, assay_bench_subject *subject,
                               const assay_sample_request *request, cJSON *answer,
                               assay_error *error)
{
    sampling s = {.class_ = class_,
                  .subject = subject,
                  .request = request,
                  .cores = assay_pin_count()};
    assay_status status = begin(&s, answer, error);
    for (size_t i = 0; i < request->samples && status == ASSAY_OK; i++) {
        bool again = true;
        for (int tries = 0; again && tries < 4 && status == ASSAY_OK; tries++) {
            status = take_one(&s, i, &again, answer, error);
        }
        if (status == ASSAY_OK && again) {
            status = assay_fail(error, ASSAY_NO_MEMORY, "no room for the codes of a call");
        }
    }
    (void)cJSON_AddNumberToObject(answer, "waited_seconds", s.waited);
    if (status == ASSAY_OK && watches(&s)) {
        assay_watched_thin_out(cJSON_GetObjectItemCaseSensitive(answer, "watched"));
    }
    return status;
}
