/* How restless the machine was in each run, told by all cases of the run together. */
#include <math.h>
#include <stdlib.h>

#include "bench/statistics/order.h"
#include "reports/history.h"

/* Cases that a run must share with the runs before for their spread to tell anything. */
enum { CASES_LEAST = 8 };

/* The part of the cases that moves no more than that, and the same of a normal deviate's size. */
static const double most_cases = 0.9;
static const double normal_90 = 1.6448536269514722; /* of either sign */

typedef struct move { /* of one case, from the run before to this one */
    size_t run;
    double by; /* difference of logarithms */
} move;

static int by_run(const void *a, const void *b)
{
    const size_t left = ((const move *)a)->run;
    const size_t right = ((const move *)b)->run;
    return (left > right) - (left < right);
}

static size_t collect(const history_table *table, move *moves)
{
    size_t count = 0;
    for (size_t i = 0; i < table->count; i++) {
        const history_series *const s = &table->series[i];
        for (size_t k = 1; k < s->count; k++) {
            const double before = s->point[k - 1].seconds.value;
            moves[count++] = (move){s->point[k].run, log(s->point[k].seconds.value / before)};
        }
    }
    qsort(moves, count, sizeof *moves, by_run);
    return count;
}

/* The deviation of one run's time from another's, as nine of ten cases have it around what all have
 * in common; NaN when too few tell. */
static double spread(const move *moves, size_t count, double *room)
{
    if (count < CASES_LEAST) {
        return (double)NAN;
    }
    for (size_t i = 0; i < count; i++) {
        room[i] = moves[i].by;
    }
    const double common = assay_median_reorder(room, count);
    for (size_t i = 0; i < count; i++) {
        room[i] = fabs(moves[i].by - common);
    }
    assay_sort(room, count);
    return assay_quantile_sorted(room, count, most_cases) / (normal_90 * sqrt(2.0));
}

assay_status history_note_unrest(history_table *table, size_t runs, assay_error *error)
{
    size_t points = 0;
    for (size_t i = 0; i < table->count; i++) {
        points += table->series[i].count;
    }
    move *const moves = calloc(points + 1, sizeof *moves);
    double *const room = calloc(points + 1, sizeof *room);
    table->unrest = calloc(runs + 1, sizeof *table->unrest);
    if (moves == NULL || room == NULL || table->unrest == NULL) {
        free(moves);
        free(room);
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for %zu timings", points);
    }
    const size_t count = collect(table, moves);
    double before = (double)NAN; /* of the moves into the run */
    size_t at = 0;
    for (size_t run = 0; run < runs; run++) {
        size_t end = at;
        while (end < count && moves[end].run == run + 1) {
            end++;
        }
        const double after = spread(moves + at, end - at, room);
        const double least = fmin(before, after); /* of one that is NaN: the other */
        table->unrest[run] = isfinite(least) ? least : 0.0;
        before = after;
        at = end;
    }
    free(moves);
    free(room);
    return ASSAY_OK;
}
