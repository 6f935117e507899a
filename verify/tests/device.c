/* Kernels on a device, an emulated one: operands go there and come back, and each fault has the
 * verdict and the words that it has on the host, or those of its own. */
#include "isolated.h"

static const char plugin[] = PLUGIN("device");

typedef struct deed {
    const char *impl;
    assay_verdict verdict;
    assay_check check;
    const char *message; /* words that must be in it */
} deed;

static void expect_deed(assay_session *session, const deed *d, assay_placement placement)
{
    sum s;
    const assay_outcome outcome = try_add(session, d->impl, placement, &s);
    cr_expect_eq(outcome.verdict, d->verdict, "%s: %s", d->impl, outcome.message);
    cr_expect_eq(outcome.check, d->check, "%s: check %s, '%s'", d->impl,
                 assay_check_name(outcome.check), outcome.message);
    cr_expect_not_null(strstr(outcome.message, d->message), "%s: '%s', expected '%s'", d->impl,
                       outcome.message, d->message);
}

static void expect_right(assay_session *session)
{
    sum s;
    const assay_outcome outcome = try_add(session, "right", ASSAY_PLACE_RIGHT, &s);
    cr_expect_eq(outcome.verdict, ASSAY_PASS, "%s", outcome.message);
    cr_expect(is_right(&s));
}

Test(device, operands_go_there_and_come_back)
{
    assay_session *session = open_session((assay_session_options){.plugin = plugin});
    for (int i = 0; i < 3; i++) {
        sum s;
        const assay_outcome outcome = try_add(
            session, "right", i % 2 == 0 ? ASSAY_PLACE_RIGHT : ASSAY_PLACE_LEFT, &s);
        cr_expect_eq(outcome.verdict, ASSAY_PASS, "%s", outcome.message);
        cr_expect(is_right(&s));
    }
    assay_session_close(&session);
}

Test(device, operands_go_there_in_process_too)
{
    assay_session *session =
        open_session((assay_session_options){.plugin = plugin, .in_process = true});
    expect_right(session);
    assay_session_close(&session);
}

Test(device, what_lies_around_operands_is_watched)
{
    static const deed deeds[] = {
        {"behind", ASSAY_FAIL, ASSAY_CHECK_GUARD, "wrote 4 bytes past the end of 'y'"},
        {"before", ASSAY_FAIL, ASSAY_CHECK_GUARD, "wrote 4 bytes before 'y'"},
        {"far-behind", ASSAY_FAIL, ASSAY_CHECK_GUARD,
         "wrote 8004 bytes past the end of 'y' on the device"},
        {"behind-input", ASSAY_FAIL, ASSAY_CHECK_GUARD, "past the end of 'b' on the device"},
        {"workspace", ASSAY_FAIL, ASSAY_CHECK_GUARD,
         "wrote 4 bytes past the end of its workspace of 100"},
        {"input", ASSAY_FAIL, ASSAY_CHECK_INPUT, "input 'a' was changed on the device"},
        {"late-write", ASSAY_FAIL, ASSAY_CHECK_LATE_WRITE,
         "output 'y' was written after its stream had been waited for"},
    };
    assay_session *session = open_session((assay_session_options){.plugin = plugin});
    for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++) {
        expect_deed(session, &deeds[i], ASSAY_PLACE_RIGHT);
    }
    expect_right(session);
    assay_session_close(&session);
}

/* Against the left the canaries of the slab are overwritten first, or those of the band. */
Test(device, either_placement_shows_it)
{
    static const deed deeds[] = {
        {"behind", ASSAY_FAIL, ASSAY_CHECK_GUARD, "wrote 4 bytes past the end of 'y'"},
        {"before", ASSAY_FAIL, ASSAY_CHECK_GUARD, "wrote 4 bytes before 'y'"},
        {"behind-input", ASSAY_FAIL, ASSAY_CHECK_INPUT, "input 'b' was changed on the device"},
    };
    assay_session *session = open_session((assay_session_options){.plugin = plugin});
    for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++) {
        expect_deed(session, &deeds[i], ASSAY_PLACE_LEFT);
    }
    assay_session_close(&session);
}

Test(device, outputs_are_poisoned_there)
{
    assay_session *session = open_session((assay_session_options){.plugin = plugin});
    sum s;
    const assay_outcome outcome = try_add(session, "unwritten", ASSAY_PLACE_RIGHT, &s);
    cr_expect_eq(outcome.verdict, ASSAY_PASS, "%s", outcome.message);
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        cr_expect(s.y[i] != s.y[i], "element %d is %g, not the poison", i, s.y[i]);
    }
    assay_session_close(&session);
}

