/* Numbers of threads that runs are made by. */
#include "verify/step_checks.h"

void assay_judgement_threads(assay_judgement *j, uint64_t purpose)
{
    static const int32_t counts[] = {1, 3, 8};
    const uint64_t size = (uint64_t)j->blocks.rows; /* cases of one op differ in it */
    const uint64_t which = j->judge->seed + size + purpose;
    assay_session_set_threads(j->judged.session, counts[which % 3]);
}

int32_t assay_judgement_other_threads(const assay_judgement *j)
{
    enum { LEAST = 2, COUNTS = 16, MANY = 72, RARELY = 48 };
    const assay_operand *operand = assay_operands(j->step->op);
    uint64_t shape = 0;
    for (; operand->name != NULL; operand++) {
        const assay_tensor *const tensor = assay_operand_in(&j->base, operand);
        shape = 31 * shape + (assay_present(tensor) ? (uint64_t)assay_count(tensor) : 0);
    }
    const assay_philox_block drawn = assay_philox(j->judge->seed, 0x74687265616473ull, shape);
    return drawn.word[1] % RARELY == 0 ? MANY : LEAST + (int32_t)(drawn.word[0] % COUNTS);
}

assay_status assay_check_threads(assay_judgement *j, int64_t *rows)
{
    assay_any_io io;
    char what[32];
    (void)snprintf(what, sizeof what, "a second run, by %d threads",
                   assay_judgement_other_threads(j));
    assay_rows_all(&j->blocks, rows);
    assay_status status = assay_rows_again(j->step, &j->base, j->arena, &io, j->error);
    if (status == ASSAY_OK) {
        assay_session_set_stale(j->judged.session, ASSAY_ZEROS);
        status = assay_judgement_run(j, &io, ASSAY_PLACE_RIGHT);
        assay_session_set_stale(j->judged.session, ASSAY_FRESH);
    }
    return status == ASSAY_OK && j->result->verdict == ASSAY_PASS
               ? assay_judgement_rows(j, &io, rows, j->blocks.rows, ASSAY_CHECK_REPEAT, what)
               : status;
}
