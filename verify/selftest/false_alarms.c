/* `assay selftest false-alarms`: right kernels on fresh seeds must pass, whatever the seed, the
 * contract, the order of sums and the number of threads. */
#include "verify/selftest/false_alarms.h"

#include <inttypes.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernels/registry.h"
#include "verify/generated.h"
#include "verify/golden_path.h"
#include "verify/options.h"
#include "verify/selftest/command.h"

static const char help[] =
    "usage: assay selftest false-alarms [options]\n"
    "\n"
    "Judges kernels that are right, on fresh seeds. Every run has a seed and a number of threads\n"
    "of its own and judges a few kernels on cases drawn at random. A verdict other than PASS (or\n"
    "SKIP) is an alarm, and every alarm is a bug of a budget.\n"
    "\n"
    "  --runs N      how many runs (default 200)\n"
    "  --seed N      of the campaign; every run's seed follows from it (default 1)\n"
    "  --json FILE   write the result; a journal FILE.journal is kept while it runs\n"
    "  --resume      go on from that journal\n"
    "\n"
    "Exit status: 0 no alarm; 1 an alarm; 2 usage; 3 input.\n"
    "\n"
    "examples:\n"
    "  assay selftest false-alarms --runs 200\n"
    "  assay selftest false-alarms --runs 10000 --json alarms.json --resume\n";

typedef struct alarm_options {
    bool help, resume;
    assay_option_int runs;
    const char *json;
    uint64_t seed;
} alarm_options;

static const assay_option table[] = {
    {"help", ASSAY_OPTION_FLAG, offsetof(alarm_options, help), 0, 0},
    {"resume", ASSAY_OPTION_FLAG, offsetof(alarm_options, resume), 0, 0},
    {"runs", ASSAY_OPTION_INT, offsetof(alarm_options, runs), 1, 1000000000},
    {"json", ASSAY_OPTION_TEXT, offsetof(alarm_options, json), 0, 0},
    {"seed", ASSAY_OPTION_SEED, offsetof(alarm_options, seed), 0, 0},
    {NULL, ASSAY_OPTION_FLAG, 0, 0, 0}};

enum { DRAWS = 4, TABLES_MAX = ASSAY_IMPLS_MAX }; /* kernels judged in one run */
enum { THREAD_COUNTS = 5 };
static const int32_t thread_counts[THREAD_COUNTS] = {1, 2, 3, 4, 7};

typedef struct campaign {
    alarm_options options;
    assay_case_list cases;
    assay_table tables[TABLES_MAX];
    size_t table_count;
    assay_alarm_tally tally;
    assay_alarm_journal *journal;
    uint64_t run_seed;
    int32_t threads;
    size_t threads_index;
    assay_session *session[THREAD_COUNTS]; /* one for each number of threads */
} campaign;

/* Draw `number` of a run: a pure function of campaign seed and run, so that a run can be repeated
 * and a campaign resumed. */
static uint64_t draw(const campaign *c, uint64_t number, uint64_t below)
{
    const assay_philox_block block = assay_philox(c->tally.seed, c->tally.runs, number);
    const uint64_t bits = ((uint64_t)block.word[0] << 32) | block.word[1];
    return below == 0 ? bits : bits % below;
}

static assay_status count_result(void *context, const assay_result *result, assay_error *error)
{
    (void)error;
    campaign *const c = context;
    assay_alarm_tally *const tally = &c->tally;
    if (result->verdict == ASSAY_SKIP) {
        tally->skipped++;
        return ASSAY_OK;
    }
    tally->verdicts++;
    tally->elements += result->compared;
    tally->undecided += result->undecided;
    if (result->verdict == ASSAY_PASS) {
        tally->worst = result->budget_used > tally->worst ? result->budget_used : tally->worst;
        return ASSAY_OK;
    }
    if (tally->alarms < ASSAY_ALARMS_MAX) {
        assay_alarm *const alarm = &tally->described[tally->alarms];
        *alarm = (assay_alarm){.run = tally->runs, .seed = c->run_seed, .threads = c->threads};
        (void)snprintf(alarm->verdict, sizeof alarm->verdict, "%s",
                       assay_verdict_name(result->verdict));
        (void)snprintf(alarm->check, sizeof alarm->check, "%s", assay_check_name(result->check));
        (void)snprintf(alarm->op, sizeof alarm->op, "%s", result->op);
        (void)snprintf(alarm->impl, sizeof alarm->impl, "%s", result->impl);
        (void)snprintf(alarm->case_id, sizeof alarm->case_id, "%s", result->case_id);
        (void)snprintf(alarm->message, sizeof alarm->message, "%.255s", result->message);
    }
    tally->alarms++;
    return ASSAY_OK;
}

/* A case that is not heavy, and a kernel that has its op. */
static assay_status judge_draw(campaign *c, uint64_t number, assay_error *error)
{
    const assay_case_entry *entry = NULL;
    const assay_table *chosen = NULL;
    for (uint64_t attempt = 0; chosen == NULL; attempt++) {
        const uint64_t at = (number << 32) + 2 * attempt;
        entry = &c->cases.entries[draw(c, at, c->cases.count)];
        const assay_table *const drawn = &c->tables[draw(c, at + 1, c->table_count)];
        chosen = !entry->heavy && drawn->kernel[entry->op] != NULL ? drawn : NULL;
    }
    const assay_verify_run run = {.tables = chosen,
                                  .table_count = 1,
                                  .sessions = &c->session[c->threads_index],
                                  .seed = c->run_seed,
                                  .sink = {.context = c, .result = count_result}};
    return assay_generated_judge_entry(entry, &run, error);
}

