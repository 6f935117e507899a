/* Objects come whole over a pipe, or are refused; nothing is waited for longer than was said. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/clock.h"
#include "bench/lines.h"

static int pipe_fd[2];

static void begin(void)
{
    cr_assert_eq(pipe(pipe_fd), 0);
}

TestSuite(lines, .init = begin);

static void put(const char *text)
{
    cr_assert_eq(write(pipe_fd[1], text, strlen(text)), (ssize_t)strlen(text));
}

static assay_line next(assay_lines *lines, double seconds, cJSON **object)
{
    return assay_lines_read(lines, seconds, object);
}

Test(lines, two_in_one_piece_and_one_in_two)
{
    assay_lines lines = {.in = pipe_fd[0], .out = -1};
    cJSON *object = NULL;
    put("{\"a\":1}\n{\"a\":2}\n{\"a\"");
    for (int i = 1; i <= 2; i++) {
        cr_assert_eq(next(&lines, 1.0, &object), ASSAY_LINE_READ);
        cr_expect_eq(cJSON_GetObjectItemCaseSensitive(object, "a")->valueint, i);
        cJSON_Delete(object);
    }
    cr_expect_eq(next(&lines, 0.01, &object), ASSAY_LINE_DEADLINE);
    put(":3}\n");
    cr_assert_eq(next(&lines, 1.0, &object), ASSAY_LINE_READ);
    cr_expect_eq(cJSON_GetObjectItemCaseSensitive(object, "a")->valueint, 3);
    cJSON_Delete(object);
    assay_lines_free(&lines);
}

Test(lines, what_is_no_object_is_bad_and_the_next_is_read)
{
    static const char *const bad[] = {"nonsense\n", "[1]\n", "\n", "3\n", "{\"a\":}\n"};
    assay_lines lines = {.in = pipe_fd[0], .out = -1};
    cJSON *object = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put(bad[i]);
        cr_expect_eq(next(&lines, 1.0, &object), ASSAY_LINE_BAD, "%s", bad[i]);
        cr_expect_null(object);
    }
    put("{}\n");
    cr_expect_eq(next(&lines, 1.0, &object), ASSAY_LINE_READ);
    cJSON_Delete(object);
    assay_lines_free(&lines);
}

Test(lines, an_end_without_its_newline_is_an_end)
{
    assay_lines lines = {.in = pipe_fd[0], .out = -1};
    cJSON *object = NULL;
    put("{\"a\":1}");
    close(pipe_fd[1]);
    cr_expect_eq(next(&lines, 1.0, &object), ASSAY_LINE_END);
    cr_expect_null(object);
    assay_lines_free(&lines);
}

static void *endless(void *context)
{
    char block[1 << 16];
    (void)context;
    memset(block, 'x', sizeof block);
    while (write(pipe_fd[1], block, sizeof block) > 0) {
    }
    return NULL;
}

Test(lines, a_line_without_end_is_refused_at_its_limit)
{
    assay_lines lines = {.in = pipe_fd[0], .out = -1};
    cJSON *object = NULL;
    pthread_t writer;
    signal(SIGPIPE, SIG_IGN);
    cr_assert_eq(pthread_create(&writer, NULL, endless, NULL), 0);
    cr_expect_eq(next(&lines, 20.0, &object), ASSAY_LINE_BAD);
    cr_expect(lines.capacity <= ASSAY_LINE_MAX);
    assay_lines_free(&lines);
    close(pipe_fd[0]); /* ends the writer */
    pthread_join(writer, NULL);
}

Test(lines, a_silent_partner_is_waited_for_as_long_as_was_said)
{
    assay_lines lines = {.in = pipe_fd[0], .out = -1};
    cJSON *object = NULL;
    const double start = assay_clock_now();
    cr_expect_eq(next(&lines, 0.05, &object), ASSAY_LINE_DEADLINE);
    const double waited = assay_clock_now() - start;
    cr_expect(waited >= 0.049 && waited < 5.0, "%g s", waited);
    assay_lines_free(&lines);
}
