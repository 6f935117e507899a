/* Kernels that are right by construction pass every generated case under their own contract, and
 * fail as soon as they claim a better one. */
#include <criterion/criterion.h>
#include <math.h>

#include "verify/generated.h"
#include "verify/selftest/measure.h"
#include "verify/simulate/arithmetic.h"
#include "verify/simulate/simulate.h"

static int judged, alarms;

typedef struct judged_pair {
    const assay_case_entry *entry;
    const assay_kernel *kernel;
} judged_pair;

static assay_status count(void *context, const assay_result *result, assay_error *error)
{
    const judged_pair *const pair = context;
    if (result->verdict == ASSAY_SKIP && pair->entry->op == ASSAY_OP_linear &&
        (pair->kernel->precision.quant_bits != 0 ||
         pair->kernel->precision.operand_scale != ASSAY_SCALE_NONE)) {
        return ASSAY_OK; /* sums that leave the range before they are scaled, products of words
                            that are all 0: not to be judged */
    }
    judged++;
    bool decidable = true;
    if (result->verdict == ASSAY_VOID) {
        (void)assay_generated_decidable(pair->entry, pair->kernel, result->seed, &decidable, error);
    }
    if (result->verdict != ASSAY_PASS && decidable) {
        alarms++;
        cr_log_error("%s %s %s seed %lu: %s", result->op, result->impl, result->case_id,
                     (unsigned long)result->seed, result->message);
    }
    return ASSAY_OK;
}

typedef struct bench {
    assay_case_list cases;
    assay_session *session;
} bench;

static bench open_bench(void)
{
    const assay_session_options in_process = {.in_process = true};
    bench b = {.session = NULL};
    assay_error error;
    cr_assert_eq(assay_session_open(&in_process, &b.session, &error), ASSAY_OK, "%s",
                 error.message);
    cr_assert_eq(assay_case_list_open(ASSAY_SOURCE_DIR "/fixtures/cases/verify.json", &b.cases,
                                      &error),
                 ASSAY_OK, "%s", error.message);
    return b;
}

static void close_bench(bench *b)
{
    assay_session_close(&b->session);
    assay_case_list_close(&b->cases);
}

static void judge_under(bench *b, const assay_case_entry *entry, const assay_table *contract,
                        uint64_t seed)
{
    assay_error error;
    judged_pair pair = {entry, contract->kernel[entry->op]};
    const assay_verify_run run = {.tables = contract, .table_count = 1, .sessions = &b->session,
                                  .seed = seed, .sink = {&pair, count}};
    cr_assert_eq(assay_generated_judge_entry(entry, &run, &error), ASSAY_OK, "%s", error.message);
}

/* Every case that is not heavy, each under the contracts in turn. */
Test(simulate, every_contract_passes_its_own_budget)
{
    bench b = open_bench();
    size_t contracts = 0; /* of every op: those of linear alone come last */
    while (assay_simulated_at(contracts)->kernel[ASSAY_OP_embed] != NULL) {
        contracts++;
    }
    cr_assert_geq(contracts, 12);
    for (size_t i = 0; i < b.cases.count; i++) {
        if (!b.cases.entries[i].heavy) {
            judge_under(&b, &b.cases.entries[i], assay_simulated_at(i % contracts), 100 + i);
        }
    }
    close_bench(&b);
    cr_assert_gt(judged, 150);
    cr_assert_eq(alarms, 0, "%d alarms in %d verdicts", alarms, judged);
}

/* Every case of linear that is not heavy, each under one of the contracts with scaled rows. */
Test(simulate, every_contract_of_scaled_rows_passes_its_own_budget)
{
    static const char *const names[] = {"simulated_int8_rows", "simulated_int8_power_rows",
                                        "simulated_e4m3_power_rows", "simulated_e4m3_rows",
                                        "simulated_e5m2_rows"};
    bench b = open_bench();
    for (size_t i = 0; i < b.cases.count; i++) {
        if (!b.cases.entries[i].heavy && b.cases.entries[i].op == ASSAY_OP_linear) {
            judge_under(&b, &b.cases.entries[i], assay_simulated_find(names[i % 5]), 300 + i);
        }
    }
    close_bench(&b);
    cr_assert_gt(judged, 30);
    cr_assert_eq(alarms, 0, "%d alarms in %d verdicts", alarms, judged);
}

