#include "verify/selftest/alarm_bench.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/registry.h"
#include "verify/beside.h"
#include "verify/golden_path.h"
#include "verify/selftest/bundles.h"
#include "verify/selftest/draw_case.h"
#include "verify/selftest/mutants.h"
#include "verify/simulate/simulate.h"

enum {
    DRAWS = 2,         /* kernels judged in one run */
    GOLDEN_EVERY = 64, /* of so many draws one is a bundle's case: stages take longer */
    TABLES_MAX = 256,
    FEW_CALLS = 16, /* of a soak, where verify makes many */
    THREAD_COUNTS = 5
};
static const int32_t thread_counts[THREAD_COUNTS] = {1, 2, 3, 4, 7};

typedef enum home { HOME_PROGRAM, HOME_PLUGIN, HOMES } home; /* where a table's kernels are */

struct assay_alarm_bench {
    assay_case_list cases;
    assay_selftest_bundles *bundles;
    assay_table table[TABLES_MAX];
    home home[TABLES_MAX];
    size_t count, built_in, simulated; /* the built-in tables come first, then the simulated */
    assay_session *session[HOMES][THREAD_COUNTS];
};

/* Draw `number` of a run, below a bound (0: all 64 bits). */
static uint64_t draw(uint64_t seed, uint64_t run, uint64_t number, uint64_t below)
{
    const assay_philox_block block = assay_philox(seed, run, number);
    const uint64_t bits = ((uint64_t)block.word[0] << 32) | block.word[1];
    return below == 0 ? bits : bits % below;
}

enum { DRAW_SEED = 0, DRAW_THREADS, DRAW_FIRST };

uint64_t assay_alarm_run_seed(uint64_t seed, uint64_t run)
{
    return draw(seed, run, DRAW_SEED, 0);
}

static size_t threads_index(uint64_t seed, uint64_t run)
{
    return (size_t)draw(seed, run, DRAW_THREADS, THREAD_COUNTS);
}

int32_t assay_alarm_threads(uint64_t seed, uint64_t run)
{
    return thread_counts[threads_index(seed, run)];
}

static void add_table(assay_alarm_bench *bench, const assay_table *table, home where)
{
    if (bench->count < TABLES_MAX) {
        bench->home[bench->count] = where;
        bench->table[bench->count++] = *table;
    }
}

static assay_status add_twins(assay_alarm_bench *bench, assay_error *error)
{
    const assay_kernel *const *kernels = NULL;
    size_t count = 0;
    const assay_status status =
        assay_session_kernels(bench->session[HOME_PLUGIN][0], &kernels, &count, error);
    for (size_t i = 0; i < count && status == ASSAY_OK; i++) {
        if (strncmp(kernels[i]->name, "t_", 2) == 0 && kernels[i]->op < ASSAY_OP_capture) {
            assay_table table = {.name = kernels[i]->name};
            table.kernel[kernels[i]->op] = kernels[i];
            add_table(bench, &table, HOME_PLUGIN);
        }
    }
    return status;
}

static assay_status add_tables(assay_alarm_bench *bench, assay_error *error)
{
    assay_status status = ASSAY_OK;
    for (size_t i = 0; status == ASSAY_OK && i < assay_impl_count(); i++) {
        assay_table table;
        status = assay_table_find(assay_impl_name(i), &table, error);
        if (status == ASSAY_OK) {
            add_table(bench, &table, HOME_PROGRAM);
        }
    }
    bench->built_in = bench->count;
    for (size_t i = 0; assay_simulated_at(i) != NULL; i++) {
        add_table(bench, assay_simulated_at(i), HOME_PROGRAM);
    }
    bench->simulated = bench->count - bench->built_in;
    return status == ASSAY_OK ? add_twins(bench, error) : status;
}

static assay_status open_sessions(assay_alarm_bench *bench, assay_error *error)
{
    char path[ASSAY_BESIDE_PATH];
    assay_status status = assay_beside(ASSAY_MUTANTS_PLUGIN, path, error);
    for (size_t i = 0; status == ASSAY_OK && i < THREAD_COUNTS; i++) {
        assay_session_options options = {.threads = thread_counts[i]};
        status = assay_session_open(&options, &bench->session[HOME_PROGRAM][i], error);
        options.plugin = path;
        if (status == ASSAY_OK) {
            status = assay_session_open(&options, &bench->session[HOME_PLUGIN][i], error);
        }
    }
    return status;
}

