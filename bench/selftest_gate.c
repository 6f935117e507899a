/* `assay selftest gate`: false alarms and power of the regression gate, measured. */
#include "bench/selftest.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/clock.h"
#include "bench/gate_log.h"
#include "bench/gate_print.h"
#include "bench/statistics/interval.h"
#include "verify/beside.h"
#include "verify/options.h"

static const char help[] =
    "usage: assay selftest gate [options]\n"
    "\n"
    "Judges the gate that fails a run for a slowdown: both of its stages, on fresh pairs of\n"
    "timing processes, where the truth is known. Nothing is planted: how often does it alarm, on\n"
    "the planted kernel as it is and on the tiny cases of bench?\n"
    "Slowdowns of 1, 2, 3, 5 and 10% are, as a delay and as extra work, in a single case and in 4\n"
    "of the 40 of a run: how often are they found? A single case may take 5 s with none planted,\n"
    "10 s at 10%, 60 s else; a run 10 s a case.\n"
    "\n"
    "  --trials N    this many in all, of every kind in turn (default 270: 120 single cases with\n"
    "                nothing planted, 40 at 3%, 40 at 10%, 10 whole runs)\n"
    "  --seconds S   begin no trial after so many seconds; 0: only tell what FILE holds\n"
    "  --json FILE   keep each trial as a line of FILE, as it is made\n"
    "  --resume      add to FILE: trials may be made in many sittings\n"
    "  --table FILE  write the rates and their intervals as a table, for plots\n"
    "  --seed N      of inputs and orders (default 1)\n"
    "  --quick       6 single cases with nothing planted, 3 twice as slow, 12 pairs each at most\n"
    "\n"
    "The last line reads: false alarms A/B; power 3% C/D, 10% E/F.\n"
    "\n"
    "Exit status: 0 nothing speaks against the goal (false alarms at most 1%, power at least 95%\n"
    "at 3% and 99% at 10%); 1 something does; 2 usage; 3 nothing could be measured.\n"
    "\n"
    "examples:\n"
    "  assay selftest gate --quick\n"
    "  assay selftest gate --trials 1000000 --seconds 7200 --json gate.jsonl --resume\n"
    "  assay selftest gate --seconds 0 --json gate.jsonl --resume --table gate.tsv\n";

enum { TRIALS = 270 };

typedef struct gate_options {
    bool help, quick, resume;
    const char *json, *table;
    assay_option_int trials;
    assay_option_real seconds;
    uint64_t seed;
} gate_options;

static const assay_option table[] = {
    {"help", ASSAY_OPTION_FLAG, offsetof(gate_options, help), 0, 0},
    {"quick", ASSAY_OPTION_FLAG, offsetof(gate_options, quick), 0, 0},
    {"resume", ASSAY_OPTION_FLAG, offsetof(gate_options, resume), 0, 0},
    {"json", ASSAY_OPTION_TEXT, offsetof(gate_options, json), 0, 0},
    {"table", ASSAY_OPTION_TEXT, offsetof(gate_options, table), 0, 0},
    {"trials", ASSAY_OPTION_INT, offsetof(gate_options, trials), 1, 1000000},
    {"seconds", ASSAY_OPTION_REAL, offsetof(gate_options, seconds), 0, 1000000},
    {"seed", ASSAY_OPTION_SEED, offsetof(gate_options, seed), 0, 0},
    {NULL, ASSAY_OPTION_FLAG, 0, 0, 0}};

/* Kinds in turn, so that a campaign has its shares whenever it is stopped: every other single case
 * has nothing planted. A whole run stands at the end of each turn. */
static const struct {
    int percent;
    bool extra;
} turn[] = {{3, false}, {10, true}, {1, false},  {3, true}, {10, false}, {5, true}, {2, false},
            {3, false}, {10, true}, {1, true}, {3, true}, {10, false}, {5, false}, {2, true}};
enum { SLOWED = sizeof turn / sizeof *turn, TURN = 2 * SLOWED + 1 };

static assay_trial trial_at(size_t index, uint64_t seed)
{
    static const int of_runs[] = {0, 3, 0, 10, 0, 3, 0, 5, 0, 2, 0, 1};
    enum { RUNS = sizeof of_runs / sizeof *of_runs };
    const size_t round = index / TURN;
    const size_t place = index % TURN;
    assay_trial t = {.cases = 1, .seconds = 10.0, .seed = seed + 1000000007u * (index + 1)};
    if (place == TURN - 1) {
        t.cases = ASSAY_TRIAL_CASES;
        t.percent = of_runs[round % RUNS];
        t.extra = round / RUNS % 2 == 1;
    } else if (place % 2 == 1) {
        t.percent = turn[place / 2].percent;
        t.extra = turn[place / 2].extra;
        t.seconds = t.percent >= 10 ? 10.0 : 60.0;
    } else {
        t.kernel = place % 4 == 2;
        t.seconds = 5.0;
    }
    return t;
}

/* --quick: six cases with nothing planted and three of twice the time, 12 pairs at most. It cannot
 * flake. Alarms: the order within a pair is drawn, so the exact test confirms a slowdown that is
 * not there with a chance of q/2 = 1/200 at most, whatever the noise; three of six alarm in 1 of
 * 400,000 (20 / 200^3). Misses: for each of the three a pair is needed, among its 15 at most, that
 * comes out wrong by a factor of two though it is the median of 256 interleaved rounds. Were one
 * pair in 330 so, all three are missed in 1 of 10,000; of thousands taken on loaded machines
 * (reports/gate/) none was wrong by a tenth. Pairs are counted, not timed: a slow machine takes
 * longer and decides the same. */
