/* Steps as subjects: one kernel on generated operands (fixtures/synth/cases.h). */
#include <stdlib.h>
#include <sys/mman.h>

#include "bench/clock.h"
#include "bench/step_call.h"
#include "bench/subject.h"
#include "fixtures/synth/cases.h"
#include "ref/oracle.h"
#include "verify/step.h"

enum { SETS_MAX = 8, ALIGNMENT = 256, HUGE_BYTES = 2 << 20 };

/* More sets than fit into this much memory are not made. */
static const double sets_bytes_most = 0x1p29;
/* Room for codes at first, as a multiple of what a first call listed. */
static const double codes_spare = 1.5;

typedef struct operand_set {
    assay_generated_case inputs;
    assay_any_io io;
    void *block; /* of the outputs */
    size_t bytes;
} operand_set;

struct assay_bench_subject {
    const assay_kernel *kernel;
    assay_exec exec;
    cJSON *json; /* of the current batch size */
    assay_generated_case weights;
    const void *params;
    void *state;
    bool prepared;
    void *workspace;
    size_t workspace_bytes;
    int64_t codes_room; /* of sae_encode's lists */
    operand_set set[SETS_MAX];
    size_t set_count;
};

static void *take(size_t bytes)
{
    const size_t whole = (bytes + HUGE_BYTES - 1) / HUGE_BYTES * HUGE_BYTES;
    void *const block =
        mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) {
        return NULL;
    }
    (void)madvise(block, whole, MADV_HUGEPAGE);
    return block;
}

static void give_back(void **block, size_t bytes)
{
    if (*block != NULL) {
        (void)munmap(*block, (bytes + HUGE_BYTES - 1) / HUGE_BYTES * HUGE_BYTES);
        *block = NULL;
    }
}

static void drop_set(operand_set *set)
{
    give_back(&set->block, set->bytes);
    assay_generated_case_free(&set->inputs);
    memset(set, 0, sizeof *set);
}

static void drop_sets(assay_bench_subject *s)
{
    for (size_t i = 0; i < s->set_count; i++) {
        drop_set(&s->set[i]);
    }
    s->set_count = 0;
}

/* Optional outputs are not asked for: an encoder writes its sparse form, a sampler its tokens. */
static bool optional_output(const assay_operand *operand)
{
    return strcmp(operand->name, "dense") == 0 || strcmp(operand->name, "probability") == 0;
}

static bool is_list(const assay_bench_subject *s, const assay_operand *operand)
{
    return s->kernel->op == ASSAY_OP_sae_encode &&
           (strcmp(operand->name, "latent") == 0 || strcmp(operand->name, "value") == 0);
}

static const void *built_io(const assay_generated_case *built, assay_op op)
{
    switch (op) {
#define IO_CASE(name) case ASSAY_OP_##name: return &built->as.name.io;
        ASSAY_STEP_OPS(IO_CASE)
#undef IO_CASE
    default: return NULL;
    }
}

static const void *built_params(const assay_generated_case *built, assay_op op)
{
    switch (op) {
#define PARAMS_CASE(name) case ASSAY_OP_##name: return &built->as.name.params;
        ASSAY_STEP_OPS(PARAMS_CASE)
#undef PARAMS_CASE
    default: return NULL;
    }
}

