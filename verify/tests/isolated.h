/* What the tests of isolation share: a session, one add, plug-ins built for the tests. */
#ifndef VERIFY_TESTS_ISOLATED_H
#define VERIFY_TESTS_ISOLATED_H

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "verify/isolation/session.h"

/* Test programs are not assay: they say which program their workers are. */
__attribute__((constructor)) static void name_worker(void)
{
    setenv("ASSAY_WORKER", ASSAY_BINARY, 0);
}

#define PLUGIN(name) ASSAY_TEST_PLUGINS "/" name ".so"

enum { ROWS = 5, COLUMNS = 37 };

typedef struct sum {
    assay_add_params params;
    assay_add_io io;
    float a[ROWS * COLUMNS], b[ROWS * COLUMNS], y[ROWS * COLUMNS];
} sum;

static inline void make_sum(sum *s)
{
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        s->a[i] = (float)i;
        s->b[i] = 0.5f;
        s->y[i] = -1.0f;
    }
    s->params.d = COLUMNS;
    s->io.a = assay_matrix(s->a, ASSAY_F32, ROWS, COLUMNS);
    s->io.b = assay_matrix(s->b, ASSAY_F32, ROWS, COLUMNS);
    s->io.y = assay_matrix(s->y, ASSAY_F32, ROWS, COLUMNS);
}

static inline bool is_right(const sum *s)
{
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        if (s->y[i] != (float)i + 0.5f) {
            return false;
        }
    }
    return true;
}

static inline assay_session *open_session(assay_session_options options)
{
    assay_session *session = NULL;
    assay_error error = {.message = ""};
    cr_assert_eq(assay_session_open(&options, &session, &error), ASSAY_OK, "%s", error.message);
    return session;
}

/* prepare, run, release of one kernel of op add: the first outcome that is not PASS. */
static inline assay_outcome try_add(assay_session *session, const char *impl,
                                    assay_placement placement, sum *s)
{
    assay_outcome outcome;
    assay_outcome end;
    assay_error error = {.message = ""};
    make_sum(s);
    const assay_subject subject = {.impl = impl, .op = ASSAY_OP_add, .params = &s->params};
    cr_assert_eq(assay_session_prepare(session, &subject, &outcome, &error), ASSAY_OK, "%s",
                 error.message);
    if (outcome.verdict == ASSAY_PASS) {
        cr_assert_eq(assay_session_run(session, &s->io, placement, &outcome, &error), ASSAY_OK,
                     "%s", error.message);
    }
    cr_assert_eq(assay_session_release(session, &end, &error), ASSAY_OK, "%s", error.message);
    return outcome.verdict == ASSAY_PASS ? end : outcome;
}

#endif
