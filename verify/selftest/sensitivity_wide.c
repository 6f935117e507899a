/* Ops at the widths of published systems. The kernel runs on a few rows of them, and is judged at a
 * sample of the columns of each, by the oracle's subsets, as `assay verify` judges large outputs.
 * Of a distribution the oracle has every token, and whole rows are judged before faults are
 * planted; what those change is then judged at the sampled tokens and the drawn one, whose verdict
 * is the row's: each probability has a budget of its own, and the draw stays as it was. */
#include "fixtures/synth/normal.h"
#include "verify/sampled.h"
#include "verify/selftest/sensitivity.h"

/* Sizes of an 8B model. */
static const struct {
    assay_op op;
    const char *shape, *json;
} wide_cases[] = {
    {ASSAY_OP_embed, "4x4096", "\"shape\": {\"n\": 4, \"vocab\": 50, \"d\": 4096}"},
    {ASSAY_OP_add, "4x4096", "\"shape\": {\"n\": 4, \"d\": 4096}"},
    {ASSAY_OP_rmsnorm, "4x4096", "\"shape\": {\"n\": 4, \"d\": 4096}"},
    {ASSAY_OP_rope, "4x32x128 to position 8000",
     "\"shape\": {\"n\": 4, \"heads\": 32, \"head_dim\": 128}, "
     "\"max_position\": 8000, \"factor\": 8"},
    {ASSAY_OP_attention, "2x32x128, 4096 keys",
     "\"shape\": {\"heads\": 32, \"kv_heads\": 8, \"head_dim\": 128}, "
     "\"sequences\": [[4094, 2]]"},
    {ASSAY_OP_swiglu, "4x14336", "\"shape\": {\"n\": 4, \"d\": 14336}"},
    {ASSAY_OP_adapter, "2x4096, full rank",
     "\"shape\": {\"n\": 2, \"d\": 4096, \"r\": 64}, \"type\": \"full_rank\""},
    {ASSAY_OP_adapter, "2x4096, affine and rank 64",
     "\"shape\": {\"n\": 2, \"d\": 4096, \"r\": 64}, "
     "\"type\": \"scalar_affine_plus_low_rank\""},
    {ASSAY_OP_sample, "2x128256",
     "\"shape\": {\"n\": 2, \"v\": 128256}, \"temperature\": 1"},
};
enum { WIDE_CASES = sizeof wide_cases / sizeof *wide_cases };

void assay_sense_strata(int64_t all, int64_t count, uint64_t seed, const char *stream,
                        uint64_t first, int64_t *list)
{
    for (int64_t i = 0; i < count; i++) {
        const int64_t start = i * all / count;
        const int64_t width = (i + 1) * all / count - start;
        const uint64_t draw = assay_draw_below(seed, assay_stream(stream), first + (uint64_t)i,
                                               (uint64_t)width);
        list[i] = i == 0 ? 0 : i == count - 1 ? all - 1 : start + (int64_t)draw;
    }
}

static void name_shape(const char *text, int64_t sampled, int64_t columns, assay_sensed *sensed)
{
    (void)snprintf(sensed->shape, sizeof sensed->shape, "%s, %lld of %lld columns", text,
                   (long long)sampled, (long long)columns);
}

assay_status assay_sense_columns(assay_measure *m, const assay_kernel *kernel, const char *shape,
                                 uint64_t seed, assay_sensed *sensed, assay_error *error)
{
    const assay_tensor *const y = assay_measure_output(m);
    const int64_t rows = y->shape[0];
    const int64_t columns = y->shape[1];
    const int64_t count = columns < ASSAY_SENSE_COLUMNS ? columns : ASSAY_SENSE_COLUMNS;
    int64_t *const row = assay_arena_take(&m->arena, (size_t)(rows + count) * sizeof *row);
    if (row == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a sample of columns");
    }
    int64_t *const column = row + rows;
    for (int64_t i = 0; i < rows; i++) {
        row[i] = i;
    }
    assay_sense_strata(columns, count, seed, "column", 0, column);
    const assay_subset subset = {row, rows, column, count};
    assay_probe probe = {.kernel = kernel, .rows = rows, .columns = count};
    assay_budget budget;
    assay_status status = assay_sampled_elements(&m->step, &m->got, &kernel->precision, &subset,
                                                 &m->arena, &probe.truth, &budget, error);
    if (status == ASSAY_OK) {
        status = assay_sampled_gather(y, &subset, &m->arena, &probe.values, error);
    }
    if (status == ASSAY_OK) {
        probe.budget = budget.value;
        name_shape(shape, count, columns, sensed);
        status = assay_sense(&probe, seed, sensed, error);
    }
    return status;
}

