/* A kernel whose instructions this machine lacks is skipped with their names, and never called. */
#include <criterion/criterion.h>

#include "verify/tests/run_assay.h"

/* As on a processor with nothing: whatever machine this runs on. */
#define NOTHING                                                                                    \
    "ASSAY_WITHOUT=avx2_fma,avx512,avx512_bf16,avx512_vnni,amx_bf16,amx_int8,avx_vnni"
#define DEEDS "--plugin '" ASSAY_TEST_PLUGINS "/deeds.so' --impl hungry"

static void expect_skipped(const char *arguments, const char *reason)
{
    run_output run = run_assay_with(NOTHING, arguments);
    cr_expect_eq(run.status, 0, "%s: %s%s", arguments, run.out, run.err);
    cr_expect_not_null(strstr(run.out, "SKIP"), "%s: %s", arguments, run.out);
    cr_expect_not_null(strstr(run.out, reason), "%s: %s", arguments, run.out);
    run_free(&run);
}

Test(features, a_plug_in_is_skipped_before_any_of_its_functions_is_called)
{
    static const char reason[] = "add/hungry needs avx2_fma avx512 avx512_bf16 avx512_vnni "
                                 "amx_bf16 amx_int8 avx_vnni";
    expect_skipped("verify --golden generated --op add " DEEDS, reason);
    expect_skipped("verify --golden generated --op add --case add-1x1-normal --in-process " DEEDS,
                   reason);
}

Test(features, a_list_says_what_is_missing)
{
    run_output run = run_assay_with(NOTHING, "list kernels " DEEDS);
    cr_expect_not_null(strstr(run.out, "not available here: needs avx2_fma avx512 "), "%s",
                       run.out);
    run_free(&run);
    run = run_assay_with(NOTHING, "list kernels --impl scalar");
    cr_expect_null(strstr(run.out, "not available"), "%s", run.out);
    run_free(&run);
}

Test(features, a_word_must_be_whole_to_hide_a_feature)
{
    run_output run = run_assay_with("ASSAY_WITHOUT=avx,avx512_bf1,avx2_fma_", "list devices");
    char *const all = run.out;
    run_output plain = run_assay("list devices");
    cr_expect_eq(strncmp(strstr(all, "       has "), strstr(plain.out, "       has "),
                         strcspn(strstr(plain.out, "       has "), "\n")),
                 0, "%s%s", all, plain.out);
    run_free(&plain);
    run_free(&run);
}
