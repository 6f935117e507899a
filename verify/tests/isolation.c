/* Whatever a kernel does in a worker, its verdict says what it was, and the next kernel is judged
 * as if nothing had happened. */
#include "isolated.h"

#include "verify/isolation/hung.h"

#include <signal.h>
#include <stdio.h>

typedef struct deed {
    const char *impl;
    assay_placement placement;
    assay_verdict verdict;
    assay_check check;
    const char *message; /* how it begins; NULL: any */
} deed;

static const deed deeds[] = {
    {"write_past", ASSAY_PLACE_RIGHT, ASSAY_CRASH, ASSAY_CHECK_GUARD,
     "SIGSEGV: wrote 4 bytes past the end of 'y'"},
    {"write_past", ASSAY_PLACE_LEFT, ASSAY_FAIL, ASSAY_CHECK_GUARD,
     "wrote 4 bytes past the end of 'y'"},
    {"write_far_past", ASSAY_PLACE_RIGHT, ASSAY_CRASH, ASSAY_CHECK_GUARD,
     "SIGSEGV: wrote 68 bytes past the end of 'y'"},
    {"write_before", ASSAY_PLACE_LEFT, ASSAY_CRASH, ASSAY_CHECK_GUARD,
     "SIGSEGV: wrote 12 bytes before 'y'"},
    {"write_before", ASSAY_PLACE_RIGHT, ASSAY_FAIL, ASSAY_CHECK_GUARD,
     "wrote 12 bytes before 'y'"},
    {"read_past", ASSAY_PLACE_RIGHT, ASSAY_CRASH, ASSAY_CHECK_GUARD,
     "SIGSEGV: read 4 bytes past the end of 'a'"},
    {"read_before", ASSAY_PLACE_LEFT, ASSAY_CRASH, ASSAY_CHECK_GUARD,
     "SIGSEGV: read 4 bytes before 'a'"},
    {"write_input", ASSAY_PLACE_RIGHT, ASSAY_CRASH, ASSAY_CHECK_INPUT,
     "SIGSEGV: wrote to its input 'a'"},
    {"write_input", ASSAY_PLACE_LEFT, ASSAY_CRASH, ASSAY_CHECK_INPUT,
     "SIGSEGV: wrote to its input 'a'"},
    {"unlocks", ASSAY_PLACE_RIGHT, ASSAY_FAIL, ASSAY_CHECK_INPUT, "input 'b' was changed"},
    {"unlocks", ASSAY_PLACE_LEFT, ASSAY_FAIL, ASSAY_CHECK_INPUT, "input 'b' was changed"},
    {"unlocks_before", ASSAY_PLACE_RIGHT, ASSAY_FAIL, ASSAY_CHECK_INPUT, "input 'a' was changed"},
    {"null", ASSAY_PLACE_RIGHT, ASSAY_CRASH, ASSAY_CHECK_LIFE,
     "SIGSEGV: followed a null pointer (address 0x8)"},
    {"wild", ASSAY_PLACE_RIGHT, ASSAY_CRASH, ASSAY_CHECK_LIFE,
     "SIGSEGV: wrote address 0x123456789000, which belongs to no operand"},
    {"exit0", ASSAY_PLACE_RIGHT, ASSAY_CRASH, ASSAY_CHECK_LIFE, "called exit(0)"},
    {"exit3", ASSAY_PLACE_RIGHT, ASSAY_CRASH, ASSAY_CHECK_LIFE, "called exit(3)"},
    {"exit_at_once", ASSAY_PLACE_RIGHT, ASSAY_CRASH, ASSAY_CHECK_LIFE, "called exit(4)"},
    {"aborts", ASSAY_PLACE_RIGHT, ASSAY_CRASH, ASSAY_CHECK_LIFE, "SIGABRT"},
    {"divide", ASSAY_PLACE_RIGHT, ASSAY_CRASH, ASSAY_CHECK_LIFE,
     "SIGFPE: integer division by zero"},
    {"illegal", ASSAY_PLACE_RIGHT, ASSAY_CRASH, ASSAY_CHECK_LIFE,
     "SIGILL: an illegal instruction"},
    {"raises", ASSAY_PLACE_RIGHT, ASSAY_CRASH, ASSAY_CHECK_LIFE, "SIGSEGV: raised"},
    {"smash", ASSAY_PLACE_RIGHT, ASSAY_CRASH, ASSAY_CHECK_LIFE,
     "SIGABRT: *** stack smashing detected ***"},
    {"overflow", ASSAY_PLACE_RIGHT, ASSAY_CRASH, ASSAY_CHECK_LIFE,
     "SIGSEGV: its stack overflowed"},
    {"talks", ASSAY_PLACE_RIGHT, ASSAY_CRASH, ASSAY_CHECK_LIFE, "sent nonsense"},
    {"closes", ASSAY_PLACE_RIGHT, ASSAY_CRASH, ASSAY_CHECK_LIFE, "sent nonsense"},
    {"prints", ASSAY_PLACE_RIGHT, ASSAY_FAIL, ASSAY_CHECK_LEFTOVER, "printed 1."},
    {"late", ASSAY_PLACE_RIGHT, ASSAY_FAIL, ASSAY_CHECK_LATE_WRITE,
     "output 'y' was written after the call had returned"},
    {"soon", ASSAY_PLACE_LEFT, ASSAY_FAIL, ASSAY_CHECK_LATE_WRITE,
     "output 'y' was written after the call had returned"},
    {"refuses", ASSAY_PLACE_RIGHT, ASSAY_FAIL, ASSAY_CHECK_STATUS,
     "returned 'bad argument': no?such d: 7"},
    {"reports", ASSAY_PLACE_RIGHT, ASSAY_CRASH, ASSAY_CHECK_LIFE,
     "SUMMARY: AddressSanitizer: heap-buffer-overflow mine.c:7 in run"},
    {"forks", ASSAY_PLACE_RIGHT, ASSAY_FAIL, ASSAY_CHECK_LATE_WRITE,
     "output 'y' was written after the call had returned"},
    {"probes", ASSAY_PLACE_RIGHT, ASSAY_PASS, ASSAY_CHECK_NONE, ""},
    {"leaves_handler", ASSAY_PLACE_RIGHT, ASSAY_FAIL, ASSAY_CHECK_LEFTOVER, ""},
    {"forks_and_returns", ASSAY_PLACE_RIGHT, ASSAY_FAIL, ASSAY_CHECK_LEFTOVER,
     "left a child process behind"},
    {"odd_status", ASSAY_PLACE_RIGHT, ASSAY_FAIL, ASSAY_CHECK_STATUS,
     "returned 77, which is no status"},
    {"picky", ASSAY_PLACE_RIGHT, ASSAY_SKIP, ASSAY_CHECK_NONE, "37 columns are odd"},
    {"scratch", ASSAY_PLACE_RIGHT, ASSAY_FAIL, ASSAY_CHECK_GUARD,
     "wrote 2 bytes past the end of its workspace of 10"},
    {"scratch_far", ASSAY_PLACE_RIGHT, ASSAY_CRASH, ASSAY_CHECK_GUARD,
     "SIGSEGV: wrote 247 bytes past the end of its workspace of 10"},
    {"prepares_badly", ASSAY_PLACE_RIGHT, ASSAY_CRASH, ASSAY_CHECK_LIFE,
     "in prepare: SIGSEGV: followed a null pointer (address 0x8)"},
};

