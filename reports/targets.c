#include "reports/targets.h"

#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/interval.h"
#include "reports/text.h"

enum { KIND, OP, CASE, BATCH, IMPL, AGAINST, CACHE, WANTED, WORDS, FIELDS };

typedef struct target {
    char *field[FIELDS];
    double wanted;
} target;

/* A row while batch sizes are gathered: the log of the mean's terms, squares of distances. */
typedef struct gathered {
    double sum, below, above, least;
    size_t count, slower;
    bool silent; /* a term's interval tells nothing, so that the mean has none */
    char batches[96];
} gathered;

static bool listed(const char *globs, const char *text)
{
    char one[128];
    while (*globs != '\0') {
        const size_t length = strcspn(globs, ",");
        (void)snprintf(one, sizeof one, "%.*s", (int)length, globs);
        if (fnmatch(one, text, 0) == 0) {
            return true;
        }
        globs += length + (globs[length] == ',');
    }
    return false;
}

static bool meant(const target *t, const char *op, const char *id, double batch, const char *impl,
                  const char *cache)
{
    char number[32];
    (void)snprintf(number, sizeof number, "%.0f", batch);
    return listed(t->field[OP], op) && listed(t->field[CASE], id) &&
           listed(t->field[BATCH], number) && listed(t->field[IMPL], impl) &&
           listed(t->field[CACHE], cache);
}

static void add_batch(gathered *g, double batch)
{
    const size_t used = strlen(g->batches);
    (void)snprintf(g->batches + used, sizeof g->batches - used, "%s%.0f", used > 0 ? "," : "",
                   batch);
    g->count++;
}

static bool is_compared(const target *t, const results_comparison *c)
{
    return meant(t, c->op, c->case_id, c->batch, c->impl, c->cache) &&
           listed(t->field[AGAINST], c->against) && c->ratio.value > 0.0;
}

static bool same_row(const results_comparison *a, const results_comparison *b)
{
    return strcmp(a->op, b->op) == 0 && strcmp(a->case_id, b->case_id) == 0 &&
           strcmp(a->impl, b->impl) == 0 && strcmp(a->cache, b->cache) == 0 &&
           a->threads == b->threads;
}

/* Whether i is the comparison of its row and batch size that is hardest to win. */
static bool is_best(const target *t, const assay_results *r, size_t i)
{
    const results_comparison *const mine = &r->comparison[i];
    for (size_t j = 0; j < r->comparison_count; j++) {
        const results_comparison *const c = &r->comparison[j];
        if (j != i && is_compared(t, c) && same_row(c, mine) && c->batch == mine->batch &&
            (c->ratio.value < mine->ratio.value ||
             (c->ratio.value == mine->ratio.value && j < i))) {
            return false;
        }
    }
    return true;
}

static void add_ratio(gathered *g, const results_comparison *c)
{
    const interval shown = interval_of_ratio(&c->ratio);
    const double middle = log(c->ratio.value);
    const double below = middle - log(shown.low);
    const double above = log(shown.high) - middle;
    g->silent = g->silent || !(isfinite(below) && isfinite(above));
    g->sum += middle;
    g->below += below * below;
    g->above += above * above;
    add_batch(g, c->batch);
}

static void cell(FILE *out, bool markdown, const char *text)
{
    if (markdown) {
        (void)fputs("| ", out);
        text_markdown(out, text);
        (void)fputc(' ', out);
    } else {
        (void)fprintf(out, "%s\t", text);
    }
}

static void print_row(FILE *out, bool markdown, const target *t, const char *id, const char *impl,
                      const gathered *g)
{
    char text[7][64] = {"", "", "", "", "", "", ""};
    const bool floor = strcmp(t->field[KIND], "floor") == 0;
    const double n = (double)g->count;
    const double value = floor ? g->least : exp(g->sum / n);
    const char *verdict = "not measured";
    if (g->count > 0) {
        (void)snprintf(text[0], sizeof text[0], "%.3g", value);
        (void)snprintf(text[4], sizeof text[4], "%zu", g->slower);
        verdict = value >= t->wanted ? "PASS" : "missed";
    }
    if (g->count > 0 && !floor && !g->silent) {
        (void)snprintf(text[1], sizeof text[1], "%.3g", value * exp(-sqrt(g->below) / n));
        (void)snprintf(text[2], sizeof text[2], "%.3g", value * exp(sqrt(g->above) / n));
    }
    (void)snprintf(text[3], sizeof text[3], "%.4g", t->wanted);
    const char *const row[] = {t->field[WORDS], t->field[OP], id,      impl,
                               t->field[AGAINST], g->batches, text[0], text[1],
                               text[2],         text[3],     text[4]};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        cell(out, markdown, row[i]);
    }
    (void)fprintf(out, markdown ? "| %s |\n" : "%s\n", verdict);
}

