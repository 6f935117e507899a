#include "bench/peer_link.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/clock.h"
#include "bench/counters.h"
#include "bench/issue.h"
#include "bench/peer_marks.h"
#include "bench/peer_operands.h"
#include "bench/peers.h"
#include "fixtures/io/json_file.h"
#include "verify/topology.h"

enum { SETS_MOST = 4 };

/* Inputs of one request's samples take at most this much shared memory. */
static const double inputs_most = 0x1p28;
/* No sample's calls take longer by our clock, nor a request's samples, whatever the peer claims. */
static const double sample_most = 1.0;
static const double request_most = 4.0;
/* After this long the pools of threads that made the inputs, or ran before, are asleep. */
static const long asleep_nanoseconds = 25000000;

typedef struct peer_link {
    assay_peer_operands operands;
    uint64_t seed;
    size_t samples, sets, calls;
    int64_t keep; /* the sample whose outputs are wanted; -1: none */
    double patience, waited; /* for cores of its own, as of assay_sample_request */
    double share;            /* of the cores, right before the request; NaN: not read */
    double start; /* of the request */
    double call_wall; /* seconds a call took by our clock, everything around it included */
} peer_link;

static const char *text_of(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

static void set_number(cJSON *object, const char *key, double value)
{
    cJSON_DeleteItemFromObjectCaseSensitive(object, key);
    (void)cJSON_AddNumberToObject(object, key, value);
}

/* One processor a thread, as threads of our own are pinned. */
static void add_processors(const peer_link *link, cJSON *request)
{
    const assay_topology *const topology = assay_topology_get();
    const int32_t threads = link->operands.measure->options->threads;
    cJSON *const list = cJSON_AddArrayToObject(request, "processors");
    for (int32_t i = 0; i < threads && i < topology->cpu_count; i++) {
        (void)cJSON_AddItemToArray(list, cJSON_CreateNumber(topology->cpu[i]));
    }
    (void)cJSON_AddNumberToObject(request, "last_cache_bytes",
                                  (double)assay_topology_last_cache(topology));
}

static assay_status add_inputs(peer_link *link, cJSON *request, assay_error *error)
{
    cJSON *const list = cJSON_AddArrayToObject(request, "inputs");
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < link->samples * link->sets && status == ASSAY_OK; i++) {
        status = assay_peer_inputs(&link->operands, link->seed + i, list, error);
    }
    return status;
}

/* Fewer samples and sets where their inputs would not fit; set_bytes is known from `batch`. */
static assay_status prepare_sample(peer_link *link, cJSON *request, assay_error *error)
{
    const char *const seed = text_of(request, "seed");
    const char *const cache = text_of(request, "cache");
    const double fit = fmax(1.0, floor(inputs_most / (link->operands.set_bytes + 1.0)));
    link->seed = seed != NULL ? strtoull(seed, NULL, 10) : 0;
    link->calls = (size_t)fmax(1.0, fmin(assay_json_number_or(request, "calls", 1.0),
                                         floor(sample_most / (link->call_wall + 1e-9))));
    link->sets = link->operands.measure->entry->stage || (cache != NULL && cache[0] == 'c')
                     ? 1
                     : (size_t)fmin(SETS_MOST, fmin(fit, (double)link->calls));
    const double sample_wall = link->call_wall * (double)link->calls;
    link->patience = assay_json_number_or(request, "patience", -1.0);
    const double longest = link->patience >= 0.0 ? ASSAY_SHARE_SECONDS : request_most;
    const double samples =
        fmin(assay_json_number_or(request, "samples", 1.0),
             floor(fmin(fit / (double)link->sets, longest / (sample_wall + 1e-9))));
    link->samples = (size_t)fmax(1.0, samples);
    link->keep = (int64_t)assay_json_number_or(request, "keep", -1.0);
    link->keep = link->keep < 0 ? -1 : link->keep % (int64_t)link->samples;
    set_number(request, "samples", (double)link->samples);
    set_number(request, "keep", (double)link->keep);
    set_number(request, "calls", (double)link->calls);
    cJSON_DeleteItemFromObjectCaseSensitive(request, "seed"); /* theirs are the tensors */
    cJSON_DeleteItemFromObjectCaseSensitive(request, "patience"); /* it is waited here */
    cJSON_DeleteItemFromObjectCaseSensitive(request, "issue_rates");
    return add_inputs(link, request, error);
}

static assay_status prepare(peer_link *link, cJSON *request, assay_error *error)
{
    const char *const what = text_of(request, "do");
    const cJSON *const json = cJSON_GetObjectItemCaseSensitive(request, "case");
    assay_status status = assay_peer_operands_clear(&link->operands, error);
    if (status != ASSAY_OK) {
        return status;
    }
    link->samples = link->sets = 1;
    link->seed = 1;
    if (strcmp(what, "open") == 0) {
        add_processors(link, request);
        return assay_peer_weights(&link->operands, json, request, error);
    }
    if (strcmp(what, "sample") == 0) {
        return prepare_sample(link, request, error);
    }
    if (strcmp(what, "batch") == 0) {
        status = assay_peer_batch(&link->operands, json, error);
    }
    return status == ASSAY_OK ? add_inputs(link, request, error) : status;
}