/* Where equals stand on both sides of top_p's cut, others that may come between them move it. */
Test(simulate, a_nucleus_that_ends_among_equals)
{
    bench b = open_bench();
    for (size_t i = 0; i < b.cases.count; i++) {
        for (uint64_t seed = 600;
             strcmp(b.cases.entries[i].id, "sample-topp-33x257-faint") == 0 && seed < 640; seed++) {
            judge_under(&b, &b.cases.entries[i], assay_simulated_find("simulated_bf16_tensor8"),
                        seed);
        }
    }
    close_bench(&b);
    cr_assert_eq(judged, 40);
    cr_assert_eq(alarms, 0, "%d alarms in %d verdicts", alarms, judged);
}

typedef struct pair {
    double x[512], w[512], scratch[2048];
} pair;

static simulated of(const char *name)
{
    const assay_kernel *const kernel = assay_simulated_find(name)->kernel[ASSAY_OP_linear];
    return (simulated){.contract = kernel->precision, .fixed = true,
                       .order = {SIM_FORWARD, SIM_CHAIN, 1, 0}};
}

Test(sums, a_narrow_sum_truncates_once_a_block)
{
    pair p = {.x = {1.0, 1.0, 1.0, 1.0}, .w = {1.0, 0x1p-14, 0x1p-14, 0x1p-30}};
    simulated s = of("simulated_e4m3"); /* 14 bits, truncated */
    s.contract.accumulate.block = 1;
    cr_assert_eq(sim_dot(&s, &s.order, p.x, p.w, 4, p.scratch), 1.0);
    s.contract.accumulate.block = 4; /* exact first: 1 + 2^-13 + 2^-30, of which 14 bits stay */
    cr_assert_eq(sim_dot(&s, &s.order, p.x, p.w, 4, p.scratch), 1.0 + 0x1p-13);
    p.w[0] = -1.0; /* towards zero, through a sum that float64 alone would have rounded */
    p.w[1] = 0x1p-70;
    p.w[2] = p.w[3] = 0.0;
    cr_assert_eq(sim_dot(&s, &s.order, p.x, p.w, 4, p.scratch), -1.0 + 0x1p-14);
}

Test(sums, nearest_is_of_the_exact_sum)
{
    /* 1 + 2^-24 is a tie that goes down; the 2^-60 beyond it decides otherwise */
    pair p = {.x = {1.0, 1.0, 1.0}, .w = {1.0, 0x1p-24, 0x1p-60}};
    simulated s = of("simulated_flushed");
    cr_assert_eq(sim_dot(&s, &s.order, p.x, p.w, 3, p.scratch), 1.0);
    s.contract.accumulate.block = 3;
    cr_assert_eq(sim_dot(&s, &s.order, p.x, p.w, 3, p.scratch), 1.0 + 0x1p-23);
}

Test(sums, subnormal_partial_sums_are_flushed_or_kept)
{
    pair p = {.x = {0x1p-100, 0x1p-100}, .w = {0x1p-27, 0x1p-30}};
    const simulated flushed = of("simulated_flushed");
    const simulated kept = of("simulated_f32");
    cr_assert_eq(sim_dot(&flushed, &flushed.order, p.x, p.w, 2, p.scratch), 0.0);
    cr_assert_eq(sim_dot(&kept, &kept.order, p.x, p.w, 2, p.scratch), 0x1p-127 + 0x1p-130);
}