static size_t compared_rows(const target *t, const assay_results *r, bool markdown, FILE *out)
{
    size_t rows = 0;
    for (size_t i = 0; i < r->comparison_count; i++) {
        gathered g = {.least = (double)INFINITY};
        bool earlier = false;
        for (size_t j = 0; j < i && !earlier; j++) {
            earlier = is_compared(t, &r->comparison[j]) &&
                      same_row(&r->comparison[j], &r->comparison[i]);
        }
        if (earlier || !is_compared(t, &r->comparison[i])) {
            continue;
        }
        for (size_t j = i; j < r->comparison_count; j++) {
            const results_comparison *const c = &r->comparison[j];
            if (is_compared(t, c) && same_row(c, &r->comparison[i])) {
                g.slower += strcmp(c->verdict, "SLOWER") == 0;
                if (is_best(t, r, j)) {
                    add_ratio(&g, c);
                }
            }
        }
        print_row(out, markdown, t, r->comparison[i].case_id, r->comparison[i].impl, &g);
        rows++;
    }
    return rows;
}

/* Timings lie in the order of assay_timing_compare: a row's batch sizes follow one another. */
static size_t timed_rows(const target *t, const assay_results *r, bool markdown, FILE *out)
{
    gathered g = {.least = (double)INFINITY};
    size_t rows = 0;
    for (size_t i = 0; i < r->timing_count; i++) {
        const results_timing *const now = &r->timing[i];
        const results_timing *const next = i + 1 < r->timing_count ? now + 1 : NULL;
        if (meant(t, now->op, now->case_id, now->batch, now->impl, now->cache) &&
            isfinite(now->floor_fraction)) {
            g.least = fmin(g.least, now->floor_fraction);
            add_batch(&g, now->batch);
        }
        if (g.count > 0 && (next == NULL || strcmp(now->op, next->op) != 0 ||
                            strcmp(now->case_id, next->case_id) != 0 ||
                            strcmp(now->impl, next->impl) != 0 ||
                            strcmp(now->cache, next->cache) != 0 ||
                            now->threads != next->threads)) {
            print_row(out, markdown, t, now->case_id, now->impl, &g);
            rows++;
            g = (gathered){.least = (double)INFINITY};
        }
    }
    return rows;
}

static assay_status read_line(char *line, const char *path, size_t number, target *t,
                              assay_error *error)
{
    size_t count = 0;
    char *end = NULL;
    for (char *rest = line; rest != NULL && count < FIELDS;) {
        t->field[count++] = strsep(&rest, "\t");
    }
    if (count < FIELDS) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "%s, line %zu: %zu fields between tabs instead of %d "
                          "(reports/targets.h has their order)",
                          path, number, count, (int)FIELDS);
    }
    t->wanted = strtod(t->field[WANTED], &end);
    const bool known =
        strcmp(t->field[KIND], "ratio") == 0 || strcmp(t->field[KIND], "floor") == 0;
    if (!known || end == t->field[WANTED] || *end != '\0' || !(t->wanted > 0.0)) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "%s, line %zu: '%s' of at least '%s': expected ratio or floor, and a "
                          "number above 0",
                          path, number, t->field[KIND], t->field[WANTED]);
    }
    return ASSAY_OK;
}

assay_status report_targets(const assay_results *results, const char *path, bool markdown,
                            FILE *out, assay_error *error)
{
    static const char *const head[] = {"target", "op",     "case", "implementation",
                                       "against", "batch", "number", "low",
                                       "high",    "wanted", "SLOWER"};
    FILE *const file = fopen(path, "re");
    if (file == NULL) {
        return assay_fail(error, ASSAY_IO, "%s: cannot be read: %s", path, strerror(errno));
    }
    for (size_t i = 0; i < sizeof head / sizeof *head; i++) {
        cell(out, markdown, head[i]);
    }
    (void)fputs(markdown ? "| verdict |\n|---|---|---|---|---|---|--:|--:|--:|--:|--:|---|\n"
                         : "verdict\n",
                out);
    char *line = NULL;
    size_t size = 0;
    assay_status status = ASSAY_OK;
    for (size_t number = 1; status == ASSAY_OK && getline(&line, &size, file) >= 0; number++) {
        target t;
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#' || line[0] == '\0') {
            continue;
        }
        status = read_line(line, path, number, &t, error);
        if (status != ASSAY_OK) {
            break;
        }
        const bool floor = strcmp(t.field[KIND], "floor") == 0;
        const size_t rows = floor ? timed_rows(&t, results, markdown, out)
                                  : compared_rows(&t, results, markdown, out);
        if (rows == 0) {
            print_row(out, markdown, &t, t.field[CASE], t.field[IMPL],
                      &(gathered){.least = (double)INFINITY});
        }
    }
    free(line);
    (void)fclose(file);
    return status;
}
