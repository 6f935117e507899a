/* One block of threads as fibers: who runs, who waits where, and for whom. */
#ifndef KERNELS_CUDA_EMULATE_BLOCK_H
#define KERNELS_CUDA_EMULATE_BLOCK_H

#include "kernels/cuda/emulate/emulate.h"
#include "kernels/cuda/emulate/fiber.h"

namespace emulate {

/* Numbers that differ from launch to launch (splitmix64). */
struct Dice {
    uint64_t state;
    uint64_t roll();
};

/* The numbers below count, each once: in steps around the circle, which have no divisor in common
 * with it. */
struct Order {
    uint64_t count, step, at;
    uint64_t next()
    {
        at += step;
        at -= at >= count ? count : 0;
        return at;
    }
};
Order order_of(uint64_t count, Dice *dice);

struct Block {
    const Launch *launch;
    void (*thread)(void *);
    void *call;
    Dice dice;
};

/* Runs the block at place.block to its end; false: what is wrong stands in failure_text(). */
bool run_block(Block *block);

/* Whether a thread of a block runs now; and from there to the block's end, never to come back. */
bool within_thread();
void leave_running();

/* Notes what is wrong. Within a thread it does not return. */
void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *failure_text();
bool failed();
void forget_failure(const Launch *launch);

/* Shared memory, from the block's start to its end. */
void shared_open(size_t dynamic_bytes, size_t allowed);
void shared_check();

} // namespace emulate

#endif
