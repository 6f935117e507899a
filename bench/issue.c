#include "bench/issue.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>

#include "bench/additions.h"
#include "bench/clock.h"
#include "verify/topology.h"

/* No core issues more a cycle. */
#define RATE_MOST 16.0

enum { CHAINS = 8 };

/* So long the first process of a run reads, to know a core of its own when it sees one. */
static const double learning = 0.25;

/* One thread for every core, started when first wanted, never ended. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t wanted, done;
    uint64_t turn;
    int32_t count;   /* threads */
    int32_t reading; /* how many of them have not read in this turn */
    int32_t asked;   /* the first so many read in this turn */
    double rate[ASSAY_CPUS_MAX], best[ASSAY_CPUS_MAX];
} readers = {.lock = PTHREAD_MUTEX_INITIALIZER,
             .wanted = PTHREAD_COND_INITIALIZER,
             .done = PTHREAD_COND_INITIALIZER};

/* A chain of additions that was disturbed is slow, and would make the rate too high: the clock is
 * the best of the last few chains. */
typedef struct clock_memory {
    double hertz[CHAINS];
    unsigned next;
} clock_memory;

static double rate_of(clock_memory *clock)
{
    double hertz = 0.0;
    do {
        clock->hertz[clock->next++ % CHAINS] = assay_additions_chained();
    } while (clock->next < CHAINS);
    for (int i = 0; i < CHAINS; i++) {
        hertz = fmax(hertz, clock->hertz[i]);
    }
    return hertz > 0.0 ? assay_additions_free() / hertz : 0.0;
}

static void *read_on(void *place)
{
    const int32_t index = (int32_t)((double *)place - readers.rate);
    clock_memory clock = {.next = 0};
    uint64_t seen = 0;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)assay_topology_get()->cpu[index], &set);
    (void)sched_setaffinity(0, sizeof set, &set); /* else it reads wherever it runs */
    (void)pthread_mutex_lock(&readers.lock);
    for (;;) {
        while (readers.turn == seen || index >= readers.asked) {
            (void)pthread_cond_wait(&readers.wanted, &readers.lock);
        }
        seen = readers.turn;
        (void)pthread_mutex_unlock(&readers.lock);
        const double rate = rate_of(&clock);
        (void)pthread_mutex_lock(&readers.lock);
        readers.rate[index] = rate;
        if (--readers.reading == 0) {
            (void)pthread_cond_signal(&readers.done);
        }
    }
    return NULL;
}

/* Called with the lock held. */
static void start_readers(int32_t threads)
{
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0) {
        return;
    }
    bool good = true;
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    while (good && readers.count < threads) {
        pthread_t thread;
        good = pthread_create(&thread, &attributes, read_on, &readers.rate[readers.count]) == 0;
        readers.count += good;
    }
    (void)pthread_attr_destroy(&attributes);
}

double assay_issue_share(int32_t threads)
{
    const int32_t most = assay_topology_get()->cpu_count;
    const int32_t wanted = threads < 1 ? 1 : threads > most ? most : threads;
    double share = (double)NAN;
    (void)pthread_mutex_lock(&readers.lock);
    start_readers(wanted);
    readers.asked = readers.reading = wanted < readers.count ? wanted : readers.count;
    readers.turn++;
    (void)pthread_cond_broadcast(&readers.wanted);
    while (readers.reading > 0) {
        (void)pthread_cond_wait(&readers.done, &readers.lock);
    }
    for (int32_t i = 0; i < readers.asked; i++) {
        const double rate = readers.rate[i];
        if (rate > 0.0 && rate < RATE_MOST) {
            readers.best[i] = fmax(readers.best[i], rate);
            share = fmin(share, rate / readers.best[i]); /* of NaN and a number, the number */
        }
    }
    (void)pthread_mutex_unlock(&readers.lock);
    return share;
}

bool assay_issue_known(void)
{
    (void)pthread_mutex_lock(&readers.lock);
    const bool known = readers.best[0] > 0.0;
    (void)pthread_mutex_unlock(&readers.lock);
    return known;
}

void assay_issue_learn(int32_t threads, double seconds)
{
    const double start = assay_clock_now();
    while (!isnan(assay_issue_share(threads)) && assay_clock_now() - start < seconds) {
    }
}

double assay_issue_await(int32_t threads, double seconds, double *waited)
{
    if (!assay_issue_known()) {
        assay_issue_learn(threads, learning);
    }
    double share = assay_issue_share(threads);
    const double start = assay_clock_now();
    for (*waited = 0.0; share < ASSAY_SHARE_LEAST && *waited < seconds;
         *waited = assay_clock_now() - start) {
        share = assay_issue_share(threads);
    }
    return share;
}

cJSON *assay_issue_rates(void)
{
    (void)pthread_mutex_lock(&readers.lock);
    int32_t known = 0;
    while (known < ASSAY_CPUS_MAX && readers.best[known] > 0.0) {
        known++;
    }
    cJSON *const list = cJSON_CreateDoubleArray(readers.best, known);
    (void)pthread_mutex_unlock(&readers.lock);
    return list;
}

void assay_issue_take_rates(const cJSON *list)
{
    int32_t i = 0;
    (void)pthread_mutex_lock(&readers.lock);
    for (const cJSON *item = cJSON_IsArray(list) ? list->child : NULL;
         item != NULL && i < ASSAY_CPUS_MAX; item = item->next, i++) {
        if (cJSON_IsNumber(item) && item->valuedouble < RATE_MOST) {
            readers.best[i] = fmax(readers.best[i], item->valuedouble);
        }
    }
    (void)pthread_mutex_unlock(&readers.lock);
}
