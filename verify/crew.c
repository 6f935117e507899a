#include "verify/crew.h"

#include <pthread.h>
#include <stdbool.h>
#include <unistd.h>

typedef struct shift {
    const assay_crew *crew;
    pthread_mutex_t lock;
    size_t next;
    assay_status status; /* the first that was not OK, with its message in *error */
    assay_error *error;
} shift;

int64_t assay_crew_cores(void)
{
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online < 1 ? 1 : (int64_t)online;
}

int64_t assay_crew_size(int64_t jobs, size_t items)
{
    const int64_t most = items < ASSAY_CREW_MAX ? (int64_t)items : ASSAY_CREW_MAX;
    const int64_t size = jobs < most ? jobs : most;
    return size < 1 ? 1 : size;
}

/* The next item, or SIZE_MAX at the end or after an error. */
static size_t next_item(shift *s)
{
    (void)pthread_mutex_lock(&s->lock);
    const bool more = s->status == ASSAY_OK && s->next < s->crew->items;
    const size_t item = more ? s->next++ : SIZE_MAX;
    (void)pthread_mutex_unlock(&s->lock);
    return item;
}

static void *work(void *opaque)
{
    shift *const s = opaque;
    const assay_crew *const crew = s->crew;
    assay_error error = {.message = "no reason was given"};
    void *own = NULL;
    size_t item = 0;
    assay_status status =
        crew->open != NULL ? crew->open(crew->context, &own, &error) : ASSAY_OK;
    while (status == ASSAY_OK && (item = next_item(s)) != SIZE_MAX) {
        status = crew->take(crew->context, own, item, &error);
    }
    if (crew->close != NULL) {
        crew->close(crew->context, own);
    }
    if (status != ASSAY_OK) {
        (void)pthread_mutex_lock(&s->lock);
        if (s->status == ASSAY_OK) {
            s->status = status;
            *s->error = error;
        }
        (void)pthread_mutex_unlock(&s->lock);
    }
    return NULL;
}

assay_status assay_crew_run(const assay_crew *crew, assay_error *error)
{
    shift s = {.crew = crew, .error = error};
    pthread_t thread[ASSAY_CREW_MAX];
    const int64_t wanted = assay_crew_size(crew->jobs, crew->items);
    int64_t started = 0;
    (void)pthread_mutex_init(&s.lock, NULL);
    while (started < wanted && pthread_create(&thread[started], NULL, work, &s) == 0) {
        started++;
    }
    if (started == 0) {
        s.status = assay_fail(error, ASSAY_NO_MEMORY, "no thread could be started");
    }
    for (int64_t i = 0; i < started; i++) {
        (void)pthread_join(thread[i], NULL);
    }
    (void)pthread_mutex_destroy(&s.lock);
    return s.status;
}
