#include "verify/selftest/probe.h"

#include <math.h>
#include <stdlib.h>

#include "assay/philox.h"

enum { TRIALS = 200 };

/* Where a value stands, and which element of the truth it is. */
typedef struct place {
    int64_t at, i;
} place;

typedef struct trials {
    int64_t count;
    place *places; /* values that are judged and whose row is not all zero */
    double *rms;   /* [rows] */
} trials;

static void measure_rows(const assay_probe *probe, double *rms)
{
    for (int64_t row = 0; row < probe->rows; row++) {
        double square = 0.0;
        int64_t finite = 0;
        for (int64_t j = 0; j < probe->columns; j++) {
            const double y = probe->truth[row * probe->columns + j];
            square += isfinite(y) ? y * y : 0.0;
            finite += isfinite(y);
        }
        rms[row] = finite > 0 ? sqrt(square / (double)finite) : 0.0;
    }
}

static void add_place(const assay_probe *probe, trials *t, int64_t at, int64_t i)
{
    const double scale = t->rms[i / probe->columns];
    if (isfinite(probe->truth[i]) && isfinite(probe->budget[i]) && scale > 0.0) {
        t->places[t->count++] = (place){at, i};
    }
}

static void find_places(const assay_probe *probe, trials *t)
{
    if (probe->codes == NULL) {
        for (int64_t i = 0; i < probe->rows * probe->columns; i++) {
            add_place(probe, t, i, i);
        }
        return;
    }
    for (int64_t row = 0; row < probe->rows; row++) {
        const int64_t end = (int64_t)assay_at1(&probe->codes->row_offsets, row + 1);
        for (int64_t e = (int64_t)assay_at1(&probe->codes->row_offsets, row); e < end; e++) {
            add_place(probe, t, e,
                      row * probe->columns + (int64_t)assay_at1(&probe->codes->latent, e));
        }
    }
}

/* Of the narrowest type that a result passes. */
static double ulp_of(assay_dtype type, double value)
{
    int exponent = 0;
    (void)frexp(value, &exponent);
    const int last = exponent - assay_dtype_bits(type);
    const int least = assay_dtype_least_exponent(type);
    return ldexp(1.0, value == 0.0 || last < least ? least : last);
}

static double fault_of(const assay_probe *probe, const trials *t, const place *p,
                       assay_fault_unit unit, double size)
{
    const double rms = t->rms[p->i / probe->columns];
    const assay_limit *const limit = probe->limit;
    switch (unit) {
    case ASSAY_FAULT_RMS: return size * rms;
    case ASSAY_FAULT_ULP: return size * ulp_of(assay_kept_in(&probe->kernel->precision,
                                                             probe->kernel->op),
                                               probe->truth[p->i]);
    case ASSAY_FAULT_LIMIT: break;
    }
    return size * (limit->rms * rms + limit->ulp * ulp_of(limit->kept, probe->truth[p->i]) +
                   (limit->accumulation != NULL ? limit->accumulation[p->i] : 0.0));
}

static bool is_caught(const assay_probe *probe)
{
    assay_result result;
    memset(&result, 0, sizeof result);
    if (probe->codes != NULL) {
        assay_compare_codes(probe->codes, probe->codes_truth, true, &result);
    } else if (probe->measure != NULL) {
        assay_compare_sample(probe->measure->step.params, probe->nucleus,
                             &probe->measure->got.sample, &result);
    } else {
        const assay_budget budget = {.rows = probe->rows, .columns = probe->columns,
                                     .value = probe->budget};
        assay_compare_elements(&probe->values, probe->truth, &budget, "row", true, &result);
    }
    return result.verdict == ASSAY_FAIL;
}

/* How many of the trials catch it. The same elements and signs whatever the size. */
static int count_caught(const assay_probe *probe, const trials *t, assay_fault_unit unit,
                        double size, uint64_t seed)
{
    int count = 0;
    for (uint64_t trial = 0; trial < TRIALS; trial++) {
        const assay_philox_block block = assay_philox(seed, trial, 0x5e45u);
        const uint64_t draw = (uint64_t)block.word[0] << 32 | block.word[1];
        const place *const p = &t->places[draw % (uint64_t)t->count];
        const double fault = fault_of(probe, t, p, unit, size);
        const double right = assay_buffer_get(&probe->values, p->at);
        assay_store(probe->values.dtype, probe->values.data, (size_t)p->at,
                    (block.word[2] & 1u) != 0 ? right + fault : right - fault);
        count += is_caught(probe);
        assay_store(probe->values.dtype, probe->values.data, (size_t)p->at, right);
    }
    return count;
}

static assay_status prepare(const assay_probe *probe, trials *t, assay_error *error)
{
    const int64_t values = probe->rows * probe->columns;
    t->count = 0;
    t->rms = calloc((size_t)probe->rows + 1, sizeof *t->rms);
    t->places = calloc((size_t)values + 1, sizeof *t->places);
    if (t->rms == NULL || t->places == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for %lld values",
                          (long long)values);
    }
    measure_rows(probe, t->rms);
    find_places(probe, t);
    return t->count > 0 ? ASSAY_OK
                        : assay_fail(error, ASSAY_INTERNAL, "no value to plant a fault in");
}

assay_status assay_probe_caught(const assay_probe *probe, assay_fault_unit unit, double size,
                                uint64_t seed, double *part, assay_error *error)
{
    trials t = {.count = 0};
    const assay_status status = prepare(probe, &t, error);
    *part = status == ASSAY_OK
        ? (double)count_caught(probe, &t, unit, size, seed) / TRIALS : 0.0;
    free(t.rms);
    free(t.places);
    return status;
}

assay_status assay_probe_least(const assay_probe *probe, assay_fault_unit unit, uint64_t seed,
                               double *least, assay_error *error)
{
    const int wanted = TRIALS * 95 / 100;
    double low = -60.0; /* log2 of the size: not caught, then caught */
    double high = 60.0;
    trials t = {.count = 0};
    const assay_status status = prepare(probe, &t, error);
    if (status == ASSAY_OK && count_caught(probe, &t, unit, exp2(high), seed) < wanted) {
        low = high = (double)INFINITY;
    }
    while (status == ASSAY_OK && high - low > 0.02) {
        const double middle = 0.5 * (low + high);
        const bool caught = count_caught(probe, &t, unit, exp2(middle), seed) >= wanted;
        low = caught ? low : middle;
        high = caught ? middle : high;
    }
    *least = exp2(high);
    free(t.rms);
    free(t.places);
    return status;
}
