/* The gate's rules: what it refuses, what it never calls the same, how it plans its looks. */
#include <criterion/criterion.h>
#include <math.h>

#include "bench/statistics/gate.h"

static assay_error error;

Test(gate_rules, a_gate_that_measured_nothing_fails)
{
    const assay_gate_options options = ASSAY_GATE_DEFAULTS;
    const double one[] = {1.0};
    assay_gate_case cases[] = {{.now = one, .now_count = 1}, {.base = one, .base_count = 1}};
    size_t suspects;
    cr_assert_eq(assay_gate_screen(cases, 2, &options, &suspects, &error), ASSAY_BAD_INPUT);
    cr_assert_str_eq(error.message,
                     "the gate measured nothing: none of 2 cases has times on both sides");
    cr_assert_eq(assay_gate_screen(NULL, 0, &options, &suspects, &error), ASSAY_BAD_INPUT);
    assay_gate_plan plan;
    assay_gate_outcome outcome;
    cr_assert_eq(assay_gate_plan_looks(0, 30, &options, &plan, &error), ASSAY_OK);
    cr_assert_eq(assay_gate_decide(cases, 2, &plan, &options, &outcome, &error), ASSAY_BAD_INPUT);
    cr_assert_eq(assay_gate_decide(NULL, 0, &plan, &options, &outcome, &error), ASSAY_BAD_INPUT);
}

Test(gate_rules, what_is_not_measured_is_counted_and_never_same)
{
    const assay_gate_options options = ASSAY_GATE_DEFAULTS;
    const double now[] = {1.0, 1.0, 1.0};
    assay_gate_case cases[] = {{.now = now, .now_count = 3, .base = now, .base_count = 3},
                               {.now = now, .now_count = 3}};
    size_t suspects;
    assay_gate_plan plan;
    assay_gate_outcome o;
    cr_assert_eq(assay_gate_screen(cases, 2, &options, &suspects, &error), ASSAY_OK);
    cr_assert_eq(assay_gate_plan_looks(suspects, 30, &options, &plan, &error), ASSAY_OK);
    cr_assert_eq(assay_gate_decide(cases, 2, &plan, &options, &o, &error), ASSAY_OK);
    cr_assert_eq(o.unmeasured, 1);
    cr_assert_eq(cases[1].change, ASSAY_UNSURE);
    cr_assert_eq(cases[1].corrected_p, 1.0);
}

/* One process a side and no spread known: a change as large as that spread must be suspect. */
Test(gate_rules, single_processes_fall_back_on_the_assumed_spread)
{
    const assay_gate_options options = ASSAY_GATE_DEFAULTS;
    const double one = 1.0;
    const double slow = 1.04;
    assay_gate_case c = {.now = &slow, .now_count = 1, .base = &one, .base_count = 1};
    size_t suspects;
    cr_assert_eq(assay_gate_screen(&c, 1, &options, &suspects, &error), ASSAY_OK);
    cr_assert_eq(suspects, 1);
    cr_assert(c.screened_low < 1.0 && c.screened_high > 1.04);
}

/* Times of shared cores may be less alone: that side's, and no other bound. */
Test(gate_rules, what_a_neighbour_may_have_taken_is_allowed_for)
{
    const assay_gate_options options = ASSAY_GATE_DEFAULTS;
    const double base[] = {1.0, 1.001, 0.999};
    const double now[] = {1.7, 1.701, 1.699};
    size_t suspects;
    assay_gate_case c[] = {
        {.now = now, .now_count = 3, .base = base, .base_count = 3},
        {.now = now, .now_count = 3, .base = base, .base_count = 3, .now_lost = 0.55},
        {.now = now, .now_count = 3, .base = base, .base_count = 3, .base_lost = 0.55},
        {.now = now, .now_count = 3, .base = base, .base_count = 3, .now_lost = 1.0}};
    cr_assert_eq(assay_gate_screen(c, 4, &options, &suspects, &error), ASSAY_OK);
    cr_expect_gt(c[0].screened_low, 1.6);
    cr_expect_float_eq(c[1].screened_low, 0.45 * c[0].screened_low, 1e-9);
    cr_expect_float_eq(c[1].screened_high, c[0].screened_high, 1e-9);
    cr_expect_float_eq(c[2].screened_low, c[0].screened_low, 1e-9);
    cr_expect_float_eq(c[2].screened_high, c[0].screened_high / 0.45, 1e-9);
    cr_expect_eq(c[3].screened_low, 0.0, "nothing is known of what it takes");
}

