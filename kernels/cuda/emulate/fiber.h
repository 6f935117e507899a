/* Fibers: a CUDA thread on the host, with a stack of its own, that hands the processor on where it
 * waits for others. Switching saves the registers that a call preserves and no more; rounding
 * modes and signal masks are everybody's. */
#ifndef KERNELS_CUDA_EMULATE_FIBER_H
#define KERNELS_CUDA_EMULATE_FIBER_H

#include <cstddef>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace emulate {

#if defined(__x86_64__)
typedef void *Registers; /* the stack pointer; the rest lies on the stack */
#else
typedef ucontext_t Registers;
#endif

/* Makes `to` start in entry() at the first switch to it. entry never returns. */
void fiber_make(Registers *to, void *stack, size_t bytes, void (*entry)());

/* Goes on in `to`; returns when somebody switches to `from`. */
void fiber_switch(Registers *from, Registers *to);

} // namespace emulate

#endif
