/* embed, add, rmsnorm, linear, rope and swiglu under any contract. */
#include <omp.h>
#include <stdlib.h>

#include "verify/simulate/kernels.h"

int sim_threads(const assay_exec *exec)
{
    return exec->threads > 0 ? (int)exec->threads : 1;
}

double *sim_take(const assay_exec *exec, int64_t count)
{
    double *const memory = calloc((size_t)(count + 1) * (size_t)sim_threads(exec), sizeof *memory);
    if (memory == NULL) {
        (void)assay_fail(exec->error, ASSAY_NO_MEMORY, "simulation: no memory for %lld numbers",
                         (long long)count);
    }
    return memory;
}

double *sim_own(double *memory, int64_t count)
{
    return memory + count * omp_get_thread_num();
}

void sim_load(const assay_tensor *tensor, int64_t row, double *out)
{
    const int64_t last = tensor->rank - 1;
    const int64_t at = last > 0 ? row * tensor->stride[0] : 0;
    for (int64_t k = 0; k < tensor->shape[last]; k++) {
        out[k] = assay_load(tensor->dtype, tensor->data, (size_t)(at + k * tensor->stride[last]));
    }
}

assay_status sim_embed(const simulated *s, const assay_exec *exec,
                       const assay_embed_params *params, const assay_embed_io *io)
{
    (void)exec;
    const int64_t d = params->table.shape[1];
    for (int64_t n = 0; n < io->id.shape[0]; n++) {
        for (int64_t i = 0; i < d; i++) {
            const int64_t id = (int64_t)assay_at1(&io->id, n);
            sim_put(s, &io->y, n, i, id < 0 ? 0.0 : assay_at2(&params->table, id, i));
        }
    }
    const int64_t injected = assay_present(&io->soft) ? io->soft.shape[0] : 0;
    for (int64_t k = 0; k < injected; k++) {
        for (int64_t i = 0; i < d; i++) {
            sim_put(s, &io->y, (int64_t)assay_at1(&io->soft_at, k), i,
                    assay_at2(&io->soft, k, i));
        }
    }
    return ASSAY_OK;
}

assay_status sim_add(const simulated *s, const assay_exec *exec, const assay_add_params *params,
                     const assay_add_io *io)
{
    (void)exec, (void)params;
    const assay_dtype work = sim_work_type(s);
    for (int64_t n = 0; n < io->y.shape[0]; n++) {
        for (int64_t i = 0; i < io->y.shape[1]; i++) {
            const double sum = assay_at2(&io->a, n, i) + assay_at2(&io->b, n, i);
            sim_put(s, &io->y, n, i, sim_round(work, sum));
        }
    }
    return ASSAY_OK;
}

assay_status sim_swiglu(const simulated *s, const assay_exec *exec,
                        const assay_swiglu_params *params, const assay_swiglu_io *io)
{
#pragma omp parallel for num_threads(sim_threads(exec)) schedule(static)
    for (int64_t n = 0; n < io->y.shape[0]; n++) {
        for (int64_t i = 0; i < params->d; i++) {
            const double gate = sim_read(s, assay_at2(&io->gate, n, i));
            const double up = sim_read(s, assay_at2(&io->up, n, i));
            const double e = sim_work(s, exp(-gate));
            const double silu = sim_kept(s, gate / sim_work(s, 1.0 + e));
            sim_put(s, &io->y, n, i, sim_work(s, silu * up));
        }
    }
    return ASSAY_OK;
}

static void norm_row(const simulated *s, const assay_rmsnorm_params *params,
                     const assay_rmsnorm_io *io, int64_t n, double *x)
{
    const int64_t d = params->weight.shape[0];
    double *const scratch = x + d;
    sim_load(&io->x, n, x);
    for (int64_t i = 0; i < d; i++) {
        x[i] = sim_read(s, x[i]);
    }
    const sim_order order = sim_order_of(s, x, d);
    const assay_dtype work = sim_work_type(s);
    const double mean = sim_work(s, sim_squares(s, &order, x, d, scratch) / (double)d);
    const double root = sim_work(s, sqrt(sim_work(s, mean + sim_round(work, params->eps))));
    const double scale = sim_work(s, 1.0 / root);
    for (int64_t i = 0; i < d; i++) {
        const double stored = sim_round(s->contract.storage, assay_at1(&params->weight, i));
        const double normed = sim_kept(s, x[i] * scale);
        sim_put(s, &io->y, n, i, sim_work(s, normed * sim_read(s, stored)));
    }
}

