#include "reports/plot_script.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/plot_axis.h"

enum { TOP = 21, BOTTOM = 44, LABEL_STEP = 13, LABEL_MAX = 26 };

typedef struct frame { /* in pixels */
    double width, height, left, right;
    plot_canvas canvas;
    plot_range x, y;
} frame;

/* Pixels from the plot's left and from its top, as the share of the canvas that gnuplot takes. */
static double across(const frame *f, double x)
{
    return (f->canvas.left + x) / f->canvas.width;
}

static double down(const frame *f, double y)
{
    return 1.0 - (f->canvas.top + y) / f->canvas.height;
}

static int colour_code(int colour)
{
    switch (colour) {
    case PLOT_COLOUR_INK: return PLOT_CODE_INK;
    case PLOT_COLOUR_MUTED: return PLOT_CODE_MUTED;
    case PLOT_COLOUR_BAD: return PLOT_CODE_BAD;
    default: return PLOT_CODE_SERIES + colour % PLOT_COLOURS;
    }
}

/* Letters, not bytes. */
static size_t letters(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++) {
        count += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return count;
}

static const char *behind_letters(const char *text, size_t count)
{
    for (; *text != '\0' && count > 0; count--) {
        do {
            text++;
        } while (((unsigned char)*text & 0xC0) == 0x80);
    }
    return text;
}

/* At most LABEL_MAX letters, the middle left out: names differ at both ends. */
static void shorten(const char *text, char *out, size_t size)
{
    const size_t count = letters(text);
    if (count <= LABEL_MAX) {
        (void)snprintf(out, size, "%s", text);
        return;
    }
    const size_t head = (size_t)(behind_letters(text, LABEL_MAX / 2) - text);
    (void)snprintf(out, size, "%.*s…%s", (int)head, text,
                   behind_letters(text, count - LABEL_MAX / 2 + 1));
}

typedef struct end_label {
    double at; /* pixels from the top of the area */
    const plot_series *series;
} end_label;

static int by_place(const void *a, const void *b)
{
    const double x = ((const end_label *)a)->at;
    const double y = ((const end_label *)b)->at;
    return (x > y) - (x < y);
}

/* Moves labels apart: down where they touch, then the whole stack back up into the area. */
static void spread(end_label *label, size_t count, double height)
{
    const double step = fmin(LABEL_STEP, height / (double)(count == 0 ? 1 : count));
    for (size_t i = 1; i < count; i++) {
        label[i].at = fmax(label[i].at, label[i - 1].at + step);
    }
    double limit = height;
    for (size_t i = count; i-- > 0; limit = label[i].at - step) {
        label[i].at = fmin(label[i].at, limit);
    }
}

static void write_end_labels(FILE *script, const plot *p, const frame *f)
{
    const double area = f->height - TOP - BOTTOM;
    end_label *const label = calloc(p->series_count + 1, sizeof *label);
    size_t count = 0;
    for (size_t i = 0; label != NULL && i < p->series_count; i++) {
        const plot_series *const series = &p->series[i];
        if (series->label != NULL && series->count > 0) {
            const double place = plot_place_of(&f->y, series->point[series->count - 1].y);
            label[count++] = (end_label){area * (1.0 - fmin(fmax(place, 0.0), 1.0)), series};
        }
    }
    if (label != NULL) {
        qsort(label, count, sizeof *label, by_place);
        spread(label, count, area);
    }
    for (size_t i = 0; i < count; i++) {
        char text[128];
        shorten(label[i].series->label, text, sizeof text);
        (void)fputs("set label ", script);
        plot_quote(script, text);
        (void)fprintf(script, " at screen %.5f, screen %.5f left front tc rgb '#0100%02X'\n",
                      across(f, f->width - f->right + 7.0), down(f, TOP + label[i].at),
                      colour_code(label[i].series->colour));
    }
    free(label);
}

static double right_margin(const plot *p)
{
    size_t most = 0;
    for (size_t i = 0; i < p->series_count; i++) {
        const plot_series *const series = &p->series[i];
        const size_t length = series->label != NULL ? letters(series->label) : 0;
        most = length > most ? length : most;
    }
    most = most > LABEL_MAX ? LABEL_MAX : most;
    return most == 0 ? 18.0 : 14.0 + 6.7 * (double)most;
}

static void write_frame(FILE *script, const plot *p, const frame *f)
{
    (void)fprintf(script,
                  "set lmargin at screen %.5f\nset rmargin at screen %.5f\n"
                  "set tmargin at screen %.5f\nset bmargin at screen %.5f\n"
                  "set border 3 lc rgb '#010002' lw 0.8\nset grid xtics ytics lt 1 lw 0.6 lc rgb "
                  "'#010003'\nset tics textcolor rgb '#010001'\nset xrange [%.17g:%.17g]\n"
                  "set yrange [%.17g:%.17g]\n%s%s",
                  across(f, f->left), across(f, f->width - f->right), down(f, TOP),
                  down(f, f->height - BOTTOM), f->x.low, f->x.high, f->y.low, f->y.high,
                  f->x.log ? "set logscale x\n" : "", f->y.log ? "set logscale y\n" : "");
    plot_write_ticks(script, &p->x, &f->x, 'x');
    plot_write_ticks(script, &p->y, &f->y, 'y');
    if (p->x.label != NULL) {
        (void)fputs("set label ", script);
        plot_quote(script, p->x.label);
        (void)fprintf(script, " at screen %.5f, screen %.5f center tc rgb '#010002'\n",
                      across(f, 0.5 * (f->left + f->width - f->right)), down(f, f->height - 9.0));
    }
    if (p->y.label != NULL) { /* level, above the axis: read without turning the head */
        (void)fputs("set label ", script);
        plot_quote(script, p->y.label);
        (void)fprintf(script, " at screen %.5f, screen %.5f left tc rgb '#010002'\n",
                      across(f, 4.0), down(f, 7.0));
    }
    if (p->mark_text[0] != '\0') {
        (void)fputs("set label ", script);
        plot_quote(script, p->mark_text);
        (void)fprintf(script, " at screen %.5f, screen %.5f right tc rgb '#010002'\n",
                      across(f, f->width - f->right), down(f, 7.0));
    }
}

