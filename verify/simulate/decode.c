/* sae_decode and sae_steer under any contract. */
#include <stdlib.h>

#include "verify/simulate/kernels.h"

/* Weights of a latent's column are dequantised, and rounded to f32, before they are multiplied. */
static void decoder_column(const simulated *s, const assay_sae *sae, int64_t j, double *out)
{
    double scale = 1.0;
    sim_weight_row(s, &sae->decoder, j * sae->decoder.stride[1], sae->decoder.stride[0], sae->d_out,
                   out, &scale);
    const bool whole = s->contract.quant_bits > 0 && s->contract.quant_group == 0;
    for (int64_t i = 0; whole && i < sae->d_out; i++) {
        out[i] = sim_operand(s, (double)(float)(out[i] * scale));
    }
}

typedef struct decoding {
    const simulated *s;
    const assay_sae *sae;
    const assay_sae_decode_io *io;
    int64_t longest;
    double *factor; /* [longest], as multiplied */
    double *column; /* [longest, d_out]: the listed latents' columns */
    int64_t count;
    sim_moments moments;
} decoding;

static void load_entries(decoding *d, int64_t n)
{
    const assay_csr *const codes = &d->io->codes;
    const int64_t end = (int64_t)assay_at1(&codes->row_offsets, n + 1);
    d->count = 0;
    for (int64_t e = (int64_t)assay_at1(&codes->row_offsets, n); e < end; e++) {
        const int64_t j = (int64_t)assay_at1(&codes->latent, e);
        const double scale = sim_optional(&d->sae->decode_scale, j, 1.0);
        const double value = assay_at1(&codes->value, e);
        if (scale == 0.0) {
            continue;
        }
        const double scaled = sim_work(d->s, value * sim_round(sim_work_type(d->s), scale));
        d->factor[d->count] =
            sim_operand(d->s, assay_present(&d->sae->decode_scale) ? scaled : value);
        decoder_column(d->s, d->sae, j, d->column + d->count * d->sae->d_out);
        d->count++;
    }
}

static void decode_element(const decoding *d, int64_t n, int64_t i, double *scratch)
{
    const simulated *const s = d->s;
    double *const weight = scratch;
    for (int64_t e = 0; e < d->count; e++) {
        weight[e] = d->column[e * d->sae->d_out + i];
    }
    const sim_order order = sim_order_of(s, d->factor, d->count);
    double *const rest = scratch + d->longest;
    double y;
    if (assay_present(&d->sae->decode_bias)) {
        const double bias = sim_round(sim_work_type(s), assay_at1(&d->sae->decode_bias, i));
        y = sim_dot_biased(s, &order, d->factor, weight, d->count, bias, rest);
    } else {
        y = sim_dot(s, &order, d->factor, weight, d->count, rest);
    }
    if (d->sae->layer_norm) {
        y = sim_work(s, sim_kept(s, y) * d->moments.deviation);
        y = sim_work(s, y + d->moments.mean);
    }
    sim_put(s, &d->io->y, n, i, y);
}

static void decode_rows(decoding *d, int threads, double *memory, int64_t stretch)
{
    for (int64_t n = 0; n < d->io->y.shape[0]; n++) {
        if (d->sae->layer_norm) {
            sim_load(&d->io->x, n, memory);
            d->moments = sim_row_moments(d->s, memory, d->sae->d_in, memory + d->sae->d_in);
        }
        load_entries(d, n);
#pragma omp parallel for num_threads(threads) schedule(static)
        for (int64_t i = 0; i < d->sae->d_out; i++) {
            decode_element(d, n, i, sim_own(memory, stretch));
        }
    }
}

assay_status sim_sae_decode(const simulated *s, const assay_exec *exec,
                            const assay_sae_decode_params *params, const assay_sae_decode_io *io)
{
    decoding d = {.s = s, .sae = &params->sae, .io = io, .longest = 1};
    for (int64_t n = 0; n < io->y.shape[0]; n++) {
        const int64_t count = (int64_t)(assay_at1(&io->codes.row_offsets, n + 1) -
                                        assay_at1(&io->codes.row_offsets, n));
        d.longest = count > d.longest ? count : d.longest;
    }
    const int64_t widest = d.longest > d.sae->d_in ? d.longest : d.sae->d_in;
    const int64_t stretch = 2 * widest + sim_scratch(widest);
    double *memory = sim_take(exec, stretch);
    assay_status status = ASSAY_OK;
    d.factor = calloc((size_t)d.longest * ((size_t)d.sae->d_out + 1), sizeof *d.factor);
    if (memory == NULL || d.factor == NULL) {
        status = assay_fail(exec->error, ASSAY_NO_MEMORY, "simulation: no memory for %lld entries",
                            (long long)d.longest);
    } else {
        d.column = d.factor + d.longest;
        decode_rows(&d, sim_threads(exec), memory, stretch);
    }
    free(memory);
    free(d.factor);
    return status;
}

