#include "bench/print.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/clock.h"
#include "bench/counters.h"
#include "bench/statistics/telling.h"
#include "fixtures/io/json_file.h"

assay_bench_print assay_bench_print_begin(bool quiet)
{
    return (assay_bench_print){
        .terminal = isatty(STDERR_FILENO) == 1, .quiet = quiet, .start = assay_clock_now()};
}

static void clear(const assay_bench_print *print)
{
    if (print->terminal) {
        (void)fputs("\r\033[K", stderr);
    }
}

void assay_bench_print_progress(assay_bench_print *print, const char *case_id, const char *impl)
{
    const double spent = assay_clock_now() - print->start;
    const double left = print->done > 0
                            ? spent / (double)print->done * (double)(print->expected - print->done)
                            : 0.0;
    print->done++;
    if (!print->terminal) {
        return;
    }
    clear(print);
    (void)fprintf(stderr, "[%zu/%zu] %s %s", print->done, print->expected, case_id, impl);
    if (left > 0.0) {
        (void)fprintf(stderr, "  about %.0f:%02.0f left", floor(left / 60.0), fmod(left, 60.0));
    }
    (void)fflush(stderr);
}

void assay_bench_print_end(assay_bench_print *print)
{
    clear(print);
}

void assay_seconds_text(double seconds, char *text, size_t size)
{
    static const char *const units[] = {"ns", "us", "ms", "s"};
    double value = seconds * 1e9;
    int unit = 0;
    while (unit < 3 && value >= 999.5) {
        value /= 1e3;
        unit++;
    }
    (void)snprintf(text, size, "%.*f %s", value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2, value,
                   units[unit]);
}

static double number(const cJSON *object, const char *key)
{
    return assay_json_number_or(object, key, (double)NAN);
}

static const char *text_of(const cJSON *object, const char *key)
{
    const char *const text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text != NULL ? text : "?";
}

/* Timings and comparisons may come in turns: a head stands wherever the columns change. */
static void print_head(assay_bench_print *print, assay_bench_table table)
{
    if (print->table == table) {
        return;
    }
    print->table = table;
    if (table == ASSAY_TABLE_TIMINGS) {
        (void)printf("%-24s %-14s %6s %-5s %10s %7s %12s %7s %8s %7s  %s\n", "case", "impl",
                     "batch", "cache", "median", "+-", "rows/s", "floor", "samples", "cores",
                     "verdict");
    } else {
        (void)printf("%-24s %-14s %-14s %6s %-5s %8s %18s  %s\n", "case", "impl", "against",
                     "batch", "cache", "ratio", "95% interval", "verdict");
    }
}

/* The interval's half width over the median, or a dash. */
static void half_text(const cJSON *timing, char *text, size_t size)
{
    const cJSON *const summary = cJSON_GetObjectItemCaseSensitive(timing, "summary");
    const cJSON *const seconds = cJSON_GetObjectItemCaseSensitive(summary, "seconds");
    const double low = number(seconds, "low");
    const double high = number(seconds, "high");
    const double median = number(seconds, "value");
    if (assay_median_silence(median, low, high, (size_t)fmax(number(summary, "used"), 0.0),
                             (size_t)fmax(number(summary, "processes"), 1.0)) == NULL) {
        (void)snprintf(text, size, "%.1f%%", 50.0 * (high - low) / median);
    } else {
        (void)snprintf(text, size, "-");
    }
}

/* Whether the samples that count had their cores to themselves; of long ones nobody can tell. */
static const char *cores_text(const cJSON *timing)
{
    const cJSON *const summary = cJSON_GetObjectItemCaseSensitive(timing, "summary");
    const cJSON *const samples = cJSON_GetObjectItemCaseSensitive(timing, "samples");
    const double median =
        number(cJSON_GetObjectItemCaseSensitive(summary, "seconds"), "value");
    return number(summary, "alone") < 1.0 ? "shared"
           : !cJSON_HasObjectItem(samples, "core_share") ||
                   median * number(timing, "calls_per_sample") > ASSAY_SHARE_SECONDS
               ? "-"
               : "own";
}

void assay_bench_print_timing(assay_bench_print *print, const cJSON *timing)
{
    const cJSON *const summary = cJSON_GetObjectItemCaseSensitive(timing, "summary");
    const cJSON *const metrics = cJSON_GetObjectItemCaseSensitive(timing, "metrics");
    const double fraction =
        number(cJSON_GetObjectItemCaseSensitive(timing, "floor"), "fraction");
    char time[32];
    char floor_text[16] = "-";
    char half[16];
    assay_seconds_text(number(cJSON_GetObjectItemCaseSensitive(summary, "seconds"), "value"), time,
                       sizeof time);
    half_text(timing, half, sizeof half);
    if (isfinite(fraction)) {
        (void)snprintf(floor_text, sizeof floor_text, "%.1f%%", 100.0 * fraction);
    }
    clear(print);
    if (print->quiet) {
        return;
    }
    print_head(print, ASSAY_TABLE_TIMINGS);
    (void)printf("%-24s %-14s %6.0f %-5s %10s %7s %12.4g %7s %8.0f %7s  %s\n",
                 text_of(timing, "case"), text_of(timing, "impl"), number(timing, "batch"),
                 text_of(timing, "cache"), time, half,
                 number(metrics, "rows_per_second"), floor_text, number(summary, "used"),
                 cores_text(timing), text_of(timing, "verdict"));
    if (strcmp(text_of(timing, "verdict"), "PASS") != 0) {
        (void)printf("  %s\n", text_of(timing, "message"));
    }
    (void)fflush(stdout);
}

void assay_bench_print_skipped(assay_bench_print *print, const cJSON *skipped)
{
    clear(print);
    if (print->quiet) {
        return;
    }
    if (print->table == ASSAY_TABLE_NONE) {
        print_head(print, ASSAY_TABLE_TIMINGS);
    }
    (void)printf("%-24s %-14s %6.0f %-5s %10s  %s\n", text_of(skipped, "case"),
                 text_of(skipped, "impl"), number(skipped, "batch"), text_of(skipped, "cache"),
                 "left out", text_of(skipped, "reason"));
    (void)fflush(stdout);
}

void assay_bench_print_comparison(assay_bench_print *print, const cJSON *comparison)
{
    const cJSON *const ratio = cJSON_GetObjectItemCaseSensitive(comparison, "ratio");
    const double value = number(ratio, "value");
    const double low = number(ratio, "low");
    const double high = number(ratio, "high");
    char range[48] = "-";
    clear(print);
    if (print->quiet) {
        return;
    }
    if (assay_ratio_silence(value, low, high) == NULL) {
        (void)snprintf(range, sizeof range, "%.3f ... %6.3f", low, high);
    }
    print_head(print, ASSAY_TABLE_COMPARISONS);
    (void)printf("%-24s %-14s %-14s %6.0f %-5s %7.3fx  %18s  %s\n", text_of(comparison, "case"),
                 text_of(comparison, "impl"), text_of(comparison, "against"),
                 number(comparison, "batch"), text_of(comparison, "cache"), value, range,
                 text_of(comparison, "verdict"));
    if (number(comparison, "disturbed") > 0.0) {
        (void)printf("%24s in %.0f samples the GPU's clock was held down\n", "",
                     number(comparison, "disturbed"));
    }
    (void)fflush(stdout);
}
