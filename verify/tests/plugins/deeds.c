/* A plug-in whose kernels do one wrong thing each, all but `good`: add in f32. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "verify/tests/plugins/add.h"

static int64_t count_of(const assay_add_io *io)
{
    return io->y.shape[0] * io->y.shape[1];
}

/* DEED is a statement that sees io; the sum itself is right. */
#define DEED(name, ...)                                                                            \
    static assay_status run_##name(const assay_exec *exec, const assay_add_params *params,         \
                                   const void *state, const assay_add_io *io)                      \
    {                                                                                              \
        (void)exec;                                                                                \
        (void)params;                                                                              \
        (void)state;                                                                               \
        add_all(io);                                                                               \
        __VA_ARGS__                                                                                \
        return ASSAY_OK;                                                                           \
    }

static volatile float sink;

/* Every store and load through volatile: they are what is tested. */
#define Y ((volatile float *)io->y.data)
#define A ((volatile float *)io->a.data)

DEED(good, )
DEED(write_past, Y[count_of(io)] = 3.0f;)
DEED(write_far_past, Y[count_of(io) + 16] = 3.0f;)
DEED(write_before, Y[-3] = 3.0f;)
DEED(read_past, sink = A[count_of(io)];)
DEED(read_before, sink = A[-1];)
DEED(write_input, A[0] = 3.0f;)
/* Pages of an operand are made writable, changed and locked again. */
static void unlock(const void *data, const char *change)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    char *const start = (char *)((uintptr_t)data / page * page);
    if (mprotect(start, page, PROT_READ | PROT_WRITE) == 0) {
        *(volatile char *)(uintptr_t)change ^= 1;
        mprotect(start, page, PROT_READ);
    }
}
DEED(unlocks, unlock(io->b.data, (const char *)io->b.data + 5);)
DEED(unlocks_before, unlock(io->a.data, (const char *)io->a.data - 9);)
DEED(null, *(volatile float *)(uintptr_t)8 = 1.0f;)
DEED(wild, *(volatile float *)(uintptr_t)0x123456789000 = 1.0f;)
DEED(exit0, exit(0);)
DEED(exit3, exit(3);)
DEED(exit_at_once, _exit(4);)
DEED(aborts, abort();)
DEED(hang, for (volatile int i = 0; i >= 0; i = 0) {})
DEED(divide, volatile int zero = 0; sink = (float)(7 / zero);)
DEED(illegal, __builtin_trap();)
DEED(prints, for (int i = 0; i < 100000; i++) { fprintf(stderr, "line %d\n", i); printf("x\n"); })
DEED(prints_for_ever, for (volatile int i = 0; i >= 0; i = 0) { fprintf(stderr, "again\n"); })
DEED(raises, raise(SIGSEGV);)
DEED(closes, for (int fd = 0; fd < 64; fd++) { close(fd); } sleep(100);)
DEED(talks, (void)!write(3, "nonsense", 8);)

/* Reserves and touches without end. */
DEED(explode, for (;;) {
    char *const block = malloc(1u << 20);
    for (size_t i = 0; block != NULL && i < (1u << 20); i += 4096) {
        ((volatile char *)block)[i] = 1;
    }
})

__attribute__((noinline)) static void scribble(volatile char *at, volatile int count)
{
    for (int i = 0; i < count; i++) {
        at[i] = 1;
    }
}

__attribute__((noinline)) static void smash_stack(void)
{
    volatile char small[16];
    scribble(small, 64);
}

DEED(smash, smash_stack();)

__attribute__((noinline)) static int64_t descend(volatile int64_t depth)
{
    volatile int64_t room[64];
    room[depth % 64] = depth;
    return depth < 0 ? 0 : descend(depth + 1) + room[(depth + 1) % 64];
}

DEED(overflow, sink = (float)descend(1);)

typedef struct later {
    float *at;
    int milliseconds;
} later;

