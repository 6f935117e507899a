/* The verifier's part: the world's golden cases. */
#include <stdlib.h>
#include <string.h>

#include "fixtures/io/json_file.h"
#include "verify/cases.h"
#include "verify/scales_identity.h"
#include "verify/selftest/world.h"

struct assay_fault_judge {
    assay_bundle bundle;
    assay_checkpoints *checkpoints;
    assay_scales *scales;
    assay_fault_row *row; /* of the table at hand */
};

assay_status assay_fault_judge_open(const char *folder, assay_fault_judge **judge,
                                    assay_error *error)
{
    const assay_overrides none = {.model = NULL};
    char *const manifest = assay_path_join(folder, "manifest.json");
    assay_fault_judge *made = NULL;
    assay_status status = ASSAY_OK;
    *judge = NULL;
    if (manifest == NULL) {
        status = assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    } else if (assay_path_exists(manifest)) {
        made = calloc(1, sizeof *made);
        status = made != NULL ? assay_bundle_open(folder, &made->bundle, error)
                              : assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    }
    free(manifest);
    if (status == ASSAY_OK && made != NULL) {
        status = assay_checkpoints_open(&made->bundle, &none, &made->checkpoints, error);
    }
    if (status == ASSAY_OK && made != NULL) {
        status = assay_scales_open_for(&made->bundle, &none, &made->scales, error);
    }
    *judge = made;
    if (status != ASSAY_OK) {
        assay_fault_judge_close(judge);
    }
    return status;
}

void assay_fault_judge_close(assay_fault_judge **judge)
{
    if (*judge != NULL) {
        assay_scales_close(&(*judge)->scales);
        assay_checkpoints_close(&(*judge)->checkpoints);
        assay_bundle_close(&(*judge)->bundle);
        free(*judge);
        *judge = NULL;
    }
}

static assay_status take(void *context, const assay_result *result, assay_error *error)
{
    (void)error;
    assay_fault_row *const row = ((assay_fault_judge *)context)->row;
    row->cases++;
    if (row->verdict == ASSAY_PASS && assay_verdict_is_bad(result->verdict)) {
        row->verdict = result->verdict;
        row->check = result->check;
        (void)snprintf(row->case_id, sizeof row->case_id, "%.90s", result->case_id);
        (void)snprintf(row->said, sizeof row->said, "%.250s", result->message);
    }
    return ASSAY_OK;
}

assay_status assay_fault_judge_run(assay_fault_judge *judge, const assay_table *table,
                                   assay_session *session, uint64_t seed, assay_fault_row *row,
                                   assay_error *error)
{
    const assay_verify_run run = {.tables = table,
                                  .table_count = 1,
                                  .sessions = &session,
                                  .seed = seed,
                                  .sink = {judge, take}};
    assay_status status = ASSAY_OK;
    judge->row = row;
    row->verdict = ASSAY_PASS;
    for (size_t i = 0; i < judge->bundle.case_count; i++) {
        if (status == ASSAY_OK && row->verdict == ASSAY_PASS) {
            const assay_case_context context = {.run = &run,
                                                .bundle = &judge->bundle,
                                                .checkpoints = judge->checkpoints,
                                                .scales = judge->scales,
                                                .c = &judge->bundle.cases[i]};
            status = assay_case_judge(&context, error);
        }
    }
    return status;
}