assay_status assay_alarm_bench_open(assay_alarm_bench **bench, assay_error *error)
{
    const char *const path = assay_case_file_path();
    assay_alarm_bench *const made = calloc(1, sizeof *made);
    *bench = made;
    if (made == NULL || path == NULL) {
        return made == NULL ? assay_fail(error, ASSAY_NO_MEMORY, "out of memory")
                            : assay_fail(error, ASSAY_BAD_INPUT,
                                         "fixtures/cases/verify.json was not found: run from the "
                                         "source folder");
    }
    assay_status status = assay_case_list_open(path, &made->cases, error);
    if (status == ASSAY_OK) {
        status = assay_selftest_bundles_open(&made->bundles, error);
    }
    if (status == ASSAY_OK) {
        status = open_sessions(made, error);
    }
    return status == ASSAY_OK ? add_tables(made, error) : status;
}

void assay_alarm_bench_close(assay_alarm_bench **bench)
{
    if (*bench == NULL) {
        return;
    }
    for (size_t i = 0; i < THREAD_COUNTS; i++) {
        assay_session_close(&(*bench)->session[HOME_PROGRAM][i]);
        assay_session_close(&(*bench)->session[HOME_PLUGIN][i]);
    }
    assay_selftest_bundles_close(&(*bench)->bundles);
    assay_case_list_close(&(*bench)->cases);
    free(*bench);
    *bench = NULL;
}

/* An op of the table. */
static assay_op draw_op(const assay_table *table, uint64_t bits)
{
    uint64_t count = 0;
    for (int op = 0; op < ASSAY_OP_capture; op++) {
        count += table->kernel[op] != NULL;
    }
    for (int op = 0; op < ASSAY_OP_capture && count > 0; op++) {
        if (table->kernel[op] != NULL && bits % count-- == 0) {
            return (assay_op)op;
        }
    }
    return ASSAY_OP_linear;
}

/* A case of the list that is not heavy; NULL when the op has none. */
static const assay_case_entry *draw_entry(const assay_alarm_bench *bench, assay_op op,
                                          uint64_t bits)
{
    const size_t start = (size_t)(bits % bench->cases.count);
    for (size_t i = 0; i < bench->cases.count; i++) {
        const assay_case_entry *const entry =
            &bench->cases.entries[(start + i) % bench->cases.count];
        if (entry->op == op && !entry->heavy) {
            return entry;
        }
    }
    return NULL;
}

/* Passes results on, except the VOID of a pair that nobody could decide. */
typedef struct filter {
    const assay_sink *to;
    const assay_case_entry *entry;
    const assay_kernel *kernel;
    uint64_t seed;
    uint64_t *left_out;
} filter;

static assay_status pass_on(void *context, const assay_result *result, assay_error *error)
{
    const filter *const f = context;
    bool decidable = true;
    assay_status status = ASSAY_OK;
    if (result->verdict == ASSAY_VOID) {
        status = assay_generated_decidable(f->entry, f->kernel, f->seed, &decidable, error);
    }
    if (status == ASSAY_OK && !decidable) {
        (*f->left_out)++;
        return ASSAY_OK;
    }
    return status == ASSAY_OK ? f->to->result(f->to->context, result, error) : status;
}

static assay_status judge_entry(const assay_case_entry *entry, const assay_verify_run *run,
                                uint64_t *left_out, assay_error *error)
{
    assay_case_entry brief = *entry;
    brief.soak = entry->soak < FEW_CALLS ? entry->soak : FEW_CALLS;
    filter f = {&run->sink, &brief, run->tables[0].kernel[entry->op], run->seed, left_out};
    assay_verify_run filtered = *run;
    filtered.sink = (assay_sink){.context = &f, .result = pass_on};
    return assay_generated_judge_entry(&brief, &filtered, error);
}

