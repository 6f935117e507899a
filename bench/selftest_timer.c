/* `assay selftest timer`: the clock, the loop around it and the interval of the median, on delays
 * whose distribution is known. */
#include "bench/selftest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/clock.h"
#include "bench/pin.h"
#include "bench/statistics/draws.h"
#include "bench/statistics/interval.h"
#include "bench/statistics/summary.h"
#include "verify/environment.h"
#include "verify/options.h"
#include "verify/report.h"

static const char help[] =
    "usage: assay selftest timer [options]\n"
    "\n"
    "Delays are drawn from known distributions, waited for on another clock, and timed as kernels\n"
    "are. The 95% interval of the median must cover the true median, to within the granularity of\n"
    "the loop, in at least 93% of repeats; a call that does nothing must take nothing once the\n"
    "empty call is subtracted; the clocks must agree.\n"
    "\n"
    "  --repeats N   of each distribution, at least 1000 (default 4000; --quick: 1000)\n"
    "  --seed N      of the delays (default 1)\n"
    "  --quick       a few seconds\n"
    "  --plugin FILE the clock of the GPU that the plug-in's kernels run on too: spins of known\n"
    "                cycles must take them over the clock that the multiprocessors had\n"
    "  --device N    of several GPUs that one, as 'assay list devices' counts them (default 0)\n"
    "  --json FILE   write what was measured\n"
    "\n"
    "Exit status: 0 the timer is right; 1 it is not; 2 usage; 3 the result could not be written.\n"
    "\n"
    "examples:\n"
    "  assay selftest timer\n"
    "  assay selftest timer --quick --json timer.json\n";

enum { SAMPLES = 40, REPEATS = 4000, REPEATS_QUICK = 1000, EMPTY_ROUNDS = 400, EMPTY_CALLS = 4096 };

static const double median_seconds = 20e-6;
/* The interval over 40 samples has 96.15% by the binomial: in 1,000 repeats a right timer falls
 * below this once in ten million. */
static const double covered_least = 0.93;
/* A time service may slew one of the clocks by 5e-4; more is broken. */
static const double disagreement_most = 1e-3;
static const double empty_most = 5e-9;

typedef struct timer_options {
    bool help, quick;
    const char *json, *plugin;
    assay_option_int repeats, device;
    uint64_t seed;
} timer_options;

static const assay_option table[] = {
    {"help", ASSAY_OPTION_FLAG, offsetof(timer_options, help), 0, 0},
    {"quick", ASSAY_OPTION_FLAG, offsetof(timer_options, quick), 0, 0},
    {"json", ASSAY_OPTION_TEXT, offsetof(timer_options, json), 0, 0},
    {"plugin", ASSAY_OPTION_TEXT, offsetof(timer_options, plugin), 0, 0},
    {"device", ASSAY_OPTION_INT, offsetof(timer_options, device), 0, INT32_MAX},
    {"repeats", ASSAY_OPTION_INT, offsetof(timer_options, repeats), 1000, 1000000},
    {"seed", ASSAY_OPTION_SEED, offsetof(timer_options, seed), 0, 0},
    {NULL, ASSAY_OPTION_FLAG, 0, 0, 0}};

/* Delays over their median: every law's is 1. */
typedef struct law {
    const char *name;
    double (*draw)(assay_draws *draws);
} law;

static double draw_normal(assay_draws *draws)
{
    return exp(0.2 * assay_draws_normal(draws));
}

/* As timings of kernels are: a sharp lower edge, a long tail. */
static double draw_skewed(assay_draws *draws)
{
    const double tail = -log(assay_draws_uniform(draws)) / log(2.0); /* median 1 */
    return 0.8 + 0.2 * fmin(tail * tail, 50.0);
}

/* Two speeds, far apart; the median is the fast one's, at u = 0.5. */
static double draw_mixed(assay_draws *draws)
{
    const double u = assay_draws_uniform(draws);
    return u < 0.75 ? 0.6 + 0.8 * u : 2.0 + u;
}

static const law laws[] = {
    {"lognormal", draw_normal}, {"skewed", draw_skewed}, {"mixed", draw_mixed}};
enum { LAWS = sizeof laws / sizeof *laws, WAITS_MOST = 20, LATE_MOST = 4 };

typedef struct law_result {
    uint64_t repeats, covered;
    double low;  /* of the coverage, Clopper and Pearson's 95% interval */
    double high;
    double bias; /* median over repeats of the medians' error, seconds */
} law_result;