/* What breaks the device ends its worker, with the words of the device, and nobody else's. */
Test(device, a_lost_device_costs_one_verdict)
{
    static const deed deeds[] = {
        {"illegal", ASSAY_CRASH, ASSAY_CHECK_LIFE, "the device was lost: "},
        {"illegal", ASSAY_CRASH, ASSAY_CHECK_LIFE, "an illegal memory access was encountered"},
        {"illegal-unreported", ASSAY_CRASH, ASSAY_CHECK_LIFE, "kernel put: an illegal memory"},
        {"host-address", ASSAY_CRASH, ASSAY_CHECK_LIFE, "an argument is host memory"},
        {"illegal-prepare", ASSAY_CRASH, ASSAY_CHECK_LIFE, "in prepare: the device was lost: "},
        {"illegal-release", ASSAY_CRASH, ASSAY_CHECK_LIFE, "in release: the device was lost: "},
        {"on-the-host", ASSAY_CRASH, ASSAY_CHECK_LIFE, "SEGV"},
    };
    assay_session *session = open_session((assay_session_options){.plugin = plugin});
    for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++) {
        expect_deed(session, &deeds[i], ASSAY_PLACE_RIGHT);
        expect_right(session);
    }
    assay_session_close(&session);
}

Test(device, errors_that_stay_unreported_are_the_kernels)
{
    static const deed bad = {"unchecked", ASSAY_FAIL, ASSAY_CHECK_STATUS,
                             "left an error on the device that it did not report"};
    assay_session *session = open_session((assay_session_options){.plugin = plugin});
    expect_deed(session, &bad, ASSAY_PLACE_RIGHT);
    expect_right(session);
    assay_session_close(&session);
}

Test(device, weights_stay_as_they_are)
{
    float weight[16];
    float x[2 * 16];
    float y[2 * 16];
    for (int i = 0; i < 32; i++) {
        weight[i % 16] = 1.0f;
        x[i] = (float)i;
    }
    const assay_rmsnorm_params params = {.weight = assay_vector(weight, ASSAY_F32, 16),
                                         .eps = 1e-5};
    const assay_rmsnorm_io io = {.x = assay_matrix(x, ASSAY_F32, 2, 16),
                                 .y = assay_matrix(y, ASSAY_F32, 2, 16)};
    const assay_subject subject = {.impl = "weight", .op = ASSAY_OP_rmsnorm, .params = &params};
    assay_session *session = open_session((assay_session_options){.plugin = plugin});
    assay_outcome outcome;
    assay_error error;
    cr_assert_eq(assay_session_prepare(session, &subject, &outcome, &error), ASSAY_OK);
    cr_assert_eq(assay_session_run(session, &io, ASSAY_PLACE_RIGHT, &outcome, &error), ASSAY_OK);
    cr_expect_eq(outcome.verdict, ASSAY_FAIL);
    cr_expect_eq(outcome.check, ASSAY_CHECK_INPUT);
    cr_expect_str_eq(outcome.message, "input 'weight' was changed on the device");
    assay_session_close(&session);
}

Test(device, memory_that_is_not_there_is_a_reason_to_skip)
{
    static const deed greedy = {"greedy", ASSAY_SKIP, ASSAY_CHECK_NONE, "are free"};
    static const deed preparing = {"greedy-prepare", ASSAY_SKIP, ASSAY_CHECK_NONE,
                                   "out of memory"};
    static const deed right = {"right", ASSAY_SKIP, ASSAY_CHECK_NONE,
                               " bytes of device memory, 30000 are free"};
    assay_session *session = open_session((assay_session_options){.plugin = plugin});
    expect_deed(session, &greedy, ASSAY_PLACE_RIGHT);
    expect_deed(session, &preparing, ASSAY_PLACE_RIGHT);
    expect_right(session);
    assay_session_close(&session);
    setenv("ASSAY_EMULATED_MEMORY", "30000", 1);
    session = open_session((assay_session_options){.plugin = plugin});
    expect_deed(session, &right, ASSAY_PLACE_RIGHT);
    assay_session_close(&session);
}

Test(device, without_a_device_the_reason_is_said)
{
    static const deed right = {"right", ASSAY_SKIP, ASSAY_CHECK_NONE,
                               "no device: no CUDA-capable device is detected"};
    setenv("ASSAY_EMULATED_DEVICES", "0", 1);
    assay_session *session = open_session((assay_session_options){.plugin = plugin});
    expect_deed(session, &right, ASSAY_PLACE_RIGHT);
    assay_session_close(&session);
}

Test(device, kernels_run_on_the_one_that_is_named)
{
    cr_assert_eq(setenv("ASSAY_EMULATED_DEVICES", "2", 1), 0);
    for (int in_process = 0; in_process < 2; in_process++) {
        assay_session *session = open_session((assay_session_options){
            .plugin = plugin, .device = 1, .in_process = in_process == 1});
        expect_right(session);
        assay_session_close(&session);
    }
    static const deed none = {"right", ASSAY_SKIP, ASSAY_CHECK_NONE, "no device 2: there are 2"};
    assay_session *session =
        open_session((assay_session_options){.plugin = plugin, .device = 2});
    expect_deed(session, &none, ASSAY_PLACE_RIGHT);
    assay_session_close(&session);
}
