#include "verify/scales.h"

#include <pthread.h>
#include <stdlib.h>

#include "verify/scales_file.h"

static const char truth_contract[] = "truth";

/* An output under a contract; or, as contract "truth", its exact values. */
typedef struct entry {
    char *name; /* contract, chain and output */
    float *scale;
    double *truth;
    struct entry *next;
} entry;

/* A chain that a thread is running under a contract. */
typedef struct job {
    const char *chain, *contract;
    uint64_t serial;
    atomic_int idle; /* threads that wait for it */
    struct job *next;
} job;

struct assay_scales {
    char *identity;
    pthread_mutex_t lock;
    pthread_cond_t done;
    entry *entries;
    job *jobs;
    uint64_t job_count; /* of all that ever ran */
};

assay_status assay_scales_open(const char *identity, assay_scales **scales, assay_error *error)
{
    assay_scales *const made = calloc(1, sizeof *made);
    char *const copy = strdup(identity != NULL ? identity : "");
    *scales = NULL;
    if (made == NULL || copy == NULL) {
        free(made);
        free(copy);
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for chain scales");
    }
    made->identity = copy;
    (void)pthread_mutex_init(&made->lock, NULL);
    (void)pthread_cond_init(&made->done, NULL);
    *scales = made;
    return ASSAY_OK;
}

static void entry_free(entry *e)
{
    free(e->name);
    free(e->scale);
    free(e->truth);
    free(e);
}

void assay_scales_close(assay_scales **scales)
{
    if (*scales == NULL) {
        return;
    }
    while ((*scales)->entries != NULL) {
        entry *const e = (*scales)->entries;
        (*scales)->entries = e->next;
        entry_free(e);
    }
    (void)pthread_cond_destroy(&(*scales)->done);
    (void)pthread_mutex_destroy(&(*scales)->lock);
    free((*scales)->identity);
    free(*scales);
    *scales = NULL;
}

static bool is_truth(const char *contract)
{
    return strncmp(contract, truth_contract, sizeof truth_contract - 1) == 0;
}

/* A new entry, not yet in the list, with room for its values. */
static entry *entry_make(const assay_chain *chain, size_t output, const char *contract)
{
    const assay_chain_output *const o = &chain->output[output];
    const size_t count = (size_t)(o->rows * o->columns) + 1;
    entry *const e = calloc(1, sizeof *e);
    if (e == NULL) {
        return NULL;
    }
    if (is_truth(contract)) {
        e->truth = malloc(count * sizeof *e->truth);
    } else {
        e->scale = malloc(count * sizeof *e->scale);
    }
    if ((e->truth == NULL && e->scale == NULL) ||
        asprintf(&e->name, "%s|%s|%s", contract, chain->key, o->key) < 0) {
        e->name = NULL;
        entry_free(e);
        return NULL;
    }
    return e;
}

static const entry *find(const assay_scales *scales, const assay_chain *chain, size_t output,
                         const char *contract)
{
    const size_t first = strlen(contract);
    const size_t second = strlen(chain->key);
    const entry *e = scales->entries;
    while (e != NULL &&
           (strncmp(e->name, contract, first) != 0 || e->name[first] != '|' ||
            strncmp(e->name + first + 1, chain->key, second) != 0 ||
            e->name[first + 1 + second] != '|' ||
            strcmp(e->name + first + second + 2, chain->output[output].key) != 0)) {
        e = e->next;
    }
    return e;
}

static job *running(const assay_scales *scales, const assay_chain *chain, const char *contract)
{
    job *j = scales->jobs;
    while (j != NULL && (strcmp(j->chain, chain->key) != 0 || strcmp(j->contract, contract) != 0)) {
        j = j->next;
    }
    return j;
}

/* Waits while a chain is run, lending it this thread's processor, until some job ends. */
static void wait_for(assay_scales *scales, const assay_chain *chain, const char *contract)
{
    job *const j = running(scales, chain, contract);
    const uint64_t serial = j->serial;
    j->idle++;
    (void)pthread_cond_wait(&scales->done, &scales->lock);
    job *const now = running(scales, chain, contract);
    if (now != NULL && now->serial == serial) {
        now->idle--;
    }
}