static assay_status judge_run(campaign *c, assay_error *error)
{
    enum { SEED_DRAW = 0, THREADS_DRAW, FIRST_DRAW };
    const double start = assay_now();
    assay_status status = ASSAY_OK;
    c->run_seed = draw(c, SEED_DRAW, 0);
    c->threads_index = (size_t)draw(c, THREADS_DRAW, THREAD_COUNTS);
    c->threads = thread_counts[c->threads_index];
    omp_set_num_threads(c->threads);
    for (uint64_t i = 0; i < DRAWS && status == ASSAY_OK; i++) {
        status = judge_draw(c, FIRST_DRAW + i, error);
    }
    c->tally.seconds += assay_now() - start;
    return status;
}

static assay_status run_campaign(campaign *c, assay_error *error)
{
    const uint64_t wanted = (uint64_t)c->options.runs.value;
    const bool progress = isatty(STDERR_FILENO) != 0;
    assay_status status = ASSAY_OK;
    while (c->tally.runs < wanted && status == ASSAY_OK) {
        const assay_alarm_tally before = c->tally;
        status = judge_run(c, error);
        if (status == ASSAY_OK) {
            c->tally.runs++;
            status = assay_alarm_journal_add(c->journal, &before, &c->tally, error);
        }
        if (progress && c->tally.runs % 16 == 0) {
            (void)fprintf(stderr, "\r\033[Krun %" PRIu64 " of %" PRIu64 ", %" PRIu64 " alarms",
                          c->tally.runs, wanted, c->tally.alarms);
        }
    }
    if (progress) {
        (void)fprintf(stderr, "\r\033[K");
    }
    return status;
}

static assay_status prepare(campaign *c, assay_error *error)
{
    const char *const path = assay_case_file_path();
    if (path == NULL) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "fixtures/cases/verify.json was not found: run from the source folder");
    }
    assay_status status = assay_case_list_open(path, &c->cases, error);
    for (size_t i = 0; status == ASSAY_OK && i < THREAD_COUNTS; i++) {
        const assay_session_options options = {.threads = thread_counts[i]};
        status = assay_session_open(&options, &c->session[i], error);
    }
    for (size_t i = 0; status == ASSAY_OK && i < assay_impl_count() && i < TABLES_MAX; i++) {
        status = assay_table_find(assay_impl_name(i), &c->tables[c->table_count++], error);
    }
    if (status == ASSAY_OK && c->options.json != NULL && strcmp(c->options.json, "-") != 0) {
        status = assay_alarm_journal_open(c->options.json, c->options.resume, &c->tally,
                                          &c->journal, error);
    }
    return status;
}

static int run(campaign *c, assay_error *error)
{
    char command[512];
    assay_status status = prepare(c, error);
    if (status == ASSAY_OK) {
        status = run_campaign(c, error);
    }
    (void)snprintf(command, sizeof command,
                   "assay selftest false-alarms --runs %" PRIu64 " --seed %" PRIu64, c->tally.runs,
                   c->tally.seed);
    if (status == ASSAY_OK && c->options.json != NULL) {
        status = assay_alarm_write_json(&c->tally, command, c->options.json, error);
    }
    if (status != ASSAY_OK) {
        (void)fprintf(stderr, "assay selftest false-alarms: %s\n", error->message);
        return 3;
    }
    if (c->options.json == NULL || strcmp(c->options.json, "-") != 0) {
        assay_alarm_print(&c->tally);
    }
    return c->tally.alarms == 0 ? 0 : 1;
}

int assay_selftest_false_alarms(int argc, char **argv)
{
    assay_error error = {.message = ""};
    size_t operands = 0;
    campaign *const c = calloc(1, sizeof *c);
    if (c == NULL) {
        (void)fprintf(stderr, "assay selftest false-alarms: out of memory\n");
        return 3;
    }
    c->options.seed = 1;
    c->options.runs.value = 200;
    int status = 0;
    if (assay_options_parse(table, argc, argv, &c->options, NULL, &operands, &error) != ASSAY_OK) {
        (void)fprintf(stderr, "assay selftest false-alarms: %s\n", error.message);
        status = 2;
    } else if (c->options.resume && c->options.json == NULL) {
        (void)fprintf(stderr, "assay selftest false-alarms: --resume needs the --json FILE whose "
                              "journal it goes on from\n");
        status = 2;
    } else if (c->options.help) {
        (void)fputs(help, stdout);
    } else {
        c->tally.seed = c->options.seed;
        status = run(c, &error);
    }
    for (size_t i = 0; i < THREAD_COUNTS; i++) {
        assay_session_close(&c->session[i]);
    }
    assay_alarm_journal_close(&c->journal);
    assay_case_list_close(&c->cases);
    free(c);
    return status;
}
