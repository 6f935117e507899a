/* What implementations cost in explanations, against how fast they are. */
#include <math.h>
#include <string.h>

#include "reports/forms.h"
#include "reports/page.h"
#include "reports/text.h"

/* A measure as a column and as an axis. */
static const struct {
    const char *head, *axis;
    bool log;
} measures[RESULTS_MEASURES] = {
    {"labels", "label accuracy: up is better", false},
    {"same label", "same label as in float64: up is better", false},
    {"end to end", "end-to-end accuracy: up is better", false},
    {"same latent", "same latent as in float64: up is better", false},
    {"variance", "variance explained: up is better", false},
    {"L0", "active latents a token", false},
    {"NLL shift", "shift of the NLL, nats a token", false},
    {"KL", "KL from float64, nats a token: down is better", true}};

/* Evaluations of one world, SAE and adapter. */
typedef struct evaluation_group {
    const results_evaluation *first;
    size_t count;
} evaluation_group;

static bool next_group(const assay_results *r, size_t *at, evaluation_group *group)
{
    const results_evaluation *const first = &r->evaluation[*at];
    if (*at >= r->evaluation_count) {
        return false;
    }
    *group = (evaluation_group){first, 0};
    while (*at < r->evaluation_count && r->evaluation[*at].world_seed == first->world_seed &&
           strcmp(r->evaluation[*at].sae, first->sae) == 0 &&
           strcmp(r->evaluation[*at].adapter, first->adapter) == 0) {
        group->count++;
        (*at)++;
    }
    return true;
}

static text_short number(size_t measure, double value)
{
    text_short text = {"–"};
    if (isfinite(value) && measure < 5) {
        (void)snprintf(text.text, sizeof text.text, "%.3f", value);
    } else if (isfinite(value) && measure == 5) {
        (void)snprintf(text.text, sizeof text.text, "%.2f", value);
    } else if (isfinite(value)) {
        (void)snprintf(text.text, sizeof text.text, "%.2e", value);
    }
    return text;
}

static void show_row(report_page *page, const results_evaluation *e)
{
    FILE *const out = page->out;
    (void)fputs("<tr>", out);
    page_text_cell(out, e->impl);
    for (size_t m = 0; m < RESULTS_MEASURES; m++) {
        char text[192] = "–";
        if (isfinite(e->measure[m].value)) {
            (void)snprintf(text, sizeof text, "%s <span class=\"dim\">%s … %s</span>",
                           number(m, e->measure[m].value).text, number(m, e->measure[m].low).text,
                           number(m, e->measure[m].high).text);
        }
        page_number(out, e->measure[m].value, text);
    }
    (void)fputs("<td>", out);
    text_html(out, assay_verdict_name(e->verdict));
    if (e->message[0] != '\0') {
        (void)fputs(": ", out);
        text_html(out, e->message);
    }
    (void)fputs("</td>", out);
    page_file_cell(out, page->results, e->file);
    (void)fputs("</tr>\n", out);
}

static void show_table(report_page *page, const evaluation_group *group)
{
    (void)fputs("<p><b>", page->out);
    text_html(page->out, group->first->sae);
    (void)fputs("</b> · adapter ", page->out);
    text_html(page->out, group->first->adapter);
    (void)fprintf(page->out, " · world of seed %.0f, %.0f concepts, %.0f texts</p>\n",
                  group->first->world_seed, group->first->concepts, group->first->texts);
    page_file_head(page->out, page->results,
                   "implementation|#labels|#same label|#end to end|#same latent|#variance|#L0|"
                   "#NLL shift|#KL|verdict");
    for (size_t i = 0; i < group->count; i++) {
        show_row(page, &group->first[i]);
    }
    page_table_end(page->out);
}

/* The timing of an implementation in a group, at a batch size; NULL: none that counts. */
static const results_timing *timing_of(const timing_group *group, const char *impl, double batch)
{
    for (size_t i = 0; i < group->count; i++) {
        const results_timing *const t = &group->timing[i];
        if (t->batch == batch && t->verdict == ASSAY_PASS && !t->impossible &&
            strcmp(t->impl, impl) == 0) {
            return t;
        }
    }
    return NULL;
}

/* The case and batch size of `explain` at which most of the evaluated were timed; false: none. */
static bool find_timings(const assay_results *r, const evaluation_group *evaluations,
                         timing_group *best, double *batch)
{
    timing_group group;
    size_t most = 0;
    for (size_t at = 0; report_next_group(r, &at, &group);) {
        size_t timed;
        size_t count = 0;
        const double common = report_common_batch(&group, &timed);
        for (size_t i = 0; i < evaluations->count; i++) {
            count += timing_of(&group, evaluations->first[i].impl, common) != NULL;
        }
        if (strcmp(group.timing->op, "explain") == 0 && count > most) {
            most = count;
            *best = group;
            *batch = common;
        }
    }
    return most > 0;
}

