#include "bench/turns_pair.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

assay_status assay_turns_room_make(assay_turns_room *room, assay_error *error)
{
    room->turns = NULL;
    room->file = memfd_create("assay-turns", MFD_CLOEXEC);
    void *const shared =
        room->file >= 0 && ftruncate(room->file, sizeof(assay_turns)) == 0
            ? mmap(NULL, sizeof(assay_turns), PROT_READ | PROT_WRITE, MAP_SHARED, room->file, 0)
            : MAP_FAILED;
    if (shared == MAP_FAILED) {
        const int why = errno;
        assay_turns_room_drop(room);
        return assay_fail(error, ASSAY_IO, "no memory to share: %s", strerror(why));
    }
    room->turns = shared;
    (void)snprintf(room->path, sizeof room->path, "/proc/%ld/fd/%d", (long)getpid(), room->file);
    return ASSAY_OK;
}

void assay_turns_room_drop(assay_turns_room *room)
{
    if (room->turns != NULL) {
        (void)munmap(room->turns, sizeof(assay_turns));
        room->turns = NULL;
    }
    if (room->file >= 0) {
        (void)close(room->file);
        room->file = -1;
    }
}

static void fail(assay_turns_side *side)
{
    side->status = assay_fail(&side->error, ASSAY_BAD_INPUT, "timing %s: %.900s", side->impl,
                              side->fate.message);
    side->first = assay_turns_abandon(side->turns);
}

void assay_turns_ask(assay_turns_side *side, cJSON *request, cJSON **answer)
{
    side->fate = assay_child_ask(side->child, request, side->deadline, answer);
    if (side->fate.verdict != ASSAY_PASS) {
        fail(side);
    }
}

size_t assay_turns_disturbed(const cJSON *answer)
{
    size_t count = 0;
    const cJSON *mark;
    cJSON_ArrayForEach(mark, cJSON_GetObjectItemCaseSensitive(answer, "contaminated"))
    {
        count += cJSON_IsNumber(mark) && mark->valuedouble > 0.0;
    }
    return count;
}

void assay_turns_play(assay_turns_side *side, double *seconds)
{
    cJSON *answer = NULL;
    const int wanted = 2 * (int)side->request.rounds;
    assay_turns_ask(side, assay_turns_json(&side->request), &answer);
    side->request.first = assay_turns_after(side->request.first, side->request.rounds);
    const cJSON *const list = cJSON_GetObjectItemCaseSensitive(answer, "seconds");
    const cJSON *item = list != NULL ? list->child : NULL;
    side->disturbed += assay_turns_disturbed(answer);
    for (int i = 0; i < wanted && side->status == ASSAY_OK; i++) {
        seconds[i] = cJSON_IsNumber(item) ? item->valuedouble : 0.0;
        if (!(seconds[i] > 0.0)) {
            side->fate.verdict = ASSAY_FAIL;
            (void)snprintf(side->fate.message, sizeof side->fate.message,
                           "takes no longer than an empty call");
            fail(side);
        }
        item = item != NULL ? item->next : NULL;
    }
    cJSON_Delete(answer);
}

assay_status assay_turns_together(void *(*part)(void *), void *const context[2],
                                  assay_error *error)
{
    pthread_t thread;
    const int failed = pthread_create(&thread, NULL, part, context[1]);
    if (failed != 0) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no thread to time with: %s", strerror(failed));
    }
    (void)part(context[0]);
    (void)pthread_join(thread, NULL);
    return ASSAY_OK;
}

int assay_turns_failed(const assay_turns_side *a, const assay_turns_side *b)
{
    if (a->status == ASSAY_OK && b->status == ASSAY_OK) {
        return -1;
    }
    return a->status == ASSAY_OK || (b->status != ASSAY_OK && b->first) ? 1 : 0;
}
