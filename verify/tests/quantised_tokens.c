/* What is peculiar to verdicts on quantised weights. They may decide a token in another way than
 * the weights that a bundle's tokens were made from. That leaves no room for a wrong choice: where
 * the contract's own logits decide, the second best fails, in every case that generates. And their
 * sums may overflow before they are scaled, which is no fault of a kernel that scales them late. */
#include <cjson/cJSON.h>
#include <criterion/criterion.h>

#include "verify/tests/run_assay.h"

#define GOLDEN ASSAY_SOURCE_DIR "/fixtures/golden/tiny-3.1-goodfire"

/* The verdicts of one implementation's generations; the caller deletes their root. */
static cJSON *verdicts(const char *impl, int status)
{
    char arguments[1024];
    (void)snprintf(arguments, sizeof arguments,
                   "verify --plugin " ASSAY_TEST_PLUGINS "/runner_up.so --golden " GOLDEN
                   " --op generate,explain --impl %s --json -", impl);
    run_output run = run_assay(arguments);
    cr_assert_eq(run.status, status, "%d: %s%s", run.status, run.out, run.err);
    cJSON *const root = cJSON_Parse(run.out);
    cr_assert_not_null(root, "%s", run.out);
    run_free(&run);
    return root;
}

static const char *text(const cJSON *verdict, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItem(verdict, key));
}

Test(quantised_tokens, what_the_contract_chooses_passes)
{
    cJSON *const root = verdicts("right_int3", 0);
    const cJSON *verdict = NULL;
    double others = 0.0; /* rows that the contract continues in another way */
    int count = 0;
    cJSON_ArrayForEach(verdict, cJSON_GetObjectItem(root, "verdicts"))
    {
        cr_expect_str_eq(text(verdict, "verdict"), "PASS", "%s: %s", text(verdict, "case"),
                         text(verdict, "message"));
        others += cJSON_GetNumberValue(cJSON_GetObjectItem(verdict, "undecided"));
        count++;
    }
    cr_expect_gt(others, 0.0, "int3 must move some token, else nothing is shown");
    cr_expect_geq(count, 7, "%d", count);
    cJSON_Delete(root);
}

Test(quantised_tokens, the_second_best_fails_by_its_tokens)
{
    cJSON *const root = verdicts("runner_up_int3", 1);
    const cJSON *verdict = NULL;
    int count = 0;
    cJSON_ArrayForEach(verdict, cJSON_GetObjectItem(root, "verdicts"))
    {
        cr_expect_str_eq(text(verdict, "verdict"), "FAIL", "%s", text(verdict, "case"));
        cr_expect_str_eq(text(verdict, "check"), "tokens", "%s: %s", text(verdict, "case"),
                         text(verdict, "message"));
        count++;
    }
    cr_expect_geq(count, 7, "%d", count);
    cJSON_Delete(root);
}

Test(quantised_tokens, sums_that_every_such_kernel_may_overflow_are_skipped_with_the_reason)
{
    run_output run = run_assay("verify --plugin " ASSAY_TEST_PLUGINS "/runner_up.so"
                               " --golden generated --op linear --case 'linear-9x129x17-*-huge'"
                               " --impl right_int3 --json -");
    cr_assert_eq(run.status, 0, "%d: %s%s", run.status, run.out, run.err);
    cJSON *const root = cJSON_Parse(run.out);
    cr_assert_not_null(root, "%s", run.out);
    const cJSON *verdict = NULL;
    int count = 0;
    cJSON_ArrayForEach(verdict, cJSON_GetObjectItem(root, "verdicts"))
    {
        cr_expect_str_eq(text(verdict, "verdict"), "SKIP", "%s", text(verdict, "message"));
        cr_expect_not_null(strstr(text(verdict, "message"), "may overflow"), "%s",
                           text(verdict, "message"));
        count++;
    }
    cr_expect_eq(count, 2, "%d", count);
    cJSON_Delete(root);
    run_free(&run);
}
