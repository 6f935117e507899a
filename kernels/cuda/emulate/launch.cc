#include "kernels/cuda/emulate/block.h"
#include "kernels/cuda/emulate/runtime.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <sys/mman.h>

namespace emulate {

namespace {

enum { ARRAYS_MAX = 32, CANARY = 16, PAGE = 4096 };
enum { SHARED_ROOM = (SHARED_MOST + PAGE - 1) / PAGE * PAGE };

/* [statics, canaries between them][dynamic shared memory, up to a page that nobody may touch] */
struct Shared {
    unsigned char *statics, *dynamic_end;
    size_t used, dynamic_bytes, most;
    uint64_t block;
    unsigned arrays;
    size_t end[ARRAYS_MAX];
    Site site[ARRAYS_MAX];
};

Shared shared;
std::mutex one_launch;
uint64_t launches;
char said[768];
bool wrong;

bool make_shared()
{
    if (shared.statics == nullptr) {
        const size_t bytes = (size_t)SHARED_MAX + SHARED_ROOM + PAGE;
        void *const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) {
            return false;
        }
        shared.statics = (unsigned char *)memory;
        shared.dynamic_end = shared.statics + (size_t)SHARED_MAX + SHARED_ROOM;
        (void)mprotect(shared.dynamic_end, PAGE, PROT_NONE);
    }
    return true;
}

size_t rounded(size_t bytes)
{
    return (bytes + CANARY - 1) / CANARY * CANARY;
}

bool good_sizes(const Launch &what)
{
    const dim3 g = what.grid;
    const dim3 b = what.block;
    const uint64_t threads = (uint64_t)b.x * b.y * b.z;
    return g.x > 0 && g.x <= 0x7fffffffu && g.y > 0 && g.y <= 65535 && g.z > 0 && g.z <= 65535 &&
           threads > 0 && threads <= THREADS_MAX && b.z <= 64 &&
           what.shared_bytes <= what.shared_allowed && what.parameter_bytes <= PARAMETERS_MAX;
}

uint64_t seed()
{
    static const char *const text = getenv("ASSAY_EMULATED_SEED");
    return text != nullptr ? strtoull(text, nullptr, 10) : 1;
}

std::mutex one_limit;
std::map<const void *, size_t> limits;

} // namespace

cudaError_t allow_shared(const void *code, int bytes)
{
    const std::lock_guard<std::mutex> hold(one_limit);
    if (bytes < 0 || bytes > SHARED_MOST) {
        return cudaErrorInvalidValue;
    }
    limits[code] = (size_t)bytes;
    return cudaSuccess;
}

size_t shared_allowed(const void *code)
{
    const std::lock_guard<std::mutex> hold(one_limit);
    const auto found = limits.find(code);
    return found == limits.end() || found->second < SHARED_MAX ? (size_t)SHARED_MAX
                                                                 : found->second;
}

void fail(const char *format, ...)
{
    const size_t used = strlen(said);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(said + used, sizeof said - used, format, args);
    va_end(args);
    wrong = true;
    if (within_thread()) {
        leave_running();
    }
}

const char *failure_text()
{
    return said;
}

bool failed()
{
    return wrong;
}

void forget_failure(const Launch *launch)
{
    wrong = false;
    (void)snprintf(said, sizeof said, "emulated kernel %.200s: ", launch->kernel);
}

/* More than is there without leave is everything that there is. */
void shared_open(size_t dynamic_bytes, size_t allowed)
{
    shared.most = allowed > SHARED_MAX ? (size_t)SHARED_MOST : (size_t)SHARED_MAX;
    memset(shared.statics, 0xff, shared.used);
    memset(shared.dynamic_end - rounded(dynamic_bytes), 0xff, rounded(dynamic_bytes));
    shared.dynamic_bytes = dynamic_bytes;
    shared.used = 0;
    shared.arrays = 0;
    shared.block++;
}

void shared_check()
{
    for (unsigned i = 0; i < shared.arrays; i++) {
        for (size_t b = 0; b < CANARY; b++) {
            if (shared.statics[shared.end[i] + b] != 0xff) {
                fail("wrote past the shared array of %s:%d", shared.site[i].file,
                     shared.site[i].line);
                return;
            }
        }
    }
}

void *shared_array(SharedArray *array, size_t bytes, Site site)
{
    if (array->block == shared.block) {
        return array->data;
    }
    if (shared.arrays == ARRAYS_MAX ||
        shared.used + shared.dynamic_bytes + rounded(bytes) > shared.most) {
        fail("more than %zu bytes of shared memory at %s:%d", shared.most, site.file, site.line);
    }
    array->block = shared.block;
    array->data = shared.statics + shared.used;
    shared.end[shared.arrays] = shared.used + bytes;
    shared.site[shared.arrays++] = site;
    shared.used += rounded(bytes) + CANARY;
    memset(array->data, 0xff, rounded(bytes) + CANARY);
    return array->data;
}

void *shared_dynamic()
{
    return shared.dynamic_end - rounded(shared.dynamic_bytes);
}

static void run_launch(const Launch &what, void (*thread)(void *), void *call)
{
    forget_failure(&what);
    if (!good_sizes(what)) {
        fail("grid %u x %u x %u, block %u x %u x %u, %zu bytes shared, %zu of parameters: no GPU "
             "launches that",
             what.grid.x, what.grid.y, what.grid.z, what.block.x, what.block.y, what.block.z,
             what.shared_bytes, what.parameter_bytes);
        set_error(cudaErrorInvalidConfiguration);
        return;
    }
    if (!make_shared()) {
        set_error(cudaErrorMemoryAllocation);
        return;
    }
    Block block = {&what, thread, call, {seed() * 0x2545f4914f6cdd1du + ++launches}};
    const uint64_t count = (uint64_t)what.grid.x * what.grid.y * what.grid.z;
    Order order = order_of(count, &block.dice);
    place.block_size = what.block;
    place.grid_size = what.grid;
    for (uint64_t i = 0; i < count && !wrong; i++) {
        const uint64_t at = order.next();
        place.block = dim3((unsigned)(at % what.grid.x), (unsigned)(at / what.grid.x % what.grid.y),
                           (unsigned)(at / what.grid.x / what.grid.y));
        shared_open(what.shared_bytes, what.shared_allowed);
        if (run_block(&block)) {
            shared_check();
        }
    }
    if (wrong) {
        set_error(cudaErrorLaunchFailure);
    }
}

void refuse(const char *kernel, const char *why)
{
    const std::lock_guard<std::mutex> hold(one_launch);
    const Launch what = {kernel, dim3(), dim3(), 0, 0, 0};
    if (memory_open()) {
        memory_close();
        forget_failure(&what);
        fail("%s", why);
        set_error(cudaErrorLaunchFailure);
    }
}

void launch(const Launch &what, void (*thread)(void *), void *call)
{
    const std::lock_guard<std::mutex> hold(one_launch);
    if (!memory_open()) {
        return; /* what was said of the failure before stays */
    }
    run_launch(what, thread, call);
    memory_close();
}

} // namespace emulate
