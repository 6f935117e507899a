/* Concepts and texts. */
#include <stdlib.h>
#include <string.h>

#include "fixtures/io/json_file.h"
#include "verify/evaluate/world.h"

enum {
    CONCEPTS_LEAST = 6,
    CONCEPTS_MOST = 1 << 16,
    TEXTS_MOST = 1 << 20,
    TEXT_TOKENS_MOST = 1024, /* attention takes their square */
    WHERE_MAX = 4096 + 64
};

/* What float64's predictions of all content tokens may take. */
static const double predictions_most = 4e9;

/* The words of all concepts, sorted. */
typedef struct word_list {
    const char **word;
    size_t count;
} word_list;

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A member that must be a list of lowest to most things. */
static assay_status list_of(const char *where, const cJSON *object, const char *key, int lowest,
                            int most, const cJSON **list, assay_error *error)
{
    *list = cJSON_GetObjectItemCaseSensitive(object, key);
    const int count = cJSON_IsArray(*list) ? cJSON_GetArraySize(*list) : -1;
    return count >= lowest && count <= most
               ? ASSAY_OK
               : assay_fail(error, ASSAY_BAD_INPUT,
                            "%s: key '%s': expected a list of %d to %d things", where, key, lowest,
                            most);
}

static assay_status read_words(const char *where, const cJSON *concept, word_list *words,
                               assay_error *error)
{
    const cJSON *list = NULL;
    const cJSON *item = NULL;
    const assay_status status = list_of(where, concept, "words", 1, 1000, &list, error);
    if (status != ASSAY_OK) {
        return status;
    }
    const size_t more = (size_t)cJSON_GetArraySize(list);
    const char **const grown = realloc(words->word, (words->count + more) * sizeof *grown);
    if (grown == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a world's words");
    }
    words->word = grown;
    cJSON_ArrayForEach(item, list)
    {
        if (!cJSON_IsString(item) || item->valuestring[0] == '\0') {
            return assay_fail(error, ASSAY_BAD_INPUT, "%s: key 'words': expected words", where);
        }
        words->word[words->count++] = item->valuestring;
    }
    return ASSAY_OK;
}

static assay_status read_concepts(assay_world *world, const char *path, word_list *words,
                                  assay_error *error)
{
    const cJSON *list = NULL;
    const cJSON *item = NULL;
    assay_status status = list_of(path, world->language, "concepts", CONCEPTS_LEAST, CONCEPTS_MOST,
                                  &list, error);
    if (status != ASSAY_OK) {
        return status;
    }
    world->label = calloc((size_t)cJSON_GetArraySize(list), sizeof *world->label);
    if (world->label == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a world's concepts");
    }
    cJSON_ArrayForEach(item, list)
    {
        char where[WHERE_MAX];
        (void)snprintf(where, sizeof where, "%s: concepts[%zu]", path, world->concept_count);
        status = status == ASSAY_OK
                     ? assay_json_string(where, item, "label",
                                         &world->label[world->concept_count], error)
                     : status;
        status = status == ASSAY_OK ? read_words(where, item, words, error) : status;
        world->concept_count++;
    }
    qsort(words->word, words->count, sizeof *words->word, by_text);
    return status;
}

/* Where in text the word begins that ends at `end`; words stand between spaces. */
static size_t word_before(const char *text, size_t end)
{
    while (end > 0 && text[end - 1] != ' ') {
        end--;
    }
    return end;
}

/* Marks the tokens of a text that complete a concept's word: decoded up to there, the text ends
 * where a word does. */
static assay_status mark_content(assay_world *world, const char *text, const word_list *words,
                                 assay_world_text *into, assay_error *error)
{
    const size_t size = strlen(text);
    assay_status status = ASSAY_OK;
    into->content = world->content_count;
    for (int64_t t = 1; t < into->length && status == ASSAY_OK; t++) {
        char *before = NULL;
        size_t end = 0;
        status = assay_tokenizer_decode(world->words, world->token + into->first, (size_t)t + 1,
                                        true, false, &before, &end, error);
        if (status == ASSAY_OK && end <= size && memcmp(before, text, end) == 0 &&
            (end == size || text[end] == ' ')) {
            const char *const word = before + word_before(before, end);
            world->is_content[into->first + (size_t)t] =
                bsearch(&word, words->word, words->count, sizeof word, by_text) != NULL;
        }
        into->content_count += world->is_content[into->first + (size_t)t] ? 1 : 0;
        free(before);
    }
    world->content_count += into->content_count;
    return status;
}

