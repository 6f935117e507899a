#include "reports/plot_axis.h"

#include <math.h>
#include <string.h>

#include "reports/text.h"

static bool usable(double value, bool log)
{
    return isfinite(value) && (!log || value > 0.0);
}

static void widen(plot_range *range, double value)
{
    if (usable(value, range->log)) {
        range->low = fmin(range->low, value);
        range->high = fmax(range->high, value);
    }
}

static void add_margin(plot_range *range)
{
    if (range->log) {
        const double spread = fmax(log10(range->high / range->low), 0.6);
        const double centre = 0.5 * (log10(range->high) + log10(range->low));
        range->low = pow(10.0, centre - 0.55 * spread);
        range->high = pow(10.0, centre + 0.55 * spread);
        return;
    }
    range->low = fmin(range->low, 0.0);
    range->high = range->high > range->low ? range->low + 1.06 * (range->high - range->low)
                                           : range->low + 1.0;
}

/* On a logarithmic axis an interval of two processes that differ may span many decades. */
static const double interval_shown = 3.0;

bool plot_range_of(const plot *p, bool vertical, plot_range *range)
{
    const plot_axis *const axis = vertical ? &p->y : &p->x;
    *range = (plot_range){(double)INFINITY, -(double)INFINITY, axis->log};
    for (size_t i = 0; i < p->series_count; i++) {
        const plot_series *const series = &p->series[i];
        for (size_t k = 0; k < series->count; k++) {
            const plot_point *const point = &series->point[k];
            const bool spans = (series->kind == PLOT_BAR) == !vertical;
            widen(range, vertical || series->kind != PLOT_BAR ? (vertical ? point->y : point->x)
                                                              : point->high);
            if (spans && vertical && isnan(point->low)) {
                continue; /* no interval */
            }
            if (spans && vertical && axis->log) { /* what goes further is cut off at the frame */
                widen(range, fmax(point->low, point->y / interval_shown));
                widen(range, fmin(point->high, point->y * interval_shown));
            } else if (spans) {
                widen(range, point->low);
                widen(range, point->high);
            }
        }
    }
    if (!(range->low <= range->high)) {
        return false;
    }
    add_margin(range);
    range->low = usable(axis->low, axis->log) && axis->low != 0.0 ? axis->low : range->low;
    range->high = usable(axis->high, axis->log) && axis->high != 0.0 ? axis->high : range->high;
    return range->low < range->high;
}

double plot_place_of(const plot_range *range, double value)
{
    return range->log ? log(value / range->low) / log(range->high / range->low)
                      : (value - range->low) / (range->high - range->low);
}

/* formatted: gnuplot reads it as a format of printf, so a per cent sign is doubled. */
static void quote(FILE *script, const char *text, bool formatted)
{
    static const struct {
        char letter;
        const char *instead;
    } harmless[] = {{'\'', "’"}, {'`', "’"}, {'"', "”"}, {'\\', "/"},
                    {'<', "‹"},  {'>', "›"}, {'&', "+"}, {'@', "(at)"}};
    (void)fputc('\'', script);
    for (size_t length; *text != '\0'; text += length) {
        const size_t whole = text_letter(text);
        const char *instead = (unsigned char)*text < 0x20 ? " " : whole == 0 ? "?" : NULL;
        length = whole > 0 ? whole : 1;
        for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++) {
            instead = *text == harmless[i].letter ? harmless[i].instead : instead;
        }
        if (instead != NULL) {
            (void)fputs(instead, script);
        } else {
            (void)fputs(formatted && *text == '%' ? "%" : "", script);
            (void)fwrite(text, 1, length, script);
        }
    }
    (void)fputc('\'', script);
}

void plot_quote(FILE *script, const char *text)
{
    quote(script, text, false);
}

/* 1.00 k is 1 k on an axis, 0.50 is 0.5. */
static void drop_zeros(char *text)
{
    char *const point = strchr(text, '.');
    if (point == NULL) {
        return;
    }
    const size_t digits = strspn(point + 1, "0123456789");
    size_t kept = digits;
    while (kept > 0 && point[kept] == '0') {
        kept--;
    }
    const char *const rest = point + 1 + digits;
    memmove(kept > 0 ? point + 1 + kept : point, rest, strlen(rest) + 1);
}

/* 10⁻⁷, 2·10⁻⁷ where a prefix would not be understood. */
static void write_label(FILE *script, const plot_axis *axis, double value)
{
    static const char *const raised[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
    text_short text = value == 0.0    ? (text_short){"0"}
                      : axis->percent ? text_percent(value)
                      : axis->seconds ? text_seconds(value)
                                      : text_si(value);
    const int power = value > 0.0 ? (int)floor(log10(value) + 1e-9) : 0;
    const int digit = value > 0.0 ? (int)lround(value / pow(10.0, power)) : 0;
    if (!axis->percent && !axis->seconds && value > 0.0 && (value < 0.99e-3 || value > 1.01e12)) {
        const int size = power < 0 ? -power : power;
        char times[16] = "";
        if (digit != 1) {
            (void)snprintf(times, sizeof times, "%d·", digit);
        }
        (void)snprintf(text.text, sizeof text.text, "%s10%s%s%s", times, power < 0 ? "⁻" : "",
                       size >= 10 ? raised[size / 10 % 10] : "", raised[size % 10]);
    } else {
        drop_zeros(text.text);
    }
    quote(script, text.text, true);
}

static void write_decades(FILE *script, const plot_axis *axis, const plot_range *range)
{
    static const double mantissas[] = {1.0, 2.0, 5.0};
    const int from = (int)floor(log10(range->low));
    const int to = (int)ceil(log10(range->high));
    const bool fine = log10(range->high / range->low) < 2.0;
    const int step = 1 + (to - from) / 7;
    bool first = true;
    for (int power = from; power <= to; power++) {
        for (size_t i = 0; i < (fine ? 3 : 1); i++) {
            const double at = mantissas[i] * pow(10.0, power);
            const double place = plot_place_of(range, at);
            if (place >= -1e-9 && place <= 1.0 + 1e-9 && (power - from) % step == 0) {
                (void)fputs(first ? "" : ", ", script);
                write_label(script, axis, at);
                (void)fprintf(script, " %.17g", at);
                first = false;
            }
        }
    }
}

static void write_steps(FILE *script, const plot_axis *axis, const plot_range *range)
{
    const double rough = (range->high - range->low) / 5.0;
    const double power = pow(10.0, floor(log10(rough)));
    const double step = rough / power <= 2.0   ? 2.0 * power
                        : rough / power <= 5.0 ? 5.0 * power
                                               : 10.0 * power;
    bool first = true;
    for (double at = ceil(range->low / step) * step; at <= range->high * (1.0 + 1e-9); at += step) {
        (void)fputs(first ? "" : ", ", script);
        write_label(script, axis, fabs(at) < 1e-9 * step ? 0.0 : at);
        (void)fprintf(script, " %.17g", at);
        first = false;
    }
}

void plot_write_ticks(FILE *script, const plot_axis *axis, const plot_range *range, char name)
{
    (void)fprintf(script, "set %ctics (", name);
    if (axis->tick != NULL) {
        for (size_t i = 0; i < axis->tick_count; i++) {
            (void)fputs(i == 0 ? "" : ", ", script);
            quote(script, axis->tick[i].label, true);
            (void)fprintf(script, " %.17g", axis->tick[i].at);
        }
    } else if (range->log) {
        write_decades(script, axis, range);
    } else {
        write_steps(script, axis, range);
    }
    (void)fputs(") scale 0.4 nomirror\n", script);
}