void assay_peer_rest(void)
{
    const struct timespec nap = {.tv_nsec = asleep_nanoseconds};
    (void)nanosleep(&nap, NULL);
}

static void before(void *context, cJSON *request, assay_child_fate *fate)
{
    peer_link *const link = context;
    assay_error error = {.message = ""};
    const assay_status status = prepare(link, request, &error);
    if (status != ASSAY_OK) {
        fate->verdict = ASSAY_SKIP;
        (void)snprintf(fate->message, sizeof fate->message, "%s", error.message);
    }
    assay_peer_rest();
    link->share = (double)NAN;
    link->waited = 0.0;
    if (link->patience >= 0.0 && strcmp(text_of(request, "do"), "sample") == 0) {
        link->share = assay_issue_await(link->operands.measure->options->threads, link->patience,
                                        &link->waited);
    }
    link->start = assay_clock_now();
}

static void wrong(assay_child_fate *fate, const char *words)
{
    fate->verdict = ASSAY_FAIL;
    (void)snprintf(fate->message, sizeof fate->message, "its answer %s", words);
}

static void add_work(const assay_bench_work *work, cJSON *answer)
{
    cJSON_DeleteItemFromObjectCaseSensitive(answer, "work");
    (void)cJSON_AddItemToObject(answer, "work", assay_bench_work_json(work));
}

/* Stands for every sample of the request, where that was short enough for two moments to tell. */
static double share_of_request(const peer_link *link, double wall)
{
    return !isnan(link->share) && wall <= 2.0 * ASSAY_SHARE_SECONDS
               ? fmin(link->share, assay_issue_share(link->operands.measure->options->threads))
               : (double)NAN;
}

/* Its samples must be as many as asked for, and together cannot last longer than the answer took.
 * Which inputs the outputs were made from is known here and not taken from its words. */
static void check_sample(peer_link *link, cJSON *answer, assay_child_fate *fate)
{
    const double wall = assay_clock_now() - link->start;
    const double share = share_of_request(link, wall);
    const cJSON *const seconds = cJSON_GetObjectItemCaseSensitive(answer, "seconds");
    double sum = 0.0;
    link->call_wall = wall / (double)(link->samples * link->calls);
    bool good = cJSON_IsArray(seconds) &&
                (size_t)cJSON_GetArraySize(seconds) == link->samples;
    for (const cJSON *item = good ? seconds->child : NULL; item != NULL; item = item->next) {
        good = good && cJSON_IsNumber(item) && item->valuedouble >= 0.0;
        sum += item->valuedouble * (double)link->calls;
    }
    if (!good || !(sum <= wall)) {
        wrong(fate, good ? "claims more time than passed"
                         : "to 'sample' lacks 'seconds', one number a sample");
        return;
    }
    if (!assay_peer_marks((int)link->samples, (double)link->calls, share, answer)) {
        wrong(fate, "to 'sample' has a 'gpu' that lacks name, device, timer, or has others of "
                    "another kind");
        return;
    }
    set_number(answer, "waited_seconds", link->waited);
    cJSON_DeleteItemFromObjectCaseSensitive(answer, "kept_seed");
    if (link->keep >= 0) {
        char text[32];
        const uint64_t set = (link->calls - 1) % link->sets;
        (void)snprintf(text, sizeof text, "%llu",
                       (unsigned long long)(link->seed + (uint64_t)link->keep * link->sets + set));
        (void)cJSON_AddStringToObject(answer, "kept_seed", text);
    }
}

static void after(void *context, const cJSON *request, cJSON *answer, assay_child_fate *fate)
{
    peer_link *const link = context;
    const char *const what = text_of(request, "do");
    if (strcmp(what, "batch") == 0) {
        add_work(&link->operands.work, answer);
        if (!(assay_json_number_or(answer, "first_call_seconds", -1.0) >= 0.0)) {
            wrong(fate, "to 'batch' lacks 'first_call_seconds'");
        }
    } else if (strcmp(what, "sample") == 0) {
        check_sample(link, answer, fate);
    }
}

static void end(void *context)
{
    peer_link *const link = context;
    assay_peer_operands_free(&link->operands);
    free(link);
}

assay_status assay_measure_start(const assay_measure *measure, assay_child *child,
                                 assay_error *error)
{
    const assay_peer *const peer = measure->peer;
    const char *words[ASSAY_PEER_WORDS + 1] = {NULL};
    for (int i = 0; peer != NULL && i < ASSAY_PEER_WORDS; i++) {
        words[i] = peer->word[i];
    }
    const assay_status status = assay_child_start(peer != NULL ? words : NULL, child, error);
    if (status != ASSAY_OK || peer == NULL) {
        return status;
    }
    peer_link *const link = calloc(1, sizeof *link);
    if (link == NULL) {
        assay_child_end(child);
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory for a peer");
    }
    link->operands.measure = measure;
    link->operands.file = child->tensors;
    child->aid = (assay_child_aid){link, before, after, end};
    return ASSAY_OK;
}