/* One of the cases that verify draws from the run's seed. */
static assay_status judge_drawn(const assay_verify_run *run, assay_op op, uint64_t bits,
                                uint64_t *left_out, assay_error *error)
{
    assay_case_list list;
    memset(&list, 0, sizeof list);
    assay_status status = assay_case_list_draw(&list, run->seed, error);
    size_t of_op = 0;
    for (size_t i = 0; i < list.count; i++) {
        of_op += list.entries[i].op == op;
    }
    const size_t wanted = of_op > 0 ? (size_t)(bits % of_op) : 0;
    size_t seen = 0;
    for (size_t i = 0; i < list.count && status == ASSAY_OK; i++) {
        if (list.entries[i].op == op && seen++ == wanted) {
            status = judge_entry(&list.entries[i], run, left_out, error);
        }
    }
    assay_case_list_close(&list);
    return status;
}

/* A listed case, one that is drawn as for verify, or one whose shape and data are drawn too. */
static assay_status judge_step(const assay_alarm_bench *bench, const assay_verify_run *run,
                               assay_op op, uint64_t bits, uint64_t *left_out,
                               assay_error *error)
{
    if (bits % 8 == 1) {
        return judge_drawn(run, op, bits / 8, left_out, error);
    }
    if (bits % 2 == 0) {
        const assay_case_entry *const entry = draw_entry(bench, op, bits / 2);
        return entry != NULL ? judge_entry(entry, run, left_out, error) : ASSAY_OK;
    }
    cJSON *const json = assay_draw_case(op, run->seed, bits);
    const char *const id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "id"));
    const assay_case_entry drawn = {.id = id != NULL ? id : "drawn", .op = op, .json = json};
    const assay_status status = json != NULL ? judge_entry(&drawn, run, left_out, error)
                                             : assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    cJSON_Delete(json);
    return status;
}

assay_status assay_alarm_bench_run(assay_alarm_bench *bench, uint64_t seed, uint64_t run,
                                   const assay_sink *sink, uint64_t *left_out, assay_error *error)
{
    const size_t threads = threads_index(seed, run);
    assay_status status = ASSAY_OK;
    omp_set_num_threads(thread_counts[threads]);
    for (uint64_t i = 0; i < DRAWS && status == ASSAY_OK; i++) {
        const uint64_t first = DRAW_FIRST + 4 * i;
        const bool golden = draw(seed, run, first, GOLDEN_EVERY) == 0;
        const uint64_t bits = draw(seed, run, first + 2, 0);
        const size_t t = (size_t)draw(seed, run, first + 1,
                                      golden ? bench->built_in : bench->count);
        const assay_op op = draw_op(&bench->table[t], draw(seed, run, first + 3, 0));
        const assay_verify_run one = {.tables = &bench->table[t],
                                      .table_count = 1,
                                      .sessions = &bench->session[bench->home[t]][threads],
                                      .host = golden,
                                      .seed = assay_alarm_run_seed(seed, run),
                                      .sink = *sink};
        status = golden ? assay_selftest_bundles_judge_one(bench->bundles, &one, bits, error)
                        : judge_step(bench, &one, op, bits, left_out, error);
    }
    return status;
}

uint64_t assay_alarm_bench_pairs(const assay_alarm_bench *bench)
{
    uint64_t cases = 0;
    for (size_t i = 0; i < bench->cases.count; i++) {
        cases += !bench->cases.entries[i].heavy;
    }
    return cases * bench->simulated;
}

assay_status assay_alarm_bench_pair(assay_alarm_bench *bench, uint64_t seed, uint64_t run,
                                    const assay_sink *sink, uint64_t *left_out, assay_error *error)
{
    const size_t threads = threads_index(seed, run);
    const uint64_t pair = run % assay_alarm_bench_pairs(bench);
    const size_t t = bench->built_in + (size_t)(pair % bench->simulated);
    const assay_case_entry *entry = bench->cases.entries;
    for (uint64_t before = pair / bench->simulated; before > 0 || entry->heavy; entry++) {
        before -= !entry->heavy;
    }
    const assay_verify_run one = {.tables = &bench->table[t],
                                  .table_count = 1,
                                  .sessions = &bench->session[bench->home[t]][threads],
                                  .seed = assay_alarm_run_seed(seed, run),
                                  .sink = *sink};
    omp_set_num_threads(thread_counts[threads]);
    return judge_entry(entry, &one, left_out, error);
}