/* The outputs' place: all in one block, each at a multiple of ALIGNMENT. */
static assay_status place_outputs(assay_bench_subject *s, operand_set *set, assay_error *error)
{
    size_t bytes = 0;
    for (int pass = 0; pass < 2; pass++) {
        size_t at = 0;
        const assay_operand *operand = assay_operands(s->kernel->op);
        for (; operand->name != NULL; operand++) {
            assay_tensor *const tensor = assay_operand_of(&set->io, operand);
            if (operand->input || tensor->rank == 0 || optional_output(operand)) {
                continue;
            }
            if (is_list(s, operand)) {
                tensor->shape[0] = s->codes_room;
            }
            tensor->data = pass == 1 ? (char *)set->block + at : NULL;
            const size_t size = (size_t)assay_count(tensor) * assay_dtype_size(tensor->dtype);
            at += (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        }
        bytes = at;
        if (pass == 0) {
            give_back(&set->block, set->bytes);
            set->bytes = bytes;
            set->block = take(bytes);
            if (set->block == NULL) {
                return assay_fail(error, ASSAY_NO_MEMORY, "no memory for outputs of %zu bytes",
                                  bytes);
            }
        }
    }
    return ASSAY_OK;
}

static void poison_outputs(const assay_bench_subject *s, const operand_set *set)
{
    const assay_operand *operand = assay_operands(s->kernel->op);
    for (; operand->name != NULL; operand++) {
        const assay_tensor *const tensor = assay_operand_in(&set->io, operand);
        if (!operand->input && assay_present(tensor)) {
            assay_buffer_poison(tensor);
        }
    }
}

static assay_status renew(assay_bench_subject *s, size_t index, uint64_t seed, assay_error *error)
{
    operand_set *const set = &s->set[index];
    assay_generated_case fresh;
    const assay_status status = assay_generated_case_renew(
        s->json, seed, &s->weights, s->kernel->precision.output, &fresh, error);
    if (status != ASSAY_OK) {
        return status;
    }
    assay_any_io old = set->io;
    assay_generated_case_free(&set->inputs);
    set->inputs = fresh;
    const assay_step step = {.op = s->kernel->op, .io = built_io(&set->inputs, s->kernel->op)};
    assay_step_blank(&step, &set->io);
    const assay_operand *operand = assay_operands(s->kernel->op);
    for (; operand->name != NULL; operand++) {
        assay_tensor *const tensor = assay_operand_of(&set->io, operand);
        *tensor = *assay_operand_in(step.io, operand);
        if (!operand->input && set->block != NULL) {
            *tensor = *assay_operand_of(&old, operand);
        }
    }
    if (set->block == NULL) {
        const assay_status placed = place_outputs(s, set, error);
        if (placed != ASSAY_OK) {
            return placed;
        }
    }
    poison_outputs(s, set);
    return ASSAY_OK;
}

static assay_status call(assay_bench_subject *s, size_t set)
{
    return assay_step_call(s->kernel, &s->exec, s->params, s->state, &s->set[set].io);
}

static assay_status empty(assay_bench_subject *s, size_t set)
{
    return assay_step_call(assay_bench_empty_kernel(s->kernel->op), &s->exec, s->params, s->state,
                           &s->set[set].io);
}

static bool fits(assay_bench_subject *s, size_t index)
{
    if (s->kernel->op != ASSAY_OP_sae_encode) {
        return true;
    }
    operand_set *const set = &s->set[index];
    const assay_tensor *const offsets = &set->io.sae_encode.codes.row_offsets;
    const int64_t listed = (int64_t)assay_at1(offsets, offsets->shape[0] - 1);
    if (listed <= s->codes_room) {
        return true;
    }
    s->codes_room = (int64_t)(codes_spare * (double)listed) + 64;
    for (size_t i = 0; i < s->set_count; i++) {
        assay_error ignored;
        if (place_outputs(s, &s->set[i], &ignored) != ASSAY_OK) {
            return true; /* it stays too small; the caller sees the same again */
        }
        poison_outputs(s, &s->set[i]);
    }
    return false;
}

static assay_status reserve_workspace(assay_bench_subject *s, size_t bytes, assay_error *error)
{
    give_back(&s->workspace, s->workspace_bytes);
    s->workspace_bytes = bytes;
    s->workspace = bytes > 0 ? take(bytes) : NULL;
    s->exec.workspace = s->workspace;
    s->exec.workspace_bytes = bytes;
    return bytes > 0 && s->workspace == NULL
               ? assay_fail(error, ASSAY_NO_MEMORY, "no memory for a workspace of %zu bytes", bytes)
               : ASSAY_OK;
}

static double operand_bytes(const assay_bench_subject *s, const operand_set *set, bool inputs)
{
    double bytes = 0.0;
    const assay_operand *operand = assay_operands(s->kernel->op);
    for (; operand->name != NULL; operand++) {
        const assay_tensor *const tensor = assay_operand_in(&set->io, operand);
        if (assay_present(tensor) && operand->input == inputs) {
            bytes += (double)assay_count(tensor) * (double)assay_dtype_size(tensor->dtype);
        }
    }
    return bytes;
}

static assay_status batch(assay_bench_subject *s, const cJSON *json, size_t sets,
                          assay_error *error)
{
    drop_sets(s);
    cJSON_Delete(s->json);
    s->json = cJSON_Duplicate(json, true);
    s->codes_room = 64;
    s->set_count = 1;
    assay_status status =
        s->json != NULL ? renew(s, 0, 1, error) : assay_fail(error, ASSAY_NO_MEMORY, "no memory");
    if (status == ASSAY_OK) {
        status = assay_bench_supports(s->kernel, &s->exec, s->params, &s->set[0].io, error);
    }
    if (status == ASSAY_OK) {
        const size_t bytes = assay_bench_workspace(s->kernel, s->params, &s->set[0].io);
        status = reserve_workspace(s, bytes, error);
    }
    const double each = operand_bytes(s, &s->set[0], true) + operand_bytes(s, &s->set[0], false);
    const double most = sets_bytes_most / (each + 1.0);
    while (status == ASSAY_OK && s->set_count < sets && s->set_count < SETS_MAX &&
           (double)s->set_count + 1.0 <= most) {
        s->set_count++;
        status = renew(s, s->set_count - 1, s->set_count, error);
    }
    return status;
}

static void close_subject(assay_bench_subject **subject)
{
    assay_bench_subject *const s = *subject;
    if (s == NULL) {
        return;
    }
    drop_sets(s);
    if (s->prepared && s->kernel->release != NULL && s->state != NULL) {
        s->kernel->release(&s->exec, s->state);
    }
    give_back(&s->workspace, s->workspace_bytes);
    assay_generated_case_free(&s->weights);
    cJSON_Delete(s->json);
    free(s);
    *subject = NULL;
}

static assay_status open_subject(const assay_table *table, const assay_exec *exec, assay_op op,
                                 const cJSON *json, double *prepare_seconds,
                                 assay_bench_subject **subject, assay_error *error)
{
    assay_bench_subject *const s = calloc(1, sizeof *s);
    *subject = s;
    if (s == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory for a case");
    }
    s->kernel = table->kernel[op];
    s->exec = *exec;
    s->exec.error = error;
    s->set_count = 1;
    s->json = cJSON_Duplicate(json, true);
    assay_status status = assay_generated_case_build(s->json, 1, s->kernel->precision.output,
                                                     &s->weights, error);
    if (status == ASSAY_OK) {
        s->params = built_params(&s->weights, op);
        status = assay_bench_supports(s->kernel, &s->exec, s->params, built_io(&s->weights, op),
                                      error);
    }
    if (status == ASSAY_OK) {
        const double start = assay_clock_now();
        status = assay_bench_prepare(s->kernel, &s->exec, s->params, &s->state);
        *prepare_seconds = assay_clock_now() - start;
        s->prepared = status == ASSAY_OK;
    }
    s->set_count = 0;
    if (status != ASSAY_OK) {
        close_subject(subject);
    }
    return status;
}

static size_t sets(const assay_bench_subject *s)
{
    return s->set_count;
}

static void work(const assay_bench_subject *s, size_t index, assay_bench_work *work)
{
    const operand_set *const set = &s->set[index];
    const assay_cost cost = assay_bench_cost(s->kernel->op, s->params, &set->io);
    uint64_t declared = 0;
    memset(work, 0, sizeof *work);
    work->rows = (double)assay_bench_rows(s->kernel->op, &set->io);
    work->flops = cost.flops;
    work->bytes_read = cost.bytes_read;
    work->bytes_written = cost.bytes_written;
    work->declared_bytes_read = cost.bytes_read;
    if (assay_bench_declared(s->kernel, s->params, s->state, &set->io, &declared)) {
        work->declared_bytes_read = (double)declared + operand_bytes(s, set, true);
    }
    const assay_csr *const codes = s->kernel->op == ASSAY_OP_sae_encode
                                       ? &set->io.sae_encode.codes
                                   : s->kernel->op == ASSAY_OP_sae_decode ? &set->io.sae_decode.codes
                                                                          : NULL;
    if (codes != NULL) {
        const int64_t rows = codes->row_offsets.shape[0] - 1;
        const double listed = assay_at1(&codes->row_offsets, rows);
        work->latents_per_row = listed / (double)rows;
        if (s->kernel->op == ASSAY_OP_sae_encode) {
            work->bytes_written = listed * 8.0 + 8.0 * (double)(rows + 1);
        }
    }
}

static assay_status put(const assay_bench_subject *s, size_t index, int fd, cJSON *list,
                        assay_error *error)
{
    assay_status status = ASSAY_OK;
    const assay_operand *operand = assay_operands(s->kernel->op);
    for (; operand->name != NULL && status == ASSAY_OK; operand++) {
        const assay_tensor *const tensor = assay_operand_in(&s->set[index].io, operand);
        if (operand->output && !operand->input && assay_present(tensor)) {
            status = assay_bench_put(operand->name, tensor, fd, list, error);
        }
    }
    return status;
}

static uint64_t workspace(const assay_bench_subject *s)
{
    return s->workspace_bytes;
}

const assay_bench_class assay_bench_steps = {
    .open = open_subject,
    .batch = batch,
    .sets = sets,
    .renew = renew,
    .call = call,
    .empty = empty,
    .fits = fits,
    .work = work,
    .put = put,
    .workspace = workspace,
    .close = close_subject,
};