enum { DEEDS = sizeof deeds / sizeof *deeds };

static void expect_outcome(const deed *d, const assay_outcome *got)
{
    cr_expect_eq(got->verdict, d->verdict, "%s: %s %s", d->impl, assay_verdict_name(got->verdict),
                 got->message);
    cr_expect_eq(got->check, d->check, "%s: %s, %s", d->impl, assay_check_name(got->check),
                 got->message);
    cr_expect_eq(strncmp(got->message, d->message, strlen(d->message)), 0,
                 "%s: '%s', expected '%s'", d->impl, got->message, d->message);
}

Test(isolation, every_deed_is_named_and_costs_nothing_else)
{
    assay_session *session = open_session((assay_session_options){.plugin = PLUGIN("deeds")});
    static sum s;
    for (int i = 0; i < DEEDS; i++) {
        const deed *const d = &deeds[i];
        const assay_outcome got = try_add(session, d->impl, d->placement, &s);
        /* On a busy machine a thread may write before the call returns after all: a wrong sum. */
        if (!(d->check == ASSAY_CHECK_LATE_WRITE && got.verdict == ASSAY_PASS && !is_right(&s))) {
            expect_outcome(d, &got);
        }
        const assay_outcome next = try_add(session, "good", d->placement, &s);
        cr_expect_eq(next.verdict, ASSAY_PASS, "after %s: %s", d->impl, next.message);
        cr_expect(is_right(&s), "after %s", d->impl);
    }
    assay_session_close(&session);
    cr_assert_null(session);
}