/* f of one row: topk needs all latents to know whether this one is among the k. */
static double feature(const simulated *s, const assay_sae *sae, int64_t j, const double *z,
                      double *pre, double *score, uint8_t *active, double *scratch)
{
    const bool ranks = sae->activation == ASSAY_TOPK;
    for (int64_t i = ranks ? 0 : j; i < (ranks ? sae->d_sae : j + 1); i++) {
        sim_encode_latent(s, sae, i, z, 1, pre + i, score + i, 1, scratch);
    }
    sim_select(s, sae, pre, score, active);
    const double value = sim_round(sim_work_type(s), pre[j]);
    return active[j] ? value : 0.0;
}

static double change_of(const simulated *s, const assay_sae_steer_params *params, double f)
{
    const double amount = sim_round(sim_work_type(s), params->amount);
    switch (params->mode) {
    case ASSAY_STEER_ADD: return amount;
    case ASSAY_STEER_SET: return sim_work(s, amount - f);
    case ASSAY_STEER_SCALE: return sim_work(s, sim_work(s, f * amount) - f);
    case ASSAY_STEER_ABLATE: break;
    }
    return -f;
}

typedef struct steering {
    double *x, *z, *column, *pre, *score, *scratch;
    uint8_t *active;
} steering;

static void steer_row(const simulated *s, const assay_sae_steer_params *params,
                      const assay_sae_steer_io *io, int64_t n, const steering *memory)
{
    const assay_sae *const sae = &params->sae;
    const double stored = sim_optional(&sae->decode_scale, params->latent, 1.0);
    double deviation = 1.0;
    double f = 0.0;
    sim_load(&io->x, n, memory->x);
    if (params->mode != ASSAY_STEER_ADD && stored != 0.0) {
        sim_encode_input(s, sae, memory->x, memory->z, memory->scratch);
        f = feature(s, sae, params->latent, memory->z, memory->pre, memory->score, memory->active,
                    memory->scratch);
    }
    if (sae->layer_norm) {
        deviation = sim_row_moments(s, memory->x, sae->d_in, memory->scratch).deviation;
    }
    const double scale = sim_round(sim_work_type(s), stored);
    const double factor = sim_operand(s, sim_kept(s, change_of(s, params, f) * scale));
    for (int64_t i = 0; i < sae->d_out; i++) {
        const double product = stored != 0.0 ? sim_work(s, factor * memory->column[i]) : 0.0;
        const double term = sae->layer_norm && stored != 0.0 ? sim_work(s, product * deviation)
                                                             : product;
        sim_put(s, &io->y, n, i,
                stored != 0.0 ? sim_round(sim_work_type(s), memory->x[i] + term) : memory->x[i]);
    }
}

assay_status sim_sae_steer(const simulated *s, const assay_exec *exec,
                           const assay_sae_steer_params *params, const assay_sae_steer_io *io)
{
    const assay_sae *const sae = &params->sae;
    const int64_t d = sae->d_in;
    const int64_t latents = sae->d_sae;
    double *memory = calloc((size_t)(5 * d + 2 * latents + sim_scratch(d)) + 1, sizeof *memory);
    steering parts = {.x = memory, .active = calloc((size_t)latents + 1, 1)};
    assay_status status = ASSAY_OK;
    if (memory == NULL || parts.active == NULL) {
        status = assay_fail(exec->error, ASSAY_NO_MEMORY, "simulation: no memory for %lld latents",
                            (long long)latents);
    } else {
        parts.z = memory + d;
        parts.column = memory + 2 * d;
        parts.pre = memory + 3 * d;
        parts.score = parts.pre + latents;
        parts.scratch = parts.score + latents;
        decoder_column(s, sae, params->latent, parts.column);
        for (int64_t n = 0; n < io->y.shape[0]; n++) {
            steer_row(s, params, io, n, &parts);
        }
    }
    free(memory);
    free(parts.active);
    return status;
}
