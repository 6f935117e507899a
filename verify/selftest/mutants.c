/* `assay selftest mutants`: every wrong kernel must be caught, by a check listed for it, in every
 * seed; every right twin must pass. */
#include "verify/selftest/mutants.h"

#include <omp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "verify/crew.h"
#include "verify/options.h"
#include "verify/selftest/command.h"

static const char help[] =
    "usage: assay selftest mutants [options]\n"
    "\n"
    "Judges deliberately wrong kernels, each its right twin with one fault switched on, on fresh\n"
    "seeds. A mutant is killed in a seed when a check that was listed for it beforehand gives a\n"
    "verdict against it; being caught by another check counts as alive. Twins must pass.\n"
    "\n"
    "  --mutant GLOB    these alone, and their twins\n"
    "  --seeds N        seeds, each on its own (default 20)\n"
    "  --seed N         the first of them (default 1)\n"
    "  --jobs N         mutants judged at the same time (default: one a core)\n"
    "  --json FILE, --markdown FILE\n"
    "                   write the kill matrix: mutant, check that caught it, cases\n"
    "\n"
    "Exit status: 0 all killed in all seeds and all twins pass; 1 otherwise; 2 usage; 3 input.\n"
    "\n"
    "examples:\n"
    "  assay selftest mutants\n"
    "  assay selftest mutants --mutant 'm_sae_encode_*' --seeds 5\n"
    "  assay selftest mutants --json mutants.json --markdown mutants.md\n";

typedef struct mutant_options {
    bool help;
    const char *mutant, *json, *markdown;
    assay_option_int seeds, jobs;
    uint64_t seed;
} mutant_options;

static const assay_option table[] = {
    {"help", ASSAY_OPTION_FLAG, offsetof(mutant_options, help), 0, 0},
    {"mutant", ASSAY_OPTION_TEXT, offsetof(mutant_options, mutant), 0, 0},
    {"json", ASSAY_OPTION_TEXT, offsetof(mutant_options, json), 0, 0},
    {"markdown", ASSAY_OPTION_TEXT, offsetof(mutant_options, markdown), 0, 0},
    {"seeds", ASSAY_OPTION_INT, offsetof(mutant_options, seeds), 1, 10000},
    {"jobs", ASSAY_OPTION_INT, offsetof(mutant_options, jobs), 1, ASSAY_CREW_MAX},
    {"seed", ASSAY_OPTION_SEED, offsetof(mutant_options, seed), 0, 0},
    {NULL, ASSAY_OPTION_FLAG, 0, 0, 0}};

/* A twin runs all its cases, a mutant few: twins in every fifth seed. */
enum { TWIN_EVERY = 5 };

/* What the threads share. */
typedef struct mutant_work {
    assay_kill_matrix *matrix;
    pthread_mutex_t lock; /* of the matrix */
    size_t items;
    bool progress;
} mutant_work;

static void record_case(assay_mutant_row *row, const char *case_id)
{
    size_t at = 0;
    while (at < row->case_count && strcmp(row->cases[at], case_id) != 0) {
        at++;
    }
    if (at < ASSAY_MUTANT_CASES) {
        (void)snprintf(row->cases[at], sizeof row->cases[at], "%s", case_id);
        row->case_kills[at]++;
        row->case_count = at == row->case_count ? at + 1 : row->case_count;
    }
}

static void record_mutant(assay_mutant_row *row, uint64_t seed,
                          const assay_mutant_outcome *outcome)
{
    const assay_result *const last = &outcome->last;
    row->seeds++;
    if (outcome->end == ASSAY_MUTANT_KILLED) {
        row->by[last->check]++;
        record_case(row, last->case_id);
        if (row->killed++ + 1 == row->seeds) {
            (void)snprintf(row->said, sizeof row->said, "%.250s", last->message);
        }
        return;
    }
    if (row->killed + 1 == row->seeds) {
        row->first_alive = seed;
    }
    if (outcome->end == ASSAY_MUTANT_UNLISTED) {
        (void)snprintf(row->said, sizeof row->said,
                       "caught by '%s', which is not listed for it, on %s: %.120s",
                       assay_check_name(last->check), last->case_id, last->message);
    } else {
        (void)snprintf(row->said, sizeof row->said, "passed all %u cases", outcome->cases);
    }
}

static void record_twin(assay_twin_row *twin, uint64_t seed, const assay_mutant_outcome *outcome)
{
    twin->seeds++;
    twin->cases += outcome->cases;
    twin->skipped += outcome->skipped;
    if (outcome->failed > 0 && twin->failed == 0) {
        (void)snprintf(twin->said, sizeof twin->said, "%s by %s on %s, seed %llu: %.180s",
                       assay_verdict_name(outcome->last.verdict),
                       assay_check_name(outcome->last.check), outcome->last.case_id,
                       (unsigned long long)seed, outcome->last.message);
    }
    twin->failed += outcome->failed;
}

/* Item i: mutant by mutant, then twin by twin, each on all its seeds, since a session keeps the
 * worker of the name it served last. */
