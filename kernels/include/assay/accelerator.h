/* The accelerator that a plug-in's kernels run on: how the harness finds devices, gets memory on
 * them, copies, waits and times. A plug-in with kernels whose space is ASSAY_CUDA exports it under
 * the name assay_plugin_accelerator, beside its kernels; the harness itself links nothing of CUDA.
 *
 *   static const assay_accelerator accelerator = {
 *       .abi = ASSAY_ACCELERATOR_ABI, .size = sizeof accelerator, .name = "CUDA", .count = count,
 *       ...
 *   };
 *   ASSAY_PLUGIN_ACCELERATOR(&accelerator);
 *
 * What a kernel with space ASSAY_CUDA is given: exec.device is one that `describe` wrote;
 * exec.stream one that `stream_open` made; the workspace and every tensor of the op's params and io
 * lie in memory that `allocate` gave, dense as on the host, but for what the op's header says is on
 * the host: the vectors of an assay_sae (not its encoder and decoder), rope's inverse_frequency. A
 * tensor's `space` says which; supports and workspace look at shapes and not at data.
 *
 * Rules of all functions: they come back with ASSAY_OK, or with another status and one line in
 * *error (which may be NULL) that names the call that failed and the place of it in the source.
 * `device` is an index, 0 .. count-1. They may be called from any thread, one at a time, and leave
 * the calling thread's current device to themselves: kernels set theirs. A stream of NULL is none:
 * it is not to be given. */
#ifndef ASSAY_ACCELERATOR_H
#define ASSAY_ACCELERATOR_H

#include <stddef.h>

#include "assay/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    ASSAY_ACCELERATOR_ABI = 1,
    ASSAY_DEVICE_NAME_MAX = 96,    /* the final NUL included */
    ASSAY_DEVICE_IDENTITY_MAX = 48, /* likewise */
    ASSAY_DEVICE_BUS_MAX = 32 /* likewise */
};

/* What is not known is 0 or empty. */
typedef struct assay_accelerator_device {
    assay_device device; /* as exec.device; memory_bytes is what is free at this moment */
    uint64_t memory_total;
    uint64_t cache_bytes; /* of the last level, shared by all of it */
    int32_t driver, runtime; /* versions, 1000 x major + 10 x minor: 13000 is 13.0 */
    int32_t multiprocessors;
    char name[ASSAY_DEVICE_NAME_MAX];
    char identity[ASSAY_DEVICE_IDENTITY_MAX]; /* "GPU-...", as NVML calls it */
} assay_accelerator_device;

typedef enum assay_direction {
    ASSAY_TO_DEVICE = 1,
    ASSAY_FROM_DEVICE = 2,
    ASSAY_WITHIN_DEVICE = 3
} assay_direction;

/* Two counters of one multiprocessor, read one right after the other. */
typedef struct assay_stamp {
    uint64_t cycles;      /* of its own clock, which changes with its load and temperature */
    uint64_t nanoseconds; /* of a clock that all share and that never changes; it ticks coarsely */
} assay_stamp;

/* What `assay bench` times kernels by, beyond events. Everything is enqueued unless it says that it
 * waits. Kernels of these functions are loaded when their object is opened: a device may wait for
 * its streams before it loads code, and behind a shut gate that would be for ever. */