/* Everything a chain gives under a contract, truth or scales, as new entries in a list. */
static assay_status compute(const assay_scales *scales, const assay_chain *chain,
                            const assay_table *table, const char *contract, entry **made,
                            assay_error *error)
{
    assay_arena arena = {0};
    double **const truth = assay_arena_take(&arena, chain->output_count * sizeof *truth);
    float **const scale = assay_arena_take(&arena, chain->output_count * sizeof *scale);
    entry **const own = assay_arena_take(&arena, chain->output_count * sizeof *own);
    bool room = truth != NULL && scale != NULL && own != NULL;
    for (size_t k = 0; room && k < chain->output_count; k++) {
        own[k] = entry_make(chain, k, contract);
        room = own[k] != NULL;
        if (room) {
            own[k]->next = *made;
            *made = own[k];
            truth[k] = own[k]->truth;
            scale[k] = own[k]->scale;
        }
    }
    assay_status status = ASSAY_OK;
    if (!room) {
        status = assay_fail(error, ASSAY_NO_MEMORY, "out of memory for chain scales");
    } else if (is_truth(contract)) {
        status = assay_chain_truth(chain, table, truth, error);
    } else {
        status = assay_chain_scales(chain, table, NULL, scale, error);
    }
    for (size_t k = 0; status == ASSAY_OK && !is_truth(contract) && k < chain->output_count; k++) {
        assay_scales_write(scales->identity, chain, k, contract, scale[k]);
    }
    assay_arena_free(&arena);
    return status;
}

/* The one output that is wanted, from disk. */
static bool read_back(const assay_scales *scales, const assay_chain *chain, size_t output,
                      const char *contract, entry **made)
{
    entry *const e = entry_make(chain, output, contract);
    if (e == NULL) {
        return false;
    }
    if (!assay_scales_read(scales->identity, chain, output, contract, e->scale)) {
        entry_free(e);
        return false;
    }
    *made = e;
    return true;
}

/* Links what is not there yet: another thread may have read one output from disk meanwhile. */
static void publish(assay_scales *scales, entry *made)
{
    while (made != NULL) {
        entry *const e = made;
        made = e->next;
        e->next = scales->entries;
        scales->entries = e;
    }
}

static void drop(entry *made)
{
    while (made != NULL) {
        entry *const e = made;
        made = e->next;
        entry_free(e);
    }
}

static void unlink_job(assay_scales *scales, const job *own)
{
    job **at = &scales->jobs;
    while (*at != own) {
        at = &(*at)->next;
    }
    *at = own->next;
}

static assay_status obtain(assay_scales *scales, const assay_chain *chain, size_t output,
                           const assay_table *table, const char *contract, const entry **found,
                           assay_error *error)
{
    assay_status status = ASSAY_OK;
    (void)pthread_mutex_lock(&scales->lock);
    *found = find(scales, chain, output, contract);
    while (*found == NULL && running(scales, chain, contract) != NULL) {
        wait_for(scales, chain, contract);
        *found = find(scales, chain, output, contract);
    }
    if (*found == NULL) {
        job own = {chain->key, contract, scales->job_count++, 0, scales->jobs};
        assay_chain shared = *chain;
        entry *made = NULL;
        scales->jobs = &own;
        shared.idle = &own.idle;
        (void)pthread_mutex_unlock(&scales->lock);
        if (is_truth(contract) || !read_back(scales, chain, output, contract, &made)) {
            status = compute(scales, &shared, table, contract, &made, error);
        }
        (void)pthread_mutex_lock(&scales->lock);
        if (status == ASSAY_OK) {
            publish(scales, made);
            *found = find(scales, chain, output, contract);
        } else {
            drop(made);
        }
        unlink_job(scales, &own);
        (void)pthread_cond_broadcast(&scales->done);
    }
    (void)pthread_mutex_unlock(&scales->lock);
    return status;
}

assay_status assay_scales_find(assay_scales *scales, const assay_chain *chain, size_t output,
                               const assay_table *contracts, const float **scale,
                               assay_error *error)
{
    char contract[65];
    const entry *found = NULL;
    assay_contract_digest(contracts, contract);
    const assay_status status = obtain(scales, chain, output, contracts, contract, &found, error);
    if (status == ASSAY_OK) {
        *scale = found->scale;
    }
    return status;
}

assay_status assay_scales_truth(assay_scales *scales, const assay_chain *chain, size_t output,
                                const assay_table *contracts, const double **truth,
                                assay_error *error)
{
    const entry *found = NULL;
    char contract[sizeof truth_contract + 64];
    memcpy(contract, truth_contract, sizeof truth_contract);
    if (contracts != NULL) {
        assay_contract_digest(contracts, contract + sizeof truth_contract - 1);
    }
    const assay_status status =
        obtain(scales, chain, output, contracts, contract, &found, error);
    if (status == ASSAY_OK) {
        *truth = found->truth;
    }
    return status;
}