static void draw(report_page *page, const evaluation_group *evaluations,
                 const timing_group *timings, double batch, size_t measure)
{
    const char *unit = "explanations";
    char label[64];
    char title[192];
    plot p = {.title = title};
    for (size_t i = 0; i < evaluations->count; i++) {
        const results_evaluation *const e = &evaluations->first[i];
        const results_timing *const t = timing_of(timings, e->impl, batch);
        const results_estimate *const m = &e->measure[measure];
        if (t == NULL || !isfinite(m->value) || (measures[measure].log && m->value <= 0.0)) {
            continue;
        }
        const double low = measures[measure].log ? fmax(m->low, 0.1 * m->value) : m->low;
        plot_series *const point =
            plot_add(&p, e->impl, report_colour(page, e->impl), PLOT_LINE);
        (void)plot_add_point(point, report_throughput(t, &unit).value, m->value, low, m->high);
    }
    (void)snprintf(label, sizeof label, "%s/s at batch %.0f: right is faster", unit, batch);
    (void)snprintf(title, sizeof title, "%s against throughput, SAE %.60s",
                   measures[measure].head, evaluations->first->sae);
    p.x = (plot_axis){.label = label, .log = true};
    p.y = (plot_axis){.label = measures[measure].axis, .log = measures[measure].log};
    char caption[192];
    (void)snprintf(caption, sizeof caption, "<b>%s</b>", measures[measure].head);
    page_figure(page, &p, caption);
    plot_free(&p);
}

static void draw_all(report_page *page, const evaluation_group *evaluations)
{
    timing_group timings;
    double batch = 0.0;
    if (!find_timings(page->results, evaluations, &timings, &batch)) {
        (void)fputs("<p class=\"note\">No timing of <code>explain</code> is among the files: with "
                    "one, each measure is drawn against throughput (<code>assay bench --op explain "
                    "--json</code>).</p>\n",
                    page->out);
        return;
    }
    (void)fputs("<p>Throughput of explain on ", page->out);
    report_group_name(page->out, timings.timing);
    (void)fputs("</p>\n<div class=\"grid\">\n", page->out);
    for (size_t m = 0; m < RESULTS_MEASURES; m++) {
        draw(page, evaluations, &timings, batch, m);
    }
    (void)fputs("</div>\n", page->out);
}

void report_meaning(report_page *page)
{
    const assay_results *const r = page->results;
    evaluation_group group;
    if (r->evaluation_count == 0) {
        return;
    }
    page_section(
        page->out, "meaning", "Meaning",
        "What an implementation’s precision costs in explanations, in a small trained world whose "
        "labels are known, with 95 % intervals by concept. Accuracy saturates and then falls off a "
        "cliff; the same-latent rate, the shift of the NLL and the KL divergence from float64 move "
        "before it.");
    for (size_t at = 0; next_group(r, &at, &group);) {
        show_table(page, &group);
        draw_all(page, &group);
    }
    page_section_end(page->out);
}

void report_meaning_markdown(const assay_results *r, FILE *out)
{
    (void)fputs("\n## Meaning\n\nMeasured in a small trained world, with 95% intervals by "
                "concept.\n\n| SAE | adapter | implementation |",
                out);
    for (size_t m = 0; m < RESULTS_MEASURES; m++) {
        (void)fprintf(out, " %s |", measures[m].head);
    }
    (void)fputs(" verdict |\n|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|---|\n", out);
    for (size_t i = 0; i < r->evaluation_count; i++) {
        const results_evaluation *const e = &r->evaluation[i];
        (void)fputs("| ", out);
        text_markdown(out, e->sae);
        (void)fputs(" | ", out);
        text_markdown(out, e->adapter);
        (void)fputs(" | ", out);
        text_markdown(out, e->impl);
        for (size_t m = 0; m < RESULTS_MEASURES; m++) {
            if (isfinite(e->measure[m].value)) {
                (void)fprintf(out, " | %s (%s to %s)", number(m, e->measure[m].value).text,
                              number(m, e->measure[m].low).text,
                              number(m, e->measure[m].high).text);
            } else {
                (void)fputs(" | –", out);
            }
        }
        (void)fprintf(out, " | %s%s", assay_verdict_name(e->verdict),
                      e->message[0] != '\0' ? ": " : "");
        text_markdown(out, e->message);
        (void)fputs(" |\n", out);
    }
}