static void *write_later(void *context)
{
    later *const job = context;
    const struct timespec pause = {.tv_nsec = job->milliseconds * 1000000};
    nanosleep(&pause, NULL);
    *(volatile float *)job->at += 1.0f;
    free(job);
    return NULL;
}

static void leave_to_thread(const assay_add_io *io, int milliseconds)
{
    later *const job = malloc(sizeof *job);
    pthread_t thread;
    *job = (later){(float *)io->y.data, milliseconds};
    pthread_create(&thread, NULL, write_later, job);
    pthread_detach(thread);
}

/* What a sanitizer prints before it ends the process. */
DEED(reports, fprintf(stderr, "==7==ERROR: AddressSanitizer: heap-buffer-overflow\n"
                              "SUMMARY: AddressSanitizer: heap-buffer-overflow mine.c:7 in run\n"
                              "Shadow bytes follow\n");
     _exit(1);)

static void fork_a_writer(const assay_add_io *io)
{
    if (fork() == 0) {
        const struct timespec pause = {.tv_nsec = 50000000};
        nanosleep(&pause, NULL);
        *(volatile float *)io->y.data += 1.0f;
        _exit(0);
    }
}

DEED(forks, fork_a_writer(io);)
DEED(forks_and_returns, (void)!fork();)

/* Breaks the heap without dying of it; and what would die of it. */
static void corrupt_heap(void)
{
    volatile char *const block = malloc(24);
    for (int i = 0; i < 4096; i++) {
        block[i] = (char)0xee;
    }
}

static void use_heap(void)
{
    for (size_t i = 1; i < 5000; i += 97) {
        char *const block = malloc(i);
        block[0] = 1;
        free(block);
    }
}

DEED(corrupts, corrupt_heap();)
DEED(allocates, use_heap();)

/* Looks whether an instruction is there, as libraries do; puts back what was set before, or not. */
static void probe(bool restores)
{
    struct sigaction before;
    struct sigaction own = {.sa_handler = SIG_IGN};
    sigemptyset(&own.sa_mask);
    sigaction(SIGILL, &own, &before);
    if (restores) {
        sigaction(SIGILL, &before, NULL);
    }
}
DEED(probes, probe(true);)
DEED(leaves_handler, probe(false);)

DEED(late, leave_to_thread(io, 50);)
DEED(soon, leave_to_thread(io, 1);)

static assay_status run_refuses(const assay_exec *exec, const assay_add_params *params,
                                const void *state, const assay_add_io *io)
{
    (void)params;
    (void)state;
    add_all(io);
    return assay_fail(exec->error, ASSAY_BAD_ARGUMENT, "no\nsuch d: %d", 7);
}

static assay_status run_odd_status(const assay_exec *exec, const assay_add_params *params,
                                   const void *state, const assay_add_io *io)
{
    (void)exec;
    (void)params;
    (void)state;
    (void)io;
    return (assay_status)77;
}

static assay_status unsupported(const assay_device *device, const assay_add_params *params,
                                const assay_add_io *io, assay_error *error)
{
    (void)device;
    (void)params;
    return assay_fail(error, ASSAY_UNSUPPORTED, "%d columns are odd", (int)io->y.shape[1]);
}

static size_t ten_bytes(const assay_add_params *params, const assay_add_io *io)
{
    (void)params;
    (void)io;
    return 10;
}

static assay_status run_scratch(const assay_exec *exec, const assay_add_params *params,
                                const void *state, const assay_add_io *io)
{
    (void)params;
    (void)state;
    add_all(io);
    ((volatile char *)exec->workspace)[exec->workspace_bytes + 1] = 7;
    return ASSAY_OK;
}

static assay_status run_scratch_far(const assay_exec *exec, const assay_add_params *params,
                                    const void *state, const assay_add_io *io)
{
    (void)params;
    (void)state;
    add_all(io);
    ((volatile char *)exec->workspace)[256] = 7;
    return ASSAY_OK;
}

