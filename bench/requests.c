/* Requests of the timing processes' protocol (docs/peers.md). */
#include "bench/issue.h"
#include "bench/measure.h"

static cJSON *request_of(const char *what)
{
    cJSON *const request = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(request, "do", what);
    return request;
}

static void add_seed(cJSON *request, uint64_t seed)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)seed);
    (void)cJSON_AddStringToObject(request, "seed", text);
}

cJSON *assay_request_open(const assay_measure *measure, const cJSON *json)
{
    cJSON *const request = request_of("open");
    (void)cJSON_AddStringToObject(request, "op", assay_op_name(measure->entry->op));
    (void)cJSON_AddStringToObject(request, "impl", measure->table->name);
    if (measure->plugin != NULL && measure->peer == NULL) {
        (void)cJSON_AddStringToObject(request, "plugin", measure->plugin);
        (void)cJSON_AddNumberToObject(request, "device", measure->options->device);
    }
    (void)cJSON_AddNumberToObject(request, "threads", measure->options->threads);
    (void)cJSON_AddItemToObject(request, "case", cJSON_Duplicate(json, true));
    return request;
}

cJSON *assay_request_batch(const cJSON *json)
{
    cJSON *const request = request_of("batch");
    (void)cJSON_AddItemToObject(request, "case", cJSON_Duplicate(json, true));
    return request;
}

cJSON *assay_request_sample(const assay_sample_request *sample)
{
    cJSON *const request = request_of("sample");
    (void)cJSON_AddStringToObject(request, "cache", sample->cold ? "cold" : "warm");
    (void)cJSON_AddNumberToObject(request, "patience", sample->patience);
    (void)cJSON_AddNumberToObject(request, "calls", (double)sample->calls);
    (void)cJSON_AddNumberToObject(request, "samples", (double)sample->samples);
    (void)cJSON_AddNumberToObject(request, "keep", (double)sample->keep);
    (void)cJSON_AddItemToObject(request, "issue_rates", assay_issue_rates());
    add_seed(request, sample->seed);
    return request;
}

cJSON *assay_request_parts(uint64_t seed)
{
    cJSON *const request = request_of("parts");
    add_seed(request, seed);
    return request;
}

cJSON *assay_request_energy(double call_seconds, uint64_t seed)
{
    cJSON *const request = request_of("energy");
    (void)cJSON_AddNumberToObject(request, "call_seconds", call_seconds);
    add_seed(request, seed);
    return request;
}
