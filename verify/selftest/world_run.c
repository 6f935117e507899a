/* Every fault measured, compared with the right backend, and shown to the verifier. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "assay/filter.h"
#include "ref/oracle.h"
#include "verify/beside.h"
#include "verify/mutants/world.h"
#include "verify/selftest/mutants.h"
#include "verify/selftest/world.h"

static const double deadline = 600.0;

#define FAULT_ROW(name_, op_, mutant, what_) {.name = #name_, .op = #op_, .what = (what_)},
static const assay_fault_row rows[] = {WORLD_FAULTS(FAULT_ROW)};

enum { FAULTS = sizeof rows / sizeof *rows };

/* What is open while the table is filled. */
typedef struct filling {
    assay_fault_table *table;
    assay_session *session;
    const assay_kernel *const *kernels;
    size_t kernel_count;
    assay_fault_judge *judge;
    assay_observed truth;
    bool progress;
    assay_error *error;
} filling;

static void show(void *context, const char *impl, const char *what, size_t done, size_t total)
{
    (void)context;
    (void)fprintf(stderr, "\r\033[K%s: %s %zu/%zu", impl, what, done, total);
    (void)fflush(stderr);
}

static assay_status find_table(const filling *f, const char *name, assay_table *table)
{
    char full[64];
    (void)snprintf(full, sizeof full, "w_%.60s", name);
    *table = (assay_table){.name = NULL};
    for (size_t i = 0; i < f->kernel_count; i++) {
        if (strcmp(f->kernels[i]->name, full) == 0) {
            table->name = f->kernels[i]->name;
            table->kernel[f->kernels[i]->op] = f->kernels[i];
        }
    }
    return table->name != NULL ? ASSAY_OK
                               : assay_fail(f->error, ASSAY_INTERNAL,
                                            "%s does not export '%s': build the whole project "
                                            "again",
                                            ASSAY_MUTANTS_PLUGIN, full);
}

static assay_status observe(const filling *f, const assay_table *table, assay_session *session,
                            const assay_observed *truth, assay_observed *into)
{
    assay_observation observation = {.world = &f->table->world,
                                     .table = table,
                                     .session = session,
                                     .truth = truth,
                                     .into = into,
                                     .progress = f->progress ? show : NULL,
                                     .error = f->error};
    const assay_status status = assay_observe(&observation);
    if (f->progress) {
        (void)fprintf(stderr, "\r\033[K");
    }
    return status;
}

static assay_status open_all(filling *f)
{
    char path[ASSAY_BESIDE_PATH];
    const assay_session_options mutants = {.plugin = path, .deadline = deadline};
    const assay_session_options own = {.deadline = deadline};
    assay_session *oracle = NULL;
    assay_status status = assay_beside(ASSAY_MUTANTS_PLUGIN, path, f->error);
    if (status == ASSAY_OK) {
        status = assay_session_open(&mutants, &f->session, f->error);
    }
    if (status == ASSAY_OK) {
        status = assay_session_kernels(f->session, &f->kernels, &f->kernel_count, f->error);
    }
    if (status == ASSAY_OK) {
        status = assay_fault_judge_open(f->table->world.folder, &f->judge, f->error);
        f->table->verified = f->judge != NULL;
    }
    if (status == ASSAY_OK) {
        status = assay_session_open(&own, &oracle, f->error);
    }
    if (status == ASSAY_OK) {
        status = observe(f, &assay_oracle, oracle, NULL, &f->truth);
    }
    assay_session_close(&oracle);
    return status == ASSAY_OK ? assay_truth_check(&f->table->world, &f->truth, f->error) : status;
}

static assay_status measure(const filling *f, const assay_observed *made, assay_fault_row *row)
{
    const assay_fault_table *const t = f->table;
    const size_t pairs = t->world.pair_count;
    row->evaluation = calloc(pairs, sizeof *row->evaluation);
    row->seen = calloc(pairs, sizeof *row->seen);
    if (row->evaluation == NULL || row->seen == NULL) {
        return assay_fail(f->error, ASSAY_NO_MEMORY, "out of memory for measures");
    }
    assay_status status = ASSAY_OK;
    for (size_t p = 0; p < pairs && status == ASSAY_OK; p++) {
        row->evaluation[p].impl = row->name;
        status = assay_measure_pair(&t->world, p, &f->truth, made, t->seed, &row->evaluation[p],
                                    f->error);
    }
    return status;
}

