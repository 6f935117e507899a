/* Issue rates: what a core does for a thread, and what it does when it is shared. */
#include <criterion/criterion.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>

#include "bench/additions.h"
#include "bench/issue.h"
#include "verify/topology.h"

static void skip_where_unread(void)
{
    if (!(assay_additions_chained() > 0.0)) {
        cr_skip_test("there is no loop for this processor");
    }
}

Test(issue, additions_that_wait_for_nothing_are_more)
{
    skip_where_unread();
    cr_expect(assay_additions_chained() > 1e8 && assay_additions_chained() < 2e10);
    double cycles = 0.0;
    double additions = 0.0;
    for (int i = 0; i < 1000; i++) { /* some of them undisturbed */
        cycles = fmax(cycles, assay_additions_chained());
        additions = fmax(additions, assay_additions_free());
    }
    cr_expect(additions > 1.5 * cycles && additions < 16.0 * cycles, "%g additions a cycle",
              additions / cycles);
}

Test(issue, a_share_is_of_the_best_that_was_known)
{
    skip_where_unread();
    cr_expect(!assay_issue_known());
    double share = assay_issue_share(1);
    cr_expect(share > 0.0 && share <= 1.0, "%g", share);
    cr_expect(assay_issue_known());
    assay_issue_learn(1, 0.05);
    cJSON *const rates = assay_issue_rates();
    cr_assert(cJSON_GetArraySize(rates) >= 1);
    const double best = rates->child->valuedouble;
    /* A core that was seen to do twice as much: now half of it, at most, is left. */
    cJSON_SetNumberValue(rates->child, 2.0 * best);
    assay_issue_take_rates(rates);
    share = assay_issue_share(1);
    cr_expect(share > 0.0 && share < 0.75, "%g", share);
    /* Of two the better stays; what is no rate changes nothing. */
    cJSON_SetNumberValue(rates->child, best);
    assay_issue_take_rates(rates);
    cJSON_SetNumberValue(rates->child, 1e300);
    assay_issue_take_rates(rates);
    assay_issue_take_rates(NULL);
    cJSON *const kept = assay_issue_rates();
    cr_expect_float_eq(kept->child->valuedouble, 2.0 * best, 1e-9 * best);
    cJSON_Delete(kept);
    cJSON_Delete(rates);
}

Test(issue, all_cores_are_read_at_once)
{
    skip_where_unread();
    const int32_t cores = assay_topology_threads(assay_topology_get());
    const double share = assay_issue_share(cores);
    cr_expect(share > 0.0 && share <= 1.0, "%g", share);
    cJSON *const rates = assay_issue_rates();
    cr_expect_eq(cJSON_GetArraySize(rates), cores);
    cJSON_Delete(rates);
    cr_expect(assay_issue_share(1 << 20) > 0.0, "more threads than processors are asked for");
}

static void *spin(void *stop)
{
    cpu_set_t set;
    const assay_topology *const topology = assay_topology_get();
    CPU_ZERO(&set);
    CPU_SET((size_t)topology->cpu[topology->cores], &set); /* the first core's other thread */
    (void)sched_setaffinity(0, sizeof set, &set);
    while (!__atomic_load_n((int *)stop, __ATOMIC_RELAXED)) {
        (void)assay_additions_free();
    }
    return NULL;
}

/* Where the system shows which processors share a core. */
Test(issue, a_neighbour_on_the_core_is_seen)
{
    skip_where_unread();
    const assay_topology *const topology = assay_topology_get();
    if (topology->cpu_count < 2 * topology->cores) {
        cr_skip_test("no two processors of one core are seen here");
    }
    int stop = 0;
    int shared = 0;
    pthread_t neighbour;
    assay_issue_learn(1, 0.5);
    cr_assert_eq(pthread_create(&neighbour, NULL, spin, &stop), 0);
    for (int i = 0; i < 2000; i++) {
        shared += assay_issue_share(1) < ASSAY_SHARE_LEAST;
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    pthread_join(neighbour, NULL);
    cr_expect(shared > 1000, "%d of 2000 readings", shared);
}
