/* A plug-in is loaded by a worker alone; one that does not fit is refused in one clear line. */
#include "isolated.h"

#include <stdio.h>
#include <unistd.h>

typedef struct flaw {
    const char *path, *message; /* words that must be in it */
} flaw;

static const flaw flaws[] = {
    {PLUGIN("wrong_abi"), "kernel 0 has ABI 99, this assay has 2"},
    {PLUGIN("wrong_size"), "its descriptor has 24 bytes, this assay's has"},
    {PLUGIN("wrong_op"), "kernel 0 is for op 1000, there are 0..14"},
    {PLUGIN("no_name"), "its name is missing"},
    {PLUGIN("bad_name"), "its name is no word for a command line"},
    {PLUGIN("taken_name"), "the name 'scalar' is this assay's own"},
    {PLUGIN("oracle_name"), "the name 'oracle' is this assay's own"},
    {PLUGIN("no_summary"), "mine: its summary is missing"},
    {PLUGIN("no_run"), "add/mine has no function; set .run.add.run"},
    {PLUGIN("odd_alignment"), "add/mine: alignment[0] is 24"},
    {PLUGIN("unknown_feature"), "add/mine: features is 0x80000000; this assay knows bits 0 to 6"},
    {PLUGIN("twice"), "kernels 0 and 1 are both add/mine"},
    {PLUGIN("null_kernel"), "kernel 1 of 2 is NULL"},
    {PLUGIN("no_symbol"), "does not export assay_plugin_kernels"},
    {PLUGIN("no_accelerator"), "add/mine wants its operands in device memory, which nobody brings"},
    {PLUGIN("half_accelerator"), "its accelerator lacks a function"},
    {PLUGIN("old_accelerator"), "its accelerator has ABI 98 and 24 bytes, this assay's has 1 and"},
    {PLUGIN("dies_loading"), "while it was loaded: SIGABRT"},
    {"nowhere/mine.so", "plug-in nowhere/mine.so: No such file or directory"},
};

Test(plugin, what_does_not_fit_is_refused_with_the_reason)
{
    for (size_t i = 0; i < sizeof flaws / sizeof *flaws; i++) {
        assay_session *session =
            open_session((assay_session_options){.plugin = flaws[i].path});
        const assay_kernel *const *kernels = NULL;
        size_t count = 0;
        assay_error error = {.message = ""};
        cr_expect_eq(assay_session_kernels(session, &kernels, &count, &error), ASSAY_BAD_INPUT,
                     "%s", flaws[i].path);
        cr_expect_not_null(strstr(error.message, flaws[i].message), "'%s', expected '%s'",
                           error.message, flaws[i].message);
        cr_expect_null(strchr(error.message, '\n'));
        cr_expect_eq(count, 0);
        assay_session_close(&session);
    }
}

Test(plugin, garbage_is_no_shared_object)
{
    char path[] = "./assay-plugin-XXXXXX";
    const int fd = mkstemp(path);
    cr_assert_eq(write(fd, "garbage", 7), 7);
    close(fd);
    assay_session *session = open_session((assay_session_options){.plugin = path});
    const assay_kernel *const *kernels = NULL;
    size_t count = 0;
    assay_error error = {.message = ""};
    cr_expect_eq(assay_session_kernels(session, &kernels, &count, &error), ASSAY_BAD_INPUT);
    cr_expect_not_null(strstr(error.message, "cannot be loaded"), "%s", error.message);
    assay_session_close(&session);
    unlink(path);
}

Test(plugin, descriptors_come_without_functions)
{
    assay_session *session = open_session((assay_session_options){.plugin = PLUGIN("deeds")});
    const assay_kernel *const *kernels = NULL;
    size_t count = 0;
    assay_error error = {.message = ""};
    cr_assert_eq(assay_session_kernels(session, &kernels, &count, &error), ASSAY_OK, "%s",
                 error.message);
    cr_assert_gt(count, 20);
    cr_assert_str_eq(kernels[0]->name, "good");
    cr_assert_str_eq(kernels[0]->backend, "deeds");
    cr_assert_str_eq(kernels[0]->summary, "does good");
    cr_assert_eq(kernels[0]->op, ASSAY_OP_add);
    cr_assert_eq(kernels[0]->precision.output, ASSAY_F32);
    for (size_t i = 0; i < count; i++) {
        cr_assert_null(kernels[i]->run.add.run);
        cr_assert_null(kernels[i]->release);
    }
    assay_session_close(&session);
}

Test(plugin, a_session_without_one_has_no_descriptors_and_runs_what_is_built_in)
{
    assay_session *session = open_session((assay_session_options){.plugin = NULL});
    const assay_kernel *const *kernels = NULL;
    size_t count = 1;
    assay_error error;
    static sum s;
    cr_assert_eq(assay_session_kernels(session, &kernels, &count, &error), ASSAY_OK);
    cr_assert_eq(count, 0);
    cr_assert_eq(try_add(session, "scalar", ASSAY_PLACE_LEFT, &s).verdict, ASSAY_PASS);
    cr_assert(is_right(&s));
    assay_session_close(&session);
}

Test(plugin, an_unknown_name_is_the_callers_mistake)
{
    assay_session *session = open_session((assay_session_options){.plugin = NULL});
    const assay_add_params params = {.d = 3};
    const assay_subject subject = {.impl = "nobody", .op = ASSAY_OP_add, .params = &params};
    assay_outcome outcome;
    assay_error error;
    cr_assert_eq(assay_session_prepare(session, &subject, &outcome, &error), ASSAY_BAD_ARGUMENT);
    cr_assert_not_null(strstr(error.message, "'nobody'"));
    assay_session_close(&session);
}
