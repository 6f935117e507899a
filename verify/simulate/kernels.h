/* The simulated kernels of every op; tables.c gives each contract descriptors that call them. */
#ifndef VERIFY_SIMULATE_KERNELS_H
#define VERIFY_SIMULATE_KERNELS_H

#include "assay/kernel.h"
#include "verify/simulate/arithmetic.h"

#define SIM_DECLARE(op)                                                                            \
    assay_status sim_##op(const simulated *s, const assay_exec *exec,                              \
                          const assay_##op##_params *params, const assay_##op##_io *io);
ASSAY_STEP_OPS(SIM_DECLARE)
#undef SIM_DECLARE

/* `count` doubles for each thread that exec allows, at least one; NULL with a message. */
double *sim_take(const assay_exec *exec, int64_t count);
double *sim_own(double *memory, int64_t count);
int sim_threads(const assay_exec *exec);

/* Row `row` of a matrix, or a vector (row 0). */
void sim_load(const assay_tensor *tensor, int64_t row, double *out);
static inline double sim_optional(const assay_tensor *vector, int64_t i, double absent)
{
    return assay_present(vector) ? assay_at1(vector, i) : absent;
}

/* Mean and unbiased deviation of a row, for the SAEs' layer norm. scratch: [count] and a sum's. */
typedef struct sim_moments {
    double mean, deviation;
} sim_moments;
sim_moments sim_row_moments(const simulated *s, const double *x, int64_t count, double *scratch);

/* Pre-activations and scores of latents first .. first + count - 1 for one row [d_in] of x, as
 * multiplied. scratch: [d_in] and a sum's. */
void sim_encode_input(const simulated *s, const assay_sae *sae, const double *x, double *z,
                      double *scratch);
void sim_encode_latent(const simulated *s, const assay_sae *sae, int64_t j, const double *z,
                       int64_t rows, double *pre, double *score, int64_t stride, double *scratch);
/* The active set of one row by the kernel's rule: its thresholds are of the working type. */
void sim_select(const simulated *s, const assay_sae *sae, const double *pre, const double *score,
                uint8_t *active);

#endif
