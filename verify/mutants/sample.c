/* Wrong sampling: the scalar kernel's steps, in another order or with other numbers. */
#include "verify/mutants/sample.h"

#include <float.h>

#include "kernels/scalar/sample.h"

enum { FAULT_sample_none, SAMPLE_MUTANTS(MUTANT_FAULT) };
#define IS(name) (fault == FAULT_sample_##name)

static int64_t greedy(int fault, const assay_tensor *logits, int64_t row)
{
    const int64_t vocab = logits->shape[1] - (IS(last_token) && logits->shape[1] > 1 ? 1 : 0);
    const bool finite = IS(finite_start);
    int64_t best = finite ? vocab - 1 : 0;
    double greatest = finite ? -(double)FLT_MAX : assay_at2(logits, row, 0);
    for (int64_t t = finite ? 0 : 1; t < vocab; t++) {
        const double given = assay_at2(logits, row, t);
        const double value = IS(greedy_bf16) ? (double)scalar_rounded(ASSAY_BF16, (float)given)
                                             : given;
        const bool first_nan = isnan(value) && !isnan(greatest) && !IS(nan_skipped);
        if (value > greatest || (IS(tie_highest) && value >= greatest) || first_nan) {
            greatest = value;
            best = t;
        }
    }
    return IS(token_16) ? best & 0xffff : best;
}

/* Of every `block` scores the greatest `most` alone stay. */
static void keep_greatest(float *score, int64_t vocab, int64_t block, int64_t most)
{
    for (int64_t start = 0; start < vocab; start += block) {
        const int64_t end = scalar_min(start + block, vocab);
        for (int64_t left = end - start; left > most; left--) {
            int64_t least = -1;
            for (int64_t t = start; t < end; t++) {
                const bool lower = least < 0 || score[t] < score[least];
                least = score[t] != -INFINITY && lower ? t : least;
            }
            if (least < 0) {
                break;
            }
            score[least] = -INFINITY;
        }
    }
}

/* The weights that are left, 0 for the others; returns what they are divided by. */
static double weigh(int fault, const assay_sample_params *params, const assay_sample_io *io,
                    const scalar_sample_scratch *scratch)
{
    const int64_t vocab = io->logits.shape[1];
    const bool silent = !assay_present(&io->probability);
    int64_t k = silent && IS(silent_whole_k) ? 0 : params->top_k;
    double p = silent && IS(silent_whole) ? 1.0 : params->top_p;
    k = IS(hidden_top_k) && k == 0 ? 50 : k;
    k += k > 1 && IS(top_k_less) ? -1 : k > 0 && IS(top_k_more) ? 1 : 0;
    k = IS(top_k_1024) ? scalar_min(k, 1024) : k;
    p = IS(top_p_half) ? fmax(p, 0.5) : p;
    if ((IS(block_16) && k > 16) || (IS(nucleus_8192) && p < 1.0 && k == 0)) {
        keep_greatest(scratch->score, vocab, IS(block_16) ? 512 : vocab,
                      IS(block_16) ? 16 : 8192);
    }
    p = IS(hidden_top_p) && p >= 1.0 ? 0.9 : p;
    p = IS(top_p_zero) && p == 0.0 ? 1.0 : p;
    p += IS(top_p_met) && p < 1.0 ? 1e-9 : 0.0;
    if (k > 0 && k < vocab && !IS(p_before_k)) {
        scalar_sample_top_k(scratch, vocab, k);
    }
    const double whole = scalar_sample_weigh(scratch, vocab);
    double total = p < 1.0 && whole > 0.0 ? scalar_sample_top_p(scratch, vocab, p, whole) : whole;
    if (IS(p_before_k) && k > 0 && k < vocab) {
        for (int64_t t = 0; t < vocab; t++) {
            scratch->score[t] = scratch->weight[t] > 0.0 ? scratch->score[t] : -INFINITY;
        }
        scalar_sample_top_k(scratch, vocab, k);
        total = scalar_sample_weigh(scratch, vocab);
    }
    for (int64_t t = 0; t < vocab && IS(masked_leak) && p < 1.0; t++) {
        const bool masked = isinf(scratch->score[t]) && isfinite(total);
        scratch->weight[t] = masked ? 1e-3 * total : scratch->weight[t];
    }
    return IS(not_renormalised) ? whole : total;
}

/* The least of the weights left (last of equals when `last`), or the greatest dropped. */
static int64_t boundary(const scalar_sample_scratch *scratch, int64_t vocab, bool dropped)
{
    int64_t found = -1;
    for (int64_t t = 0; t < vocab; t++) {
        const bool out = scratch->weight[t] == 0.0;
        if (out == dropped &&
            (found < 0 || (dropped ? scratch->score[t] > scratch->score[found]
                                   : scratch->score[t] < scratch->score[found]))) {
            found = t;
        }
    }
    return found;
}

/* Takes the token at the boundary of what is left out, or lets the next one in. */
static double move_boundary(int fault, const assay_sample_params *params, int64_t vocab,
                            const scalar_sample_scratch *scratch, double total)
{
    const bool more = IS(top_p_more);
    if (params->top_p >= 1.0 || (!more && !IS(top_p_less))) {
        return total;
    }
    const int64_t at = boundary(scratch, vocab, more);
    float greatest = -INFINITY;
    for (int64_t t = 0; t < vocab; t++) {
        greatest = scratch->score[t] > greatest ? scratch->score[t] : greatest;
    }
    if (at < 0 || (!more && scratch->score[at] == greatest)) {
        return total;
    }
    const double weight = more ? exp((double)scratch->score[at] - (double)greatest)
                               : scratch->weight[at];
    scratch->weight[at] = more ? weight : 0.0;
    return more ? total + weight : total - weight;
}