Test(sums, the_generic_accumulator_is_f32_when_it_has_24_bits)
{
    pair p;
    simulated generic = of("simulated_f32");
    const simulated f32 = of("simulated_f32");
    uint64_t state = 1;
    for (int k = 0; k < 512; k++) {
        state = state * 6364136223846793005ull + 1442695040888963407ull;
        p.x[k] = (double)(float)((double)(int64_t)state * 0x1p-63);
        p.w[k] = (double)(float)(p.x[k] * 3.7 - 0.3);
    }
    generic.contract.flush = ASSAY_FLUSH_ACCUMULATE; /* keeps it from the f32 route */
    static const sim_order orders[] = {{SIM_FORWARD, SIM_CHAIN, 1, 0},
                                       {SIM_REVERSED, SIM_LANES, 8, 0},
                                       {SIM_SHUFFLED, SIM_CHUNKS, 16, 77},
                                       {SIM_FORWARD, SIM_PAIRWISE, 1, 0}};
    double results[4];
    for (int i = 0; i < 4; i++) {
        results[i] = sim_dot(&generic, &orders[i], p.x, p.w, 512, p.scratch);
        cr_assert_eq(results[i], sim_dot(&f32, &orders[i], p.x, p.w, 512, p.scratch), "order %d",
                     i);
    }
    cr_assert(results[0] != results[1] || results[0] != results[2] || results[0] != results[3],
              "orders make no difference");
}

Test(simulate, names_are_found_and_complete)
{
    cr_assert_null(assay_simulated_find("simulated_nothing"));
    for (size_t i = 0; assay_simulated_at(i) != NULL; i++) {
        const assay_table *const table = assay_simulated_at(i);
        cr_assert_eq(assay_simulated_find(table->name), table);
        const assay_kernel *const linear = table->kernel[ASSAY_OP_linear];
        cr_assert_not_null(linear);
        const bool alone = linear->precision.operand_scale != ASSAY_SCALE_NONE;
#define HAS(op)                                                                                    \
    cr_assert_eq(table->kernel[ASSAY_OP_##op] != NULL, !alone || ASSAY_OP_##op == ASSAY_OP_linear);
        ASSAY_STEP_OPS(HAS)
#undef HAS
    }
}

static void count_above(void *context, const assay_measure *m, int64_t i, double got)
{
    *(int64_t *)context += fabs(got - m->truth[i]) > m->budget[i];
}

/* How many elements leave their budget when the kernel of one table runs under the contract of
 * another. */
static int64_t above_as(const char *actual, const char *claimed)
{
    assay_error error;
    assay_measure measure;
    int64_t above = 0;
    assay_kernel liar = *assay_simulated_find(actual)->kernel[ASSAY_OP_linear];
    liar.precision = assay_simulated_find(claimed)->kernel[ASSAY_OP_linear]->precision;
    cJSON *const json = cJSON_Parse("{\"id\": \"a\", \"op\": \"linear\", \"shape\": {\"n\": 8, "
                                    "\"k\": 1024, \"o\": 32}, \"weights\": \"f32\"}");
    cr_assert_eq(assay_measure_open(json, 3, &liar, false, &measure, &error), ASSAY_OK, "%s",
                 error.message);
    assay_measure_each(&measure, count_above, &above);
    assay_measure_close(&measure);
    cJSON_Delete(json);
    return above;
}

Test(simulate, a_contract_that_claims_too_much_fails)
{
    static const char *const claims[][2] = {
        {"simulated_f32", "simulated_f64"},      {"simulated_tf32", "simulated_f32"},
        {"simulated_int8", "simulated_f32"},     {"simulated_int4", "simulated_int5"},
        {"simulated_f32", "simulated_int8"},     {"simulated_bf16_weights", "simulated_f32"},
        {"simulated_e5m2", "simulated_bf16_tensor8"}, {"simulated_e5m2", "simulated_e4m3"},
        {"simulated_e4m3_rows", "simulated_e4m3_power_rows"},
        {"simulated_e4m3_power_rows", "simulated_e4m3_rows"},
        {"simulated_int8_rows", "simulated_int8_power_rows"},
        {"simulated_int8_power_rows", "simulated_int8_rows"},
        {"simulated_e5m2_rows", "simulated_e4m3_rows"}};
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) {
        cr_assert_gt(above_as(claims[i][0], claims[i][1]), 0, "%s passed as %s", claims[i][0],
                     claims[i][1]);
        cr_assert_eq(above_as(claims[i][0], claims[i][0]), 0, "%s failed as itself",
                     claims[i][0]);
    }
}