Test(gate_rules, plans)
{
    const assay_gate_options options = ASSAY_GATE_DEFAULTS;
    assay_gate_plan plan;
    cr_assert_eq(assay_gate_plan_looks(1, 7, &options, &plan, &error), ASSAY_BAD_ARGUMENT);
    cr_assert_str_eq(error.message, "7 pairs cannot confirm any of 1 suspects at a false-discovery "
                                    "rate of 0.01; 8 are needed: allow more time or a higher rate");
    cr_assert_eq(assay_gate_plan_looks(1, 8, &options, &plan, &error), ASSAY_OK);
    cr_assert_eq(plan.looks, 1);
    cr_assert_eq(plan.at[0], 8);
    for (size_t suspects = 1; suspects < 50; suspects++) {
        for (size_t most = 20; most < 100; most++) {
            cr_assert_eq(assay_gate_plan_looks(suspects, most, &options, &plan, &error), ASSAY_OK);
            for (size_t i = 0; i < plan.looks; i++) {
                cr_assert_leq(plan.at[i], most);
                cr_assert(i == 0 || plan.at[i] > plan.at[i - 1]);
                /* Every look can confirm: the least p there, paid for, times the suspects. */
                cr_assert_leq(exp2(1.0 - (double)plan.at[i]) * (double)(plan.looks * suspects),
                              options.q * (1.0 + 1e-6));
            }
        }
    }
}

Test(gate_rules, speed_ups_are_confirmed_on_request)
{
    assay_gate_options options = ASSAY_GATE_DEFAULTS;
    const double now[] = {0.90, 0.91, 0.905};
    const double base[] = {1.0, 1.01, 0.99};
    double pairs[10];
    for (int i = 0; i < 10; i++) {
        pairs[i] = -0.1 + 0.001 * i;
    }
    assay_gate_case c = {.now = now, .now_count = 3, .base = base, .base_count = 3,
                         .log_slowdown = pairs, .pairs = 10};
    for (int asked = 0; asked < 2; asked++) {
        options.confirm_faster = asked == 1;
        size_t suspects;
        assay_gate_plan plan;
        assay_gate_outcome o;
        cr_assert_eq(assay_gate_screen(&c, 1, &options, &suspects, &error), ASSAY_OK);
        cr_assert_eq(suspects, (size_t)asked);
        cr_assert_eq(assay_gate_plan_looks(suspects, 10, &options, &plan, &error), ASSAY_OK);
        cr_assert_eq(assay_gate_decide(&c, 1, &plan, &options, &o, &error), ASSAY_OK);
        cr_assert_eq(c.change, asked ? ASSAY_FASTER : ASSAY_UNSURE);
        cr_assert_eq(o.slower, 0);
    }
}

Test(gate_rules, bad_input_has_a_status)
{
    assay_gate_options options = ASSAY_GATE_DEFAULTS;
    const double good[] = {1.0, 1.0};
    const double bad[] = {1.0, -1.0};
    size_t suspects;
    assay_gate_case c = {.now = good, .now_count = 2, .base = bad, .base_count = 2};
    cr_assert_eq(assay_gate_screen(&c, 1, &options, &suspects, &error), ASSAY_BAD_ARGUMENT);
    cr_assert_str_eq(error.message,
                     "case 0: process 1 of the baseline took -1 s; times above zero are needed");
    c = (assay_gate_case){
        .now = good, .now_count = 2, .base = good, .base_count = 1, .paired = true};
    cr_assert_eq(assay_gate_screen(&c, 1, &options, &suspects, &error), ASSAY_BAD_ARGUMENT);
    c.paired = false;
    cr_assert_eq(assay_gate_screen(&c, 1, &options, &suspects, &error), ASSAY_OK);
    options.q = NAN;
    cr_assert_eq(assay_gate_screen(&c, 1, &options, &suspects, &error), ASSAY_BAD_ARGUMENT);
    options = ASSAY_GATE_DEFAULTS;
    options.margin = 0.5;
    cr_assert_eq(assay_gate_screen(&c, 1, &options, &suspects, &error), ASSAY_BAD_ARGUMENT);
}