static assay_status prepare_null(const assay_exec *exec, const assay_add_params *params,
                                 void **state)
{
    (void)exec;
    (void)params;
    (void)state;
    *(volatile int *)(uintptr_t)8 = 1;
    return ASSAY_OK;
}

/* Wants 32 bytes of alignment and declares nothing. */
#if defined(__x86_64__)
#include <immintrin.h>
static assay_status run_aligned(const assay_exec *exec, const assay_add_params *params,
                                const void *state, const assay_add_io *io)
{
    (void)exec;
    (void)params;
    (void)state;
    add_all(io);
    __m128 four;
    __asm__ volatile("movaps (%1), %0" : "=x"(four) : "r"(io->a.data));
    sink = _mm_cvtss_f32(four);
    return ASSAY_OK;
}
#else
#define run_aligned run_good
#endif

#define KERNEL(its_name, ...)                                                                      \
    static const assay_kernel kernel_##its_name = {                                                \
        .abi = ASSAY_ABI, .size = sizeof(assay_kernel), .op = ASSAY_OP_add, .name = #its_name,     \
        .backend = "deeds", .summary = "does " #its_name, .space = ASSAY_HOST,                     \
        .precision = ADD_PRECISION, .run.add = {__VA_ARGS__}}

#define PLAIN(X)                                                                                   \
    X(good) X(write_past) X(write_far_past) X(write_before) X(read_past) X(read_before)            \
    X(write_input) X(unlocks) X(unlocks_before) X(null) X(wild) X(exit0) X(exit3) X(exit_at_once)  \
    X(aborts) X(hang) X(divide) X(illegal) X(prints) X(prints_for_ever) X(raises) X(closes)        \
    X(talks) X(explode) X(smash)                                                                   \
    X(overflow) X(late) X(soon) X(refuses) X(reports) X(forks) X(forks_and_returns)                \
    X(odd_status) X(aligned) X(corrupts) X(allocates) X(probes) X(leaves_handler)
#define PLAIN_KERNEL(its_name) KERNEL(its_name, .run = run_##its_name);
PLAIN(PLAIN_KERNEL)
KERNEL(picky, .supports = unsupported, .run = run_good);
KERNEL(scratch, .workspace = ten_bytes, .run = run_scratch);
KERNEL(scratch_far, .workspace = ten_bytes, .run = run_scratch_far);
KERNEL(prepares_badly, .prepare = prepare_null, .run = run_good);

/* Needs every feature there is; whoever calls any of its functions where one is missing dies. */
static assay_status supports_dies(const assay_device *device, const assay_add_params *params,
                                  const assay_add_io *io, assay_error *error)
{
    (void)device;
    (void)params;
    (void)io;
    (void)error;
    abort();
}
static size_t workspace_dies(const assay_add_params *params, const assay_add_io *io)
{
    (void)params;
    (void)io;
    abort();
}
static const assay_kernel kernel_hungry = {
    .abi = ASSAY_ABI, .size = sizeof(assay_kernel), .op = ASSAY_OP_add, .name = "hungry",
    .backend = "deeds", .summary = "needs every feature", .space = ASSAY_HOST,
    .precision = ADD_PRECISION, .features = (1u << ASSAY_FEATURE_COUNT) - 1,
    .run.add = {.supports = supports_dies, .workspace = workspace_dies, .prepare = prepare_null,
                .run = run_aborts}};

#define PLAIN_ENTRY(its_name) &kernel_##its_name,
static const assay_kernel *const all[] = {PLAIN(PLAIN_ENTRY) & kernel_picky, &kernel_scratch,
                                          &kernel_scratch_far, &kernel_prepares_badly,
                                          &kernel_hungry};

assay_plugin_kernels_fn assay_plugin_kernels;
const assay_kernel *const *assay_plugin_kernels(size_t *count)
{
    *count = sizeof all / sizeof *all;
    return all;
}