enum { QUICK_ALARMS_MOST = 2, QUICK_PERCENT = 100, QUICK_PAIRS = 12 };
static const char quick_kinds[] = "ASASAXAAA"; /* as they are, a delay, extra work */
enum { QUICK = sizeof quick_kinds - 1 };

static assay_trial quick_at(size_t index, uint64_t seed)
{
    const char kind = quick_kinds[index];
    return (assay_trial){.cases = 1,
                         .percent = kind == 'A' ? 0 : QUICK_PERCENT,
                         .extra = kind == 'X',
                         .pairs_most = QUICK_PAIRS,
                         .seed = seed + 1000000007u * (index + 1)};
}

/* Whether the goal is out of reach of what was seen: a bound of 99% confidence, one-sided. */
static bool speaks_against(const assay_gate_tally *tally)
{
    double bound = 0.0;
    const assay_gate_share three = assay_gate_both(tally, 2);
    const assay_gate_share ten = assay_gate_both(tally, 4);
    const assay_gate_share *const a = &tally->alarms;
    const bool alarms =
        assay_proportion_lower(a->hits, a->trials, 0.99, &bound, NULL) == ASSAY_OK && bound > 0.01;
    const bool weak3 =
        assay_proportion_upper(three.hits, three.trials, 0.99, &bound, NULL) == ASSAY_OK &&
        bound < 0.95;
    const bool weak10 =
        assay_proportion_upper(ten.hits, ten.trials, 0.99, &bound, NULL) == ASSAY_OK &&
        bound < 0.99;
    return alarms || weak3 || weak10;
}

static assay_status run(const gate_options *options, assay_gate_log *log, assay_error *error)
{
    char path[ASSAY_BESIDE_PATH];
    assay_status status = assay_beside("assay_planted.so", path, error);
    const size_t wanted = options->quick          ? QUICK
                          : options->trials.given ? (size_t)options->trials.value
                                                  : TRIALS;
    const bool terminal = isatty(STDERR_FILENO) != 0;
    const double start = assay_clock_now();
    const double most = options->seconds.given ? options->seconds.value : INFINITY;
    while (status == ASSAY_OK && log->tally.trials < wanted && assay_clock_now() - start < most) {
        assay_trial trial = options->quick ? quick_at(log->tally.trials, options->seed)
                                           : trial_at(log->tally.trials, options->seed);
        if (terminal) {
            (void)fprintf(stderr, "\r%zu of %zu trials", log->tally.trials, wanted);
        }
        status = assay_trial_run(&trial, path, error);
        if (status == ASSAY_OK) {
            status = assay_gate_log_add(log, &trial, error);
        }
    }
    if (terminal) {
        (void)fputs("\r\033[K", stderr);
    }
    return status;
}

static int conclude(const gate_options *options, const assay_gate_tally *tally)
{
    const assay_gate_share three = assay_gate_both(tally, 2);
    const assay_gate_share ten = assay_gate_both(tally, 4);
    const assay_gate_share twice = assay_gate_both(tally, 5);
    const bool bad = options->quick
                         ? tally->alarms.hits > QUICK_ALARMS_MOST || twice.hits == 0
                         : speaks_against(tally);
    assay_gate_print(tally);
    printf("false alarms %zu/%zu; power 3%% %zu/%zu, 10%% %zu/%zu\n", tally->alarms.hits,
           tally->alarms.trials, three.hits, three.trials, ten.hits, ten.trials);
    return bad ? 1 : 0;
}

int assay_selftest_gate(int argc, char **argv)
{
    assay_error error = {.message = ""};
    size_t operands = 0;
    gate_options options = {.seed = 1};
    assay_gate_log log = {0};
    assay_status status = assay_options_parse(table, argc, argv, &options, NULL, &operands, &error);
    if (status == ASSAY_OK && options.resume && (options.json == NULL || options.quick)) {
        status = assay_fail(&error, ASSAY_BAD_ARGUMENT,
                            "--resume needs the --json FILE that it adds to, and no --quick");
    }
    if (status != ASSAY_OK) {
        (void)fprintf(stderr, "assay selftest gate: %s\n", error.message);
        return 2;
    }
    if (options.help) {
        (void)fputs(help, stdout);
        return 0;
    }
    status = assay_gate_log_open(options.json, options.resume, &log, &error);
    if (status == ASSAY_OK) {
        status = run(&options, &log, &error);
    }
    /* What was measured before something went wrong is told all the same. */
    const int verdict = log.tally.trials > 0 ? conclude(&options, &log.tally) : 3;
    if (status == ASSAY_OK && log.tally.trials == 0) {
        status = assay_fail(&error, ASSAY_BAD_INPUT, "nothing was measured: allow more --seconds");
    }
    if (status == ASSAY_OK && options.table != NULL) {
        status = assay_gate_table(&log.tally, options.table, &error);
    }
    if (status != ASSAY_OK) {
        (void)fprintf(stderr, "assay selftest gate: %s\n", error.message);
    }
    assay_gate_log_close(&log);
    return status == ASSAY_OK ? verdict : 3;
}
