/* Chains of committed bundles: a tap among many gives what a run for it alone gives, rows picked at
 * positions are rows of the whole, and kappa times the scale holds for runs that had no part in
 * it. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "kernels/registry.h"
#include "verify/chain_capture.h"
#include "verify/chain_check.h"
#include "verify/chain_explain.h"

typedef struct opened {
    assay_bundle bundle;
    assay_checkpoints *checkpoints;
    assay_verify_run run;
    assay_case_context context;
    assay_arena arena;
} opened;

static void open_case(opened *o, const char *name, const char *id)
{
    char path[256];
    assay_error error = {.message = ""};
    const assay_overrides none = {NULL, NULL, NULL, NULL, NULL};
    memset(o, 0, sizeof *o);
    (void)snprintf(path, sizeof path, ASSAY_SOURCE_DIR "/fixtures/golden/%s", name);
    cr_assert_eq(assay_bundle_open(path, &o->bundle, &error), ASSAY_OK, "%s", error.message);
    cr_assert_eq(assay_checkpoints_open(&o->bundle, &none, &o->checkpoints, &error), ASSAY_OK);
    o->run.seed = 1;
    o->context = (assay_case_context){
        .run = &o->run, .bundle = &o->bundle, .checkpoints = o->checkpoints};
    for (size_t i = 0; i < o->bundle.case_count; i++) {
        if (strcmp(o->bundle.cases[i].id, id) == 0) {
            o->context.c = &o->bundle.cases[i];
        }
    }
    cr_assert_not_null(o->context.c, "%s", id);
}

static void close_case(opened *o)
{
    assay_arena_free(&o->arena);
    assay_checkpoints_close(&o->checkpoints);
    assay_bundle_close(&o->bundle);
}

static void make_capture(opened *o, assay_capture_chain *chain)
{
    const assay_model_file *model = NULL;
    assay_tensor tokens;
    assay_tensor lengths;
    assay_error error = {.message = ""};
    cr_assert_eq(assay_checkpoints_model(o->checkpoints, o->context.c, "model", &model, &error),
                 ASSAY_OK, "%s", error.message);
    cr_assert_eq(assay_case_in(&o->context, "tokens", true, &tokens, &error), ASSAY_OK);
    cr_assert_eq(assay_case_in(&o->context, "lengths", true, &lengths, &error), ASSAY_OK);
    cr_assert_eq(assay_capture_chain_make(&o->context, &model->model, &tokens, &lengths, &o->arena,
                                          chain, &error),
                 ASSAY_OK, "%s", error.message);
}

static float **room_for(opened *o, const assay_chain *chain)
{
    float **const scale = assay_arena_take(&o->arena, chain->output_count * sizeof *scale);
    for (size_t k = 0; k < chain->output_count; k++) {
        const size_t count = (size_t)(chain->output[k].rows * chain->output[k].columns);
        scale[k] = assay_arena_take(&o->arena, count * sizeof **scale);
    }
    return scale;
}

static assay_table table_of(const char *name)
{
    assay_table table;
    cr_assert_eq(assay_table_find(name, &table, NULL), ASSAY_OK);
    return table;
}

static float **scales_of(opened *o, const assay_chain *chain, const char *impl)
{
    const assay_table table = table_of(impl);
    float **const scale = room_for(o, chain);
    assay_error error = {.message = ""};
    cr_assert_eq(assay_chain_scales(chain, &table, NULL, scale, &error), ASSAY_OK, "%s",
                 error.message);
    return scale;
}

/* Every hook of one prompt, deepest first or not: bit by bit what it is alone, where a chain leaves
 * out the rows that nobody looks at. */
Test(golden, taps_are_separate_runs)
{
    static const char *const ids[] = {"capture-embed", "capture-l0-attn-out", "capture-l0-mlp-in",
                                      "capture-l1-mlp-out", "capture-l1-input",
                                      "capture-final-norm", "capture-positions"};
    opened o;
    assay_capture_chain all;
    open_case(&o, "tiny-3.1-goodfire", ids[0]);
    make_capture(&o, &all);
    cr_assert_gt(all.chain.output_count, 10);
    float *const *const together = scales_of(&o, &all.chain, "scalar_bf16");
    for (size_t n = 0; n < sizeof ids / sizeof ids[0]; n++) {
        opened single;
        assay_capture_chain alone;
        open_case(&single, "tiny-3.1-goodfire", ids[n]);
        bool *const selected = assay_arena_take(&single.arena, single.bundle.case_count);
        selected[single.context.c - single.bundle.cases] = true;
        single.context.selected = selected;
        make_capture(&single, &alone);
        cr_assert_eq(alone.chain.output_count, 1);
        float *const *const scale = scales_of(&single, &alone.chain, "scalar_bf16");
        size_t same = SIZE_MAX;
        for (size_t k = 0; k < all.chain.output_count; k++) {
            same = strcmp(all.chain.output[k].key, alone.chain.output[0].key) == 0 ? k : same;
        }
        cr_assert_neq(same, SIZE_MAX);
        const size_t count =
            (size_t)(alone.chain.output[0].rows * alone.chain.output[0].columns);
        cr_expect_eq(memcmp(scale[0], together[same], count * sizeof(float)), 0, "%s", ids[n]);
        close_case(&single);
    }
    close_case(&o);
}