typedef struct assay_accelerator_timing {
    uint32_t size; /* sizeof(assay_accelerator_timing) of the plug-in's headers */

    /* Where management libraries find the device: "0000:3b:00.0". UNSUPPORTED: it has none. */
    assay_status (*bus)(int32_t device, char text[ASSAY_DEVICE_BUS_MAX], assay_error *error);

    /* A gate is a kernel of one thread that keeps what is enqueued behind it waiting until the host
     * lets it through, so that all of it is enqueued before the first of it begins. One that is not
     * let through opens by itself after `seconds`: whoever waits for the device behind a shut gate
     * waits no longer than that. */
    assay_status (*gate_open)(int32_t device, void **gate, assay_error *error);
    assay_status (*gate_close)(int32_t device, void *gate, assay_error *error);
    assay_status (*gate_shut)(int32_t device, void *gate, void *stream, double seconds,
                              assay_error *error);
    /* At once, from the host. */
    assay_status (*gate_release)(int32_t device, void *gate, assay_error *error);
    /* Once the stream was synchronised: whether it opened by itself. Does not wait. */
    assay_status (*gate_expired)(int32_t device, void *gate, bool *expired, assay_error *error);

    /* Puts every cache of the device out of what it held: writes all of memory (of at least twice
     * cache_bytes) with numbers that differ each time, and gives back what was set aside for lines
     * that persist. Leaves no line that is still to be written to memory, as far as it can. */
    assay_status (*flush)(int32_t device, void *stream, void *memory, size_t bytes,
                          assay_error *error);

    /* From begin to end nothing that is enqueued in the stream runs; it is noted. A graph runs it
     * all, as often as it is launched, without the host in between. UNSUPPORTED: something in it
     * cannot be noted (the text says what); the stream is as it was before. */
    assay_status (*graph_begin)(int32_t device, void *stream, assay_error *error);
    assay_status (*graph_end)(int32_t device, void *stream, void **graph, assay_error *error);
    assay_status (*graph_launch)(int32_t device, void *graph, void *stream, assay_error *error);
    assay_status (*graph_close)(int32_t device, void *graph, assay_error *error);

    /* Counters of every multiprocessor into `stamps` (stamp_count of them, zeros where it got no
     * block), on the device: of two such, taken before and after some work, cycles over nanoseconds
     * is the clock that a multiprocessor had meanwhile. */
    assay_status (*stamp_count)(int32_t device, int32_t *count, assay_error *error);
    assay_status (*stamp)(int32_t device, void *stream, assay_stamp *stamps, assay_error *error);

    /* Keeps one multiprocessor busy for so many of its cycles (and up to some tens more). */
    assay_status (*spin)(int32_t device, void *stream, uint64_t cycles, assay_error *error);

    /* What ceilings are measured by. Reads `bytes` (a multiple of 64) from `from`, `times` times over,
     * past the caches that multiprocessors have of their own; with `to` (as many bytes) it writes
     * there what it read. */
    assay_status (*sweep)(int32_t device, void *stream, void *to, const void *from, size_t bytes,
                          uint32_t times, assay_error *error);
    /* `rounds` rounds of multiply-adds by every multiprocessor's units for matrices, on numbers of
     * a type (ASSAY_BF16, F16, TF32, I8, E4M3) that are ASSAY_MULTIPLY_NUMBERS
     * bytes at `from`, what comes of it to as many at `to`. *operations becomes how many that are, two
     * a multiply-add. UNSUPPORTED: the device has none for that type. */
    assay_status (*multiply)(int32_t device, void *stream, assay_dtype type, void *to,
                             const void *from, uint32_t rounds, double *operations,
                             assay_error *error);
} assay_accelerator_timing;

enum { ASSAY_MULTIPLY_NUMBERS = 1 << 20 };

/* What is between two steps of a generation, on the device: the token of each row goes to the table
 * of those taken and becomes the next id, the row's position moves on, and its next uniform number
 * is put where the sampler reads it. Tables have a row of `pitch` elements for each of `steps`
 * steps, of which the first `rows` are in use; everything lies on the device. With s = *step, for
 * every row i:
 *   taken[s,i] = token[i]
 *   id[i]      = given[s,i] where given is not NULL and that is not negative, else token[i]; 0
 *                where it is not in 0 .. vocab-1 (whoever reads `taken` sees that it was not)
 *   position[i] += 1
 *   uniform[i] = drawn[s+1,i] where drawn is not NULL and s+1 < steps
 * and *step becomes s+1. Where s is not in 0 .. steps-1 nothing is done. */
typedef struct assay_next_step {
    int64_t rows, pitch, steps, vocab;
    int64_t *step;        /* [1] */
    const int32_t *token; /* [rows] */
    const int64_t *given; /* NULL: none */
    const double *drawn;  /* NULL: none */
    int32_t *taken;
    int64_t *id;       /* [rows] */
    int32_t *position; /* [rows] */
    double *uniform;   /* [rows] */
} assay_next_step;