Test(isolation, a_hang_and_an_endless_print_end_at_the_deadline)
{
    assay_session *session = open_session(
        (assay_session_options){.plugin = PLUGIN("deeds"), .deadline = 1.5});
    static const char *const names[] = {"hang", "prints_for_ever"};
    static sum s;
    for (int i = 0; i < 2; i++) {
        const assay_outcome got = try_add(session, names[i], ASSAY_PLACE_RIGHT, &s);
        cr_expect_eq(got.verdict, ASSAY_TIMEOUT);
        cr_expect_eq(got.check, ASSAY_CHECK_DEADLINE);
        cr_expect_str_eq(got.message, "no answer in 1.5 s");
        cr_expect(is_right(&s), "what was written before the end comes back");
        cr_expect_eq(try_add(session, "good", ASSAY_PLACE_RIGHT, &s).verdict, ASSAY_PASS);
    }
    assay_session_close(&session);
}

/* One that always hangs does not cost a deadline for every case. */
Test(isolation, who_hangs_twice_is_given_less_until_a_case_ends)
{
    assay_session *session = open_session(
        (assay_session_options){.plugin = PLUGIN("deeds"), .deadline = 3.0});
    static sum s;
    for (int i = 0; i < 2; i++) {
        const assay_outcome got = try_add(session, "hang", ASSAY_PLACE_RIGHT, &s);
        cr_expect_str_eq(got.message, "no answer in 3 s");
    }
    const assay_outcome less = try_add(session, "hang", ASSAY_PLACE_RIGHT, &s);
    cr_expect_eq(less.verdict, ASSAY_TIMEOUT);
    cr_expect_str_eq(less.message, "no answer in 2 s, all it is given since twice in a row it had "
                                   "none in 3 s");
    /* Another one's patience is its own. */
    const assay_outcome other = try_add(session, "prints_for_ever", ASSAY_PLACE_RIGHT, &s);
    cr_expect_str_eq(other.message, "no answer in 3 s");
    assay_session_close(&session);
}

Test(isolation, an_answer_in_time_ends_the_haste)
{
    assay_hung hung = {.clock = 0};
    assay_hung_add(&hung, "slow");
    cr_expect_eq(assay_hung_deadline(&hung, "slow", 120.0), 120.0);
    assay_hung_add(&hung, "slow");
    cr_expect_eq(assay_hung_deadline(&hung, "slow", 120.0), 2.0);
    cr_expect_eq(assay_hung_deadline(&hung, "slow", 600.0), 10.0);
    cr_expect_eq(assay_hung_deadline(&hung, "slow", 1.0), 1.0);
    cr_expect_eq(assay_hung_deadline(&hung, "other", 120.0), 120.0);
    assay_hung_forgive(&hung, "slow");
    cr_expect_eq(assay_hung_deadline(&hung, "slow", 120.0), 120.0);
    for (int i = 0; i < 40; i++) { /* more names than there is room for */
        char name[16];
        snprintf(name, sizeof name, "name%d", i);
        assay_hung_add(&hung, name);
        assay_hung_add(&hung, name);
        cr_expect_eq(assay_hung_deadline(&hung, name, 120.0), 2.0);
    }
}

