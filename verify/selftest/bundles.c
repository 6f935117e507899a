#include "verify/selftest/bundles.h"

#include <stdlib.h>
#include <string.h>

#include "verify/golden_path.h"
#include "verify/scales_identity.h"

enum { LONG_SEQUENCE = 128 };

typedef struct opened_bundle {
    assay_bundle bundle;
    assay_checkpoints *checkpoints;
    assay_scales *scales;
    bool *selected; /* cases that are judged at all: the oracle's truth of long ones takes long */
} opened_bundle;

struct assay_selftest_bundles {
    assay_path_list paths;
    opened_bundle *bundle;
    size_t count;
};

static bool is_long(const assay_bundle *bundle, const assay_bundle_case *c)
{
    assay_tensor tokens;
    return assay_bundle_tensor(bundle, c->in, c->id, "tokens", false, &tokens, NULL) == ASSAY_OK &&
           assay_present(&tokens) && tokens.rank == 2 && tokens.shape[1] > LONG_SEQUENCE;
}

static assay_status select_cases(opened_bundle *b, assay_error *error)
{
    b->selected = calloc(b->bundle.case_count + 1, sizeof *b->selected);
    for (size_t i = 0; i < b->bundle.case_count && b->selected != NULL; i++) {
        b->selected[i] = !is_long(&b->bundle, &b->bundle.cases[i]);
    }
    return b->selected != NULL ? ASSAY_OK : assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
}

assay_status assay_selftest_bundles_open(assay_selftest_bundles **bundles, assay_error *error)
{
    const assay_overrides none = {0};
    assay_selftest_bundles *const made = calloc(1, sizeof *made);
    *bundles = made;
    if (made == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    }
    assay_status status = assay_golden_list(assay_golden_root(NULL), &made->paths, error);
    if (status == ASSAY_OK) {
        made->bundle = calloc(made->paths.count, sizeof *made->bundle);
        status = made->bundle != NULL ? ASSAY_OK
                                      : assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    }
    for (size_t i = 0; i < made->paths.count && status == ASSAY_OK; i++) {
        opened_bundle *const b = &made->bundle[i];
        status = assay_bundle_open(made->paths.path[i], &b->bundle, error);
        if (status == ASSAY_OK) {
            made->count++;
            status = assay_checkpoints_open(&b->bundle, &none, &b->checkpoints, error);
        }
        if (status == ASSAY_OK) {
            status = assay_scales_open_for(&b->bundle, &none, &b->scales, error);
        }
        if (status == ASSAY_OK) {
            status = select_cases(b, error);
        }
    }
    if (status != ASSAY_OK) {
        assay_selftest_bundles_close(bundles);
    }
    return status;
}

void assay_selftest_bundles_close(assay_selftest_bundles **bundles)
{
    if (*bundles == NULL) {
        return;
    }
    for (size_t i = 0; i < (*bundles)->count; i++) {
        free((*bundles)->bundle[i].selected);
        assay_scales_close(&(*bundles)->bundle[i].scales);
        assay_checkpoints_close(&(*bundles)->bundle[i].checkpoints);
        assay_bundle_close(&(*bundles)->bundle[i].bundle);
    }
    assay_path_list_free(&(*bundles)->paths);
    free((*bundles)->bundle);
    free(*bundles);
    *bundles = NULL;
}

/* Whether a host function has a part in the case; or a table's fused stage answers it. */
static bool concerns(const assay_verify_run *run, const assay_bundle_case *c)
{
    const assay_table *const table = run->tables;
    if (run->host) {
        return strcmp(c->op, "tokenize") == 0 || strcmp(c->op, "detokenize") == 0 ||
               strcmp(c->op, "explain") == 0;
    }
    const bool generates = strcmp(c->op, "generate") == 0 || strcmp(c->op, "steered_generate") == 0;
    return (table->kernel[ASSAY_OP_capture] != NULL && strcmp(c->op, "capture") == 0) ||
           (table->kernel[ASSAY_OP_generate] != NULL && generates) ||
           (table->kernel[ASSAY_OP_explain] != NULL && strcmp(c->op, "explain") == 0);
}

/* What a wrong host makes of a prompt has scales and a truth of its own: nothing of it is kept. */
static assay_status judge_case(const assay_case_context *context, assay_error *error)
{
    assay_case_context own = *context;
    if (!context->run->host || context->run->functions == NULL) {
        return assay_case_judge(context, error);
    }
    own.scales = NULL;
    assay_status status = assay_scales_open(NULL, &own.scales, error);
    if (status == ASSAY_OK) {
        status = assay_case_judge(&own, error);
    }
    assay_scales_close(&own.scales);
    return status;
}

static assay_status judge_of(const opened_bundle *at, const assay_verify_run *run, size_t i,
                             assay_error *error)
{
    const assay_case_context context = {.run = run,
                                        .bundle = &at->bundle,
                                        .checkpoints = at->checkpoints,
                                        .scales = at->scales,
                                        .c = &at->bundle.cases[i],
                                        .selected = at->selected};
    return judge_case(&context, error);
}

assay_status assay_selftest_bundles_judge(assay_selftest_bundles *bundles,
                                          const assay_verify_run *run, const char *glob,
                                          bool matching, const bool *decided, assay_error *error)
{
    assay_status status = ASSAY_OK;
    for (size_t b = 0; b < bundles->count; b++) {
        const opened_bundle *const at = &bundles->bundle[b];
        for (size_t i = 0; i < at->bundle.case_count && status == ASSAY_OK; i++) {
            const assay_bundle_case *const c = &at->bundle.cases[i];
            if ((decided == NULL || !*decided) && at->selected[i] && concerns(run, c) &&
                assay_filter_matches(glob, c->id) == matching) {
                status = judge_of(at, run, i, error);
            }
        }
    }
    return status;
}

assay_status assay_selftest_bundles_judge_one(assay_selftest_bundles *bundles,
                                              const assay_verify_run *run, uint64_t number,
                                              assay_error *error)
{
    const opened_bundle *const at = &bundles->bundle[number % bundles->count];
    const size_t i = (size_t)(number / bundles->count % at->bundle.case_count);
    return at->selected[i] ? judge_of(at, run, i, error) : ASSAY_OK;
}
