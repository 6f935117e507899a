/* Device memory: allocations between guard pages, open for launches and copies alone. */
#include "kernels/cuda/emulate/memory.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>
#include <vector>

#include "kernels/cuda/emulate/block.h"

namespace emulate {

namespace {

constexpr size_t PAGE = 4096, ALIGNMENT = 256;

struct Allocation {
    char *pages; /* room bytes, with a guard page on either side */
    size_t room;
    char *start; /* flush against the guard behind, as far as its alignment lets it */
    size_t bytes;
    int device;
};

std::vector<Allocation> allocations;
size_t used[DEVICES_MOST];
struct sigaction before_segv, before_bus;

size_t rounded(size_t bytes, size_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

void protect(const Allocation &a, int access)
{
    (void)mprotect(a.pages, a.room, access);
}

/* A kernel that touches what is no memory of its device ends there; a fault of anybody else's is
 * left to whoever was to be told of it before. */
void on_fault(int number, siginfo_t *info, void *)
{
    if (!within_thread()) {
        (void)sigaction(number, number == SIGSEGV ? &before_segv : &before_bus, nullptr);
        return; /* and faults again */
    }
    char what[200];
    describe_address(info->si_addr, what, sizeof what);
    fail("an illegal memory access was encountered: block (%u, %u, %u), thread (%u, %u, %u), "
         "%s",
         place.block.x, place.block.y, place.block.z, place.thread.x, place.thread.y,
         place.thread.z, what);
}

} // namespace

size_t memory_total()
{
    static const size_t ordinary = size_t(4) << 30;
    const char *const text = getenv("ASSAY_EMULATED_MEMORY");
    return text != nullptr ? strtoull(text, nullptr, 10) : ordinary;
}

size_t memory_used()
{
    return used[current_device()];
}

void *memory_take(size_t bytes)
{
    const size_t total = memory_total();
    const size_t size = rounded(bytes, ALIGNMENT);
    if (bytes > total || size > total - memory_used()) {
        return nullptr;
    }
    const size_t room = rounded(size, PAGE);
    void *const all = mmap(nullptr, room + 2 * PAGE, PROT_NONE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all == MAP_FAILED) {
        return nullptr;
    }
    char *const pages = static_cast<char *>(all) + PAGE;
    const Allocation a = {pages, room, pages + room - size, bytes, current_device()};
    protect(a, PROT_READ | PROT_WRITE);
    memset(a.start, 0xff, size); /* nobody counts on zeros */
    if (PROTECTED) {
        protect(a, PROT_NONE);
    }
    allocations.push_back(a);
    used[a.device] += a.bytes;
    return a.start;
}

bool memory_give(void *memory)
{
    for (size_t i = 0; i < allocations.size(); i++) {
        const Allocation a = allocations[i];
        if (a.start == memory) {
            (void)munmap(a.pages - PAGE, a.room + 2 * PAGE);
            used[a.device] -= a.bytes;
            allocations[i] = allocations.back();
            allocations.pop_back();
            return true;
        }
    }
    return false;
}

bool memory_has(const void *memory, size_t bytes)
{
    const char *const at = static_cast<const char *>(memory);
    for (const Allocation &a : allocations) {
        if (at >= a.start && at <= a.start + a.bytes && bytes <= size_t(a.start + a.bytes - at)) {
            return true;
        }
    }
    return false;
}

/* Without touching it: an address that leads nowhere fails when it is followed. */
static bool is_readable(const void *memory)
{
    char byte;
    struct iovec to = {&byte, 1};
    struct iovec from = {const_cast<void *>(memory), 1};
    return process_vm_readv(getpid(), &to, 1, &from, 1, 0) == 1;
}

bool is_host_memory(const void *memory)
{
    return PROTECTED && memory != nullptr && !memory_has(memory, 0) && is_readable(memory);
}

bool is_operand(const void *memory)
{
    return !PROTECTED && !memory_has(memory, 0) && is_readable(memory);
}

void memory_reach(bool open)
{
    for (const Allocation &a : allocations) {
        if (PROTECTED && a.device == current_device()) {
            protect(a, open ? PROT_READ | PROT_WRITE : PROT_NONE);
        }
    }
}

void memory_reach_one(const void *memory, bool open)
{
    const char *const at = static_cast<const char *>(memory);
    for (const Allocation &a : allocations) {
        if (PROTECTED && at >= a.start && at <= a.start + a.bytes) {
            protect(a, open ? PROT_READ | PROT_WRITE : PROT_NONE);
        }
    }
}

void faults_watch(bool on)
{
    if (!PROTECTED) {
        return;
    }
    if (on) {
        struct sigaction action = {};
        action.sa_sigaction = on_fault;
        /* It does not return: it leaves the thread that is at fault for good. */
        action.sa_flags = SA_SIGINFO | SA_NODEFER;
        (void)sigaction(SIGSEGV, &action, &before_segv);
        (void)sigaction(SIGBUS, &action, &before_bus);
    } else {
        (void)sigaction(SIGSEGV, &before_segv, nullptr);
        (void)sigaction(SIGBUS, &before_bus, nullptr);
    }
}

void describe_address(const void *address, char *text, size_t size)
{
    const char *const at = static_cast<const char *>(address);
    for (const Allocation &a : allocations) {
        const char *const end = a.start + a.bytes;
        if (at >= end && at < end + 2 * PAGE) {
            (void)snprintf(text, size, "%zu bytes behind the end of an allocation of %zu",
                           size_t(at - end), a.bytes);
            return;
        }
        if (at >= a.start && at < end) {
            (void)snprintf(text, size, "in memory of device %d, and this is device %d", a.device,
                           current_device());
            return;
        }
        if (at < a.start && at >= a.pages - PAGE) {
            (void)snprintf(text, size, "%zu bytes before an allocation of %zu",
                           size_t(a.start - at), a.bytes);
            return;
        }
    }
    (void)snprintf(text, size, "address %p, which is no device memory", address);
}

} // namespace emulate