typedef struct timer_result {
    const assay_clock_properties *clock;
    bool pinned;
    double granularity;
    double empty_bias; /* seconds a call that does nothing takes, the empty call subtracted */
    uint64_t waits, interrupted;
    law_result law[LAWS];
} timer_result;

typedef struct waiting {
    double seconds; /* to wait */
    double waited;
} waiting;

/* Waits on CLOCK_MONOTONIC, which is not what it is timed by. */
static void wait_for(void *context)
{
    waiting *const w = context;
    struct timespec start;
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        w->waited = (double)(now.tv_sec - start.tv_sec) +
                    1e-9 * (double)(now.tv_nsec - start.tv_nsec);
    } while (w->waited < w->seconds);
}

static void do_nothing(void *context)
{
    __asm__ volatile("" : : "r"(context) : "memory");
}

/* A wait that was interrupted lasted longer than what was drawn, by its own clock too: it is waited
 * again, or the law would be another one on a busy machine. */
static double take(double delay, timer_result *t)
{
    waiting w = {.seconds = delay, .waited = 0.0};
    double seconds = 0.0;
    for (int tries = 0; tries < WAITS_MOST; tries++) {
        seconds = assay_clock_time(wait_for, &w, 1);
        t->waits++;
        if (w.waited - delay <= LATE_MOST * t->granularity) {
            break;
        }
        t->interrupted++;
    }
    return seconds - t->clock->empty_call - t->clock->reading;
}

static assay_status run_law(const law *l, uint64_t seed, timer_result *t, law_result *result,
                            assay_error *error)
{
    assay_draws draws = assay_draws_of(seed, (uint64_t)(l - laws));
    double samples[SAMPLES];
    double *const errors = calloc((size_t)result->repeats, sizeof *errors);
    assay_status status = errors != NULL ? ASSAY_OK
                                         : assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    for (uint64_t r = 0; r < result->repeats && status == ASSAY_OK; r++) {
        assay_summary s;
        for (size_t i = 0; i < SAMPLES; i++) {
            samples[i] = take(median_seconds * l->draw(&draws), t);
        }
        status = assay_summarise(samples, SAMPLES, ASSAY_CONFIDENCE, &s, error);
        result->covered += s.low - t->granularity <= median_seconds &&
                           median_seconds <= s.high + t->granularity;
        errors[r] = s.median - median_seconds;
    }
    if (status == ASSAY_OK) {
        assay_summary s;
        assay_interval i;
        status = assay_summarise(errors, (size_t)result->repeats, ASSAY_CONFIDENCE, &s, error);
        result->bias = s.median;
        (void)assay_clopper_pearson(result->covered, result->repeats, 0.95, &i, NULL);
        result->low = i.low;
        result->high = i.high;
    }
    free(errors);
    return status;
}

static assay_status measure_empty(timer_result *t, assay_error *error)
{
    double rounds[EMPTY_ROUNDS];
    for (size_t i = 0; i < EMPTY_ROUNDS; i++) {
        const double all = assay_clock_time(do_nothing, NULL, EMPTY_CALLS) - t->clock->reading;
        rounds[i] = all / EMPTY_CALLS - t->clock->empty_call;
    }
    assay_summary s;
    const assay_status status =
        assay_summarise(rounds, EMPTY_ROUNDS, ASSAY_CONFIDENCE, &s, error);
    t->empty_bias = s.median;
    return status;
}

static bool print(const timer_result *t, bool good_device)
{
    bool good = good_device && fabs(t->empty_bias) <= empty_most &&
                t->clock->disagreement <= disagreement_most;
    printf("clock            %.1f ns resolution, %.1f ns a reading%s\n",
           1e9 * t->clock->resolution, 1e9 * t->clock->reading, t->pinned ? "" : ", unpinned");
    printf("agreement        %.2g between clocks (at most %.2g)\n", t->clock->disagreement,
           disagreement_most);
    printf("empty call       %.2f ns, subtracted; %.2f ns are left (at most %.0f)\n",
           1e9 * t->clock->empty_call, 1e9 * t->empty_bias, 1e9 * empty_most);
    printf("waits            %.2f%% of %llu interrupted and waited again\n",
           100.0 * (double)t->interrupted / (double)t->waits, (unsigned long long)t->waits);
    for (size_t i = 0; i < LAWS; i++) {
        const law_result *const r = &t->law[i];
        const double rate = (double)r->covered / (double)r->repeats;
        printf("%-16s interval covers the median in %.2f%% of %llu repeats (%.2f to %.2f%%), bias "
               "%+.0f ns\n", laws[i].name, 100.0 * rate, (unsigned long long)r->repeats,
               100.0 * r->low, 100.0 * r->high, 1e9 * r->bias);
        good = good && rate >= covered_least;
    }
    printf("timer %s\n", good ? "right" : "WRONG");
    return good;
}