/* Rows taken at positions are exact copies of the hook's rows: no rounding is added for them, since
 * an implementation's gather copies its own type. */
Test(golden, positions_are_rows_of_the_whole)
{
    opened o;
    assay_capture_chain chain;
    open_case(&o, "tiny-3.1-goodfire", "capture-positions");
    make_capture(&o, &chain);
    float *const *const scale = scales_of(&o, &chain.chain, "scalar_bf16");
    const assay_capture_tap *const own = &chain.tap[chain.own];
    cr_assert_not_null(own->pick);
    size_t whole = SIZE_MAX;
    for (size_t k = 0; k < chain.chain.output_count; k++) {
        const assay_capture_tap *const tap = &chain.tap[k];
        if (tap->pick == NULL && !tap->logits && tap->hook.kind == own->hook.kind &&
            tap->hook.layer == own->hook.layer) {
            whole = k;
        }
    }
    cr_assert_neq(whole, SIZE_MAX);
    const int64_t width = chain.model.d_model;
    for (int64_t p = 0; p < own->rows; p++) {
        cr_expect_eq(memcmp(scale[chain.own] + p * width, scale[whole] + own->pick[p] * width,
                            (size_t)width * sizeof(float)),
                     0, "row %d", (int)p);
    }
    close_case(&o);
}

/* Runs of another seed against the budgets: the worst over all elements keeps a margin, so a
 * verdict does not hang on the seed. A scale that is right has a mean square use near 1; floors
 * only lower it. */
static void check_kappa(const assay_chain *chain, opened *o, const char *impl)
{
    enum { RUNS = 24 };
    const assay_table table = table_of(impl);
    float *const *const scale = scales_of(o, chain, impl);
    assay_chain_use use = {.elements = 0};
    cr_assert_eq(assay_chain_check(chain, &table, scale, 77, RUNS, &use, NULL), ASSAY_OK);
    const double mean = use.square / (double)use.elements;
    cr_log_info("%s, %s: %llu elements, worst %.3f of the budget, mean square %.3f of the scale; "
                "above 1/16 2/16 ... of the budget: %llu %llu %llu %llu %llu %llu",
                chain->key, impl, (unsigned long long)use.elements, use.worst, mean,
                (unsigned long long)use.above[1], (unsigned long long)use.above[2],
                (unsigned long long)use.above[3], (unsigned long long)use.above[4],
                (unsigned long long)use.above[5], (unsigned long long)use.above[6]);
    cr_expect_gt(use.elements, 100000);
    cr_expect_eq(use.moved, 0);
    cr_expect_lt(use.worst, 0.7);
    cr_expect_gt(use.worst, 0.1, "budgets are not a multiple of what they are for");
    cr_expect(mean > 0.5 && mean < 1.2, "%g", mean);
}

Test(golden, kappa_holds_for_fresh_captures)
{
    static const char *const impls[] = {"scalar", "scalar_bf16"};
    for (int i = 0; i < 2; i++) {
        opened o;
        assay_capture_chain chain;
        open_case(&o, "tiny-3.2-qresearch", "capture-final-norm");
        make_capture(&o, &chain);
        check_kappa(&chain.chain, &o, impls[i]);
        close_case(&o);
    }
}

Test(golden, kappa_holds_for_fresh_explanations)
{
    static const char *const impls[] = {"scalar", "scalar_bf16"};
    for (int i = 0; i < 2; i++) {
        opened o;
        assay_explain_chain chain;
        assay_explain_case read = {.rows = 0};
        assay_error error = {.message = ""};
        open_case(&o, "tiny-3.1-goodfire", "explain-text");
        cr_assert_eq(assay_explain_case_read(&o.context, &o.arena, &read, &error), ASSAY_OK, "%s",
                     error.message);
        cr_assert_eq(assay_explain_chain_make(&o.context, &read, &o.arena, &chain, &error),
                     ASSAY_OK);
        check_kappa(&chain.chain, &o, impls[i]);
        assay_explain_case_free(&read);
        close_case(&o);
    }
}