static assay_status append_tokens(assay_world *world, const char *where, const char *text,
                                  assay_world_text *into, assay_error *error)
{
    int64_t *tokens = NULL;
    size_t count = 0;
    assay_status status =
        assay_tokenizer_encode(world->words, text, strlen(text), true, &tokens, &count, error);
    if (status == ASSAY_OK && count > TEXT_TOKENS_MOST) {
        status = assay_fail(error, ASSAY_BAD_INPUT,
                            "%s: key 'text': %zu tokens; at most %d are expected", where, count,
                            TEXT_TOKENS_MOST);
    }
    if (status != ASSAY_OK) {
        free(tokens);
        return status;
    }
    int64_t *const grown = realloc(world->token, (world->token_count + count + 1) * sizeof *grown);
    world->token = grown != NULL ? grown : world->token;
    bool *const marks = realloc(world->is_content, world->token_count + count + 1);
    world->is_content = marks != NULL ? marks : world->is_content;
    if (grown == NULL || marks == NULL) {
        free(tokens);
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a world's texts");
    }
    memcpy(grown + world->token_count, tokens, count * sizeof *tokens);
    memset(marks + world->token_count, 0, count * sizeof *marks);
    into->first = world->token_count;
    into->length = (int64_t)count;
    world->token_count += count;
    free(tokens);
    return ASSAY_OK;
}

static assay_status read_text(assay_world *world, const char *where, const cJSON *item,
                              const word_list *words, assay_world_text *into, assay_error *error)
{
    const char *text = NULL;
    assay_status status = assay_json_int(where, item, "concept", 0,
                                         (int64_t)world->concept_count - 1, &into->concept, error);
    if (status == ASSAY_OK) {
        status = assay_json_string(where, item, "text", &text, error);
    }
    if (status == ASSAY_OK) {
        status = append_tokens(world, where, text, into, error);
    }
    if (status == ASSAY_OK) {
        status = assay_json_int(where, item, "position", 1, into->length - 1, &into->position,
                                error);
    }
    if (status == ASSAY_OK) {
        status = mark_content(world, text, words, into, error);
    }
    if (status == ASSAY_OK && !world->is_content[into->first + (size_t)into->position]) {
        status = assay_fail(error, ASSAY_BAD_INPUT,
                            "%s: key 'position': token %lld completes no word of a concept (BOS "
                            "is token 0)",
                            where, (long long)into->position);
    }
    return status;
}

static assay_status read_texts(assay_world *world, const char *path, const word_list *words,
                               assay_error *error)
{
    const cJSON *list = NULL;
    const cJSON *item = NULL;
    assay_status status = list_of(path, world->language, "prompts", 1, TEXTS_MOST, &list, error);
    if (status != ASSAY_OK) {
        return status;
    }
    world->text = calloc((size_t)cJSON_GetArraySize(list), sizeof *world->text);
    if (world->text == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a world's texts");
    }
    cJSON_ArrayForEach(item, list)
    {
        char where[WHERE_MAX];
        (void)snprintf(where, sizeof where, "%s: prompts[%zu]", path, world->text_count);
        status = status == ASSAY_OK ? read_text(world, where, item, words,
                                                &world->text[world->text_count], error)
                                    : status;
        world->text_count++;
    }
    const double bytes = (double)world->content_count * (double)world->model.model.vocab * 8.0;
    if (status == ASSAY_OK && bytes > predictions_most) {
        status = assay_fail(error, ASSAY_BAD_INPUT,
                            "%s: key 'prompts': predictions of %zu content tokens would take %.1f "
                            "GB; at most %.0f GB are expected, keep fewer texts",
                            path, world->content_count, bytes / 1e9, predictions_most / 1e9);
    }
    return status;
}

assay_status assay_world_read_language(assay_world *world, assay_error *error)
{
    word_list words = {0};
    char *const path = assay_path_join(world->folder, "language.json");
    assay_status status = path != NULL ? ASSAY_OK
                                       : assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    if (status == ASSAY_OK) {
        status = assay_json_int(path, world->language, "seed", 0, INT64_C(1) << 53, &world->seed,
                                error);
    }
    if (status == ASSAY_OK) {
        status = assay_json_string(path, world->language, "hook", &world->hook_name, error);
    }
    if (status == ASSAY_OK &&
        assay_hook_parse(world->hook_name, &world->model.model, &world->hook, error) != ASSAY_OK) {
        char why[ASSAY_MESSAGE_MAX];
        (void)snprintf(why, sizeof why, "%s", error->message);
        status = assay_fail(error, ASSAY_BAD_INPUT, "%s: key 'hook': %.800s", path, why);
    }
    if (status == ASSAY_OK) {
        status = read_concepts(world, path, &words, error);
    }
    if (status == ASSAY_OK) {
        status = read_texts(world, path, &words, error);
    }
    free(words.word);
    free(path);
    return status;
}
