#include "verify/explain/options.h"

#include <stdlib.h>
#include <string.h>

#define TEXT(flag, member) {flag, ASSAY_OPTION_TEXT, offsetof(assay_explain_options, member), 0, 0}
#define FLAG(flag, member) {flag, ASSAY_OPTION_FLAG, offsetof(assay_explain_options, member), 0, 0}
#define INT(flag, member, lowest, highest)                                                         \
    {flag, ASSAY_OPTION_INT, offsetof(assay_explain_options, member), lowest, highest}
#define REAL(flag, member, lowest, highest)                                                        \
    {flag, ASSAY_OPTION_REAL, offsetof(assay_explain_options, member), lowest, highest}

enum {
    TOKENS_MAX = 1 << 20,
    LAYERS_MAX = 1 << 16,
    TOP_MAX = 1 << 20,
    VOCAB_MAX = 1 << 24,
    THREADS_MAX = 4096,
    TEMPERATURE_MAX = 1000,
    LIST_MAX = 1 << 24 /* entries of one list of latents or positions */
};

static const assay_option table[] = {
    TEXT("model", model),
    TEXT("explainer", explainer),
    TEXT("sae", sae),
    TEXT("recipe", recipe),
    TEXT("adapter", adapter),
    TEXT("mean", mean),
    TEXT("mean-key", mean_key),
    TEXT("feature", feature),
    TEXT("text", text),
    TEXT("hook", hook),
    TEXT("position", position),
    INT("top", top, 1, TOP_MAX),
    INT("layer", layer, 0, LAYERS_MAX),
    TEXT("steer", steer),
    TEXT("prompt", prompt),
    TEXT("positions", positions),
    FLAG("chat", chat),
    TEXT("date", date),
    FLAG("no-special-tokens", no_special_tokens),
    TEXT("style", style),
    TEXT("impl", impl),
    INT("max-new-tokens", max_new_tokens, 1, TOKENS_MAX),
    REAL("temperature", temperature, 0, TEMPERATURE_MAX),
    REAL("top-p", top_p, 0, 1),
    INT("sample-top-k", sample_top_k, 0, VOCAB_MAX),
    {"seed", ASSAY_OPTION_SEED, offsetof(assay_explain_options, seed), 0, 0},
    TEXT("eos", eos),
    INT("threads", threads, 1, THREADS_MAX),
    TEXT("dump", dump),
    FLAG("json", json),
    FLAG("legacy-label", legacy_label),
    FLAG("clean-up-spaces", clean_up_spaces),
    FLAG("help", help),
    {NULL, ASSAY_OPTION_FLAG, 0, 0, 0},
};

/* `given` without `needed` is a mistake that would otherwise be ignored in silence. */
static assay_status only_with(bool given, const char *name, bool needed, const char *other,
                              assay_error *error)
{
    if (given && !needed) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "--%s goes with %s only", name, other);
    }
    return ASSAY_OK;
}

static assay_status check_subject(const assay_explain_options *o, assay_error *error)
{
    const int chosen = (o->feature != NULL) + (o->text != NULL) + (o->steer != NULL);
    if (chosen != 1) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "%s of --feature, --text and --steer: give exactly one",
                          chosen == 0 ? "none" : "more than one");
    }
    if (o->model == NULL && (o->feature == NULL || o->explainer == NULL)) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "--model DIR is needed: a Llama folder with "
                          "config.json, weights and tokenizer.json");
    }
    if (o->sae == NULL && (o->feature != NULL || o->steer != NULL || o->top.given)) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "--sae PATH is needed with --feature, --top and --steer");
    }
    if ((o->steer != NULL) != (o->prompt != NULL)) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "--steer and --prompt go together");
    }
    if ((o->mean != NULL) != (o->mean_key != NULL)) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "--mean and --mean-key go together");
    }
    return ASSAY_OK;
}

static assay_status check_style(const assay_explain_options *o, assay_error *error)
{
    assay_style style = ASSAY_STYLE_SELFIE;
    if (o->style != NULL) {
        const assay_status status = assay_style_parse(o->style, &style, error);
        if (status != ASSAY_OK) {
            return status;
        }
    }
    const bool selfie = style == ASSAY_STYLE_SELFIE;
    if (o->steer == NULL && selfie && o->adapter == NULL) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "--adapter FILE is needed with --style selfie; 'identity' is none");
    }
    assay_status status = only_with(o->legacy_label, "legacy-label", selfie, "--style selfie",
                                    error);
    const bool greedy = o->temperature.given ? o->temperature.value == 0 : !selfie;
    if (status == ASSAY_OK && o->dump != NULL && o->steer == NULL && !greedy) {
        status = assay_fail(error, ASSAY_BAD_ARGUMENT, "--dump needs --temperature 0: the "
                            "generations of a golden bundle are greedy");
    }
    return status;
}