static assay_status judge_item(void *context, void *bench, size_t i, assay_error *error)
{
    mutant_work *const work = context;
    assay_kill_matrix *const m = work->matrix;
    const uint64_t nth = i % m->seeds;
    const uint64_t seed = m->seed + nth;
    const size_t at = i / m->seeds;
    assay_mutant_outcome outcome;
    assay_status status = ASSAY_OK;
    if (work->progress && i % 16 == 0) {
        (void)fprintf(stderr, "\r\033[K%zu of %zu", i, work->items);
    }
    if (at < m->row_count) {
        status = assay_mutant_judge(bench, m->row[at].mutant, seed, &outcome, error);
    } else if (nth % TWIN_EVERY == 0) {
        status = assay_twin_judge(bench, m->twin[at - m->row_count].name, seed, &outcome, error);
    } else {
        return ASSAY_OK;
    }
    (void)pthread_mutex_lock(&work->lock);
    if (status == ASSAY_OK && at < m->row_count) {
        record_mutant(&m->row[at], seed, &outcome);
    } else if (status == ASSAY_OK) {
        record_twin(&m->twin[at - m->row_count], seed, &outcome);
    }
    (void)pthread_mutex_unlock(&work->lock);
    return status;
}

static assay_status open_bench(void *context, void **own, assay_error *error)
{
    (void)context;
    assay_mutant_bench *bench = NULL;
    omp_set_num_threads(1);
    const assay_status status = assay_mutant_bench_open(&bench, error);
    *own = bench;
    return status;
}

static void close_bench(void *context, void *own)
{
    (void)context;
    assay_mutant_bench *bench = own;
    assay_mutant_bench_close(&bench);
}

static assay_status judge_all(assay_kill_matrix *m, int64_t jobs, assay_error *error)
{
    mutant_work work = {.matrix = m,
                        .items = (m->row_count + m->twin_count) * m->seeds,
                        .progress = isatty(STDERR_FILENO) != 0};
    const assay_crew crew = {.items = work.items,
                             .jobs = jobs,
                             .context = &work,
                             .open = open_bench,
                             .close = close_bench,
                             .take = judge_item};
    (void)pthread_mutex_init(&work.lock, NULL);
    const assay_status status = assay_crew_run(&crew, error);
    (void)pthread_mutex_destroy(&work.lock);
    if (work.progress) {
        (void)fprintf(stderr, "\r\033[K");
    }
    return status;
}

static void add_twin(assay_kill_matrix *m, const assay_mutant *mutant)
{
    for (size_t i = 0; i < m->twin_count; i++) {
        if (strcmp(m->twin[i].name, mutant->twin) == 0) {
            return;
        }
    }
    m->twin[m->twin_count++] = (assay_twin_row){.name = mutant->twin, .op = mutant->op};
}

static assay_status choose(assay_kill_matrix *m, assay_error *error)
{
    size_t count = 0;
    const assay_mutant *const all = assay_mutants(&count);
    m->row = calloc(count, sizeof *m->row);
    m->twin = calloc(count, sizeof *m->twin);
    if (m->row == NULL || m->twin == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        if (assay_filter_matches(m->glob, all[i].name)) {
            m->row[m->row_count++].mutant = &all[i];
            add_twin(m, &all[i]);
        }
    }
    return m->row_count > 0 ? ASSAY_OK
                            : assay_fail(error, ASSAY_BAD_ARGUMENT, "no mutant matches '%s'",
                                         m->glob);
}

static int run(const mutant_options *o, assay_kill_matrix *m, assay_error *error)
{
    const double start = assay_now();
    assay_status status = choose(m, error);
    if (status == ASSAY_OK) {
        status = judge_all(m, o->jobs.given ? o->jobs.value : assay_crew_cores(), error);
    }
    m->seconds = assay_now() - start;
    if (status == ASSAY_OK && o->json != NULL) {
        status = assay_matrix_write_json(m, o->json, error);
    }
    if (status == ASSAY_OK && o->markdown != NULL) {
        status = assay_matrix_write_markdown(m, o->markdown, error);
    }
    if (status != ASSAY_OK) {
        (void)fprintf(stderr, "assay selftest mutants: %s\n", error->message);
        return status == ASSAY_BAD_ARGUMENT ? 2 : 3;
    }
    if (o->json == NULL || strcmp(o->json, "-") != 0) {
        assay_matrix_print(m);
    }
    return assay_matrix_good(m) ? 0 : 1;
}

int assay_selftest_mutants(int argc, char **argv)
{
    assay_error error = {.message = ""};
    mutant_options options = {.seed = 1, .seeds = {.value = 20}};
    size_t operands = 0;
    if (assay_options_parse(table, argc, argv, &options, NULL, &operands, &error) != ASSAY_OK) {
        (void)fprintf(stderr, "assay selftest mutants: %s\n", error.message);
        return 2;
    }
    if (options.help) {
        (void)fputs(help, stdout);
        return 0;
    }
    assay_kill_matrix matrix = {.seed = options.seed,
                                .seeds = (uint32_t)options.seeds.value,
                                .glob = options.mutant};
    const int status = run(&options, &matrix, &error);
    free(matrix.row);
    free(matrix.twin);
    return status;
}
