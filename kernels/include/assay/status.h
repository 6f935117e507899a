/* Status codes and error messages.
 *
 * Every function that can fail returns an assay_status; the words go to an assay_error that the
 * caller owns (it may be NULL). A message is one line: what was wrong, where (file, key, byte
 * offset, operand), and what to do. */
#ifndef ASSAY_STATUS_H
#define ASSAY_STATUS_H

#include <stdarg.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum assay_status {
    ASSAY_OK = 0,
    ASSAY_UNSUPPORTED = 1,  /* a right answer: this machine or shape is not served; not an error */
    ASSAY_BAD_ARGUMENT = 2, /* the caller's shapes, types or options are wrong */
    ASSAY_BAD_INPUT = 3,    /* a file or its contents are wrong */
    ASSAY_IO = 4,           /* the operating system refused a read or a write */
    ASSAY_NO_MEMORY = 5,
    ASSAY_DEVICE = 6,       /* an accelerator reported a fault; the process must stop using it */
    ASSAY_INTERNAL = 7      /* a broken invariant of assay's own */
} assay_status;

enum { ASSAY_MESSAGE_MAX = 1024 };

typedef struct assay_error {
    assay_status status;
    char message[ASSAY_MESSAGE_MAX];
} assay_error;

#if defined(__GNUC__)
#define ASSAY_PRINTF(format_at, args_at) __attribute__((format(printf, format_at, args_at)))
#else
#define ASSAY_PRINTF(format_at, args_at)
#endif

/* Writes the message and returns status, so that failing is one statement:
 * return assay_fail(error, ASSAY_BAD_INPUT, "%s: key '%s' is missing", path, key); */
static inline assay_status assay_fail(assay_error *error, assay_status status, const char *format,
                                      ...) ASSAY_PRINTF(3, 4);

static inline assay_status assay_fail(assay_error *error, assay_status status, const char *format,
                                      ...)
{
    if (error != NULL) {
        va_list args;
        va_start(args, format);
        error->status = status;
        (void)vsnprintf(error->message, sizeof error->message, format, args);
        va_end(args);
    }
    return status;
}

#ifdef __cplusplus
}
#endif
#endif