typedef struct assay_accelerator {
    uint32_t abi;     /* ASSAY_ACCELERATOR_ABI */
    uint32_t size;    /* sizeof(assay_accelerator) of the plug-in's headers: fields that are not
                         within it are NULL, those that this assay does not know are left alone */
    const char *name; /* what it is, in a word */

    /* *count devices. ASSAY_UNSUPPORTED, with the reason, where there is none. */
    assay_status (*count)(int32_t *count, assay_error *error);
    assay_status (*describe)(int32_t device, assay_accelerator_device *facts, assay_error *error);

    /* A stream that waits for no other, nor for the default one, and none for it. */
    assay_status (*stream_open)(int32_t device, void **stream, assay_error *error);
    /* Waits for what is in it. */
    assay_status (*stream_close)(int32_t device, void *stream, assay_error *error);

    /* bytes (0 too) aligned to 256; what they hold is not defined. ASSAY_NO_MEMORY when the device
     * has not as many. release(NULL) does nothing. */
    assay_status (*allocate)(int32_t device, size_t bytes, void **memory, assay_error *error);
    assay_status (*release)(int32_t device, void *memory, assay_error *error);

    /* Enqueued. Host memory is whatever memory the process has, and stays as it is (or, as a
     * target, is not looked at) until the stream is synchronised. */
    assay_status (*copy)(int32_t device, void *stream, void *to, const void *from, size_t bytes,
                         assay_direction direction, assay_error *error);
    /* Enqueued: each of the bytes becomes `byte`. */
    assay_status (*fill)(int32_t device, void *stream, void *memory, uint8_t byte, size_t bytes,
                         assay_error *error);

    /* Waits for all that is in the stream; of the second, for all that the process has enqueued on
     * the device in any stream. ASSAY_DEVICE: the work before it failed (an illegal address, say);
     * the error's text is what the device's library calls it. */
    assay_status (*synchronise)(int32_t device, void *stream, assay_error *error);
    assay_status (*synchronise_all)(int32_t device, assay_error *error);
    /* An error that a call of anybody's left behind and nobody has asked for: ASSAY_DEVICE and its
     * text, and it is forgotten if it can be. *lost: it cannot be; whatever this process asks of
     * the device from now on fails, and only another process can use it. */
    assay_status (*last_error)(int32_t device, bool *lost, assay_error *error);

    /* Times: an event is passed when what was enqueued before it has ended. seconds_between asks
     * for two that were recorded and are passed (the stream was synchronised). */
    assay_status (*event_open)(int32_t device, void **event, assay_error *error);
    assay_status (*event_close)(int32_t device, void *event, assay_error *error);
    assay_status (*event_record)(int32_t device, void *event, void *stream, assay_error *error);
    assay_status (*seconds_between)(int32_t device, void *first, void *second, double *seconds,
                                    assay_error *error);

    const assay_accelerator_timing *timing; /* NULL: its kernels are verified and cannot be timed */

    /* Enqueued; may be part of a graph. NULL: between two steps of a generation tokens go to the
     * host and come back. */
    assay_status (*next_step)(int32_t device, void *stream, const assay_next_step *next,
                              assay_error *error);
} assay_accelerator;

/* Whether a member is within what the plug-in's headers had. */
#define ASSAY_ACCELERATOR_HAS(accelerator, member)                                                 \
    ((accelerator)->size >= offsetof(assay_accelerator, member) + sizeof (accelerator)->member)

/* What an accelerator must have at least. */
#define ASSAY_ACCELERATOR_LEAST ((uint32_t)offsetof(assay_accelerator, timing))

/* NULL where it brings none, or an older one that has not all of it. */
static inline const assay_accelerator_timing *assay_timing_of(const assay_accelerator *accelerator)
{
    const bool known = accelerator != NULL && ASSAY_ACCELERATOR_HAS(accelerator, timing);
    const assay_accelerator_timing *const timing = known ? accelerator->timing : NULL;
    return timing != NULL && timing->size >= sizeof *timing ? timing : NULL;
}

/* What a plug-in exports under the name assay_plugin_accelerator. It lives as long as the plug-in;
 * NULL is as if nothing were exported. */
typedef const assay_accelerator *assay_plugin_accelerator_fn(void);

#define ASSAY_ACCELERATOR_SYMBOL "assay_plugin_accelerator"

/* Once in a plug-in, at file scope, with a semicolon. */
#define ASSAY_PLUGIN_ACCELERATOR(accelerator)                                                      \
    ASSAY_PLUGIN_EXPORT const assay_accelerator *assay_plugin_accelerator(void);                   \
    const assay_accelerator *assay_plugin_accelerator(void)                                        \
    {                                                                                              \
        return accelerator;                                                                        \
    }                                                                                              \
    struct assay_accelerator_ends_with_a_semicolon

#ifdef __cplusplus
}
#endif
#endif