/* Words above the last points of series. */
static void write_texts(FILE *script, const plot *p)
{
    for (size_t i = 0; i < p->series_count; i++) {
        const plot_series *const series = &p->series[i];
        if (series->text[0] != '\0' && series->count > 0) {
            const plot_point *const last = &series->point[series->count - 1];
            (void)fputs("set label ", script);
            plot_quote(script, series->text);
            (void)fprintf(script, " at %.9g, %.9g center front offset 0, 0.6 tc rgb '#0100%02X'\n",
                          last->x, last->y, colour_code(series->colour));
        }
    }
}

static void write_data(FILE *script, const plot *p)
{
    for (size_t i = 0; i < p->series_count; i++) {
        const plot_series *const series = &p->series[i];
        (void)fprintf(script, "$d%zu << EOD\n", i);
        for (size_t k = 0; k < series->count; k++) {
            const plot_point *const point = &series->point[k];
            if ((!p->y.log || point->y > 0.0) && (!p->x.log || point->x > 0.0) &&
                isfinite(point->x) && isfinite(point->y)) {
                (void)fprintf(script, "%.9g %.9g %.9g %.9g %s\n", point->x, point->y,
                              isfinite(point->low) ? point->low : point->y,
                              isfinite(point->high) ? point->high : point->y,
                              isnan(point->low) ? "1" : "NaN");
            }
        }
        (void)fputs("EOD\n", script);
    }
}

static bool has_hollow(const plot_series *series)
{
    bool any = false;
    for (size_t i = 0; i < series->count && series->kind == PLOT_LINE; i++) {
        any = any || isnan(series->point[i].low);
    }
    return any;
}

static void write_series(FILE *script, const plot_series *series, size_t i)
{
    static const int marks[] = {7, 5, 9, 13, 11, 15, 6, 4};
    const int code = colour_code(series->colour);
    const int mark = marks[(size_t)series->mark % (sizeof marks / sizeof *marks)];
    switch (series->kind) {
    case PLOT_LINE:
        (void)fprintf(script,
                      "$d%zu using 1:3:(0):($4-$3) with vectors nohead lw 1.2 lc rgb '#0100%02X' "
                      "notitle, $d%zu with lines lw 1.8 lc rgb '#0100%02X' notitle, ",
                      i, code, i, code);
        /* fall through */
    case PLOT_POINTS:
        (void)fprintf(script, "$d%zu with points pt %d ps 0.62 lc rgb '#0100%02X' notitle", i, mark,
                      code);
        if (has_hollow(series)) {
            (void)fprintf(script,
                          ", $d%zu using 1:($2*$5) with points pt 7 ps 0.38 lc rgb '#0100%02X' "
                          "notitle",
                          i, PLOT_CODE_PAPER);
        }
        break;
    case PLOT_BOUND:
        (void)fprintf(script, "$d%zu with lines lw 1.2 dt (4,3) lc rgb '#0100%02X' notitle", i,
                      code);
        break;
    case PLOT_STEPS:
    case PLOT_FRONT:
        (void)fprintf(script, "$d%zu with %s lw 1.4 lc rgb '#0100%02X' notitle", i,
                      series->kind == PLOT_STEPS ? "steps" : "fsteps", code);
        break;
    case PLOT_BAR:
        (void)fprintf(script,
                      "$d%zu using 3:2:3:4:($2-0.36):($2+0.36) with boxxyerror fs solid 1.0 "
                      "noborder lc rgb '#0100%02X' notitle",
                      i, code);
        break;
    }
}

void plot_size(const plot *p, double *width, double *height)
{
    *width = p->width > 0.0 ? p->width : 460.0;
    *height = p->height > 0.0 ? p->height : 300.0;
}

bool plot_script_on(FILE *script, const plot *p, const plot_canvas *canvas)
{
    frame f = {.left = p->left > 0.0 ? p->left : 58.0, .right = right_margin(p), .canvas = *canvas};
    plot_size(p, &f.width, &f.height);
    if (!plot_range_of(p, false, &f.x) || !plot_range_of(p, true, &f.y)) {
        return false;
    }
    write_frame(script, p, &f);
    write_end_labels(script, p, &f);
    write_texts(script, p);
    write_data(script, p);
    bool first = true;
    for (size_t i = 0; i < p->series_count; i++) {
        if (p->series[i].count > 0) {
            (void)fputs(first ? "plot " : ", ", script);
            write_series(script, &p->series[i], i);
            first = false;
        }
    }
    (void)fputs("\n", script);
    return true;
}

bool plot_script(FILE *script, const plot *p, const char *output)
{
    plot_canvas canvas = {0};
    plot_range range;
    if (!plot_range_of(p, false, &range) || !plot_range_of(p, true, &range)) {
        return false;
    }
    plot_size(p, &canvas.width, &canvas.height);
    (void)fprintf(script,
                  "reset\nset term svg size %.0f,%.0f dynamic noenhanced font 'sans,12'\n"
                  "set encoding utf8\nset output '%s'\nunset key\n",
                  canvas.width, canvas.height, output);
    (void)plot_script_on(script, p, &canvas);
    (void)fputs("unset output\n", script);
    return true;
}
