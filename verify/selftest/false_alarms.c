/* `assay selftest false-alarms`: right kernels on fresh seeds must pass, whatever the seed, the
 * contract, the order of sums and the number of threads. */
#include "verify/selftest/false_alarms.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "verify/options.h"
#include "verify/selftest/alarm_bench.h"
#include "verify/selftest/command.h"

static const char help[] =
    "usage: assay selftest false-alarms [options]\n"
    "\n"
    "Judges kernels that are right (the built-in ones, simulated ones of every contract, the\n"
    "mutants' twins) on fresh seeds. Every run has a seed and a number of threads of its own and\n"
    "judges a few of them on cases drawn at random: listed ones, random shapes, bundles'. A\n"
    "verdict other than PASS (or SKIP) is an alarm, and every alarm is a bug of a budget. Left\n"
    "out, and counted, are pairs of a case and a contract too coarse for it: those that the truth\n"
    "and the budgets leave undecided without any kernel. Any other VOID is an alarm.\n"
    "\n"
    "  --runs N      how many runs (default 200; with --pairs as many as there are pairs)\n"
    "  --pairs       nothing drawn: each run is the next pair of listed case and simulated\n"
    "                contract\n"
    "  --first N     begin with run N of that seed (default 0), to repeat it\n"
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
    bool help, resume, pairs;
    assay_option_int runs, first;
    const char *json;
    uint64_t seed;
} alarm_options;

static const assay_option table[] = {
    {"help", ASSAY_OPTION_FLAG, offsetof(alarm_options, help), 0, 0},
    {"resume", ASSAY_OPTION_FLAG, offsetof(alarm_options, resume), 0, 0},
    {"pairs", ASSAY_OPTION_FLAG, offsetof(alarm_options, pairs), 0, 0},
    {"runs", ASSAY_OPTION_INT, offsetof(alarm_options, runs), 1, 1000000000},
    {"first", ASSAY_OPTION_INT, offsetof(alarm_options, first), 0, 1000000000},
    {"json", ASSAY_OPTION_TEXT, offsetof(alarm_options, json), 0, 0},
    {"seed", ASSAY_OPTION_SEED, offsetof(alarm_options, seed), 0, 0},
    {NULL, ASSAY_OPTION_FLAG, 0, 0, 0}};

typedef struct campaign {
    alarm_options options;
    assay_alarm_bench *bench;
    assay_alarm_tally tally;
    assay_alarm_journal *journal;
} campaign;

/* The number of the run at hand among all runs of the campaign's seed. */
static uint64_t run_number(const campaign *c)
{
    return (uint64_t)c->options.first.value + c->tally.runs;
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
        const uint64_t run = run_number(c);
        *alarm = (assay_alarm){.run = run,
                               .seed = tally->seed,
                               .threads = assay_alarm_threads(tally->seed, run)};
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

static assay_status judge_run(campaign *c, assay_error *error)
{
    const assay_sink sink = {.context = c, .result = count_result};
    const double start = assay_now();
    const assay_status status =
        (c->tally.pairs ? assay_alarm_bench_pair : assay_alarm_bench_run)(
            c->bench, c->tally.seed, run_number(c), &sink, &c->tally.left_out, error);
    c->tally.seconds += assay_now() - start;
    return status;
}

static assay_status run_campaign(campaign *c, assay_error *error)
{
    const uint64_t wanted = c->tally.pairs && !c->options.runs.given
                                ? assay_alarm_bench_pairs(c->bench)
                                : (uint64_t)c->options.runs.value;
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
    const assay_status status = assay_alarm_bench_open(&c->bench, error);
    return status == ASSAY_OK && c->options.json != NULL && strcmp(c->options.json, "-") != 0
               ? assay_alarm_journal_open(c->options.json, c->options.resume, &c->tally,
                                          &c->journal, error)
               : status;
}

static int run(campaign *c, assay_error *error)
{
    char command[512];
    assay_status status = prepare(c, error);
    if (status == ASSAY_OK) {
        status = run_campaign(c, error);
    }
    (void)snprintf(command, sizeof command,
                   "assay selftest false-alarms%s --runs %" PRIu64 " --seed %" PRIu64,
                   c->tally.pairs ? " --pairs" : "", c->tally.runs, c->tally.seed);
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
    } else if (c->options.resume && (c->options.json == NULL || c->options.first.value > 0)) {
        (void)fprintf(stderr, "assay selftest false-alarms: --resume needs the --json FILE whose "
                              "journal it goes on from, and no --first\n");
        status = 2;
    } else if (c->options.help) {
        (void)fputs(help, stdout);
    } else {
        c->tally.seed = c->options.seed;
        c->tally.pairs = c->options.pairs;
        status = run(c, &error);
    }
    assay_alarm_journal_close(&c->journal);
    assay_alarm_bench_close(&c->bench);
    free(c);
    return status;
}
