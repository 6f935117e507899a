/* What is drawn does not depend on whether the distribution is asked for. */
#include "verify/step_checks.h"

assay_status assay_check_token(assay_judgement *j, int64_t *rows)
{
    assay_any_io io;
    assay_rows_all(&j->blocks, rows);
    assay_status status = assay_rows_again(j->step, &j->base, j->arena, &io, j->error);
    if (status != ASSAY_OK || !assay_present(&io.sample.probability)) {
        return status;
    }
    io.sample.probability = (assay_tensor){.rank = 0};
    status = assay_judgement_run(j, &io, ASSAY_PLACE_RIGHT);
    return status == ASSAY_OK && j->result->verdict == ASSAY_PASS
               ? assay_judgement_rows(j, &io, rows, j->blocks.rows, ASSAY_CHECK_DISTRIBUTION,
                                      "where no probability is asked for")
               : status;
}
