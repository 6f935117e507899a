#include "verify/draw.h"

#include <math.h>
#include <stdlib.h>

#include "ref/oracle.h"
#include "verify/compare.h"

typedef struct ranked {
    double logit;
    int64_t token;
} ranked;

static int descending(const void *a, const void *b)
{
    const ranked *const x = a;
    const ranked *const y = b;
    return x->logit != y->logit ? (x->logit > y->logit ? -1 : 1) : x->token > y->token ? -1 : 1;
}

/* What the arithmetic of a sampler of that contract may move the running sum of p by, at most: over
 * all tokens, since who is among the kept is asked apart, and fewer terms err less. */
static assay_status find_slack(const assay_sample_params *params, const assay_precision *contract,
                               const double *logits, assay_arena *arena, assay_draw *draw,
                               assay_error *error)
{
    const int64_t shape[2] = {1, draw->vocab};
    const assay_sample_params all_kept = {.temperature = params->temperature, .top_p = 1.0};
    assay_sample_io io = {.step = 0};
    assay_error_model model = {.quick = false};
    assay_tensor *const all[] = {&io.logits, &io.probability, &model.bound, &model.sigma};
    assay_status status = assay_buffer_make(arena, ASSAY_I64, 1, shape, &io.stream, error);
    status = status == ASSAY_OK ? assay_buffer_make(arena, ASSAY_I32, 1, shape, &io.token, error)
                                : status;
    for (int i = 0; i < 4 && status == ASSAY_OK; i++) {
        status = assay_buffer_make(arena, ASSAY_F64, 2, shape, all[i], error);
    }
    if (status == ASSAY_OK) {
        memcpy(io.logits.data, logits, (size_t)draw->vocab * sizeof *logits);
        status = assay_ref_sample(&all_kept, &io, contract, &model, error);
    }
    draw->slack = ASSAY_WITNESS_AGREEMENT; /* of the float64 sums here */
    for (int64_t v = 0; v < draw->vocab && status == ASSAY_OK; v++) {
        draw->slack += assay_buffer_get(&model.bound, v) +
                       assay_lambda() * assay_buffer_get(&model.sigma, v);
    }
    return status;
}

/* x / (x + y), of sums that are known to within a factor; nothing of nothing is none of it. */
static double part(double x, double y)
{
    return x > 0.0 ? x / (x + y) : 0.0;
}

/* The mass before place i of the order, at least and at most: `above` tokens are surely greater,
 * `near` (i among them) may be. */
static double least_before(const assay_draw *d, int64_t above, int64_t sure, int64_t may)
{
    const double x = d->sum[above < sure ? above : sure];
    return part(x / d->spread, d->spread * (d->sum[may] - x));
}

static double most_before(const assay_draw *d, int64_t i, int64_t near, int64_t sure, int64_t may)
{
    const double own = d->sum[i + 1] - d->sum[i];
    const double x = d->sum[near < may ? near : may] - own;
    const double y = sure > near ? d->sum[sure] - d->sum[near] : 0.0;
    return part(d->spread * x, (y + own) / d->spread);
}

/* The first `certain` and `possible` places: by top_k, then, of what that leaves, by top_p. */
static void cut(const assay_sample_params *params, const ranked *sorted, double budget,
                assay_draw *d)
{
    const int64_t k = params->top_k > 0 && params->top_k < d->vocab ? params->top_k : d->vocab;
    for (int pass = 0; pass < 2; pass++) {
        const int64_t sure = pass == 0 ? d->vocab : d->certain;
        const int64_t may = pass == 0 ? d->vocab : d->possible;
        const bool nucleus = pass == 1 && params->top_p < 1.0;
        int64_t above = 0;
        int64_t near = 0;
        int64_t certain = 0;
        int64_t possible = 0;
        bool still = true;
        for (int64_t i = 0; i < d->vocab; i++) {
            while (near < d->vocab && sorted[near].logit >= sorted[i].logit - 2.0 * budget) {
                near++;
            }
            while (sorted[above].logit > sorted[i].logit + 2.0 * budget) {
                above++;
            }
            const bool in = nucleus ? near == 1 || most_before(d, i, near, sure, may) <
                                                       params->top_p - d->slack
                                    : near - 1 < k;
            const bool may_be = nucleus ? above == 0 || least_before(d, above, sure, may) <
                                                            params->top_p + d->slack
                                        : above < k;
            still = still && in && i < sure;
            certain += still ? 1 : 0;
            possible = may_be && i < may ? i + 1 : possible;
        }
        d->certain = certain;
        d->possible = possible;
    }
}

