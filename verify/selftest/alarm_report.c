/* What a false-alarm campaign found: the bound it gives, in words and as JSON. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "verify/environment.h"
#include "verify/report.h"
#include "verify/selftest/false_alarms.h"

/* P(X <= alarms) for X binomial (runs, rate), summed from the logarithms of its terms. */
static double at_most(uint64_t alarms, uint64_t runs, double rate)
{
    const double n = (double)runs;
    double log_term = n * log1p(-rate);
    double sum = exp(log_term);
    for (uint64_t k = 1; k <= alarms; k++) {
        log_term += log((n - (double)k + 1.0) / (double)k) + log(rate) - log1p(-rate);
        sum += exp(log_term);
    }
    return sum;
}

double assay_alarm_bound(uint64_t alarms, uint64_t runs)
{
    double low = runs > 0 ? (double)alarms / (double)runs : 0.0;
    double high = 1.0;
    if (alarms >= runs) {
        return 1.0;
    }
    for (int i = 0; i < 100; i++) {
        const double middle = low + (high - low) / 2.0;
        if (middle > 0.0 && at_most(alarms, runs, middle) < 0.05) {
            high = middle;
        } else {
            low = middle;
        }
    }
    return high;
}

static void repeat_command(const assay_alarm_tally *tally, const assay_alarm *a, char *text,
                           size_t size)
{
    (void)snprintf(text, size,
                   "assay selftest false-alarms%s --seed %" PRIu64 " --first %" PRIu64 " --runs 1",
                   tally->pairs ? " --pairs" : "", a->seed, a->run);
}

void assay_alarm_print(const assay_alarm_tally *tally)
{
    char command[512];
    for (uint64_t i = 0; i < tally->alarms && i < ASSAY_ALARMS_MAX; i++) {
        const assay_alarm *const a = &tally->described[i];
        repeat_command(tally, a, command, sizeof command);
        printf("ALARM in run %" PRIu64 ": %s by %s: %s/%s on %s: %s\n  %s\n", a->run, a->verdict,
               a->check, a->op, a->impl, a->case_id, a->message, command);
    }
    printf("verdicts         %" PRIu64 " (and %" PRIu64 " skipped)\n"
           "left out         %" PRIu64 " pairs of case and contract that cannot be decided\n"
           "elements         %" PRIu64 " compared, %" PRIu64 " undecided\n"
           "worst error      %.3f of its budget\n"
           "alarms per run   at most %.2g with 95%% confidence (Clopper-Pearson)\n"
           "time             %.1f ms a run\n"
           "%" PRIu64 " alarms in %" PRIu64 " runs\n",
           tally->verdicts, tally->skipped, tally->left_out, tally->elements, tally->undecided,
           tally->worst, assay_alarm_bound(tally->alarms, tally->runs),
           tally->runs > 0 ? 1e3 * tally->seconds / (double)tally->runs : 0.0, tally->alarms,
           tally->runs);
}

static cJSON *alarm_json(const assay_alarm_tally *tally, const assay_alarm *a)
{
    char text[512];
    cJSON *const object = cJSON_CreateObject();
    (void)cJSON_AddNumberToObject(object, "run", (double)a->run);
    (void)snprintf(text, sizeof text, "%" PRIu64, a->seed);
    (void)cJSON_AddStringToObject(object, "seed", text);
    (void)cJSON_AddNumberToObject(object, "threads", (double)a->threads);
    (void)cJSON_AddStringToObject(object, "verdict", a->verdict);
    (void)cJSON_AddStringToObject(object, "check", a->check);
    (void)cJSON_AddStringToObject(object, "op", a->op);
    (void)cJSON_AddStringToObject(object, "impl", a->impl);
    (void)cJSON_AddStringToObject(object, "case", a->case_id);
    (void)cJSON_AddStringToObject(object, "message", a->message);
    repeat_command(tally, a, text, sizeof text);
    (void)cJSON_AddStringToObject(object, "command", text);
    return object;
}

assay_status assay_alarm_write_json(const assay_alarm_tally *tally, const char *command,
                                    const char *path, assay_error *error)
{
    char seed[32];
    cJSON *const root = cJSON_CreateObject();
    (void)snprintf(seed, sizeof seed, "%" PRIu64, tally->seed);
    (void)cJSON_AddStringToObject(root, "format", "assay-false-alarms");
    (void)cJSON_AddNumberToObject(root, "version", 1);
    (void)cJSON_AddStringToObject(root, "command", command);
    (void)cJSON_AddItemToObject(root, "environment", assay_environment_json());
    (void)cJSON_AddStringToObject(root, "seed", seed);
    (void)cJSON_AddStringToObject(root, "cases", tally->pairs ? "every pair" : "drawn");
    (void)cJSON_AddNumberToObject(root, "runs", (double)tally->runs);
    (void)cJSON_AddNumberToObject(root, "alarms", (double)tally->alarms);
    (void)cJSON_AddNumberToObject(root, "rate_upper_bound_95",
                                  assay_alarm_bound(tally->alarms, tally->runs));
    (void)cJSON_AddNumberToObject(root, "verdicts", (double)tally->verdicts);
    (void)cJSON_AddNumberToObject(root, "skipped", (double)tally->skipped);
    (void)cJSON_AddNumberToObject(root, "left_out", (double)tally->left_out);
    (void)cJSON_AddNumberToObject(root, "elements", (double)tally->elements);
    (void)cJSON_AddNumberToObject(root, "undecided", (double)tally->undecided);
    (void)cJSON_AddNumberToObject(root, "worst_budget_used", tally->worst);
    (void)cJSON_AddNumberToObject(root, "seconds", tally->seconds);
    cJSON *const alarms = cJSON_AddArrayToObject(root, "described");
    for (uint64_t i = 0; i < tally->alarms && i < ASSAY_ALARMS_MAX; i++) {
        (void)cJSON_AddItemToArray(alarms, alarm_json(tally, &tally->described[i]));
    }
    const assay_status status = assay_json_write(root, path, error);
    cJSON_Delete(root);
    return status;
}
