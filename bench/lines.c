#include "bench/lines.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/clock.h"

/* Takes the first line of what was read; false when there is none yet. */
static bool take_line(assay_lines *lines, cJSON **object)
{
    char *const end = lines->size > 0 ? memchr(lines->text, '\n', lines->size) : NULL;
    if (end == NULL) {
        return false;
    }
    const size_t length = (size_t)(end - lines->text);
    *object = cJSON_ParseWithLength(lines->text, length);
    lines->size -= length + 1;
    memmove(lines->text, end + 1, lines->size);
    if (!cJSON_IsObject(*object)) {
        cJSON_Delete(*object);
        *object = NULL;
    }
    return true;
}

static bool grow(assay_lines *lines)
{
    const size_t capacity = lines->capacity == 0 ? 1 << 16 : 2 * lines->capacity;
    char *const text = capacity > ASSAY_LINE_MAX ? NULL : realloc(lines->text, capacity);
    if (text != NULL) {
        lines->text = text;
        lines->capacity = capacity;
    }
    return text != NULL;
}

static int wait_for(int fd, double until)
{
    const double left = until - assay_clock_now();
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    return poll(&poll_fd, 1, until < 0.0 ? -1 : left <= 0.0 ? 0 : (int)(left * 1e3) + 1);
}

assay_line assay_lines_read(assay_lines *lines, double seconds, cJSON **object)
{
    const double until = seconds < 0.0 ? -1.0 : assay_clock_now() + seconds;
    *object = NULL;
    while (!take_line(lines, object)) {
        if (lines->size == lines->capacity && !grow(lines)) {
            return ASSAY_LINE_BAD;
        }
        const int ready = wait_for(lines->in, until);
        if (ready == 0) {
            return ASSAY_LINE_DEADLINE;
        }
        const ssize_t got =
            ready < 0 ? -1
                      : read(lines->in, lines->text + lines->size, lines->capacity - lines->size);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return ASSAY_LINE_END;
        }
        lines->size += (size_t)got;
    }
    return *object != NULL ? ASSAY_LINE_READ : ASSAY_LINE_BAD;
}

bool assay_lines_write(const assay_lines *lines, const cJSON *object)
{
    char *const text = cJSON_PrintUnformatted(object);
    size_t left = text != NULL ? strlen(text) : 0;
    bool good = text != NULL;
    if (good) {
        text[left++] = '\n'; /* in place of the terminator */
    }
    for (const char *at = text; good && left > 0;) {
        const ssize_t put = write(lines->out, at, left);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        good = put > 0;
        at += good ? put : 0;
        left -= good ? (size_t)put : 0;
    }
    cJSON_free(text);
    return good;
}

void assay_lines_free(assay_lines *lines)
{
    free(lines->text);
    lines->text = NULL;
    lines->size = lines->capacity = 0;
}
