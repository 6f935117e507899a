#include "kernels/cuda/emulate/fiber.h"

#include <cstdint>

#if defined(__x86_64__)

/* swapcontext would ask the system for the signal mask at each switch, a hundred times slower. */
__asm__(".text\n"
        ".p2align 4\n"
        ".type assay_emulate_switch, @function\n"
        "assay_emulate_switch:\n"
        "    pushq %rbp\n"
        "    pushq %rbx\n"
        "    pushq %r12\n"
        "    pushq %r13\n"
        "    pushq %r14\n"
        "    pushq %r15\n"
        "    movq %rsp, (%rdi)\n"
        "    movq (%rsi), %rsp\n"
        "    popq %r15\n"
        "    popq %r14\n"
        "    popq %r13\n"
        "    popq %r12\n"
        "    popq %rbx\n"
        "    popq %rbp\n"
        "    ret\n"
        ".size assay_emulate_switch, .-assay_emulate_switch\n");

extern "C" void assay_emulate_switch(void **from, void **to);

namespace emulate {

void fiber_make(Registers *to, void *stack, size_t bytes, void (*entry)())
{
    enum { PRESERVED = 6 };
    const uintptr_t end = ((uintptr_t)stack + bytes) & ~(uintptr_t)15;
    uintptr_t *const top = (uintptr_t *)end - 2; /* entry sees the stack as after a call */
    top[0] = (uintptr_t)entry;
    top[1] = 0;
    for (int i = 1; i <= PRESERVED; i++) {
        top[-i] = 0;
    }
    *to = top - PRESERVED;
}

void fiber_switch(Registers *from, Registers *to)
{
    assay_emulate_switch(from, to);
}

} // namespace emulate

#else

namespace emulate {

void fiber_make(Registers *to, void *stack, size_t bytes, void (*entry)())
{
    (void)getcontext(to);
    to->uc_stack.ss_sp = stack;
    to->uc_stack.ss_size = bytes;
    to->uc_link = nullptr;
    makecontext(to, entry, 0);
}

void fiber_switch(Registers *from, Registers *to)
{
    (void)swapcontext(from, to);
}

} // namespace emulate

#endif
