#include "reports/plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

plot_series *plot_add(plot *p, const char *label, int colour, plot_kind kind)
{
    plot_series *const grown = realloc(p->series, (p->series_count + 1) * sizeof *grown);
    if (grown == NULL) {
        return NULL;
    }
    p->series = grown;
    plot_series *const series = &grown[p->series_count++];
    *series = (plot_series){.label = label, .colour = colour, .kind = kind};
    series->mark = colour < 0 ? 0 : colour;
    return series;
}

bool plot_add_point(plot_series *series, double x, double y, double low, double high)
{
    if (series == NULL) {
        return false;
    }
    if (series->count == series->room) {
        const size_t room = series->room == 0 ? 16 : series->room * 2;
        plot_point *const grown = realloc(series->point, room * sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        series->point = grown;
        series->room = room;
    }
    series->point[series->count++] = (plot_point){x, y, low, high};
    return true;
}

bool plot_add_tick(plot_axis *axis, double at, const char *label)
{
    plot_tick *const grown = realloc(axis->tick, (axis->tick_count + 1) * sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    axis->tick = grown;
    grown[axis->tick_count].at = at;
    (void)snprintf(grown[axis->tick_count].label, sizeof grown->label, "%s", label);
    axis->tick_count++;
    return true;
}

void plot_free(plot *p)
{
    for (size_t i = 0; i < p->series_count; i++) {
        free(p->series[i].point);
    }
    free(p->series);
    free(p->x.tick);
    free(p->y.tick);
    *p = (plot){0};
}
