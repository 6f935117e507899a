/* Offsets beyond 2^31 bytes: the listed true shapes have weights that large. */
#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "verify/tests/run_assay.h"

#define ROOM (10.0 * 0x1p30) /* bytes: of the case twice, and of the machine */

static run_output judge(const char *impl)
{
    char command[512];
    snprintf(command, sizeof command,
             "verify --cases " ASSAY_SOURCE_DIR "/fixtures/cases/true-shapes.json "
             "--case linear-far-weight --plugin " ASSAY_TEST_PLUGINS "/far.so --impl %s",
             impl);
    return run_assay(command);
}

Test(far, rows_beyond_2_gib_are_judged, .timeout = 600)
{
#if defined(__SANITIZE_ADDRESS__)
    cr_skip_test("the sanitizer's own memory comes on top");
#endif
    if ((double)sysconf(_SC_AVPHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) < ROOM) {
        cr_skip_test("not enough memory is free");
    }
    run_output right = judge("whole_offsets");
    cr_expect_eq(right.status, 0, "%d: %s%s", right.status, right.out, right.err);
    cr_expect_not_null(strstr(right.out, "1 verdicts: 1 passed"), "%s", right.out);
    run_free(&right);
    run_output wrong = judge("offsets_of_31_bits");
    cr_expect_eq(wrong.status, 1, "%d: %s%s", wrong.status, wrong.out, wrong.err);
    cr_expect_not_null(strstr(wrong.out, "1 verdicts: 0 passed, 1 failed"), "%s", wrong.out);
    run_free(&wrong);
}
