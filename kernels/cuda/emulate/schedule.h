/* Who runs, who waits, and where: the state that scheduling (block.cc) and meetings of threads
 * (meet.cc) share. */
#ifndef KERNELS_CUDA_EMULATE_SCHEDULE_H
#define KERNELS_CUDA_EMULATE_SCHEDULE_H

#include "kernels/cuda/emulate/block.h"

namespace emulate {

enum { WARPS_MAX = THREADS_MAX / WARP, GROUPS_MAX = 4 };

struct Fiber {
    Registers registers;
    bool made;
    unsigned thread;
    dim3 index;
    bool waiting;
    Site site;
    uint64_t result;
};

/* Lanes that meet: those of one mask, at one place. */
struct Group {
    unsigned mask, arrived;
    Meeting kind;
    Site site;
    uint64_t value[WARP];
    int source[WARP];
    Fiber *fiber[WARP];
};

struct Scheduler {
    Block *block;
    Registers host;
    Fiber *running;
    Order order;
    uint64_t threads, started, ended;
    bool eager;   /* new threads start before those run on that have met */
    bool depth;   /* who has met last runs on first, so that a warp gets far ahead of others */
    bool grouped; /* a barrier lets threads go in the order of their numbers, warp by warp */
    Fiber *ready[THREADS_MAX];
    uint64_t ready_first, ready_count;
    Fiber *idle[THREADS_MAX];
    uint64_t idle_count;
    Fiber *of_thread[THREADS_MAX];
    Fiber *first_at_barrier;
    uint64_t at_barrier;
    Group group[WARPS_MAX][GROUPS_MAX];
};

extern Scheduler now;

void make_ready(Fiber *fiber);

/* Hands the processor on; to the host where nobody can take it. */
void yield();

/* Until somebody makes the running fiber ready. */
void wait(Site site);

inline bool same_site(Site a, Site b)
{
    return a.line == b.line && (a.file == b.file || strcmp(a.file, b.file) == 0);
}

} // namespace emulate

#endif
