/* sae_encode under any contract; what sae_steer shares with it. */
#include <stdlib.h>

#include "ref/oracle.h"
#include "verify/simulate/kernels.h"

sim_moments sim_row_moments(const simulated *s, const double *x, int64_t count, double *scratch)
{
    double *const deviation = scratch;
    const double n = (double)count;
    const sim_order order = sim_order_of(s, x, count);
    sim_moments moments;
    moments.mean = sim_work(s, sim_sum(s, &order, x, count, scratch + count) / n);
    for (int64_t k = 0; k < count; k++) {
        deviation[k] = sim_work(s, x[k] - moments.mean);
    }
    const double squares = sim_squares(s, &order, deviation, count, scratch + count);
    moments.deviation = sim_work(s, sqrt(sim_work(s, squares / (n - 1.0))));
    return moments;
}

void sim_encode_input(const simulated *s, const assay_sae *sae, const double *x, double *z,
                      double *scratch)
{
    const int64_t d = sae->d_in;
    if (sae->layer_norm) {
        const sim_moments moments = sim_row_moments(s, x, d, scratch);
        const double divisor = sim_work(s, moments.deviation + sim_work(s, 1e-5));
        for (int64_t k = 0; k < d; k++) {
            z[k] = sim_kept(s, sim_work(s, x[k] - moments.mean) / divisor);
        }
    }
    for (int64_t k = 0; k < d; k++) {
        const double bias = sim_optional(&sae->pre_bias, k, 0.0);
        const double value = sae->layer_norm ? z[k] : x[k];
        const double rounded = sim_round(sim_work_type(s), bias);
        z[k] = sim_operand(s, bias != 0.0 ? sim_kept(s, value - rounded) : value);
    }
}

void sim_encode_latent(const simulated *s, const assay_sae *sae, int64_t j, const double *z,
                       int64_t rows, double *pre, double *score, int64_t stride, double *scratch)
{
    const assay_dtype work = sim_work_type(s);
    const int64_t d = sae->d_in;
    double *const weight = scratch;
    double quantum = 1.0;
    sim_weight_row(s, &sae->encoder, j * sae->encoder.stride[0], sae->encoder.stride[1], d, weight,
                   &quantum);
    const sim_order order = sim_order_of(s, weight, d);
    const double scale = sim_round(work, sim_optional(&sae->encode_scale, j, 1.0));
    const double bias = sim_round(work, sim_optional(&sae->encode_bias, j, 0.0));
    const double gate = sim_round(work, sim_optional(&sae->gate, j, 1.0));
    for (int64_t n = 0; n < rows; n++) {
        double a = sim_dot(s, &order, z + n * d, weight, d, scratch + d);
        a = s->contract.quant_bits > 0 ? sim_work(s, a * quantum) : a;
        a = assay_present(&sae->encode_scale) ? sim_work(s, a * scale) : a;
        a = assay_present(&sae->encode_bias) ? sim_work(s, a + bias) : a;
        pre[n * stride] = sim_kept(s, a);
        score[n * stride] = assay_present(&sae->gate) ? sim_kept(s, pre[n * stride] * gate)
                                                      : pre[n * stride];
    }
}

void sim_select(const simulated *s, const assay_sae *sae, const double *pre, const double *score,
                uint8_t *active)
{
    assay_ref_sae_select(sae, pre, score, active);
    for (int64_t j = 0; sae->activation == ASSAY_JUMPRELU && j < sae->d_sae; j++) {
        const double threshold = assay_at1(&sae->threshold, j);
        const double rounded = sim_round(sim_work_type(s), threshold);
        if (!isinf(threshold) && !isnan(pre[j])) {
            active[j] = score[j] > rounded ? 1 : 0;
        }
    }
}

typedef struct encoding {
    const simulated *s;
    const assay_sae *sae;
    const assay_sae_encode_io *io;
    double *z;            /* [rows, d_in] */
    double *pre, *score;  /* [rows, d_sae] */
    uint8_t *active;      /* [d_sae] */
} encoding;

static void write_rows(const encoding *e)
{
    const int64_t latents = e->sae->d_sae;
    const bool sparse = assay_present(&e->io->codes.row_offsets);
    const int64_t capacity = sparse ? e->io->codes.latent.shape[0] : 0;
    int64_t count = 0;
    for (int64_t n = 0; n < e->io->x.shape[0]; n++) {
        const double *const pre = e->pre + n * latents;
        sim_select(e->s, e->sae, pre, e->score + n * latents, e->active);
        for (int64_t j = 0; j < latents; j++) {
            if (e->active[j] && count < capacity) {
                assay_put1(&e->io->codes.latent, count, (double)j);
                assay_put1(&e->io->codes.value, count, pre[j]);
            }
            count += e->active[j];
            if (assay_present(&e->io->dense)) {
                assay_put2(&e->io->dense, n, j, e->active[j] ? pre[j] : 0.0);
            }
        }
        if (sparse) {
            assay_put1(&e->io->codes.row_offsets, n + 1, (double)count);
        }
    }
}

static void run_latents(const encoding *e, int threads, double *memory, int64_t stretch)
{
    const int64_t rows = e->io->x.shape[0];
    for (int64_t n = 0; n < rows; n++) {
        sim_load(&e->io->x, n, memory);
        sim_encode_input(e->s, e->sae, memory, e->z + n * e->sae->d_in, memory + e->sae->d_in);
    }
#pragma omp parallel for num_threads(threads) schedule(dynamic, 8)
    for (int64_t j = 0; j < e->sae->d_sae; j++) {
        sim_encode_latent(e->s, e->sae, j, e->z, rows, e->pre + j, e->score + j, e->sae->d_sae,
                          sim_own(memory, stretch));
    }
    if (assay_present(&e->io->codes.row_offsets)) {
        assay_put1(&e->io->codes.row_offsets, 0, 0.0);
    }
    write_rows(e);
}

assay_status sim_sae_encode(const simulated *s, const assay_exec *exec,
                            const assay_sae_encode_params *params, const assay_sae_encode_io *io)
{
    const int64_t rows = io->x.shape[0];
    const int64_t d = params->sae.d_in;
    const int64_t latents = params->sae.d_sae;
    const int64_t stretch = 2 * d + sim_scratch(d);
    encoding e = {.s = s, .sae = &params->sae, .io = io};
    double *memory = sim_take(exec, stretch);
    assay_status status = ASSAY_OK;
    e.z = calloc((size_t)(rows * d) + 1, sizeof *e.z);
    e.pre = calloc((size_t)(2 * rows * latents) + 1, sizeof *e.pre);
    e.active = calloc((size_t)latents + 1, 1);
    if (memory == NULL || e.z == NULL || e.pre == NULL || e.active == NULL) {
        status = assay_fail(exec->error, ASSAY_NO_MEMORY, "simulation: no memory for %lld latents",
                            (long long)latents);
    } else {
        e.score = e.pre + rows * latents;
        run_latents(&e, sim_threads(exec), memory, stretch);
    }
    free(memory);
    free(e.z);
    free(e.pre);
    free(e.active);
    return status;
}