/* The sampled tokens of whole, then the one that was drawn: `count` and one more. */
static assay_status narrow(assay_measure *m, const int64_t *column, int64_t count,
                           const assay_distribution *whole, assay_distribution *part,
                           assay_sample_io *got, assay_error *error)
{
    const assay_sample_io *const from = &m->got.sample;
    const int64_t shape[2] = {from->logits.shape[0], count + 1};
    const assay_dtype type = from->probability.dtype;
    assay_status status = ASSAY_OK;
    assay_tensor tensor[3] = {{.rank = 0}};
    *got = *from;
    got->logits = assay_dense(NULL, from->logits.dtype, 2, shape);
    status = assay_buffer_make(&m->arena, type, 2, shape, &got->probability, error);
    if (status == ASSAY_OK) {
        status = assay_buffer_make(&m->arena, ASSAY_I32, 1, shape, &got->token, error);
    }
    for (int v = 0; v < ASSAY_NUCLEI && status == ASSAY_OK; v++) {
        for (int t = 0; t < 3 && status == ASSAY_OK; t++) {
            status = assay_buffer_make(&m->arena, t == 2 ? ASSAY_I32 : ASSAY_F64, t == 2 ? 1 : 2,
                                       shape, &tensor[t], error);
        }
        part[v] = (assay_distribution){tensor[0].data, tensor[1].data, tensor[2].data};
        for (int64_t i = 0; status == ASSAY_OK && i < shape[0] * shape[1]; i++) {
            const int64_t row = i / shape[1];
            const int64_t at = i % shape[1];
            const int64_t token = at < count ? column[at] : (int64_t)assay_at1(&from->token, row);
            const int64_t place = row * from->logits.shape[1] + token;
            part[v].probability[i] = whole[v].probability[place];
            part[v].budget[i] = whole[v].budget[place];
            part[v].token[row] = (int32_t)count;
            assay_put1(&got->token, row, (double)count);
            assay_put2(&got->probability, row, at, assay_at2(&from->probability, row, token));
        }
    }
    return status;
}

static assay_status sense_tokens(assay_measure *m, const assay_kernel *kernel, const char *shape,
                                 uint64_t seed, assay_sensed *sensed, assay_error *error)
{
    int64_t column[ASSAY_SENSE_COLUMNS];
    assay_distribution whole[ASSAY_NUCLEI];
    assay_distribution part[ASSAY_NUCLEI];
    assay_measure sampled = *m;
    assay_result result;
    memset(&result, 0, sizeof result);
    const int64_t tokens = m->got.sample.logits.shape[1];
    assay_sense_strata(tokens, ASSAY_SENSE_COLUMNS, seed, "column", 0, column);
    assay_status status = assay_sample_truth_make(&kernel->precision, &m->step, &m->got.sample,
                                                  &m->arena, whole, error);
    if (status == ASSAY_OK) {
        assay_compare_sample(m->step.params, whole, &m->got.sample, &result);
    }
    if (status == ASSAY_OK && result.verdict != ASSAY_PASS) {
        return assay_fail(error, ASSAY_INTERNAL, "%s of a right kernel: %s", shape,
                          result.message);
    }
    if (status == ASSAY_OK) {
        status = narrow(m, column, ASSAY_SENSE_COLUMNS, whole, part, &sampled.got.sample, error);
    }
    if (status == ASSAY_OK) {
        name_shape(shape, ASSAY_SENSE_COLUMNS, tokens, sensed);
        const assay_probe probe = {
            .kernel = kernel, .values = sampled.got.sample.probability,
            .rows = sampled.got.sample.logits.shape[0], .columns = ASSAY_SENSE_COLUMNS + 1,
            .truth = part[0].probability, .budget = part[0].budget, .measure = &sampled,
            .nucleus = part};
        status = assay_sense(&probe, seed, sensed, error);
    }
    return status;
}

/* The place of an op's case number nth in wide_cases; past the end: there is none. */
static size_t find_case(assay_op op, size_t nth)
{
    size_t i = 0;
    while (i < WIDE_CASES && (wide_cases[i].op != op || nth-- > 0)) {
        i++;
    }
    return i;
}

size_t assay_sense_wide_count(assay_op op)
{
    size_t count = 0;
    while (find_case(op, count) < WIDE_CASES) {
        count++;
    }
    return count;
}

assay_status assay_sense_wide(const assay_kernel *kernel, size_t nth, uint64_t seed,
                              assay_sensed *sensed, assay_error *error)
{
    const size_t which = find_case(kernel->op, nth);
    if (which == WIDE_CASES) {
        return assay_fail(error, ASSAY_INTERNAL, "%s has no case %zu of a true shape",
                          assay_op_name(kernel->op), nth);
    }
    char text[512];
    assay_measure m;
    (void)snprintf(text, sizeof text,
                   "{\"id\": \"sensitivity\", \"op\": \"%s\", \"scale\": 0.7, %s}",
                   assay_op_name(kernel->op), wide_cases[which].json);
    cJSON *const json = cJSON_Parse(text);
    assay_status status = assay_measure_begin(json, seed, kernel, &m, error);
    if (status == ASSAY_OK) {
        status = (kernel->op == ASSAY_OP_sample ? sense_tokens : assay_sense_columns)(
            &m, kernel, wide_cases[which].shape, seed, sensed, error);
    }
    assay_measure_close(&m);
    cJSON_Delete(json);
    return status;
}