assay_status assay_draw_make(const assay_sample_params *params, const assay_precision *contract,
                             const double *logits, double budget, int64_t vocab, double uniform,
                             assay_arena *arena, assay_draw *draw, assay_error *error)
{
    const size_t count = (size_t)vocab;
    ranked *const sorted = assay_arena_take(arena, count * sizeof *sorted);
    *draw = (assay_draw){.vocab = vocab, .uniform = uniform};
    draw->rank = assay_arena_take(arena, count * sizeof *draw->rank);
    draw->weight = assay_arena_take(arena, count * sizeof *draw->weight);
    draw->sum = assay_arena_take(arena, (count + 1) * sizeof *draw->sum);
    if (sorted == NULL || draw->rank == NULL || draw->weight == NULL || draw->sum == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a draw");
    }
    double greatest = 0.0;
    for (int64_t v = 0; v < vocab; v++) {
        sorted[v] = (ranked){logits[v], v};
        greatest = fmax(greatest, isfinite(logits[v]) ? fabs(logits[v]) : (double)INFINITY);
    }
    /* The quotient by T and the difference from the greatest are rounded; the exponential is known
     * to some units (REF_FUNCTION_UNITS), which order tokens that are nearly alike. */
    const double units = 4.0 * greatest + 8.0 * params->temperature;
    const double moved = budget + ldexp(units, -contract->accumulate.bits);
    draw->spread = exp(moved / params->temperature);
    if (!isfinite(draw->spread)) {
        draw->spread = (double)INFINITY;
        return ASSAY_OK;
    }
    const assay_status status = find_slack(params, contract, logits, arena, draw, error);
    qsort(sorted, count, sizeof *sorted, descending);
    for (int64_t i = 0; i < vocab; i++) {
        draw->rank[sorted[i].token] = i;
        draw->weight[sorted[i].token] =
            exp((sorted[i].logit - sorted[0].logit) / params->temperature);
        draw->sum[i + 1] = draw->sum[i] + draw->weight[sorted[i].token];
    }
    cut(params, sorted, moved, draw);
    return status;
}

assay_drawn assay_draw_judge(const assay_draw *d, int64_t token)
{
    double sure = 0.0; /* before the token, of what surely and of what possibly is in */
    double may = 0.0;
    if (token < 0 || token >= d->vocab) {
        return ASSAY_DRAWN_WRONG;
    }
    if (!isfinite(d->spread)) {
        return ASSAY_DRAWN_OPEN;
    }
    for (int64_t v = 0; v < token; v++) {
        sure += d->rank[v] < d->certain ? d->weight[v] : 0.0;
        may += d->rank[v] < d->possible ? d->weight[v] : 0.0;
    }
    const double e = d->spread;
    const double own = d->weight[token];
    const bool certain = d->rank[token] < d->certain;
    const double all_sure = d->sum[d->certain];
    const double all_may = d->sum[d->possible];
    const double first_least = part(sure / e, e * (all_may - may));
    const double first_most = part(e * may, fmax(all_sure - sure, 0.0) / e);
    const double last_least = part((sure + own) / e, e * fmax(all_may - may - own, 0.0));
    const double last_most =
        part(e * (may + own), fmax(all_sure - sure - (certain ? own : 0.0), 0.0) / e);
    if (d->rank[token] >= d->possible || d->uniform < first_least - d->slack ||
        d->uniform > last_most + d->slack) {
        return ASSAY_DRAWN_WRONG;
    }
    return certain && d->uniform > first_most + d->slack && d->uniform < last_least - d->slack
               ? ASSAY_DRAWN_RIGHT
               : ASSAY_DRAWN_OPEN;
}