assay_status sim_rmsnorm(const simulated *s, const assay_exec *exec,
                         const assay_rmsnorm_params *params, const assay_rmsnorm_io *io)
{
    const int64_t d = params->weight.shape[0];
    const int64_t stretch = d + sim_scratch(d);
    double *memory = sim_take(exec, stretch);
    if (memory == NULL) {
        return ASSAY_NO_MEMORY;
    }
#pragma omp parallel for num_threads(sim_threads(exec)) schedule(static)
    for (int64_t n = 0; n < io->y.shape[0]; n++) {
        norm_row(s, params, io, n, sim_own(memory, stretch));
    }
    free(memory);
    return ASSAY_OK;
}

static void linear_column(const simulated *s, const assay_linear_params *params,
                          const assay_linear_io *io, int64_t o, const double *x,
                          const double *row_scale, double *weight)
{
    const int64_t depth = params->weight.shape[1];
    double scale = 1.0;
    sim_weight_row(s, &params->weight, o * params->weight.stride[0], params->weight.stride[1],
                   depth, weight, &scale);
    const sim_order order = sim_order_of(s, weight, depth);
    const double bias = sim_round(sim_work_type(s), sim_optional(&params->bias, o, 0.0));
    for (int64_t n = 0; n < io->y.shape[0]; n++) {
        const double *const row = x + n * depth;
        double *const scratch = weight + depth;
        double sum;
        if (s->contract.quant_bits > 0 || row_scale != NULL) {
            sum = sim_work(s, sim_dot(s, &order, row, weight, depth, scratch) * scale);
            sum = row_scale != NULL ? sim_work(s, sum * row_scale[n]) : sum;
            sum = assay_present(&params->bias) ? sim_work(s, sum + bias) : sum;
        } else if (assay_present(&params->bias)) {
            sum = sim_dot_biased(s, &order, row, weight, depth, bias, scratch);
        } else {
            sum = sim_dot(s, &order, row, weight, depth, scratch);
        }
        sim_put(s, &io->y, n, o, sum);
    }
}

assay_status sim_linear(const simulated *s, const assay_exec *exec,
                        const assay_linear_params *params, const assay_linear_io *io)
{
    const int64_t rows = io->x.shape[0];
    const int64_t depth = params->weight.shape[1];
    const int64_t stretch = depth + sim_scratch(depth);
    double *memory = sim_take(exec, stretch);
    double *x = calloc((size_t)(rows * (depth + 1)) + 1, sizeof *x);
    const bool scaled = s->contract.operand_scale != ASSAY_SCALE_NONE;
    double *const row_scale = scaled && x != NULL ? x + rows * depth : NULL;
    assay_status status = memory != NULL && x != NULL ? ASSAY_OK : ASSAY_NO_MEMORY;
    if (status == ASSAY_OK) {
        for (int64_t n = 0; n < rows; n++) {
            sim_load(&io->x, n, x + n * depth);
            if (scaled) {
                row_scale[n] = sim_scaled_row(s, x + n * depth, depth);
            }
        }
        for (int64_t k = 0; !scaled && k < rows * depth; k++) {
            x[k] = sim_operand(s, x[k]);
        }
#pragma omp parallel for num_threads(sim_threads(exec)) schedule(dynamic, 8)
        for (int64_t o = 0; o < io->y.shape[1]; o++) {
            linear_column(s, params, io, o, x, row_scale, sim_own(memory, stretch));
        }
    }
    free(memory);
    free(x);
    return status;
}

static void rotate_pair(const simulated *s, const assay_rope_io *io, int64_t n, int64_t low,
                        int64_t high, double cosine, double sine)
{
    const double a = sim_read(s, assay_at2(&io->x, n, low));
    const double b = sim_read(s, assay_at2(&io->x, n, high));
    sim_put(s, &io->y, n, low,
            sim_kept(s, sim_kept(s, a * cosine) - sim_kept(s, b * sine)));
    sim_put(s, &io->y, n, high,
            sim_kept(s, sim_kept(s, b * cosine) + sim_kept(s, a * sine)));
}

assay_status sim_rope(const simulated *s, const assay_exec *exec, const assay_rope_params *params,
                      const assay_rope_io *io)
{
    const int64_t half = params->head_dim / 2;
    const assay_dtype type = s->contract.angle == ASSAY_NONE ? sim_work_type(s)
                                                             : s->contract.angle;
#pragma omp parallel for num_threads(sim_threads(exec)) schedule(static)
    for (int64_t n = 0; n < io->y.shape[0]; n++) {
        const double position = sim_round(type, assay_at1(&io->position, n));
        for (int64_t i = 0; i < half; i++) {
            const double frequency = sim_round(type, params->inverse_frequency[i]);
            const double angle = sim_round(type, position * frequency);
            const double cosine = sim_kept(s, cos(angle));
            const double sine = sim_kept(s, sin(angle));
            for (int64_t head = 0; head < io->y.shape[1]; head += params->head_dim) {
                rotate_pair(s, io, n, head + i, head + i + half, cosine, sine);
            }
        }
    }
    return ASSAY_OK;
}
