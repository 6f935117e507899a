/* Threads of a block taking turns: who starts, who runs on, when nobody can. */
#include "kernels/cuda/emulate/schedule.h"

#include <sys/mman.h>

namespace emulate {

namespace {

enum { STACK_BYTES = 64 * 1024 };

Fiber fibers[THREADS_MAX];
char *stacks;

void to_host()
{
    fiber_switch(&now.running->registers, &now.host);
}

void set_running(Fiber *fiber)
{
    now.running = fiber;
    place.thread = fiber->index;
}

void set_thread(Fiber *fiber, unsigned number)
{
    const dim3 size = place.block_size;
    fiber->thread = number;
    now.of_thread[number] = fiber;
    fiber->index = dim3(number % size.x, number / size.x % size.y, number / size.x / size.y);
    set_running(fiber);
}

/* A fiber's life: threads one after the other, as long as they meet nobody. */
void work()
{
    for (;;) {
        Fiber *const fiber = now.running;
        do {
            now.started++;
            set_thread(fiber, (unsigned)now.order.next());
            now.block->thread(now.block->call);
            now.ended++;
        } while (now.started < now.threads && (now.eager || now.ready_count == 0));
        now.idle[now.idle_count++] = fiber;
        yield();
    }
}

/* Who runs next: a fiber for threads that have not started, or one that has met its others. NULL:
 * nobody can. */
Fiber *choose()
{
    if (now.started < now.threads && (now.eager || now.ready_count == 0)) {
        Fiber *const fiber = now.idle[--now.idle_count];
        if (!fiber->made) {
            /* Tops a whole number of pages apart would share a few places in the cache. */
            const size_t off = (size_t)(fiber - fibers) * 320 % 4096;
            fiber_make(&fiber->registers, stacks + (fiber - fibers) * STACK_BYTES,
                       STACK_BYTES - off, work);
            fiber->made = true;
        }
        return fiber;
    }
    if (now.ready_count == 0) {
        return nullptr;
    }
    now.ready_count--;
    if (now.depth) {
        return now.ready[(now.ready_first + now.ready_count) % THREADS_MAX];
    }
    Fiber *const fiber = now.ready[now.ready_first];
    now.ready_first = (now.ready_first + 1) % THREADS_MAX;
    return fiber;
}

void reset(Block *block)
{
    const dim3 size = block->launch->block;
    now.block = block;
    now.threads = (uint64_t)size.x * size.y * size.z;
    now.started = now.ended = 0;
    now.order = order_of(now.threads, &block->dice);
    const uint64_t manner = block->dice.roll();
    now.eager = (manner & 1) != 0;
    now.depth = (manner & 2) != 0;
    now.grouped = (manner & 4) != 0;
    now.ready_first = now.ready_count = now.at_barrier = 0;
    now.idle_count = 0;
    for (uint64_t i = now.threads; i > 0; i--) {
        now.idle[now.idle_count++] = &fibers[i - 1];
        fibers[i - 1].waiting = false;
    }
    memset(now.group, 0, (now.threads + WARP - 1) / WARP * sizeof now.group[0]);
}

/* Nobody can go on: names one that waits and, if there is one, a thread that has ended. */
void tell_stuck()
{
    const Fiber *waiting = nullptr;
    uint64_t count = 0;
    for (uint64_t i = 0; i < now.threads; i++) {
        if (fibers[i].waiting) {
            waiting = waiting == nullptr ? &fibers[i] : waiting;
            count++;
        }
    }
    fail("%llu threads wait for others that never come, thread %u at %s:%d; %llu of %llu have "
         "ended",
         (unsigned long long)count, waiting != nullptr ? waiting->thread : 0,
         waiting != nullptr ? waiting->site.file : "?", waiting != nullptr ? waiting->site.line : 0,
         (unsigned long long)now.ended, (unsigned long long)now.threads);
}

} // namespace

Place place;
Scheduler now;

void make_ready(Fiber *fiber)
{
    fiber->waiting = false;
    now.ready[(now.ready_first + now.ready_count++) % THREADS_MAX] = fiber;
}

void yield()
{
    Fiber *const self = now.running;
    Fiber *const next = choose();
    if (next == nullptr) {
        to_host();
    } else if (next != self) {
        set_running(next);
        fiber_switch(&self->registers, &next->registers);
    }
}

void wait(Site site)
{
    now.running->waiting = true;
    now.running->site = site;
    yield();
}

uint64_t Dice::roll()
{
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        const uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

Order order_of(uint64_t count, Dice *dice)
{
    Order order = {count, dice->roll() % count, dice->roll() % count};
    while (common_divisor(order.step, count) != 1) {
        order.step++;
    }
    return order;
}

void leave_running()
{
    to_host(); /* and never come back: run_block ends */
}

static bool make_stacks()
{
    const size_t bytes = (size_t)THREADS_MAX * STACK_BYTES;
    if (stacks == nullptr) {
        void *const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        stacks = memory == MAP_FAILED ? nullptr : (char *)memory;
    }
    return stacks != nullptr;
}

bool run_block(Block *block)
{
    if (!make_stacks()) {
        fail("no memory for the stacks of threads");
        return false;
    }
    reset(block);
    while (now.ended < now.threads && !failed()) {
        Fiber *const next = choose();
        if (next != nullptr) {
            set_running(next);
            fiber_switch(&now.host, &next->registers);
        }
        now.running = nullptr;
        if (next == nullptr) {
            tell_stuck();
        }
    }
    now.running = nullptr;
    if (failed()) {
        for (Fiber &fiber : fibers) {
            fiber.made = false; /* what they were at is given up */
        }
    }
    return !failed();
}

bool within_thread()
{
    return now.running != nullptr;
}

} // namespace emulate
