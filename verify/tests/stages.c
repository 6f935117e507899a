/* An explanation that is wrong is put down to the stage that is at fault. */
#include <criterion/criterion.h>

#include "run_assay.h"

#define GOLDEN ASSAY_SOURCE_DIR "/fixtures/golden/tiny-3.1-goodfire"

static void expect(const char *impl, const char *case_id, int status, const char *stage)
{
    char arguments[1024];
    (void)snprintf(arguments, sizeof arguments,
                   "verify --plugin " ASSAY_TEST_PLUGINS "/stages.so --golden " GOLDEN
                   " --op explain --impl %s --case %s", impl, case_id);
    run_output result = run_assay(arguments);
    cr_expect_eq(result.status, status, "%s: %s%s", impl, result.out, result.err);
    if (stage != NULL) {
        cr_expect_not_null(strstr(result.out, stage), "%s on %s: expected '%s' in %s", impl,
                           case_id, stage, result.out);
    }
    run_free(&result);
}

Test(stages, a_wrong_adapter_is_named)
{
    expect("wrong_adapter", "explain-features", 1, "stage adapter: vector");
    expect("wrong_adapter", "explain-text", 1, "stage adapter: vector");
}

Test(stages, a_wrong_capture_is_named_where_rows_are_captured_and_passes_elsewhere)
{
    expect("wrong_capture", "explain-text", 1, "stage capture: vector");
    expect("wrong_capture", "explain-features", 0, NULL);
}

Test(stages, a_wrong_explainer_is_named)
{
    expect("wrong_explainer", "explain-features", 1, "stage explainer: step");
}
