#include "verify/options.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_MAX = 64, OPTIONS_MAX = 64 };

size_t assay_edit_distance(const char *a, const char *b)
{
    const size_t rows = strnlen(a, WORD_MAX - 1);
    const size_t columns = strnlen(b, WORD_MAX - 1);
    size_t cost[WORD_MAX][WORD_MAX];
    for (size_t i = 0; i <= rows; i++) {
        for (size_t j = 0; j <= columns; j++) {
            if (i == 0 || j == 0) {
                cost[i][j] = i + j;
                continue;
            }
            const size_t change = cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            const size_t drop = cost[i - 1][j] + 1;
            const size_t insert = cost[i][j - 1] + 1;
            size_t least = change < drop ? change : drop;
            least = least < insert ? least : insert;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                cost[i - 2][j - 2] + 1 < least) {
                least = cost[i - 2][j - 2] + 1;
            }
            cost[i][j] = least;
        }
    }
    return cost[rows][columns];
}

bool assay_looks_like(const char *typed, const char *known)
{
    const size_t length = strlen(known);
    return assay_edit_distance(typed, known) <= (length > 5 ? 2u : 1u);
}

bool assay_parse_int(const char *text, int64_t lowest, int64_t highest, int64_t *value)
{
    char *end = NULL;
    errno = 0;
    const long long number = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || number < lowest || number > highest ||
        strspn(text, "-0123456789") != strlen(text)) {
        return false;
    }
    *value = number;
    return true;
}

bool assay_parse_real(const char *text, double *value)
{
    char *end = NULL;
    const double number = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(number)) {
        return false;
    }
    *value = number;
    return true;
}

static bool parse_seed(const char *text, uint64_t *value)
{
    char *end = NULL;
    errno = 0;
    const unsigned long long number = strtoull(text, &end, 0);
    if (errno != 0 || end == text || *end != '\0' || strchr(text, '-') != NULL) {
        return false;
    }
    *value = number;
    return true;
}

static assay_status unknown(const assay_option *table, const char *name, assay_error *error)
{
    for (const assay_option *option = table; option->name != NULL; option++) {
        if (assay_looks_like(name, option->name)) {
            return assay_fail(error, ASSAY_BAD_ARGUMENT,
                              "unknown option --%s; did you mean --%s?", name, option->name);
        }
    }
    return assay_fail(error, ASSAY_BAD_ARGUMENT, "unknown option --%s; --help lists them", name);
}

static assay_status set_number(const assay_option *option, const char *text, void *place,
                               assay_error *error)
{
    if (option->kind == ASSAY_OPTION_INT) {
        assay_option_int *const number = place;
        number->given = assay_parse_int(text, option->lowest, option->highest, &number->value);
        if (!number->given) {
            return assay_fail(error, ASSAY_BAD_ARGUMENT,
                              "--%s '%s': expected a whole number from %lld to %lld", option->name,
                              text, (long long)option->lowest, (long long)option->highest);
        }
        return ASSAY_OK;
    }
    assay_option_real *const number = place;
    number->given = assay_parse_real(text, &number->value) &&
                    number->value >= (double)option->lowest &&
                    number->value <= (double)option->highest;
    if (!number->given) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "--%s '%s': expected a number from %lld to "
                          "%lld", option->name, text, (long long)option->lowest,
                          (long long)option->highest);
    }
    return ASSAY_OK;
}

static assay_status set(const assay_option *option, const char *text, void *target,
                        assay_error *error)
{
    void *const place = (char *)target + option->offset;
    switch (option->kind) {
    case ASSAY_OPTION_FLAG: *(bool *)place = true; return ASSAY_OK;
    case ASSAY_OPTION_TEXT: *(const char **)place = text; return ASSAY_OK;
    case ASSAY_OPTION_SEED:
        if (!parse_seed(text, place)) {
            return assay_fail(error, ASSAY_BAD_ARGUMENT,
                              "--%s '%s': expected a whole number from 0 to 2^64-1", option->name,
                              text);
        }
        return ASSAY_OK;
    case ASSAY_OPTION_INT:
    case ASSAY_OPTION_REAL: break;
    }
    return set_number(option, text, place, error);
}

/* The option that word ("--name" or "--name=value") is, its index in *index, its inline value. */
static assay_status find(const assay_option *table, const char *word, size_t *index,
                         const char **value, assay_error *error)
{
    char name[WORD_MAX];
    const size_t length = strcspn(word + 2, "=");
    (void)snprintf(name, sizeof name, "%.*s", (int)(length < WORD_MAX ? length : WORD_MAX - 1),
                   word + 2);
    *value = word[2 + length] == '=' ? word + 3 + length : NULL;
    for (*index = 0; table[*index].name != NULL; (*index)++) {
        if (strcmp(table[*index].name, name) == 0) {
            return ASSAY_OK;
        }
    }
    return unknown(table, name, error);
}

static assay_status parse_one(const assay_option *table, int argc, char **argv, int *at,
                              bool *seen, void *target, assay_error *error)
{
    size_t index;
    const char *value;
    const assay_status status = find(table, argv[*at], &index, &value, error);
    if (status != ASSAY_OK) {
        return status;
    }
    const assay_option *const option = &table[index];
    if (index >= OPTIONS_MAX || seen[index]) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "--%s is given twice", option->name);
    }
    seen[index] = true;
    if (option->kind == ASSAY_OPTION_FLAG && value != NULL) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "--%s takes no value", option->name);
    }
    if (option->kind != ASSAY_OPTION_FLAG && value == NULL) {
        if (*at + 1 >= argc) {
            return assay_fail(error, ASSAY_BAD_ARGUMENT, "--%s needs a value", option->name);
        }
        value = argv[++*at];
    }
    return set(option, value, target, error);
}

assay_status assay_options_parse(const assay_option *table, int argc, char **argv, void *target,
                                 const char **operands, size_t *operand_count, assay_error *error)
{
    bool seen[OPTIONS_MAX] = {false};
    const size_t room = *operand_count;
    *operand_count = 0;
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) == 0 && argv[i][2] != '\0') {
            const assay_status status = parse_one(table, argc, argv, &i, seen, target, error);
            if (status != ASSAY_OK) {
                return status;
            }
        } else if (*operand_count < room) {
            operands[(*operand_count)++] = argv[i];
        } else {
            return assay_fail(error, ASSAY_BAD_ARGUMENT, "unexpected '%s'; --help shows the usage",
                              argv[i]);
        }
    }
    return ASSAY_OK;
}

assay_status assay_options_take(const char *name, int *argc, char **argv, const char **values,
                                size_t most, size_t *count, assay_error *error)
{
    const size_t length = strlen(name);
    int kept = 1;
    for (int i = 1; i < *argc; i++) {
        const char *const word = argv[i];
        const bool named = strncmp(word, "--", 2) == 0 && strncmp(word + 2, name, length) == 0;
        const char after = named ? word[2 + length] : 'x';
        if (after != '=' && after != '\0') {
            argv[kept++] = argv[i];
            continue;
        }
        const char *const value =
            after == '=' ? word + 3 + length : (i + 1 < *argc ? argv[++i] : NULL);
        if (value == NULL || *value == '\0') {
            return assay_fail(error, ASSAY_BAD_ARGUMENT, "--%s needs a value", name);
        }
        if (*count == most) {
            return assay_fail(error, ASSAY_BAD_ARGUMENT, "--%s: at most %zu of them", name, most);
        }
        values[(*count)++] = value;
    }
    *argc = kept;
    return ASSAY_OK;
}
