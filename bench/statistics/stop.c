#include "bench/statistics/stop.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/statistics/order.h"
#include "bench/statistics/summary.h"

enum {
    FIRST_LOOK = 24,
    COUNT_MAX = 1000000
};
static const double seconds_bound = 10.0;
static const double seconds_most = 86400.0;

static assay_status refuse(const char *text, assay_error *error)
{
    return assay_fail(error, ASSAY_BAD_ARGUMENT,
                      "stopping rule '%s' is not understood; expected relative:1%%, count:200 or "
                      "time:2.5s (widths above 0 and below 100%%, 1 to %d samples, times up to one "
                      "day)",
                      text, COUNT_MAX);
}

/* A plain decimal number and its unit; no signs, hex, inf or nan, which strtod would take. */
static bool number(const char *text, double *value, const char **unit)
{
    if (!isdigit((unsigned char)text[0]) && text[0] != '.') {
        return false;
    }
    char *end = NULL;
    *value = strtod(text, &end);
    *unit = end;
    return end != text && strpbrk(text, "xXpP") == NULL && isfinite(*value);
}

assay_status assay_stop_parse(const char *text, assay_stop_rule *rule, assay_error *error)
{
    static const char *const names[] = {"relative:", "count:", "time:"};
    *rule = (assay_stop_rule){.seconds_max = seconds_bound, .count_max = COUNT_MAX};
    double value = 0.0;
    const char *unit = NULL;
    int kind = 0;
    while (kind < 3 && strncmp(text, names[kind], strlen(names[kind])) != 0) {
        kind++;
    }
    if (kind == 3 || !number(text + strlen(names[kind]), &value, &unit)) {
        return refuse(text, error);
    }
    rule->kind = (assay_stop_kind)kind;
    rule->count_min = FIRST_LOOK;
    bool good = strcmp(unit, "") == 0;
    if (kind == ASSAY_STOP_RELATIVE) {
        const bool percent = strcmp(unit, "%") == 0;
        rule->target = percent ? value / 100.0 : value;
        good = (good || percent) && rule->target > 0.0 && rule->target < 1.0;
    } else if (kind == ASSAY_STOP_COUNT) {
        rule->target = value;
        rule->count_min = 1;
        good = good && value >= 1.0 && value <= COUNT_MAX && value == floor(value);
    } else {
        const bool milli = strcmp(unit, "ms") == 0;
        rule->target = milli ? value / 1000.0 : value;
        rule->seconds_max = rule->target;
        rule->count_min = 1;
        good = (good || milli || strcmp(unit, "s") == 0) && rule->target > 0.0 &&
               rule->target <= seconds_most;
    }
    return good ? ASSAY_OK : refuse(text, error);
}

const char *assay_stop_name(assay_stop_kind kind)
{
    switch (kind) {
    case ASSAY_STOP_RELATIVE: return "relative";
    case ASSAY_STOP_COUNT: return "count";
    case ASSAY_STOP_TIME: return "time";
    }
    return "?";
}

char *assay_stop_text(const assay_stop_rule *rule, char *text, size_t size)
{
    const bool relative = rule->kind == ASSAY_STOP_RELATIVE;
    (void)snprintf(text, size, "%s:%.15g%s", assay_stop_name(rule->kind),
                   relative ? 100.0 * rule->target : rule->target,
                   relative                            ? "%"
                   : rule->kind == ASSAY_STOP_TIME     ? "s"
                                                       : "");
    return text;
}

assay_stop_state assay_stop_begin(const assay_stop_rule *rule)
{
    const assay_stop_state stop = {
        .rule = *rule,
        .next_look = rule->count_min > FIRST_LOOK ? rule->count_min : FIRST_LOOK,
        .width = INFINITY};
    return stop;
}

static assay_status look(assay_stop_state *stop, const double *samples, size_t count,
                         assay_error *error)
{
    const assay_status status = assay_check_finite(samples, count, "samples", error);
    if (status != ASSAY_OK) {
        return status;
    }
    double *sorted = assay_sorted_copy(samples, count);
    if (sorted == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory to sort %zu samples", count);
    }
    const size_t rank = assay_median_rank(count, ASSAY_CONFIDENCE);
    const double median = assay_median_sorted(sorted, count);
    const double width = sorted[count - rank] - sorted[rank - 1];
    stop->width = width == 0.0 ? 0.0 : width / fabs(median);
    stop->looks++;
    stop->next_look = count + count / 4;
    free(sorted);
    return ASSAY_OK;
}

assay_status assay_stop_ask(assay_stop_state *stop, const double *samples, size_t count,
                            double seconds, assay_error *error)
{
    if (stop->done) {
        return ASSAY_OK;
    }
    const assay_stop_rule *const rule = &stop->rule;
    const bool late = !(seconds < rule->seconds_max); /* a clock that gives NaN ends it too */
    const bool full = count >= rule->count_max;
    if (rule->kind == ASSAY_STOP_COUNT) {
        stop->reached = (double)count >= rule->target;
    } else if (rule->kind == ASSAY_STOP_TIME) {
        stop->reached = seconds >= rule->target && count >= rule->count_min;
    } else if (count >= stop->next_look || (count >= FIRST_LOOK && (late || full))) {
        const assay_status status = look(stop, samples, count, error);
        if (status != ASSAY_OK) {
            return status;
        }
        stop->reached = stop->width <= rule->target;
    }
    stop->done = stop->reached || full || late;
    return ASSAY_OK;
}
