/* The options of `assay history`. */
#include <getopt.h>

#include "reports/cli.h"
#include "reports/history_commands.h"

const char history_help[] =
    "usage: assay history add RESULT... [--label TEXT] [--db FILE]\n"
    "       assay history list | show | check | plot | prune [options]\n"
    "\n"
    "Runs kept over time in one SQLite file. Whoever is killed or finds the disk full leaves what\n"
    "was stored as it was; several may write at once.\n"
    "\n"
    "  add      store result files (verify, bench) as one run, whole or not at all. The same "
    "files\n"
    "           again change nothing; a file that is part of another run is refused (files are\n"
    "           told apart by their bytes)\n"
    "  list     the runs: number, date, machine, revision\n"
    "  show     one run: command, environment, timings\n"
    "  check    the run stored last against the earlier ones of its machine. A slowdown is\n"
    "           confirmed when a step that lasts (from --least runs on) is found in its series, "
    "the\n"
    "           rate of false discoveries held over all cases; an accuracy loss is a bad verdict, "
    "or\n"
    "           an error that doubled with the same seed. What looks slower in this run alone is\n"
    "           printed as a suspect and fails nothing; so are timings and verdicts that the "
    "run\n"
    "           before had and this one lacks (GONE)\n"
    "  plot     cases over time, the steps marked: a page (.html), or one drawing (.svg, .png) of\n"
    "           the first cases that match, those with steps first\n"
    "  prune    delete all but the newest runs of each machine\n"
    "\n"
    "  --db FILE           the database (default: $ASSAY_HISTORY, else\n"
    "                      ~/.local/share/assay/history.sqlite)\n"
    "  --machine ID        list, show, plot, prune: only runs of this machine\n"
    "  --run N             check, show: this run instead of the last; prune: delete this one\n"
    "  --op GLOB, --impl GLOB, --case GLOB   only these; several with commas\n"
    "  --last N            runs looked at (default 200)\n"
    "  --least N           runs on each side of a step (default 3); of fewer than nine runs no "
    "step\n"
    "                      is told from noise\n"
    "  --recent N          a slowdown older than N runs is the new baseline (default 14)\n"
    "  --margin R          changes within this share are none (default 0.01)\n"
    "  --fdr Q             rate of false discoveries over all cases of a run (default 0.01)\n"
    "  --against-binary OLD   check: the assay program of the run before: it and this one time "
    "every\n"
    "                      suspect in turn, in fresh process pairs, which confirm or clear it "
    "(about\n"
    "                      ten pairs a suspect, some seconds each; on the machine of the run)\n"
    "  --pairs N           pairs of one suspect at the most (default 24)\n"
    "  --json FILE         check, list: as data; '-' is standard output\n"
    "  -o, --out FILE      plot: what to write (default history.html)\n"
    "  --keep N            prune: runs of each machine that stay\n"
    "\n"
    "Exit status: 0 good; 1 check: a confirmed slowdown or accuracy loss; 2 usage; 3 input, or\n"
    "check: nothing was measured that an earlier run of the machine has too.\n"
    "\n"
    "examples:\n"
    "  assay history add verify.json bench.json --label nightly\n"
    "  assay history check --db ci.sqlite --json check.json\n"
    "  assay history plot --op 'sae_*' -o sae.html\n"
    "  assay history plot --case encode-goodfire --impl scalar -o encode.png\n"
    "  assay history prune --keep 400\n";

enum {
    DB = 256,
    MACHINE,
    RUN,
    OP,
    IMPL,
    CASE,
    LAST,
    LEAST,
    RECENT,
    MARGIN,
    FDR,
    JSON,
    KEEP,
    LABEL,
    AGAINST,
    PAIRS
};

static const struct option table[] = {{"db", required_argument, NULL, DB},
                                      {"machine", required_argument, NULL, MACHINE},
                                      {"run", required_argument, NULL, RUN},
                                      {"op", required_argument, NULL, OP},
                                      {"impl", required_argument, NULL, IMPL},
                                      {"case", required_argument, NULL, CASE},
                                      {"last", required_argument, NULL, LAST},
                                      {"least", required_argument, NULL, LEAST},
                                      {"recent", required_argument, NULL, RECENT},
                                      {"margin", required_argument, NULL, MARGIN},
                                      {"fdr", required_argument, NULL, FDR},
                                      {"json", required_argument, NULL, JSON},
                                      {"keep", required_argument, NULL, KEEP},
                                      {"label", required_argument, NULL, LABEL},
                                      {"against-binary", required_argument, NULL, AGAINST},
                                      {"pairs", required_argument, NULL, PAIRS},
                                      {"out", required_argument, NULL, 'o'},
                                      {"help", no_argument, NULL, 'h'},
                                      {NULL, 0, NULL, 0}};

static assay_status whole(const char *name, const char *text, size_t low, size_t *value,
                          assay_error *error)
{
    double number;
    const assay_status status = cli_real(name, text, (double)low, 1e15, &number, error);
    *value = status == ASSAY_OK ? (size_t)number : 0;
    return status == ASSAY_OK && (double)*value != number
               ? assay_fail(error, ASSAY_BAD_ARGUMENT, "--%s '%s': expected a whole number", name,
                            text)
               : status;
}

static assay_status take(history_arguments *a, int option, const char *value, assay_error *error)
{
    size_t run = 0;
    assay_status status = ASSAY_OK;
    switch (option) {
    case DB:
        a->db = value;
        return value[0] != '\0' ? ASSAY_OK
                                : assay_fail(error, ASSAY_BAD_ARGUMENT,
                                             "--db '': expected a file's name");
    case MACHINE: a->machine = value; break;
    case OP: a->check.filter.op = value; break;
    case IMPL: a->check.filter.impl = value; break;
    case CASE: a->check.filter.case_id = value; break;
    case JSON: a->json = value; break;
    case LABEL: a->label = value; break;
    case AGAINST: a->old_program = value; break;
    case PAIRS: return whole("pairs", value, 2, &a->pairs, error);
    case 'o': a->out = value; break;
    case LAST: return whole("last", value, 1, &a->check.last, error);
    case LEAST: return whole("least", value, 2, &a->check.least, error);
    case RECENT: return whole("recent", value, 1, &a->check.recent, error);
    case MARGIN: return cli_real("margin", value, 0.0, 0.5, &a->check.margin, error);
    case FDR: return cli_real("fdr", value, 1e-9, 0.5, &a->check.q, error);
    case KEEP: a->keep_given = true; return whole("keep", value, 1, &a->keep, error);
    default: status = whole("run", value, 1, &run, error); a->run = (int64_t)run;
    }
    return status;
}

int history_read_options(int argc, char **argv, history_arguments *a)
{
    assay_error error = {.message = ""};
    int found;
    *a = (history_arguments){
        .out = "history.html",
        .pairs = 24,
        .check = {.last = 200, .recent = 14, .least = 3, .q = 0.01, .margin = 0.01}};
    cli_start();
    while ((found = getopt_long(argc, argv, ":o:h", table, NULL)) != -1) {
        if (found == 'h') {
            (void)fputs(history_help, stdout);
            a->help = true;
            return 0;
        }
        if (found == ':' || found == '?') {
            return cli_bad_option("history", argv, found);
        }
        if (take(a, found, optarg, &error) != ASSAY_OK) {
            return cli_complain("history", &error, 2);
        }
    }
    a->word = optind < argc ? argv[optind] : NULL;
    a->path = argv + optind + (optind < argc);
    a->path_count = (size_t)(argc - optind - (optind < argc));
    return 0;
}