/* Of the equals of the k-th greatest only as many as make k. */
static double drop_equals(int fault, const assay_sample_params *params, int64_t vocab,
                          const scalar_sample_scratch *scratch, double total)
{
    int64_t left = 0;
    for (int64_t t = 0; t < vocab; t++) {
        left += scratch->weight[t] > 0.0 ? 1 : 0;
    }
    const bool strict = IS(top_k_strict) || (IS(top_k_one) && params->top_k == 1);
    while (strict && params->top_k > 0 && left > params->top_k) {
        const int64_t at = boundary(scratch, vocab, false);
        total -= scratch->weight[at];
        scratch->weight[at] = 0.0;
        left--;
    }
    return total;
}

static int64_t draw_descending(const scalar_sample_scratch *scratch, int64_t vocab, double total,
                               double u)
{
    double sum = 0.0;
    int64_t best = -1;
    for (int64_t taken = 0; taken < vocab; taken++) {
        best = -1;
        for (int64_t t = 0; t < vocab; t++) {
            best = scratch->weight[t] > 0.0 &&
                           (best < 0 || scratch->weight[t] > scratch->weight[best])
                       ? t
                       : best;
        }
        if (best < 0 || (sum += scratch->weight[best] / total) > u) {
            break;
        }
        scratch->weight[best] = 0.0;
    }
    return best;
}

static double uniform(int fault, const assay_sample_params *params, const assay_sample_io *io,
                      int64_t row)
{
    if (assay_present(&io->uniform) && !IS(uniform_ignored) && !(IS(u_at_0) && io->step != 0)) {
        return assay_at1(&io->uniform, row);
    }
    uint64_t stream = (uint64_t)(IS(row_stream) ? row : scalar_index(&io->stream, row));
    uint64_t step = IS(step_ignored) ? 0 : (uint64_t)io->step;
    uint64_t seed = IS(seed_ignored) ? 0 : params->seed;
    stream = IS(stream_32) ? (uint32_t)stream : stream;
    step = IS(step_32) ? (uint32_t)step : step;
    seed = IS(seed_32) ? (uint32_t)seed : IS(seed_zero) && seed == 0 ? 1 : seed;
    return IS(counters_swapped) ? assay_philox_uniform(seed, step, stream)
                                : assay_philox_uniform(seed, stream, step);
}

static int64_t warm(int fault, const assay_sample_params *params, const assay_sample_io *io,
                    int64_t row, const scalar_sample_scratch *scratch)
{
    const int64_t vocab = io->logits.shape[1];
    const double given = params->temperature;
    const double t = (IS(near_one) && fabs(given - 1.0) < 0.05) ? 1.0
                     : IS(hot_2)                                ? fmin(given, 2.0)
                                                                : given;
    const double divisor = IS(no_temperature) ? 1.0 : IS(multiplied) ? 1.0 / t : t;
    double total = NAN;
    if (scalar_sample_scale(&io->logits, row, divisor, scratch->score)) {
        total = weigh(fault, params, io, scratch);
        total = move_boundary(fault, params, vocab, scratch, total);
        total = drop_equals(fault, params, vocab, scratch, total);
    }
    const bool defined = total > 0.0 && !(IS(one_token) && vocab == 1);
    for (int64_t v = 0; v < vocab && assay_present(&io->probability); v++) {
        assay_put2(&io->probability, row, v, defined ? scratch->weight[v] / total : NAN);
    }
    const double u = uniform(fault, params, io, row);
    return !defined         ? -1
           : IS(descending) ? draw_descending(scratch, vocab, total, u)
                            : scalar_sample_draw(scratch->weight, vocab, total, u);
}

static assay_status faulty_sample(int fault, assay_dtype type, const assay_exec *exec,
                                  const assay_sample_params *params, const assay_sample_io *io)
{
    (void)type;
    const int64_t vocab = io->logits.shape[1];
    for (int64_t row = 0; row < io->logits.shape[0]; row++) {
        int64_t token = 0;
        if (params->temperature > 0.0) {
            scalar_sample_scratch scratch = {.weight = exec->workspace};
            scratch.score = (float *)(void *)(scratch.weight + vocab);
            scratch.heap = (int32_t *)(void *)(scratch.score + vocab);
            token = warm(fault, params, io, row, &scratch);
        } else {
            token = greedy(fault, &io->logits, row);
            for (int64_t t = 0; t < vocab && assay_present(&io->probability); t++) {
                assay_put2(&io->probability, row, t, t == token ? 1.0 : 0.0);
            }
        }
        const bool cut = params->temperature > 0.0 ? IS(warm_row_limit) : IS(row_limit);
        token = cut && row >= 65536 ? 0 : token;
        if (IS(stream_once) && row > 0 && params->temperature > 0.0 &&
            scalar_index(&io->stream, row) == scalar_index(&io->stream, row - 1)) {
            token = (int64_t)assay_at1(&io->token, row - 1);
        }
        assay_put1(&io->token, row, (double)token);
    }
    return ASSAY_OK;
}

#define MUTANT_WORKSPACE scalar_sample_workspace
#define MUTANT_CAPABILITIES ASSAY_CAN_PROBABILITY
SAMPLE_TWINS(MUTANT_TWIN_RUN)
SAMPLE_MUTANTS(MUTANT_RUN)
static const assay_kernel kernels[] = {
    SAMPLE_TWINS(MUTANT_TWIN_KERNEL) SAMPLE_MUTANTS(MUTANT_KERNEL)};
MUTANT_EXPORT(sample, kernels)