Test(isolation, memory_has_a_limit)
{
    assay_session *session = open_session((assay_session_options){
        .plugin = PLUGIN("deeds"), .memory_limit = 256u << 20, .deadline = 60});
    static sum s;
    const assay_outcome got = try_add(session, "explode", ASSAY_PLACE_RIGHT, &s);
    cr_expect_eq(got.verdict, ASSAY_CRASH);
    cr_expect_eq(got.check, ASSAY_CHECK_LIFE);
    cr_expect_str_eq(got.message, "more than 256 MiB resident");
    cr_expect_eq(try_add(session, "good", ASSAY_PLACE_RIGHT, &s).verdict, ASSAY_PASS);
    assay_session_close(&session);
}

Test(isolation, a_kernel_that_needs_more_alignment_than_it_declares_dies_in_one_placement)
{
    /* 5 x 37 floats are 740 bytes: 4 bytes past a multiple of 16, so it is RIGHT that shows it. */
    assay_session *session = open_session((assay_session_options){.plugin = PLUGIN("deeds")});
    static sum s;
    const assay_outcome got = try_add(session, "aligned", ASSAY_PLACE_RIGHT, &s);
#if defined(__x86_64__)
    cr_expect_eq(got.verdict, ASSAY_CRASH, "%s", got.message);
    cr_expect_eq(strncmp(got.message, "SIGSEGV: an address that is not aligned", 39), 0, "%s",
                 got.message);
#else
    cr_expect_eq(got.verdict, ASSAY_PASS);
#endif
    assay_session_close(&session);
}

Test(isolation, after_a_crash_every_run_has_the_same_outcome_until_the_next_prepare)
{
    assay_session *session = open_session((assay_session_options){.plugin = PLUGIN("deeds")});
    static sum s;
    make_sum(&s);
    assay_outcome first;
    assay_outcome again;
    assay_error error;
    const assay_subject subject = {.impl = "exit3", .op = ASSAY_OP_add, .params = &s.params};
    cr_assert_eq(assay_session_prepare(session, &subject, &first, &error), ASSAY_OK);
    cr_assert_eq(assay_session_run(session, &s.io, ASSAY_PLACE_RIGHT, &first, &error), ASSAY_OK);
    cr_assert_eq(assay_session_run(session, &s.io, ASSAY_PLACE_LEFT, &again, &error), ASSAY_OK);
    cr_assert_eq(first.verdict, ASSAY_CRASH);
    cr_assert_eq(memcmp(&first, &again, sizeof first), 0);
    assay_session_close(&session);
}

Test(isolation, a_session_without_a_worker_runs_good_kernels_alike)
{
    assay_session *session = open_session(
        (assay_session_options){.plugin = PLUGIN("deeds"), .in_process = true});
    static sum s;
    cr_expect_eq(try_add(session, "good", ASSAY_PLACE_RIGHT, &s).verdict, ASSAY_PASS);
    cr_expect(is_right(&s));
    cr_expect_eq(try_add(session, "write_before", ASSAY_PLACE_RIGHT, &s).check,
                 ASSAY_CHECK_GUARD);
    cr_expect_eq(try_add(session, "late", ASSAY_PLACE_RIGHT, &s).check, ASSAY_CHECK_LATE_WRITE);
    assay_session_close(&session);
}

Test(isolation, a_thousand_cases_are_served_by_one_worker)
{
    assay_session *session = open_session((assay_session_options){.plugin = PLUGIN("deeds")});
    static sum s;
    for (int i = 0; i < 1000; i++) {
        const assay_outcome got =
            try_add(session, "good", i % 2 == 0 ? ASSAY_PLACE_RIGHT : ASSAY_PLACE_LEFT, &s);
        cr_assert_eq(got.verdict, ASSAY_PASS, "%d: %s", i, got.message);
        cr_assert(is_right(&s));
    }
    assay_session_close(&session);
}
