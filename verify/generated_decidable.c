/* Whether a case can show anything of a contract. */
#include "verify/generated_parts.h"

static bool truth_shows(const assay_step *step, const assay_step_truth *truth)
{
    switch (step->op) {
    case ASSAY_OP_sae_encode: return assay_codes_decidable(&truth->codes);
    case ASSAY_OP_sample: return true; /* its draws are always judged */
    default: return assay_elements_decidable(truth->expected, &truth->budget);
    }
}

static assay_status decidable_case(const assay_case_entry *entry, const assay_kernel *kernel,
                                   uint64_t seed, bool *decidable, assay_error *error)
{
    assay_generated_case built;
    assay_arena arena = {0};
    assay_any_io seen;
    assay_step_truth truth;
    assay_result ignored = {.verdict = ASSAY_PASS};
    assay_status status = assay_generated_case_build(entry->json, seed, kernel->precision.output,
                                                     &built, error);
    if (status != ASSAY_OK) {
        return status;
    }
    assay_step step = assay_generated_step(entry, &built);
    *decidable = step.allow_void;
    step.allow_void = false;
    if (!*decidable) {
        status = assay_step_place(kernel, &step, &arena, &seen, error);
        if (status == ASSAY_OK) {
            status = assay_step_truth_make(&kernel->precision, &step, &seen, &arena, &truth,
                                           &ignored, error);
        }
        *decidable = status == ASSAY_OK && truth_shows(&step, &truth);
    }
    assay_arena_free(&arena);
    assay_generated_case_free(&built);
    return status;
}

assay_status assay_generated_decidable(const assay_case_entry *entry, const assay_kernel *kernel,
                                       uint64_t seed, bool *decidable, assay_error *error)
{
    const int64_t count = entry->steps > 0 ? entry->steps : 1;
    assay_status status = ASSAY_OK;
    *decidable = false;
    for (int64_t i = 0; i < count && status == ASSAY_OK && !*decidable; i++) {
        char place[ASSAY_SWEEP_PLACE];
        assay_case_entry one;
        status = assay_generated_part(entry, seed, i, place, &one, error);
        if (status == ASSAY_OK) {
            status = decidable_case(&one, kernel, seed, decidable, error);
            assay_generated_part_drop(entry, &one);
        }
    }
    return status;
}
