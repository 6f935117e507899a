#include "bench/gate_print.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bench/statistics/interval.h"

static void print_share(const char *label, const assay_gate_share *share)
{
    assay_interval i;
    if (share->trials > 0 &&
        assay_clopper_pearson(share->hits, share->trials, 0.95, &i, NULL) == ASSAY_OK) {
        printf("  %-24s %zu/%zu = %.1f%% (95%% interval %.1f to %.1f%%)\n", label, share->hits,
               share->trials, 100.0 * (double)share->hits / (double)share->trials, 100.0 * i.low,
               100.0 * i.high);
    }
}

void assay_gate_print(const assay_gate_tally *tally)
{
    double upper = 1.0;
    char label[48];
    printf("%zu trials; a pair's ratio varies by %.2f%% (standard deviation)\n", tally->trials,
           100.0 * tally->noise / (double)tally->trials);
    if (assay_proportion_upper(tally->alarms.hits, tally->alarms.trials, 0.95, &upper, NULL) ==
        ASSAY_OK) {
        printf("one case, nothing planted: %zu/%zu alarms, at most %.2f%% with 95%% confidence; "
               "%zu suspected, %zu of them with time to confirm; %.1f s each\n",
               tally->alarms.hits, tally->alarms.trials, 100.0 * upper, tally->suspected,
               tally->confirmable, tally->seconds[0] / (double)tally->alarms.trials);
    }
    for (size_t i = 0; i < ASSAY_GATE_PERCENTS; i++) {
        const assay_gate_share all = assay_gate_both(tally, i);
        if (all.trials > 0) {
            printf("one case, %d%% slower (and as measured); %.1f s each\n", assay_gate_percent[i],
                   tally->seconds[i + 1] / (double)all.trials);
            for (size_t extra = 0; extra < 2; extra++) {
                const assay_gate_share *const share = &tally->power[i][extra];
                (void)snprintf(label, sizeof label, "%s (%.2f%%)",
                               extra == 1 ? "by extra work" : "by a delay",
                               100.0 * tally->slowdown[i][extra] / (double)share->trials - 100.0);
                print_share(label, share);
            }
        }
    }
    if (tally->run_alarms.trials > 0) {
        printf("runs of %d cases\n", ASSAY_TRIAL_CASES);
        print_share("false alarms", &tally->run_alarms);
        for (size_t i = 0; i < ASSAY_GATE_PERCENTS; i++) {
            (void)snprintf(label, sizeof label, "%d%% slower, found", assay_gate_percent[i]);
            print_share(label, &tally->run_power[i]);
        }
        printf("  %-24s %zu of %zu called slower\n", "false discoveries", tally->run_false,
               tally->run_slower);
    }
}

/* A row of the table: percent planted, percent measured, found, trials, rate, interval. */
static void row(FILE *file, int percent, double measured, const assay_gate_share *share)
{
    assay_interval i;
    if (share->trials > 0 &&
        assay_clopper_pearson(share->hits, share->trials, 0.95, &i, NULL) == ASSAY_OK) {
        (void)fprintf(file, "%d\t%.3f\t%zu\t%zu\t%.6f\t%.6f\t%.6f\n", percent, measured,
                      share->hits, share->trials, (double)share->hits / (double)share->trials,
                      i.low, i.high);
    }
}

static void write_cases(FILE *file, const assay_gate_tally *tally, size_t extra)
{
    (void)fprintf(file, "# %s\n", extra == 1 ? "extra" : "delay");
    row(file, 0, 0.0, &tally->alarms);
    for (size_t i = 0; i < ASSAY_GATE_PERCENTS; i++) {
        const assay_gate_share *const share = &tally->power[i][extra];
        const double mean = tally->slowdown[i][extra] / (double)share->trials;
        row(file, assay_gate_percent[i], 100.0 * mean - 100.0, share);
    }
    (void)fputs("\n\n", file);
}

assay_status assay_gate_table(const assay_gate_tally *tally, const char *path, assay_error *error)
{
    FILE *const file = fopen(path, "w");
    if (file == NULL) {
        return assay_fail(error, ASSAY_IO, "%s: cannot be written: %s", path, strerror(errno));
    }
    (void)fputs("# planted %\tmeasured %\tfound\ttrials\trate\tlow\thigh\n", file);
    write_cases(file, tally, 0);
    write_cases(file, tally, 1);
    (void)fputs("# runs\n", file);
    row(file, 0, 0.0, &tally->run_alarms);
    for (size_t i = 0; i < ASSAY_GATE_PERCENTS; i++) {
        row(file, assay_gate_percent[i], assay_gate_percent[i], &tally->run_power[i]);
    }
    const bool bad = ferror(file) != 0;
    return fclose(file) == 0 && !bad
               ? ASSAY_OK
               : assay_fail(error, ASSAY_IO, "%s: cannot be written: %s", path, strerror(errno));
}
