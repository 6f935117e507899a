/* Stages are judged with fusions in use; a plug-in whose fusions do not fit is refused. */
#include <stdio.h>

#include "isolated.h"
#include "verify/tests/run_assay.h"

typedef struct verdict {
    const char *impl;
    int status;
} verdict;

/* The ops of all are right, and pass. What a wrong fusion writes shows in the stages alone. */
Test(fusions, a_wrong_one_fails_the_stage_and_not_the_ops)
{
    static const verdict expected[] = {
        {"fused_right", 0}, {"fused_norm", 1}, {"fused_linears", 1}, {"fused_gate", 1},
        {"fused_rope", 1}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        static const char *const ops[] = {"capture", "generate", "linear"};
        for (size_t o = 0; o < sizeof ops / sizeof *ops; o++) {
            const int wanted = o == 2 ? 0 : expected[i].status;
            char arguments[512];
            (void)snprintf(arguments, sizeof arguments,
                           "verify --quick --plugin %s --impl %s --op %s", PLUGIN("fused"),
                           expected[i].impl, ops[o]);
            run_output run = run_assay(arguments);
            cr_expect_eq(run.status, wanted, "assay %s: %d\n%s%s", arguments, run.status, run.out,
                         run.err);
            cr_expect_not_null(strstr(run.out, wanted == 0 ? "PASS" : "FAIL"), "%s", run.out);
            run_free(&run);
        }
    }
}

Test(fusions, what_does_not_fit_is_refused_with_the_reason)
{
    static const struct {
        const char *path, *message;
    } flaws[] = {
        {PLUGIN("lone_fusion"), "stand for a kernel rmsnorm/mine, which is not there"},
        {PLUGIN("old_fusions"), "fusions 0 have ABI 97 and"},
        {PLUGIN("twin_fusions"), "fusions 0 and 1 are both named 'mine'"},
    };
    for (size_t i = 0; i < sizeof flaws / sizeof *flaws; i++) {
        assay_session *session = open_session((assay_session_options){.plugin = flaws[i].path});
        const assay_kernel *const *kernels = NULL;
        size_t count = 0;
        assay_error error = {.message = ""};
        cr_expect_eq(assay_session_kernels(session, &kernels, &count, &error), ASSAY_BAD_INPUT,
                     "%s", flaws[i].path);
        cr_expect_not_null(strstr(error.message, flaws[i].message), "'%s', expected '%s'",
                           error.message, flaws[i].message);
        assay_session_close(&session);
    }
}
