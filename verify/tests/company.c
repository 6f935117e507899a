/* What a kernel is run beside: its output over an input, other numbers of threads, the processor's
 * modes. Each fault is caught by the check that is named for it, and costs its neighbours
 * nothing. */
#include "isolated.h"

#include <math.h>

#include "verify/generated.h"

typedef struct seen {
    int judged, failed;
    bool checks[ASSAY_CHECK_COUNT];
    char message[ASSAY_MESSAGE_MAX];
} seen;

static assay_status take(void *context, const assay_result *result, assay_error *error)
{
    (void)error;
    seen *const s = context;
    s->judged++;
    if (result->verdict != ASSAY_PASS) {
        s->failed++;
        s->checks[result->check] = true;
        memcpy(s->message, result->message, sizeof s->message);
    }
    return ASSAY_OK;
}

static assay_session *session;

static void open_company(void)
{
    session = open_session((assay_session_options){.plugin = PLUGIN("company"), .threads = 2});
}

static void close_company(void)
{
    assay_session_close(&session);
}

TestSuite(company, .init = open_company, .fini = close_company);

/* Judges an implementation on the cases whose id matches, with a few seeds. */
static seen judge(const char *impl, const char *glob)
{
    enum { SEEDS = 4 };
    assay_error error = {.message = ""};
    assay_case_list cases = {0};
    const assay_kernel *const *kernels = NULL;
    size_t count = 0;
    seen s = {.judged = 0};
    cr_assert_eq(assay_session_kernels(session, &kernels, &count, &error), ASSAY_OK, "%s",
                 error.message);
    assay_table table = {.name = impl};
    for (size_t i = 0; i < count; i++) {
        if (strcmp(kernels[i]->name, impl) == 0) {
            table.kernel[kernels[i]->op] = kernels[i];
        }
    }
    cr_assert_eq(assay_case_list_open(ASSAY_SOURCE_DIR "/fixtures/cases/verify.json", &cases,
                                      &error),
                 ASSAY_OK, "%s", error.message);
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        const assay_verify_run run = {.tables = &table, .table_count = 1, .sessions = &session,
                                      .seed = seed, .sink = {&s, take}};
        for (size_t i = 0; i < cases.count; i++) {
            if (!cases.entries[i].heavy && assay_filter_matches(glob, cases.entries[i].id)) {
                cr_assert_eq(assay_generated_judge_entry(&cases.entries[i], &run, &error),
                             ASSAY_OK, "%s", error.message);
            }
        }
    }
    assay_case_list_close(&cases);
    cr_assert_gt(s.judged, 0);
    return s;
}

static void expect_caught(const char *impl, const char *glob, assay_check a, assay_check b)
{
    const seen s = judge(impl, glob);
    int other = 0;
    for (int check = 0; check < ASSAY_CHECK_COUNT; check++) {
        other += s.checks[check] && check != (int)a && check != (int)b;
    }
    cr_expect_gt(s.failed, 0, "%s passes everything", impl);
    cr_expect_eq(other, 0, "%s: %s", impl, s.message);
}

Test(company, a_right_kernel_passes)
{
    cr_expect_eq(judge("right", "add-*").failed, 0);
}

Test(company, one_that_refuses_to_run_in_place_passes)
{
    const seen s = judge("refuses", "add-*");
    cr_expect_eq(s.failed, 0, "%s", s.message);
}

Test(company, what_is_wrong_only_over_an_input_is_caught_in_place)
{
    expect_caught("over_a", "add-*", ASSAY_CHECK_IN_PLACE, ASSAY_CHECK_IN_PLACE);
    expect_caught("over_b", "add-*", ASSAY_CHECK_IN_PLACE, ASSAY_CHECK_IN_PLACE);
}

/* Every addition is run by 1, 3 and 8 threads, in one check each. */
Test(company, what_is_wrong_at_another_number_of_threads_is_caught_by_each_case)
{
    static const char *const impls[] = {"one_thread", "three_threads", "eight_threads"};
    for (int i = 0; i < 3; i++) {
        const seen s = judge(impls[i], "add-16x256-normal");
        cr_expect_eq(s.failed, s.judged, "%s passes %d of %d", impls[i], s.judged - s.failed,
                     s.judged);
        cr_expect_not(s.checks[ASSAY_CHECK_VALUE], "%s: %s", impls[i], s.message);
    }
    /* of numbers: where its element is NaN, only a part without that row shows it */
    expect_caught("two_threads", "add-*-normal", ASSAY_CHECK_VALUE, ASSAY_CHECK_EXACT);
}

/* All cases fail, by no other check, and in between a right kernel is judged in the same session:
 * nothing of what was left reaches it, subnormals included. */
static void expect_modes(const char *impl, const char *words)
{
    for (int again = 0; again < 2; again++) {
        const seen s = judge(impl, "add-*");
        cr_expect_eq(s.failed, s.judged, "%s passes %d of %d", impl, s.judged - s.failed,
                     s.judged);
        cr_expect(s.checks[ASSAY_CHECK_MODES], "%s", impl);
        cr_expect_not_null(strstr(s.message, words), "%s: %s", impl, s.message);
        const seen right = judge("right", "add-*");
        cr_expect_eq(right.failed, 0, "after %s: %s", impl, right.message);
    }
}

Test(company, a_rounding_mode_left_behind_is_caught_and_put_back)
{
    expect_modes("rounds", "rounding mode");
}

/* Of unspecified order, a kernel may give other bits in any run, also where the second one happened
 * to give the same; what decides must not be the other rows' content. */
Test(company, an_order_that_comes_and_goes_is_no_fault_and_one_that_others_decide_is)
{
    const seen wavers = judge("wavers", "linear-*x64x*-normal");
    cr_expect_eq(wavers.failed, 0, "%s", wavers.message);
    const seen minds = judge("minds", "linear-*x64x*-normal");
    cr_expect_gt(minds.failed, 0);
    cr_expect(minds.checks[ASSAY_CHECK_NEIGHBOURS], "%s", minds.message);
}

#if defined(__x86_64__)
Test(company, flushing_left_behind_is_caught_and_put_back)
{
    expect_modes("flushes", "handling of subnormals");
    expect_modes("flushes_beside", "handling of subnormals changed in a thread of its team");
}
#endif