/* An option without its companion would do nothing, and the user would not know. */
static assay_status check_companions(const assay_explain_options *o, assay_error *error)
{
    const bool text = o->text != NULL;
    const bool steer = o->steer != NULL;
    const struct {
        bool given;
        const char *name;
        bool needed;
        const char *other;
    } rules[] = {
        {o->position != NULL, "position", text, "--text"},
        {o->top.given, "top", text, "--text"},
        {o->hook != NULL, "hook", text || steer, "--text and --steer"},
        {o->no_special_tokens, "no-special-tokens", text || steer, "--text and --steer"},
        {o->chat, "chat", text || steer, "--text and --steer"},
        {o->date != NULL, "date", o->chat, "--chat"},
        {o->positions != NULL, "positions", steer, "--steer"},
        {o->adapter != NULL, "adapter", !steer, "--feature and --text"},
        {o->mean != NULL, "mean", o->adapter != NULL, "--adapter"},
        {o->explainer != NULL, "explainer", !steer, "--feature and --text"},
        {o->style != NULL, "style", !steer, "--feature and --text"},
        {o->legacy_label, "legacy-label", !steer, "--feature and --text"},
        {o->layer.given, "layer", !steer, "--feature and --text"},
        {o->dump != NULL, "dump", !steer, "--feature and --text"},
        {o->recipe != NULL, "recipe", o->sae != NULL, "--sae"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const assay_status status = only_with(rules[i].given, rules[i].name, rules[i].needed,
                                              rules[i].other, error);
        if (status != ASSAY_OK) {
            return status;
        }
    }
    return ASSAY_OK;
}

assay_status assay_explain_options_parse(int argc, char **argv, assay_explain_options *options,
                                         assay_error *error)
{
    memset(options, 0, sizeof *options);
    size_t operands = 0;
    assay_status status = assay_options_parse(table, argc, argv, options, NULL, &operands, error);
    if (status != ASSAY_OK || options->help) {
        return status;
    }
    status = check_subject(options, error);
    if (status == ASSAY_OK) {
        status = check_companions(options, error);
    }
    return status == ASSAY_OK ? check_style(options, error) : status;
}

/* One item, "A" or "A-B", at *text, which moves past it. */
static bool parse_item(const char **text, int64_t lowest, int64_t highest, int64_t *first,
                       int64_t *last)
{
    char item[64];
    const size_t length = strcspn(*text, ",");
    if (length == 0 || length >= sizeof item) {
        return false;
    }
    memcpy(item, *text, length);
    item[length] = '\0';
    *text += length;
    char *const dash = strchr(item + 1, '-'); /* a leading one is a sign */
    if (dash != NULL) {
        *dash = '\0';
    }
    if (!assay_parse_int(item, lowest, highest, first)) {
        return false;
    }
    *last = *first;
    return dash == NULL || (*first >= 0 && assay_parse_int(dash + 1, *first, highest, last));
}

/* False when the list would pass its limit ("0-999999999") or memory is out. */
static bool append_range(int64_t first, int64_t last, int64_t **list, size_t *count)
{
    const size_t more = (size_t)(last - first + 1);
    int64_t *const grown = *count + more > LIST_MAX
                               ? NULL
                               : realloc(*list, (*count + more) * sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    for (size_t i = 0; i < more; i++) {
        grown[*count + i] = first + (int64_t)i;
    }
    *list = grown;
    *count += more;
    return true;
}

assay_status assay_ranges_parse(const char *what, const char *text, int64_t lowest, int64_t highest,
                                int64_t **list, size_t *count, assay_error *error)
{
    *list = NULL;
    *count = 0;
    int64_t first = 0;
    int64_t last = highest;
    const bool all = strcmp(text, "all") == 0;
    const char *at = text;
    do {
        if (!all && !parse_item(&at, lowest, highest, &first, &last)) {
            free(*list);
            *list = NULL;
            return assay_fail(error, ASSAY_BAD_ARGUMENT,
                              "--%s '%s': expected numbers from %lld to %lld as N, N,N, N-N or "
                              "'all'", what, text, (long long)lowest, (long long)highest);
        }
        if (!append_range(first, last, list, count)) {
            free(*list);
            *list = NULL;
            return assay_fail(error, ASSAY_NO_MEMORY, "--%s '%.80s': more than %d entries, or "
                              "memory is out; ask in parts", what, text, LIST_MAX);
        }
    } while (!all && *at++ == ',');
    return ASSAY_OK;
}