/* What is not finite lies apart from everything. */
static bool apart(const assay_measure *a, const assay_measure *right)
{
    return isnan(a->value) || a->high < right->low || a->low > right->high;
}

static void compare(const assay_fault_table *t, assay_fault_row *row)
{
    for (size_t p = 0; p < t->world.pair_count; p++) {
        const assay_evaluation *const right = &t->right.evaluation[p];
        const assay_evaluation *const made = &row->evaluation[p];
        const bool measured = isfinite(right->measure[0].value) && made->measure[0].n > 0;
        for (int m = 0; measured && m < ASSAY_MEASURE_COUNT; m++) {
            row->seen[p] |= apart(&made->measure[m], &right->measure[m]) ? 1u << m : 0u;
        }
    }
}

static assay_status fill_row(const filling *f, assay_fault_row *row)
{
    assay_observed made = {.nll = NULL};
    assay_table table;
    assay_status status = find_table(f, row->name, &table);
    if (status == ASSAY_OK) {
        status = observe(f, &table, f->session, &f->truth, &made);
    }
    if (status == ASSAY_OK) {
        status = measure(f, &made, row);
    }
    assay_observed_free(&f->table->world, &made);
    if (status == ASSAY_OK && f->judge != NULL) {
        status = assay_fault_judge_run(f->judge, &table, f->session, f->table->seed, row,
                                       f->error);
    }
    return status;
}

static assay_status choose(assay_fault_table *t, assay_error *error)
{
    t->row = calloc(FAULTS, sizeof *t->row);
    if (t->row == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for faults");
    }
    for (size_t i = 0; i < FAULTS; i++) {
        if (assay_filter_matches(t->glob, rows[i].name)) {
            t->row[t->count++] = rows[i];
        }
    }
    t->right = (assay_fault_row){.name = "right", .what = "nothing: scalar's own kernels"};
    return t->count > 0 ? ASSAY_OK
                        : assay_fail(error, ASSAY_BAD_ARGUMENT, "no fault matches '%s'", t->glob);
}

assay_status assay_fault_table_fill(assay_fault_table *table, bool progress, assay_error *error)
{
    filling f = {.table = table, .progress = progress, .error = error};
    assay_status status = choose(table, error);
    if (status == ASSAY_OK) {
        status = open_all(&f);
    }
    if (status == ASSAY_OK) {
        status = fill_row(&f, &table->right);
    }
    for (size_t i = 0; i < table->count && status == ASSAY_OK; i++) {
        status = fill_row(&f, &table->row[i]);
        if (status == ASSAY_OK) {
            compare(table, &table->row[i]);
        }
    }
    assay_fault_judge_close(&f.judge);
    assay_session_close(&f.session);
    assay_observed_free(&table->world, &f.truth);
    return status;
}

static void row_free(assay_fault_row *row)
{
    free(row->evaluation);
    free(row->seen);
}

void assay_fault_table_free(assay_fault_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        row_free(&table->row[i]);
    }
    row_free(&table->right);
    free(table->row);
    assay_world_close(&table->world);
    table->row = NULL;
    table->count = 0;
}

bool assay_fault_is_seen(const assay_fault_table *table, const assay_fault_row *row)
{
    bool seen = assay_verdict_is_bad(row->verdict);
    for (size_t p = 0; p < table->world.pair_count; p++) {
        seen = seen || row->seen[p] != 0 || assay_verdict_is_bad(row->evaluation[p].result.verdict);
    }
    return seen;
}

bool assay_fault_table_good(const assay_fault_table *table)
{
    bool good = table->count > 0 && !assay_verdict_is_bad(table->right.verdict);
    for (size_t p = 0; p < table->world.pair_count; p++) {
        good = good && table->right.evaluation[p].result.verdict == ASSAY_PASS;
    }
    for (size_t i = 0; i < table->count; i++) {
        good = good && assay_fault_is_seen(table, &table->row[i]);
    }
    return good;
}
