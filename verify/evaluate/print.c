#include <math.h>
#include <string.h>

#include "verify/evaluate/report.h"
#include "verify/explain/print.h"

enum { CELL = 24, LABEL_WIDTH = 32 };

/* Column heads and how a measure's numbers are written. */
static const struct {
    const char *head, *form;
    int width;
} columns[ASSAY_MEASURE_COUNT] = {
    [ASSAY_MEASURE_label_accuracy] = {"labels", "%.3f", 12},
    [ASSAY_MEASURE_same_label] = {"same label", "%.3f", 12},
    [ASSAY_MEASURE_end_to_end_accuracy] = {"end to end", "%.3f", 12},
    [ASSAY_MEASURE_same_latent] = {"same latent", "%.3f", 12},
    [ASSAY_MEASURE_variance_explained] = {"variance", "%.3f", 12},
    [ASSAY_MEASURE_l0] = {"L0", "%.2f", 12},
    [ASSAY_MEASURE_nll_shift] = {"NLL shift", "%.1e", 17},
    [ASSAY_MEASURE_kl] = {"KL", "%.1e", 17}};

static void number(char *cell, const char *form, double value)
{
    /* The forms are the table's above. */
    if (strcmp(form, "%.3f") == 0) {
        (void)snprintf(cell, CELL, "%.3f", value);
    } else if (strcmp(form, "%.2f") == 0) {
        (void)snprintf(cell, CELL, "%.2f", value);
    } else {
        (void)snprintf(cell, CELL, "%.1e", value);
    }
}

static void print_values(const assay_evaluation *e, FILE *out)
{
    (void)fprintf(out, "%-16s", e->impl);
    for (int m = 0; m < ASSAY_MEASURE_COUNT; m++) {
        char cell[CELL];
        number(cell, columns[m].form, e->measure[m].value);
        (void)fprintf(out, " %*s", columns[m].width, cell);
    }
    (void)fputc('\n', out);
}

static void print_intervals(const assay_evaluation *e, bool colour, FILE *out)
{
    (void)fprintf(out, "%s%-16s", colour ? "\033[2m" : "", "");
    for (int m = 0; m < ASSAY_MEASURE_COUNT; m++) {
        char low[CELL];
        char high[CELL];
        char both[2 * CELL + 8];
        number(low, columns[m].form, e->measure[m].low);
        number(high, columns[m].form, e->measure[m].high);
        (void)snprintf(both, sizeof both, "%s..%s", low, high);
        (void)fprintf(out, " %*s", columns[m].width, both);
    }
    (void)fprintf(out, "%s\n", colour ? "\033[0m" : "");
}

static void print_one(const assay_evaluation *e, bool colour, FILE *out)
{
    if (e->result.verdict != ASSAY_PASS) {
        (void)fprintf(out, "%-16s %s: %s\n", e->impl, assay_verdict_name(e->result.verdict),
                      e->result.message);
        return;
    }
    print_values(e, out);
    print_intervals(e, colour, out);
    if (e->missed) {
        (void)fprintf(out, "%-16s %sMISSED%s %s\n", "", colour ? "\033[31m" : "",
                      colour ? "\033[0m" : "", e->result.message);
    }
}

static void print_head(const assay_world *world, const assay_world_pair *pair, FILE *out)
{
    size_t covered = 0;
    for (size_t c = 0; c < world->concept_count; c++) {
        covered += pair->best[c] >= 0 ? 1 : 0;
    }
    (void)fprintf(out,
                  "\nsae %s, adapter %s: latents stand for %zu of %zu concepts\n%-16s",
                  pair->sae_name, pair->adapter_name, covered, world->concept_count, "impl");
    for (int m = 0; m < ASSAY_MEASURE_COUNT; m++) {
        (void)fprintf(out, " %*s", columns[m].width, columns[m].head);
    }
    (void)fputc('\n', out);
}

void assay_evaluations_print(const assay_world *world, const assay_evaluations *all, bool colour,
                             FILE *out)
{
    (void)fprintf(out,
                  "# world  %s (seed %lld): %zu concepts, %zu texts, %zu content tokens of %zu, "
                  "hook %s\n",
                  world->folder, (long long)world->seed, world->concept_count, world->text_count,
                  world->content_count, world->token_count, world->hook_name);
    for (size_t p = 0; p < world->pair_count; p++) {
        print_head(world, &world->pair[p], out);
        for (size_t i = 0; i < all->count; i++) {
            if (all->item[i].adapter == world->pair[p].adapter_name) {
                print_one(&all->item[i], colour, out);
            }
        }
    }
}

static void print_label(const char *planted, int64_t latent, const char *said)
{
    const int rest = LABEL_WIDTH - (int)strlen(planted);
    if (latent < 0) {
        printf("%8s  ", "none");
    } else {
        printf("%8lld  ", (long long)latent);
    }
    assay_print_text(planted, strlen(planted));
    printf("%*s", rest > 2 ? rest : 2, "");
    if (said != NULL) {
        assay_print_text(said, strlen(said));
        (void)fputs(strcmp(planted, said) == 0 ? "" : "  (wrong)", stdout);
    } else {
        (void)fputs("no latent stands for it", stdout);
    }
    (void)fputc('\n', stdout);
}

void assay_evaluations_print_labels(const assay_world *world, const assay_observed *truth,
                                    size_t count)
{
    const size_t shown = count < world->concept_count ? count : world->concept_count;
    for (size_t p = 0; p < world->pair_count && shown > 0; p++) {
        const assay_world_pair *const pair = &world->pair[p];
        printf("\nsae %s, adapter %s: %zu of %zu labels, by float64\n%8s  %-*s%s\n",
               pair->sae_name, pair->adapter_name, shown, world->concept_count, "latent",
               LABEL_WIDTH, "planted", "said");
        for (size_t i = 0; i < shown; i++) {
            const size_t c = i * world->concept_count / shown;
            const int64_t latent = pair->best[c];
            print_label(world->label[c], latent,
                        latent >= 0 ? truth->pair[p].label[latent] : NULL);
        }
    }
}