static assay_status write_json(const timer_result *t, uint64_t seed, const char *path,
                               assay_error *error)
{
    char text[32];
    cJSON *const root = cJSON_CreateObject();
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)seed);
    (void)cJSON_AddStringToObject(root, "format", "assay-timer-selftest");
    (void)cJSON_AddNumberToObject(root, "version", 1);
    (void)cJSON_AddItemToObject(root, "environment", assay_environment_json());
    (void)cJSON_AddStringToObject(root, "seed", text);
    (void)cJSON_AddNumberToObject(root, "resolution_seconds", t->clock->resolution);
    (void)cJSON_AddNumberToObject(root, "reading_seconds", t->clock->reading);
    (void)cJSON_AddNumberToObject(root, "granularity_seconds", t->granularity);
    (void)cJSON_AddNumberToObject(root, "disagreement", t->clock->disagreement);
    (void)cJSON_AddNumberToObject(root, "empty_call_seconds", t->clock->empty_call);
    (void)cJSON_AddNumberToObject(root, "empty_call_bias_seconds", t->empty_bias);
    (void)cJSON_AddBoolToObject(root, "pinned", t->pinned);
    cJSON *const list = cJSON_AddArrayToObject(root, "laws");
    for (size_t i = 0; i < LAWS; i++) {
        cJSON *const one = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(one, "name", laws[i].name);
        (void)cJSON_AddNumberToObject(one, "median_seconds", median_seconds);
        (void)cJSON_AddNumberToObject(one, "samples", SAMPLES);
        (void)cJSON_AddNumberToObject(one, "repeats", (double)t->law[i].repeats);
        (void)cJSON_AddNumberToObject(one, "covered", (double)t->law[i].covered);
        (void)cJSON_AddNumberToObject(one, "bias_seconds", t->law[i].bias);
        (void)cJSON_AddItemToArray(list, one);
    }
    const assay_status status = assay_json_write(root, path, error);
    cJSON_Delete(root);
    return status;
}

static assay_status measure(const timer_options *options, timer_result *t, assay_error *error)
{
    int32_t used = 1;
    t->pinned = assay_pin_threads(1, &used, error) == ASSAY_OK;
    t->clock = assay_clock_get();
    /* The wait ends up to one turn of its loop late; clocks may drift apart over a delay. */
    t->granularity = t->clock->resolution + 2.0 * t->clock->reading +
                     t->clock->disagreement * median_seconds;
    assay_status status = measure_empty(t, error);
    for (size_t i = 0; i < LAWS && status == ASSAY_OK; i++) {
        t->law[i].repeats = options->repeats.given ? (uint64_t)options->repeats.value
                            : options->quick       ? REPEATS_QUICK
                                                   : REPEATS;
        status = run_law(&laws[i], options->seed, t, &t->law[i], error);
    }
    return status;
}

int assay_selftest_timer(int argc, char **argv)
{
    assay_error error = {.message = ""};
    size_t operands = 0;
    timer_options options = {.seed = 1};
    if (assay_options_parse(table, argc, argv, &options, NULL, &operands, &error) != ASSAY_OK) {
        (void)fprintf(stderr, "assay selftest timer: %s\n", error.message);
        return 2;
    }
    if (options.help) {
        (void)fputs(help, stdout);
        return 0;
    }
    timer_result t = {0};
    assay_status status = measure(&options, &t, &error);
    bool good = false;
    bool good_device = true;
    if (status == ASSAY_OK && options.plugin != NULL) {
        status = assay_selftest_device(options.plugin, (int32_t)options.device.value, &good_device,
                                       &error);
    }
    if (status == ASSAY_OK) {
        good = print(&t, good_device);
        status = options.json != NULL ? write_json(&t, options.seed, options.json, &error)
                                      : ASSAY_OK;
    }
    if (status != ASSAY_OK) {
        (void)fprintf(stderr, "assay selftest timer: %s\n", error.message);
        return 3;
    }
    return good ? 0 : 1;
}
